// SPDX-License-Identifier: BSD-3-Clause
// dirty_queue.hpp - the slots that changed since they were last sent: first in, first out, each at
// most once.
//
// Thread:  the core that owns the partition.
// Memory:  4 bytes and one bit a slot; cut from the caller's block. It cannot overflow: a slot is
//          in it at most once.
// Limits:  up to 2^26 slots. Ages are kept by batches: 64 stamps, coarsened when they run out.
// Errors:  none.
// Spec:    tables/DESIGN.md D-T4; ha2/PROTOCOL.md section 5.4, rule S1.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tables/base/carver.hpp"
#include "tables/base/check.hpp"

namespace twinplane::tables {

class DirtyQueue {
 public:
  DirtyQueue(Carver& carver, std::uint32_t slot_count) noexcept
      : ring_(carver.take<std::uint32_t>(slot_count)),
        queued_(carver.take<std::uint64_t>((slot_count + 63) / 64)) {}

  // True when the slot was not in the queue yet.
  bool push(std::uint32_t slot) noexcept {
    std::uint64_t& word = queued_[slot / 64];
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    ring_[tail_] = slot;
    tail_ = tail_ + 1 == ring_.size() ? 0 : tail_ + 1;
    ++size_;
    ++pushed_count_;
    return true;
  }

  void prefetch(std::uint32_t slot) const noexcept { __builtin_prefetch(&queued_[slot / 64], 1); }

  // The slot `distance` places behind the oldest, for prefetching. Requires distance < size().
  std::uint32_t peek(std::size_t distance) const noexcept {
    TWINPLANE_DCHECK(distance, <, size_);
    const std::size_t place = head_ + distance;
    return ring_[place >= ring_.size() ? place - ring_.size() : place];
  }

  // Requires !empty().
  std::uint32_t pop() noexcept {
    TWINPLANE_DCHECK(size_, >, 0U);
    const std::uint32_t slot = ring_[head_];
    queued_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    head_ = head_ + 1 == ring_.size() ? 0 : head_ + 1;
    --size_;
    return slot;
  }

  // Takes slots off the front while take(slot) holds, at most count_max of them: pop() in a loop,
  // its state in registers. look_ahead(slot) is told of a slot `distance` places before its turn,
  // to prefetch it; it may be one that waits no more. Requires count_max <= size(). May stop early:
  // call again.
  template <class Take, class LookAhead>
  std::size_t pop_while(std::size_t count_max, std::size_t distance, Take&& take,
                        LookAhead&& look_ahead) noexcept {
    const std::span<std::uint32_t> ring = ring_;
    std::uint64_t* const queued = queued_.data();
    const std::size_t start = head_;
    const std::size_t end = std::min(start + count_max, ring.size());
    const std::size_t sighted_end = std::min(end, ring.size() - std::min(distance, ring.size()));
    std::size_t at = start;
    const auto try_take = [&] {
      const std::uint32_t slot = ring[at];
      if (!take(slot)) return false;
      queued[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
      return true;
    };
    for (; at < sighted_end; ++at) {
      look_ahead(ring[at + distance]);
      if (!try_take()) break;
    }
    if (at >= sighted_end)
      while (at < end && try_take()) ++at;
    head_ = at == ring.size() ? 0 : at;
    size_ -= at - start;
    return at - start;
  }

  bool contains(std::uint32_t slot) const noexcept {
    return (queued_[slot / 64] >> (slot % 64) & 1U) != 0;
  }

  bool empty() const noexcept { return size_ == 0; }

  std::size_t size() const noexcept { return size_; }

  // Notes that everything pushed up to here was pushed at or before now_ns. Once a poll is enough.
  void stamp(std::uint64_t now_ns) noexcept {
    const std::uint64_t popped_count = pushed_count_ - size_;
    std::size_t answered = 0;
    while (answered < stamp_count_ && stamps_[answered].pushed_count <= popped_count) ++answered;
    std::copy(stamps_.begin() + static_cast<std::ptrdiff_t>(answered),
              stamps_.begin() + static_cast<std::ptrdiff_t>(stamp_count_), stamps_.begin());
    stamp_count_ -= answered;
    if (size_ == 0 || (stamp_count_ > 0 && stamps_[stamp_count_ - 1].pushed_count == pushed_count_))
      return;
    if (stamp_count_ == stamps_.size()) coarsen();
    stamps_[stamp_count_++] = {pushed_count_, now_ns};
  }

  // When the oldest waiting slot was stamped; now_ns when nothing waits.
  std::uint64_t oldest_ns(std::uint64_t now_ns) const noexcept {
    const std::uint64_t popped_count = pushed_count_ - size_;
    for (std::size_t i = 0; i < stamp_count_; ++i)
      if (stamps_[i].pushed_count > popped_count) return stamps_[i].at_ns;
    return now_ns;
  }

  // Forgets all. Cost: one bit a slot if anything waits, else nothing: a mirror's queues are empty,
  // and its takeover must not depend on how many slots there are.
  void reset() noexcept {
    if (size_ != 0) std::ranges::fill(queued_, 0);
    head_ = tail_ = size_ = stamp_count_ = 0;
    pushed_count_ = 0;
  }

 private:
  struct Stamp {
    std::uint64_t pushed_count;
    std::uint64_t at_ns;
  };

  // Merges neighbours in pairs and keeps the earlier time, so that an age is never understated.
  void coarsen() noexcept {
    for (std::size_t i = 0; i < stamps_.size() / 2; ++i)
      stamps_[i] = {stamps_[2 * i + 1].pushed_count, stamps_[2 * i].at_ns};
    stamp_count_ = stamps_.size() / 2;
  }

  std::span<std::uint32_t> ring_;
  std::span<std::uint64_t> queued_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::size_t size_ = 0;
  std::uint64_t pushed_count_ = 0;
  std::array<Stamp, 64> stamps_{};
  std::size_t stamp_count_ = 0;
};

}  // namespace twinplane::tables
