// SPDX-License-Identifier: BSD-3-Clause
// slot_table.hpp - the one table engine: a fixed array of slots, an index over their keys, marks of
// what changed, ages.
//
// The owner fills, changes and empties slots, and marks them; the mirror is told what a slot holds
// and marks nothing. Over 500 lines, as entries, index, map, queues and ages change together in
// each step of either: the banners part them by who may call.
//
// Thread:  the core that owns the partition, for everything.
// Memory:  per slot: the entry (64 or 128 bytes of a session), 8.9 bytes of index a key, 4 of age,
//          8 of dirty queues (12 where arrivals are told), 4 bits of maps. All of it is cut from
//          the caller's block at construction; nothing is allocated, resized or freed afterwards.
// Limits:  0 to 2^26 slots, one or two keys a slot, load to 100 % of the slots (the index stands at
//          0.6 then).
// Errors:  insert() and rekey() refuse with a named reason and change nothing. put() and empty()
//          cannot fail for lack of room.
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
#include "tables/slot_marks.hpp"

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

enum class RekeyStatus : std::uint8_t { kRekeyed, kKeyHeld, kIndexFull };

struct RekeyResult {
  RekeyStatus status;
  std::uint32_t holder;  // kKeyHeld: the other slot that has one of the keys; else kNoSlot
};

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

// What became of the full entries of an earlier life.
struct AdoptedSlots {
  std::uint32_t kept = 0;
  std::uint32_t refused = 0;
};

// A key on its way through a lookup in steps.
struct KeyLookup {
  std::uint64_t hash = 0;
  std::uint32_t slot = kNoSlot;  // of the entry that its bucket names; kNoSlot when none
  Side side = Side::kClient;
  bool is_elsewhere = false;
};

// `Traits` says how an entry is read: see SessionTraits for the whole list.
template <class Traits>
class SlotTable {
 public:
  using TraitsType = Traits;
  using Entry = typename Traits::Entry;
  using Key = typename Traits::Key;

  SlotTable(Carver& carver, SlotLimits limits, HashSeed seed) noexcept
      : entries_(carver.take_kept<Entry>(limits.slot_count)),
        index_(carver, std::uint64_t{limits.slot_count} * limits.keys_per_slot),
        live_(carver, limits.slot_count),
        deadlines_ms_(carver.take<std::uint32_t>(limits.slot_count)),
        changes_(carver, limits.slot_count),
        refreshes_(carver, limits.slot_count),
        arrivals_(carver, Traits::kTellsArrivals ? limits.slot_count : 0),
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

  // A lookup in steps, so that memory answers for many keys at once: start() asks for the key's
  // bucket, advance() for the entry that it names, follow() for the entry that the second bucket
  // names, finish() answers. follow() may be left out, and matters only where is_elsewhere. The
  // table may change between the steps: what finish() gives holds the key, but a key that came
  // after advance() may be missed.
  using Lookup = KeyLookup;

  void start(Lookup& lookup, const Key& key) const noexcept {
    lookup.hash = hash_of(key, seed_);
    index_.prefetch(lookup.hash);
  }

  void advance(Lookup& lookup) const noexcept {
    const HashIndex::Glimpse glimpse = index_.glimpse(lookup.hash);
    lookup.slot = glimpse.reference.slot;
    lookup.side = glimpse.reference.side;
    lookup.is_elsewhere = glimpse.is_elsewhere;
    if (lookup.slot != kNoSlot) prefetch(lookup.slot);
    if (glimpse.is_elsewhere) [[unlikely]]
      index_.prefetch_second(lookup.hash);
  }

  void follow(const Lookup& lookup) const noexcept {
    const HashIndex::Reference reference = index_.glimpse_second(lookup.hash);
    if (reference.slot != kNoSlot) prefetch(reference.slot);
  }

  Found finish(const Lookup& lookup, const Key& key) const noexcept {
    const bool is_answered = lookup.slot == kNoSlot
                                 ? !lookup.is_elsewhere
                                 : Traits::matches(entries_[lookup.slot], lookup.side, key);
    if (is_answered) [[likely]]
      return {lookup.slot, lookup.side};
    return find_hashed(key, lookup.hash);
  }

