// SPDX-License-Identifier: BSD-3-Clause
// live_map.hpp - which slots are full: one bit a slot, with summary levels that find a free slot in
// a few words.
//
// Thread:  the core that owns the partition.
// Memory:  slots / 8 bytes, and 1/64 of that again for the summaries; cut from the caller's block.
// Limits:  up to 2^26 slots.
// Errors:  none; kNone when every slot is full.
// Spec:    tables/DESIGN.md D-T3. The mirror keeps the same map while it applies, so that a
//          takeover has no free list to build.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tables/base/carver.hpp"

namespace twinplane::tables {

class LiveMap {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  LiveMap(Carver& carver, std::uint32_t slot_count) noexcept : slot_count_(slot_count) {
    std::uint32_t bit_count = slot_count;
    do {
      const std::uint32_t word_count = (bit_count + 63) / 64;
      levels_[level_count_] = carver.take<std::uint64_t>(word_count);
      // Bits past the end read as full, so that they are never handed out.
      if (!levels_[level_count_].empty() && bit_count % 64 != 0)
        levels_[level_count_].back() = ~std::uint64_t{0} << (bit_count % 64);
      ++level_count_;
      bit_count = word_count;
    } while (bit_count > 1);
  }

  bool is_live(std::uint32_t slot) const noexcept {
    return (levels_[0][slot / 64] >> (slot % 64) & 1U) != 0;
  }

  void prefetch(std::uint32_t slot) const noexcept {
    __builtin_prefetch(&levels_[0][slot / 64], 1);
  }

  void set(std::uint32_t slot) noexcept {
    live_count_ += is_live(slot) ? 0 : 1;
    high_water_ = std::max(high_water_, live_count_);
    for (std::size_t level = 0; level < level_count_; ++level) {
      std::uint64_t& word = levels_[level][slot / 64];
      word |= std::uint64_t{1} << (slot % 64);
      if (~word != 0) return;
      slot /= 64;
    }
  }

  void clear(std::uint32_t slot) noexcept {
    live_count_ -= is_live(slot) ? 1 : 0;
    for (std::size_t level = 0; level < level_count_; ++level) {
      std::uint64_t& word = levels_[level][slot / 64];
      const bool was_full = ~word == 0;
      word &= ~(std::uint64_t{1} << (slot % 64));
      if (!was_full) return;
      slot /= 64;
    }
  }

  // The first free slot at or after `from`, going round once; kNone when all are full.
  std::uint32_t find_free(std::uint32_t from) const noexcept {
    const std::uint32_t ahead = find_free_ahead(from);
    return ahead != kNone || from == 0 ? ahead : find_free_ahead(0);
  }

  // The 64 slots from 64 * word_index, bit i for slot 64 * word_index + i; bits past the last slot
  // are 0.
  std::uint64_t live_word(std::uint32_t word_index) const noexcept {
    const std::uint64_t word = levels_[0][word_index];
    const std::uint32_t rest = slot_count_ - word_index * 64;
    return rest >= 64 ? word : word & ~(~std::uint64_t{0} << rest);
  }

  std::uint32_t word_count() const noexcept { return (slot_count_ + 63) / 64; }

  std::uint32_t slot_count() const noexcept { return slot_count_; }

  std::uint32_t live_count() const noexcept { return live_count_; }

  // The most that were full at a time.
  std::uint32_t high_water() const noexcept { return high_water_; }

 private:
  std::uint32_t find_free_ahead(std::uint32_t from) const noexcept {
    std::uint32_t position = from;
    for (std::size_t level = 0; level < level_count_; ++level) {
      const std::uint32_t word_index = position / 64;
      if (word_index >= levels_[level].size()) return kNone;
      const std::uint64_t free =
          ~levels_[level][word_index] & (~std::uint64_t{0} << (position % 64));
      if (free != 0)
        return descend(level, word_index * 64 + static_cast<std::uint32_t>(std::countr_zero(free)));
      position = word_index + 1;
    }
    return kNone;
  }

  std::uint32_t descend(std::size_t level, std::uint32_t position) const noexcept {
    while (level-- > 0)
      position =
          position * 64 + static_cast<std::uint32_t>(std::countr_one(levels_[level][position]));
    return position;
  }

  std::array<std::span<std::uint64_t>, 6> levels_{};
  std::size_t level_count_ = 0;
  std::uint32_t slot_count_;
  std::uint32_t live_count_ = 0;
  std::uint32_t high_water_ = 0;
};

}  // namespace twinplane::tables
