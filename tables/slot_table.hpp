// SPDX-License-Identifier: BSD-3-Clause
// slot_table.hpp - the one table engine: a fixed array of slots, an index over their keys, marks of
// what changed, ages.
//
// The owner fills, changes and empties slots, and marks them; the mirror is told what a slot holds
// and marks nothing.
//
// Thread:  the core that owns the partition, for everything.
// Memory:  per slot: the entry (64 or 128 bytes), 7.1 bytes of index a key, 4 of age, 8 of dirty
//          queues, 4 bits of maps. All of it is cut from the caller's block at construction;
//          nothing is allocated, resized or freed afterwards.
// Limits:  1 to 2^26 slots, one or two keys a slot, load to 100 % of the slots (the index stands at
//          0.75 then).
// Errors:  insert() refuses with a named reason and changes nothing. put() and empty() cannot fail
//          for lack of room.
// Spec:    tables/DESIGN.md D-T1 to D-T5.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tables/base/carver.hpp"
#include "tables/base/hash.hpp"
#include "tables/base/mutant.hpp"
#include "tables/dirty_queue.hpp"
#include "tables/hash_index.hpp"
#include "tables/live_map.hpp"
#include "tables/session.hpp"

namespace twinplane::tables {

struct SlotLimits {
  std::uint32_t slot_count = 0;
  std::uint32_t keys_per_slot = 2;  // 1 where no session is translated
};

enum class InsertStatus : std::uint8_t { kInserted, kFull, kIndexFull };

struct InsertResult {
  InsertStatus status;
  std::uint32_t slot;  // valid when kInserted
};

inline constexpr std::uint32_t kNoSlot = HashIndex::kSlotMask + 1;

struct Found {
  std::uint32_t slot;  // kNoSlot when the key is not in the table
  Side side;           // which of the session's keys it is
};

// The hashes of an entry's keys, so that they are computed once. `server` counts only where there
// is a second key.
struct KeyHashes {
  std::uint64_t client;
  std::uint64_t server;
};

// `Traits` says how an entry is read: see SessionTraits for the whole list.
template <class Traits>
class SlotTable {
 public:
  using Entry = typename Traits::Entry;
  using Key = typename Traits::Key;

  SlotTable(Carver& carver, SlotLimits limits, HashSeed seed) noexcept
      : entries_(carver.take<Entry>(limits.slot_count)),
        index_(carver, std::uint64_t{limits.slot_count} * limits.keys_per_slot),
        live_(carver, limits.slot_count),
        deadlines_ms_(carver.take<std::uint32_t>(limits.slot_count)),
        changes_(carver, limits.slot_count),
        refreshes_(carver, limits.slot_count),
        seed_(seed) {}

  static std::size_t bytes(SlotLimits limits) noexcept {
    Carver counter;
    const SlotTable table(counter, limits, HashSeed{});
    return counter.bytes();
  }

  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // ---- any role ---------------------------------------------------------------------------------

  Found find(const Key& key) const noexcept { return find_hashed(key, hash_of(key, seed_)); }

  // A burst of up to kBurst keys on its way through a lookup. The keys stay the caller's until
  // finish().
  static constexpr std::size_t kBurst = 64;

  struct Burst {
    std::span<const Key> keys;
    std::size_t moved_count = 0;
    std::array<std::uint64_t, kBurst> hashes;
    std::array<Found, kBurst> likely;
    // places in the burst whose key may be in its second bucket
    std::array<std::uint8_t, kBurst> moved;
  };

  // found[i] answers keys[i]; both have the same size.
  void find_burst(std::span<const Key> keys, std::span<Found> found) const noexcept {
    TWINPLANE_CHECK(keys.size(), ==, found.size());
    Burst burst;
    for (std::size_t at = 0; at < keys.size(); at += kBurst) {
      start(burst, keys.subspan(at, std::min(kBurst, keys.size() - at)));
      advance(burst);
      finish(burst, found.subspan(at));
    }
  }

  // The same in three steps, for a caller that has other work to do while memory answers: best of
  // all the steps of other bursts, in the order start(next), finish(last), advance(next). A burst
  // alone waits for memory twice. Between start() and finish() the table may change: the answer is
  // that of finish().
  [[gnu::flatten]] void start(Burst& burst, std::span<const Key> keys) const noexcept {
    TWINPLANE_CHECK(keys.size(), <=, kBurst);
    burst.keys = keys;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      burst.hashes[i] = hash_of(keys[i], seed_);
      index_.prefetch(burst.hashes[i]);
    }
  }

