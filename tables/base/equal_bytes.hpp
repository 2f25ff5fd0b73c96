// SPDX-License-Identifier: BSD-3-Clause
// equal_bytes.hpp - are two short blocks of a size known at compile time equal? Without a call or a
// branch.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  2 bytes and more, in steps of two; made for keys of 12 to 40.
// Errors:  none.
// Spec:    none. g++ 12 calls memcmp() for such sizes, which costs a lookup a third of its time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace twinplane::tables {

template <std::size_t kBytes>
inline bool equal_bytes(const void* left, const void* right) noexcept {
  static_assert(kBytes >= 2 && kBytes % 2 == 0);
  const auto difference_at = [&]<class Word>(Word, std::size_t at) -> std::uint64_t {
    Word left_word;
    Word right_word;
    std::memcpy(&left_word, static_cast<const std::byte*>(left) + at, sizeof left_word);
    std::memcpy(&right_word, static_cast<const std::byte*>(right) + at, sizeof right_word);
    return static_cast<Word>(left_word ^ right_word);
  };
  std::uint64_t difference = 0;
  std::size_t at = 0;
  for (; at + 8 <= kBytes; at += 8) difference |= difference_at(std::uint64_t{}, at);
  if constexpr (kBytes % 8 >= 4) {
    difference |= difference_at(std::uint32_t{}, at);
    at += 4;
  }
  if constexpr (kBytes % 4 != 0) difference |= difference_at(std::uint16_t{}, at);
  return difference == 0;
}

}  // namespace twinplane::tables
