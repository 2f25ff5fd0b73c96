// SPDX-License-Identifier: BSD-3-Clause
// byte_order.hpp - integers as they stand on the wire: little-endian byte arrays of alignment one.
//
// Thread:  any; values.
// Memory:  exactly kBytes bytes, no padding.
// Limits:  set() keeps the low 8 * kBytes bits.
// Errors:  none.
// Spec:    PROTOCOL.md section 2: all integers are little-endian, as on the machines at both ends.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace twinplane::ha2 {

static_assert(std::endian::native == std::endian::little, "both boxes are x86");

template <std::size_t kBytes, class Value>
struct LittleEndian {
  std::uint8_t bytes[kBytes];

  // Odd sizes in two parts: a copy of five bytes into eight that are read at once would wait for
  // the store buffer.
  Value get() const noexcept {
    if constexpr (kBytes == sizeof(Value)) {
      Value value;
      std::memcpy(&value, bytes, kBytes);
      return value;
    } else {
      Low low;
      std::memcpy(&low, bytes, sizeof low);
      return static_cast<Value>(low | static_cast<Value>(bytes[kBytes - 1]) << (8 * sizeof low));
    }
  }

  void set(Value value) noexcept {
    if constexpr (kBytes == sizeof(Value)) {
      std::memcpy(bytes, &value, kBytes);
    } else {
      const auto low = static_cast<Low>(value);
      std::memcpy(bytes, &low, sizeof low);
      bytes[kBytes - 1] = static_cast<std::uint8_t>(value >> (8 * sizeof low));
    }
  }

 private:
  using Low = std::conditional_t<kBytes == 5, std::uint32_t, std::uint16_t>;
  static_assert(kBytes == sizeof(Value) || kBytes == sizeof(Low) + 1);
};

using Le16 = LittleEndian<2, std::uint16_t>;
using Le24 = LittleEndian<3, std::uint32_t>;
using Le32 = LittleEndian<4, std::uint32_t>;
using Le40 = LittleEndian<5, std::uint64_t>;
using Le64 = LittleEndian<8, std::uint64_t>;

}  // namespace twinplane::ha2
