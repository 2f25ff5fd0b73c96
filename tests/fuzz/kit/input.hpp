// SPDX-License-Identifier: BSD-3-Clause
// input.hpp - a fuzzer's bytes, read from front to back as numbers and pieces.
//
// Thread:  one.
// Memory:  borrows the bytes.
// Limits:  none: when the bytes have ended, numbers are 0 and pieces are empty.
// Errors:  none; every input means something.
// Spec:    none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace twinplane::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t bytes)
      : rest_(std::as_bytes(std::span(data, bytes))) {}

  explicit Input(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool is_empty() const noexcept { return rest_.empty(); }

  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }

  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }

  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }

  // At most `count` bytes.
  std::span<const std::byte> take(std::size_t count) noexcept {
    const auto piece = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(piece.size());
    return piece;
  }

  std::span<const std::byte> take_rest() noexcept { return take(rest_.size()); }

 private:
  // Little-endian.
  std::uint64_t number(std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const std::byte byte : take(bytes)) {
      value |= std::to_integer<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }

  std::span<const std::byte> rest_;
};

}  // namespace twinplane::fuzz