  void advance(Burst& burst) const noexcept {
    burst.moved_count = 0;
    for (std::size_t i = 0; i < burst.keys.size(); ++i) {
      const HashIndex::Glimpse glimpse = index_.glimpse(burst.hashes[i]);
      burst.likely[i] = {glimpse.reference.slot, glimpse.reference.side};
      if (glimpse.reference.slot != kNoSlot) prefetch(glimpse.reference.slot);
      if (!glimpse.is_elsewhere) [[likely]]
        continue;
      index_.prefetch_second(burst.hashes[i]);
      burst.moved[burst.moved_count++] = static_cast<std::uint8_t>(i);
    }
    for (std::size_t i = 0; i < burst.moved_count; ++i) {
      const HashIndex::Reference reference = index_.glimpse_second(burst.hashes[burst.moved[i]]);
      if (reference.slot != kNoSlot) prefetch(reference.slot);
    }
  }

  void finish(const Burst& burst, std::span<Found> found) const noexcept {
    TWINPLANE_CHECK(burst.keys.size(), <=, found.size());
    for (std::size_t i = 0; i < burst.keys.size(); ++i) {
      const Found likely = burst.likely[i];
      found[i] = likely;
      if (likely.slot != kNoSlot &&
          !Traits::matches(entries_[likely.slot], likely.side, burst.keys[i])) [[unlikely]]
        found[i] = find_hashed(burst.keys[i], burst.hashes[i]);
    }
    for (std::size_t i = 0; i < burst.moved_count; ++i) {
      const std::size_t at = burst.moved[i];
      found[at] = find_hashed(burst.keys[at], burst.hashes[at]);
    }
  }

  const Entry& entry(std::uint32_t slot) const noexcept { return entries_[slot]; }

  void prefetch(std::uint32_t slot) const noexcept {
    const auto* bytes = reinterpret_cast<const std::byte*>(&entries_[slot]);
    for (std::size_t line = 0; line < sizeof(Entry); line += kCacheLineBytes)
      __builtin_prefetch(bytes + line, 1);
  }

  void prefetch_index(const Key& key) const noexcept { index_.prefetch(hash_of(key, seed_)); }

  std::uint32_t slot_count() const noexcept { return live_.slot_count(); }

  std::uint32_t live_count() const noexcept { return live_.live_count(); }

  const LiveMap& live() const noexcept { return live_; }

  const HashIndex& index() const noexcept { return index_; }

  // ---- owner ------------------------------------------------------------------------------------

  // Puts `value` into a free slot under a new generation and marks it whole. Its keys must not be
  // in the table.
  [[nodiscard]] InsertResult insert(const Entry& value) noexcept {
    const std::uint32_t slot = live_.find_free(cursor_);
    if (slot == LiveMap::kNone) [[unlikely]]
      return {InsertStatus::kFull, kNoSlot};
    if (!index_keys(slot, value, hashes_of(value))) [[unlikely]]
      return {InsertStatus::kIndexFull, kNoSlot};
    cursor_ = slot + 1 == live_.slot_count() ? 0 : slot + 1;
    if (slot / 64 != fetched_word_) fetch_next_free(slot / 64);
    Entry& target = entries_[slot];
    const unsigned step = is_mutant(Mutant::kGenerationStays) ? 0 : 1;
    const auto generation =
        static_cast<std::uint16_t>((Traits::generation(target) + step) & kGenerationMask);
    const std::uint8_t marks = Traits::marks(target);
    target = value;
    Traits::generation(target) = generation;
    Traits::marks(target) = marks;
    live_.set(slot);
    mark(slot, kMarkWhole);
    return {InsertStatus::kInserted, slot};
  }

  // Empties a full slot and marks it whole.
  void erase(std::uint32_t slot) noexcept {
    unindex_keys(slot);
    Traits::make_empty(entries_[slot]);
    deadlines_ms_[slot] = 0;
    live_.clear(slot);
    mark(slot, kMarkWhole);
  }

  // The entry to change in place: everything but its keys. Follow it by mark().
  Entry& changeable(std::uint32_t slot) noexcept { return entries_[slot]; }

  // Notes which field groups changed; DirtyMark bits.
  void mark(std::uint32_t slot, std::uint8_t groups) noexcept {
    if (!is_recording_) return;
    std::uint8_t& marks = Traits::marks(entries_[slot]);
    marks = static_cast<std::uint8_t>(marks | groups);
    if ((groups & (kMarkWhole | kMarkState)) != 0)
      changes_.push(slot);
    else
      refreshes_.push(slot);
  }

  // Off where there will never be a peer: then marks cost nothing.
  void set_recording(bool is_recording) noexcept { is_recording_ = is_recording; }

