// SPDX-License-Identifier: BSD-3-Clause
// half_open_queue.hpp - half-open sessions in the order they came, so that a full table can give up
// the oldest one.
//
// Thread:  the core that owns the partition.
// Memory:  8 bytes a slot when in use, none otherwise; cut from the caller's block.
// Limits:  as many places as slots; when it is full the oldest note is dropped (that session then
//          ends by its timeout).
// Errors:  none.
// Spec:    tables/DESIGN.md D-T6.
#pragma once

#include <cstdint>
#include <span>

#include "tables/base/carver.hpp"

namespace twinplane::tables {

class HalfOpenQueue {
 public:
  struct Note {
    std::uint32_t slot;
    std::uint32_t generation;
  };

  HalfOpenQueue(Carver& carver, std::uint32_t place_count) noexcept
      : ring_(carver.take<Note>(place_count)) {}

  void push(Note note) noexcept {
    if (ring_.empty()) return;
    if (size_ == ring_.size()) drop_oldest();
    ring_[(head_ + size_) % ring_.size()] = note;
    ++size_;
  }

  // Drops notes from the front until `is_half_open(note)` holds; false when none is left. `oldest`
  // is taken out.
  template <class IsHalfOpen>
  bool try_pop(IsHalfOpen&& is_half_open, Note& oldest) noexcept {
    while (size_ > 0) {
      oldest = ring_[head_];
      drop_oldest();
      if (is_half_open(oldest)) return true;
    }
    return false;
  }

  // Drops up to two stale notes from the front: called at each push, it keeps the queue near the
  // number of half-open sessions.
  template <class IsHalfOpen>
  void trim(IsHalfOpen&& is_half_open) noexcept {
    for (int i = 0; i < 2 && size_ > 0 && !is_half_open(ring_[head_]); ++i) drop_oldest();
  }

 private:
  void drop_oldest() noexcept {
    head_ = head_ + 1 == ring_.size() ? 0 : head_ + 1;
    --size_;
  }

  std::span<Note> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace twinplane::tables
