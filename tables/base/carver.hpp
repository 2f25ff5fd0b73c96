// SPDX-License-Identifier: BSD-3-Clause
// carver.hpp - cuts one block of memory into aligned arrays; with no block it only counts the
// bytes.
//
// Thread:  any; a value.
// Memory:  none of its own. The block is the caller's and must outlive what is cut from it. It is
//          zeroed, or holds tables of an earlier life: then every piece is zeroed when it is cut
//          but those of take_kept().
// Limits:  every piece starts on a cache line.
// Errors:  CHECK when the block is smaller than bytes() said.
// Spec:    ha2/PROTOCOL.md section 10, I7: memory is bounded and taken at start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tables/base/check.hpp"

namespace twinplane::tables {

inline constexpr std::size_t kCacheLineBytes = 64;

class Carver {
 public:
  // Counts only: every piece is empty, bytes() tells what a real block must hold.
  Carver() noexcept = default;

  enum class Block : std::uint8_t { kZeroed, kUsed };

  explicit Carver(std::span<std::byte> block, Block state = Block::kZeroed) noexcept
      : block_(block), is_counting_(false), is_used_(state == Block::kUsed) {
    TWINPLANE_CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % kCacheLineBytes, ==, 0U);
  }

  template <class T>
  std::span<T> take(std::size_t count) noexcept {
    const std::span<T> piece = take_kept<T>(count);
    if (is_used_) std::memset(static_cast<void*>(piece.data()), 0, piece.size_bytes());
    return piece;
  }

  // As take(); of a used block it is what stood there.
  template <class T>
  std::span<T> take_kept(std::size_t count) noexcept {
    const std::size_t start = used_bytes_;
    used_bytes_ += (count * sizeof(T) + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
    if (is_counting_) return {};
    TWINPLANE_CHECK(used_bytes_, <=, block_.size());
    return {reinterpret_cast<T*>(block_.data() + start), count};
  }

  // Bytes taken so far, a multiple of the cache line.
  std::size_t bytes() const noexcept { return used_bytes_; }

 private:
  std::span<std::byte> block_{};
  std::size_t used_bytes_ = 0;
  bool is_counting_ = true;
  bool is_used_ = false;
};

}  // namespace twinplane::tables
