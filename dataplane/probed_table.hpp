// SPDX-License-Identifier: BSD-3-Clause
// probed_table.hpp - a small table of a few words an entry: one writer, readers on every core
// without locks. Open addressing in which entries never move.
//
// Thread:  try_find() and try_read() on any number of threads at once; everything else on one
//          thread, the one that writes.
// Memory:  twice the capacity in slots of kWords words and one more, taken by the constructor.
// Limits:  capacity 16..65536; a look goes over up to kProbesMax slots.
// Errors:  insert() answers kNoSlot when the table is full. try_find() may miss an entry that is
//          being written at that very moment; one that is left alone is always found.
// Spec:    dataplane/DESIGN.md D-D6 (reads that retry). A sequence lock a slot.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/sequence_locked.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {

// Form says what the words of a slot mean:
//   kWords, kFree, kRemoved         words of a slot that was never used since the last free run, at
//                                   which looks stop, and of one that was, at which they go on; all
//                                   words of kFree are 0
//   is_free(words), is_live(words)  neither of both: removed
//   is_same_key(words, words)       of two live ones
template <class Form>
class ProbedTable {
 public:
  using Words = std::array<std::uint64_t, Form::kWords>;

  static constexpr std::uint32_t kNoSlot = 0xFFFFFFFFU;
  static constexpr std::uint32_t kProbesMax = 64;

  explicit ProbedTable(std::uint32_t capacity) : capacity_(capacity) {
    TWINPLANE_CHECK(capacity, >=, 16U);
    TWINPLANE_CHECK(capacity, <=, 65536U);
    slot_mask_ = std::bit_ceil(capacity * 2) - 1;
    slots_ = std::make_unique<Slot[]>(slot_count());
  }

  // Any thread. `wanted` has the key of what is looked for, at home where its hash says.
  [[nodiscard]] bool try_find(std::uint64_t hash, const Words& wanted, Words& out) const noexcept {
    return find_shared(hash, wanted, out) != kNoSlot;
  }

  // The same, for whoever wants to know which slot it is; kNoSlot where there is none.
  std::uint32_t find_shared(std::uint64_t hash, const Words& wanted, Words& out) const noexcept {
    std::uint32_t slot = home_of(hash);
    for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = next(slot)) {
      if (!slots_[slot].try_read(out)) continue;
      if (Form::is_free(out)) return kNoSlot;
      if (Form::is_live(out) && Form::is_same_key(out, wanted)) return slot;
    }
    return kNoSlot;
  }

  // Any thread. False: there is nothing, or it is being written.
  [[nodiscard]] bool try_read(std::uint32_t slot, Words& out) const noexcept {
    return slots_[slot].try_read(out) && Form::is_live(out);
  }

  // The writing thread only, from here on. A slot stands for its key until erase().
  std::uint32_t find(std::uint64_t hash, const Words& wanted) const noexcept {
    std::uint32_t slot = home_of(hash);
    for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = next(slot)) {
      const Words words = slots_[slot].own_words();
      if (Form::is_free(words)) break;
      if (Form::is_live(words) && Form::is_same_key(words, wanted)) return slot;
    }
    return kNoSlot;
  }

  // The key must not be in the table.
  [[nodiscard]] std::uint32_t insert(std::uint64_t hash, const Words& words) noexcept {
    TWINPLANE_DCHECK(find(hash, words), ==, kNoSlot);
    if (live_count_ >= capacity_) return kNoSlot;
    std::uint32_t slot = home_of(hash);
    for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = next(slot)) {
      if (Form::is_live(slots_[slot].own_words())) continue;
      slots_[slot].write(words);
      ++live_count_;
      return slot;
    }
    return kNoSlot;
  }

  // Of the same key.
  void update(std::uint32_t slot, const Words& words) noexcept { slots_[slot].write(words); }

  void erase(std::uint32_t slot) noexcept {
    TWINPLANE_CHECK(Form::is_live(slots_[slot].own_words()), ==, true);
    --live_count_;
    if (!Form::is_free(slots_[next(slot)].own_words())) {
      slots_[slot].write(Form::kRemoved);
      return;
    }
    // Nobody's path goes on behind a run of removed slots that a free one ends: the whole run
    // becomes free.
    Words before;
    do {
      slots_[slot].write(Form::kFree);
      slot = (slot - 1) & slot_mask_;
      before = slots_[slot].own_words();
    } while (!Form::is_live(before) && !Form::is_free(before));
  }

  Words words(std::uint32_t slot) const noexcept { return slots_[slot].own_words(); }

  std::uint32_t slot_count() const noexcept { return slot_mask_ + 1; }

  std::uint32_t capacity() const noexcept { return capacity_; }

  std::uint32_t live_count() const noexcept { return live_count_; }

 private:
  // One does not cross a cache line.
  struct alignas(std::bit_ceil((Form::kWords + 1) * 8)) Slot : SequenceLocked<Form::kWords> {};

  std::uint32_t home_of(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash) & slot_mask_;
  }

  std::uint32_t next(std::uint32_t slot) const noexcept { return (slot + 1) & slot_mask_; }

  std::unique_ptr<Slot[]> slots_;
  std::uint32_t slot_mask_;
  std::uint32_t capacity_;
  std::uint32_t live_count_ = 0;
};

}  // namespace twinplane::dataplane