  // found[i] answers keys[i]; both have the same size. Best in bursts of 64 and more, or with the
  // steps of several bursts in turn.
  void find_burst(std::span<const Key> keys, std::span<Found> found) const noexcept {
    TWINPLANE_CHECK(keys.size(), ==, found.size());
    std::array<Lookup, kBurst> lookups;
    for (std::size_t at = 0; at < keys.size(); at += kBurst) {
      const std::size_t count = std::min(kBurst, keys.size() - at);
      for (std::size_t i = 0; i < count; ++i) start(lookups[i], keys[at + i]);
      for (std::size_t i = 0; i < count; ++i) advance(lookups[i]);
      for (std::size_t i = 0; i < count; ++i)
        if (lookups[i].is_elsewhere) follow(lookups[i]);
      for (std::size_t i = 0; i < count; ++i) found[at + i] = finish(lookups[i], keys[at + i]);
    }
  }

  static constexpr std::size_t kBurst = 64;

  const Entry& entry(std::uint32_t slot) const noexcept { return entries_[slot]; }

  void prefetch(std::uint32_t slot) const noexcept {
    const auto* bytes = reinterpret_cast<const std::byte*>(&entries_[slot]);
    for (std::size_t line = 0; line < sizeof(Entry); line += kCacheLineBytes)
      __builtin_prefetch(bytes + line, 1);
  }

  // Asks for the lines of the slot that filling or emptying it touches: entry, age, map.
  void prefetch_change(std::uint32_t slot) const noexcept {
    prefetch(slot);
    live_.prefetch(slot);
    if (has_deadlines_) __builtin_prefetch(&deadlines_ms_[slot], 1);
  }

  // Asks for the lines that mark() and set_deadline() touch beside the entry.
  void prefetch_touch(std::uint32_t slot) const noexcept {
    changes_.prefetch(slot);
    if (has_deadlines_) __builtin_prefetch(&deadlines_ms_[slot], 1);
  }

  // Asks for the lines of the value's keys in the index; what it returns spares insert() and put()
  // the hashing.
  KeyHashes prefetch_keys(const Entry& value) const noexcept {
    const KeyHashes hashes = hashes_of(value);
    index_.prefetch(hashes.client);
    if (Traits::has_second_key(value)) index_.prefetch(hashes.server);
    return hashes;
  }

  // A step after prefetch_keys(): for a value to come the second line of a key whose first is full.
  void prefetch_room(const Entry& value, const KeyHashes& hashes) const noexcept {
    index_.prefetch_room(hashes.client);
    if (Traits::has_second_key(value)) index_.prefetch_room(hashes.server);
  }

  // prefetch_keys() of what the slot holds, whose own line must have come, for erase() and empty().
  KeyHashes prefetch_keys_of(std::uint32_t slot) const noexcept {
    return prefetch_keys(entries_[slot]);
  }

  std::uint32_t slot_count() const noexcept { return live_.slot_count(); }

  std::uint32_t live_count() const noexcept { return live_.live_count(); }

  // The most that were full at a time.
  std::uint32_t high_water() const noexcept { return live_.high_water(); }

  const LiveMap& live() const noexcept { return live_; }

  const HashIndex& index() const noexcept { return index_; }

  // ---- owner ------------------------------------------------------------------------------------

  // Puts `value` into a free slot under a new generation and marks it whole. Its keys must not be
  // in the table.
  [[nodiscard]] InsertResult insert(const Entry& value) noexcept {
    return insert(value, hashes_of(value));
  }

