// SPDX-License-Identifier: BSD-3-Clause
// plain_table.hpp - entries of one plain kind in one partition: make, change, end, expire.
//
// Thread:  the core that owns the partition.
// Memory:  SlotTable's.
// Limits:  SlotTable's; 0 slots where the partition has none of this kind.
// Errors:  create() and rekey() refuse with a named reason; what finds no room is counted.
// Spec:    slot_table.hpp. Only the owner ages: an entry without a deadline, as a mirror's are,
//          gets one from on_unset() of expire().
#pragma once

#include <cstdint>

#include "tables/plain_entry.hpp"
#include "tables/slot_table.hpp"

namespace twinplane::tables {

struct TableCounters {
  std::uint64_t created = 0;
  std::uint64_t ended = 0;
  std::uint64_t expired = 0;
  std::uint64_t refused_full = 0;
  std::uint64_t refused_index_full = 0;
};

template <class BodyType>
class PlainTable {
 public:
  using Body = BodyType;
  using Entry = PlainEntry<Body>;
  using Key = typename Body::Key;
  using Slots = SlotTable<PlainTraits<Body>>;

  PlainTable(Carver& carver, std::uint32_t slot_count, HashSeed seed) noexcept
      : slots_(carver, {slot_count, kKeysPerSlot<Body>}, seed) {}

  // No key of the body may be in the table.
  [[nodiscard]] InsertResult create(const Body& body, std::uint32_t now_s,
                                    bool is_local_only = false) noexcept {
    Entry entry{};
    entry.body = body;
    entry.head.flags =
        static_cast<std::uint8_t>(kLive | kMadeHere | (is_local_only ? kLocalOnly : 0));
    entry.since_s = now_s;
    const InsertResult result = slots_.slot_count() == 0
                                    ? InsertResult{InsertStatus::kFull, kNoSlot}
                                    : slots_.insert(entry);
    ++(result.status == InsertStatus::kInserted ? counters_.created
       : result.status == InsertStatus::kFull   ? counters_.refused_full
                                                : counters_.refused_index_full);
    return result;
  }

  // change(Body&) alters anything but the keys.
  template <class Change>
  void change(std::uint32_t slot, Change&& change) noexcept {
    change(slots_.changeable(slot).body);
    slots_.renew(slot);
  }

  // The same, and whether the entry may leave the box.
  template <class Change>
  void change(std::uint32_t slot, bool is_local_only, Change&& change_body) noexcept {
    auto& flags = slots_.changeable(slot).head.flags;
    flags = static_cast<std::uint8_t>((flags & ~kLocalOnly) | (is_local_only ? kLocalOnly : 0));
    change(slot, change_body);
  }

  // Puts `body` in place of the slot's, whose keys may be others.
  [[nodiscard]] RekeyResult rekey(std::uint32_t slot, const Body& body) noexcept {
    Entry entry = slots_.entry(slot);
    entry.body = body;
    const RekeyResult result = slots_.rekey(slot, entry);
    if (result.status == RekeyStatus::kIndexFull) ++counters_.refused_index_full;
    return result;
  }

  // change() for what a patch says, and nothing else.
  template <class Patch>
  void patch(std::uint32_t slot, const Patch& patch) noexcept {
    slots_.changeable(slot).body.set(patch);
    slots_.mark(slot, kMarkState);
  }

  void end(std::uint32_t slot) noexcept {
    slots_.erase(slot);
    ++counters_.ended;
  }

  // Ends what is due among the next slot_budget slots, after on_due(slot) has agreed;
  // on_unset(slot) is to give a deadline to what has none.
  template <class OnDue, class OnUnset>
  std::uint32_t expire(std::uint32_t now_ms, std::uint32_t slot_budget, OnDue&& on_due,
                       OnUnset&& on_unset) noexcept {
    return slots_.scan_ages(
        now_ms, slot_budget,
        [&](std::uint32_t slot) {
          if (!on_due(slot)) return;
          slots_.erase(slot);
          ++counters_.expired;
        },
        on_unset);
  }

  Slots& slots() noexcept { return slots_; }

  const Slots& slots() const noexcept { return slots_; }

  const TableCounters& counters() const noexcept { return counters_; }

 private:
  Slots slots_;
  TableCounters counters_;
};

}  // namespace twinplane::tables
