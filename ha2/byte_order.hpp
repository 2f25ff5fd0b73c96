// SPDX-License-Identifier: BSD-3-Clause
// byte_order.hpp - integers as they stand on the wire: little-endian byte arrays of alignment one.
//
// Thread:  any; values.
// Memory:  exactly Bytes bytes, no padding.
// Limits:  set() keeps the low 8 * Bytes bits.
// Errors:  none.
// Spec:    PROTOCOL.md section 2: all integers are little-endian, as on the machines at both ends.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace twinplane::ha2 {

static_assert(std::endian::native == std::endian::little, "both boxes are x86");

template <std::size_t Bytes, class Value>
struct LittleEndian {
  std::uint8_t bytes[Bytes];

  Value get() const noexcept {
    Value value = 0;
    std::memcpy(&value, bytes, Bytes);
    return value;
  }

  void set(Value value) noexcept { std::memcpy(bytes, &value, Bytes); }
};

using Le16 = LittleEndian<2, std::uint16_t>;
using Le24 = LittleEndian<3, std::uint32_t>;
using Le32 = LittleEndian<4, std::uint32_t>;
using Le40 = LittleEndian<5, std::uint64_t>;
using Le64 = LittleEndian<8, std::uint64_t>;

}  // namespace twinplane::ha2