  DirtyQueue& changes() noexcept { return changes_; }

  DirtyQueue& refreshes() noexcept { return refreshes_; }

  const DirtyQueue& changes() const noexcept { return changes_; }

  const DirtyQueue& refreshes() const noexcept { return refreshes_; }

  // S1: takes the marks off before the slot is read.
  std::uint8_t take_marks(std::uint32_t slot) noexcept {
    std::uint8_t& marks = Traits::marks(entries_[slot]);
    const std::uint8_t taken = marks;
    marks = 0;
    return taken;
  }

  // Nothing waits any more: for the start of a stream, whose bulk walk will state every slot. One
  // bit a slot.
  void forget_marks() noexcept {
    changes_.reset();
    refreshes_.reset();
  }

  // ---- owner: ages ------------------------------------------------------------------------------

  // The slot ends at deadline_ms (a wrapping millisecond clock; 0 is kept for "not set" and becomes
  // 1).
  void set_deadline(std::uint32_t slot, std::uint32_t deadline_ms) noexcept {
    deadlines_ms_[slot] = deadline_ms == 0 ? 1 : deadline_ms;
    has_deadlines_ = true;
  }

  std::uint32_t deadline_ms(std::uint32_t slot) const noexcept { return deadlines_ms_[slot]; }

  // Looks at about `slot_budget` slots from where the last call stopped. Calls on_due(slot) for
  // full slots whose deadline has passed, and on_unset(slot) for full slots that have none yet (a
  // mirror's, after a takeover). Either may erase the slot.
  template <class OnDue, class OnUnset>
  std::uint32_t scan_ages(std::uint32_t now_ms, std::uint32_t slot_budget, OnDue&& on_due,
                          OnUnset&& on_unset) noexcept {
    std::uint32_t due_count = 0;
    for (std::uint32_t done = 0; done < slot_budget; done += 64) {
      if (scan_word_ >= live_.word_count()) scan_word_ = 0;
      const std::uint32_t base = scan_word_ * 64;
      std::uint64_t due = 0;
      const std::uint64_t live = live_.live_word(scan_word_);
      if (live != 0) due = due_in(base, now_ms) & live;
      for (; due != 0; due &= due - 1) {
        const std::uint32_t slot = base + static_cast<std::uint32_t>(std::countr_zero(due));
        ++due_count;
        if (deadlines_ms_[slot] == 0)
          on_unset(slot);
        else
          on_due(slot);
      }
      if (++scan_word_ >= live_.word_count()) scan_word_ = 0;
    }
    return due_count;
  }

  // ---- mirror -----------------------------------------------------------------------------------

  // The slot now holds `value`, generation included. Whatever it held before is gone, and so is any
  // other slot that holds one of the value's keys: the owner holds a key once, so that slot is old
  // news on its way out.
  void put(std::uint32_t slot, const Entry& value) noexcept { put(slot, value, hashes_of(value)); }

  // The same with what prefetch_keys() returned for this value.
  void put(std::uint32_t slot, const Entry& value, const KeyHashes& hashes) noexcept {
    Entry& target = entries_[slot];
    if (Traits::is_live(target)) {
      forget_deadline(slot);
      if (Traits::same_keys(target, value) || is_mutant(Mutant::kFastPutAnyKey)) {
        target = value;
        Traits::marks(target) = 0;
        return;
      }
      if (!is_mutant(Mutant::kKeepsOldKeys)) unindex_keys(slot);
    }
    target = value;
    Traits::marks(target) = 0;
    live_.set(slot);
    displace_keys(slot, hashes);
    if (!index_keys(slot, value, hashes)) [[unlikely]]
      ++unindexed_count_;
  }

  // Asks for the lines of the slot that put() and empty() touch: entry, age, map.
  void prefetch_change(std::uint32_t slot) const noexcept {
    prefetch(slot);
    live_.prefetch(slot);
    if (has_deadlines_) __builtin_prefetch(&deadlines_ms_[slot], 1);
  }

  // Second step before put(): the lines of the value's keys in the index.
  KeyHashes prefetch_keys(const Entry& value) const noexcept {
    const KeyHashes hashes = hashes_of(value);
    index_.prefetch(hashes.client);
    if (Traits::has_second_key(value)) index_.prefetch(hashes.server);
    return hashes;
  }

  // Second step before empty(): the slot's own line must have come.
  void prefetch_keys_of(std::uint32_t slot) const noexcept {
    const Entry& entry = entries_[slot];
    index_.prefetch(hash_of(Traits::key(entry, Side::kClient), seed_));
    if (Traits::has_second_key(entry))
      index_.prefetch(hash_of(Traits::key(entry, Side::kServer), seed_));
  }