  // The same with what prefetch_keys() returned for this value.
  [[nodiscard]] InsertResult insert(const Entry& value, const KeyHashes& hashes) noexcept {
    const std::uint32_t slot = live_.find_free(cursor_);
    if (slot == LiveMap::kNone) [[unlikely]]
      return {InsertStatus::kFull, kNoSlot};
    if (!index_keys(slot, value, hashes)) [[unlikely]]
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
  void erase(std::uint32_t slot) noexcept { erase(slot, hashes_of(entries_[slot])); }

  // The same with what prefetch_keys_of(slot) returned, if the slot is as it was then.
  void erase(std::uint32_t slot, const KeyHashes& hashes) noexcept {
    unindex_keys(slot, hashes);
    Traits::make_empty(entries_[slot]);
    forget_deadline(slot);
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

  // After a change of what no patch says, keys excepted: under a new generation, so that a patch
  // to come cannot meet what was there before (S6).
  void renew(std::uint32_t slot) noexcept {
    std::uint16_t& generation = Traits::generation(entries_[slot]);
    if (!is_mutant(Mutant::kRenewKeepsGeneration))
      generation = static_cast<std::uint16_t>((generation + 1U) & kGenerationMask);
    mark(slot, kMarkWhole);
  }

  // Puts `value`, whose keys may be others, in place of what a full slot holds, as renew() does:
  // under a new generation, so that nothing meant for the one entry meets the other. The deadline
  // stays.
  [[nodiscard]] RekeyResult rekey(std::uint32_t slot, const Entry& value) noexcept {
    const KeyHashes hashes = hashes_of(value);
    std::uint32_t holder = other_holder(slot, value, Side::kClient, hashes.client);
    if (holder == kNoSlot && Traits::has_second_key(value))
      holder = other_holder(slot, value, Side::kServer, hashes.server);
    if (holder != kNoSlot) return {RekeyStatus::kKeyHeld, holder};
    Entry& target = entries_[slot];
    const KeyHashes old = hashes_of(target);
    if (!is_mutant(Mutant::kRekeyKeepsOldKeys)) unindex_keys(slot, old);
    if (!index_keys(slot, value, hashes)) [[unlikely]] {
      // What they left is free again.
      if (!index_keys(slot, target, old)) ++unindexed_count_;
      return {RekeyStatus::kIndexFull, kNoSlot};
    }
    const std::uint16_t generation = Traits::generation(target);
    const std::uint8_t marks = Traits::marks(target);
    target = value;
    Traits::generation(target) = generation;
    Traits::marks(target) = marks;
    renew(slot);
    return {RekeyStatus::kRekeyed, kNoSlot};
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

  // Nothing waits any more: for the start of a stream, whose bulk walk will state every slot. Cost:
  // DirtyQueue::reset().
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
    if (slot_count() == 0) return 0;
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

  // Slots that the stream has changed, for whoever shows their content to other cores; only of
  // kinds that tell. A slot stands in it once, and is read as it is then.
  DirtyQueue& arrivals() noexcept { return arrivals_; }

  // The stream has changed the slot in place.
  void note_arrival(std::uint32_t slot) noexcept {
    if constexpr (Traits::kTellsArrivals) arrivals_.push(slot);
  }

  // The slot now holds `value`, generation included. Whatever it held before is gone, and so is any
  // other slot that holds one of the value's keys: the owner holds a key once, so that slot is old
  // news on its way out.
  void put(std::uint32_t slot, const Entry& value) noexcept { put(slot, value, hashes_of(value)); }

  // The same with what prefetch_keys() returned for this value.
  void put(std::uint32_t slot, const Entry& value, const KeyHashes& hashes) noexcept {
    note_arrival(slot);
    Entry& target = entries_[slot];
    if (Traits::is_live(target)) {
      forget_deadline(slot);
      if (Traits::same_keys(target, value) || is_mutant(Mutant::kFastPutAnyKey)) {
        target = value;
        Traits::marks(target) = 0;
        return;
      }
      if (!is_mutant(Mutant::kKeepsOldKeys)) unindex_keys(slot, hashes_of(target));
    } else if (live_.is_live(slot)) [[unlikely]] {
      sweep(slot);  // damage has emptied the entry behind the map's back
    }
    target = value;
    Traits::marks(target) = 0;
    live_.set(slot);
    claim_key(slot, Side::kClient, hashes.client);
    if (Traits::has_second_key(target)) claim_key(slot, Side::kServer, hashes.server);
  }

  // The slot now holds nothing.
  void empty(std::uint32_t slot) noexcept { empty(slot, hashes_of(entries_[slot])); }

  // The same with what prefetch_keys_of(slot) returned, if the slot is as it was then.
  void empty(std::uint32_t slot, const KeyHashes& hashes) noexcept {
    Entry& target = entries_[slot];
    if (!Traits::is_live(target)) {
      Traits::marks(target) = 0;
      if (!live_.is_live(slot)) [[likely]]
        return;
      sweep(slot);  // as in put()
    } else {
      unindex_keys(slot, hashes);
    }
    note_arrival(slot);
    Traits::make_empty(target);
    Traits::marks(target) = 0;
    forget_deadline(slot);
    live_.clear(slot);
  }

  // After construction over a used block (Carver::Block::kUsed): index and map are made of the
  // entries that stand there. What cannot be an entry, and what holds a key that an earlier slot
  // has, is emptied. Marks and deadlines are forgotten; generations stay. What is kept has arrived.
  AdoptedSlots adopt() noexcept {
    AdoptedSlots adopted;
    std::array<KeyHashes, kAdoptAhead> hashes{};
    for (std::uint32_t at = 0; at < slot_count() + kAdoptAhead; ++at) {
      if (at >= kAdoptAhead && is_full_entry(at - kAdoptAhead)) {
        const bool is_kept = adopt_slot(at - kAdoptAhead, hashes[at % kAdoptAhead]);
        ++(is_kept ? adopted.kept : adopted.refused);
      }
      if (at >= slot_count()) continue;
      Entry& entry = entries_[at];
      Traits::forget_life(entry);
      if (!Traits::is_live(entry)) continue;
      if (Traits::is_sound(entry)) {
        hashes[at % kAdoptAhead] = prefetch_keys(entry);
      } else {
        Traits::make_empty(entry);
        ++adopted.refused;
      }
    }
    return adopted;
  }

  // How often put() found no place in the index. Stays 0: tables/DESIGN.md D-T2.
  std::uint64_t unindexed_count() const noexcept { return unindexed_count_; }

  // How often an entry's keys were not those that the index knew: memory was damaged.
  std::uint64_t swept_count() const noexcept { return swept_count_; }

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

  void unindex_keys(std::uint32_t slot, const KeyHashes& hashes) noexcept {
    bool is_known = index_.erase(hashes.client, {slot, Side::kClient});
    is_known &= Traits::has_second_key(entries_[slot])
                    ? index_.erase(hashes.server, {slot, Side::kServer})
                    : Traits::has_one_key(entries_[slot]);
    if (!is_known) [[unlikely]]
      sweep(slot);
  }

  [[gnu::cold]] void sweep(std::uint32_t slot) noexcept {
    index_.sweep(slot);
    ++swept_count_;
  }

  bool is_full_entry(std::uint32_t slot) const noexcept {
    return slot < slot_count() && Traits::is_live(entries_[slot]);
  }

  bool is_key_free(std::uint64_t hash, std::uint32_t slot, Side side) const noexcept {
    const HashIndex::Reference holder = index_.find(hash, [&](HashIndex::Reference candidate) {
      return Traits::matches(entries_[candidate.slot], candidate.side,
                             Traits::key(entries_[slot], side));
    });
    return HashIndex::is_none(holder);
  }

  // Of a key of `value`, if it is another slot than this one.
  std::uint32_t other_holder(std::uint32_t slot, const Entry& value, Side side,
                             std::uint64_t hash) const noexcept {
    const std::uint32_t holder = find_hashed(Traits::key(value, side), hash).slot;
    return holder == slot ? kNoSlot : holder;
  }

  bool adopt_slot(std::uint32_t slot, const KeyHashes& hashes) noexcept {
    Entry& entry = entries_[slot];
    const bool is_free =
        is_key_free(hashes.client, slot, Side::kClient) &&
        (!Traits::has_second_key(entry) || is_key_free(hashes.server, slot, Side::kServer));
    if (!is_free || !index_keys(slot, entry, hashes)) {
      Traits::make_empty(entry);
      return false;
    }
    live_.set(slot);
    note_arrival(slot);
    return true;
  }

  // Of an ownership that is over. An empty slot has none, and a table that was never owned has none
  // at all: its mirror is spared a line of memory with each change.
  void forget_deadline(std::uint32_t slot) noexcept {
    if (has_deadlines_) deadlines_ms_[slot] = 0;
  }

  // The slot's key in the index; whoever else holds it goes.
  void claim_key(std::uint32_t slot, Side side, std::uint64_t hash) noexcept {
    const HashIndex::Claim claim = index_.claim(hash, {slot, side}, [&](auto candidate) {
      return !is_mutant(Mutant::kKeepsDisplacedKey) &&
             Traits::matches(entries_[candidate.slot], candidate.side,
                             Traits::key(entries_[slot], side));
    });
    if (claim.is_inserted) [[likely]]
      return;
    if (!HashIndex::is_none(claim.holder)) empty(claim.holder.slot);
    if (HashIndex::is_none(claim.holder) || !index_.insert(hash, {slot, side})) ++unindexed_count_;
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
  DirtyQueue arrivals_;
  HashSeed seed_;
  static constexpr int kFetchMax = 16;
  static constexpr std::uint32_t kAdoptAhead = 32;
  std::uint32_t cursor_ = 0;
  std::uint32_t fetched_word_ = 0;
  std::uint32_t scan_word_ = 0;
  std::uint64_t unindexed_count_ = 0;
  std::uint64_t swept_count_ = 0;
  bool is_recording_ = true;
  bool has_deadlines_ = false;
};

}  // namespace twinplane::tables