  // The slot now holds nothing.
  void empty(std::uint32_t slot) noexcept {
    Entry& target = entries_[slot];
    if (!Traits::is_live(target)) {
      Traits::marks(target) = 0;
      return;
    }
    unindex_keys(slot);
    Traits::make_empty(target);
    Traits::marks(target) = 0;
    forget_deadline(slot);
    live_.clear(slot);
  }

  // How often put() found no place in the index. Stays 0: tables/DESIGN.md D-T2.
  std::uint64_t unindexed_count() const noexcept { return unindexed_count_; }

 private:
  Found find_hashed(const Key& key, std::uint64_t hash) const noexcept {
    const HashIndex::Reference reference = index_.find(hash, [&](HashIndex::Reference candidate) {
      return Traits::matches(entries_[candidate.slot], candidate.side, key);
    });
    return {reference.slot, reference.side};
  }

  KeyHashes hashes_of(const Entry& value) const noexcept {
    return {hash_of(Traits::key(value, Side::kClient), seed_),
            Traits::has_second_key(value) ? hash_of(Traits::key(value, Side::kServer), seed_) : 0};
  }

  // Free slots lie scattered in a table that has been in use: asks for those of the word after this
  // one, which come next.
  void fetch_next_free(std::uint32_t word_index) noexcept {
    fetched_word_ = word_index;
    if (word_index + 1 >= live_.word_count()) return;
    std::uint64_t free = ~live_.live_word(word_index + 1);
    for (int i = 0; i < kFetchMax && free != 0; ++i, free &= free - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(free));
      prefetch(std::min((word_index + 1) * 64 + bit, live_.slot_count() - 1));
    }
  }

  bool index_keys(std::uint32_t slot, const Entry& value, const KeyHashes& hashes) noexcept {
    if (!index_.insert(hashes.client, {slot, Side::kClient})) return false;
    if (!Traits::has_second_key(value)) return true;
    if (index_.insert(hashes.server, {slot, Side::kServer})) return true;
    index_.erase(hashes.client, {slot, Side::kClient});
    return false;
  }

  void unindex_keys(std::uint32_t slot) noexcept {
    const Entry& entry = entries_[slot];
    index_.erase(hash_of(Traits::key(entry, Side::kClient), seed_), {slot, Side::kClient});
    if (Traits::has_second_key(entry))
      index_.erase(hash_of(Traits::key(entry, Side::kServer), seed_), {slot, Side::kServer});
  }

  // Of an ownership that is over. An empty slot has none, and a table that was never owned has none
  // at all: its mirror is spared a line of memory with each change.
  void forget_deadline(std::uint32_t slot) noexcept {
    if (has_deadlines_) deadlines_ms_[slot] = 0;
  }

  void displace_keys(std::uint32_t slot, const KeyHashes& hashes) noexcept {
    displace_key(slot, Traits::key(entries_[slot], Side::kClient), hashes.client);
    if (Traits::has_second_key(entries_[slot]))
      displace_key(slot, Traits::key(entries_[slot], Side::kServer), hashes.server);
  }

  void displace_key(std::uint32_t slot, const Key& key, std::uint64_t hash) noexcept {
    const Found other = find_hashed(key, hash);
    if (other.slot != kNoSlot && other.slot != slot && !is_mutant(Mutant::kKeepsDisplacedKey))
      empty(other.slot);
  }

  // Bit i: the deadline of slot base + i has passed or is not set. A plain loop that the compiler
  // makes vectors of.
  std::uint64_t due_in(std::uint32_t base, std::uint32_t now_ms) const noexcept {
    std::uint64_t due = 0;
    const std::uint32_t count = std::min<std::uint32_t>(64, live_.slot_count() - base);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t deadline = deadlines_ms_[base + i];
      const bool is_due = deadline == 0 || static_cast<std::int32_t>(deadline - now_ms) <= 0;
      due |= std::uint64_t{is_due} << i;
    }
    return due;
  }

  std::span<Entry> entries_;
  HashIndex index_;
  LiveMap live_;
  std::span<std::uint32_t> deadlines_ms_;
  DirtyQueue changes_;
  DirtyQueue refreshes_;
  HashSeed seed_;
  static constexpr int kFetchMax = 16;
  std::uint32_t cursor_ = 0;
  std::uint32_t fetched_word_ = 0;
  std::uint32_t scan_word_ = 0;
  std::uint64_t unindexed_count_ = 0;
  bool is_recording_ = true;
  bool has_deadlines_ = false;
};

}  // namespace twinplane::tables
