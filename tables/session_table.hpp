// SPDX-License-Identifier: BSD-3-Clause
// session_table.hpp - the sessions of one partition and one address family: create, touch, end,
// expire, and what to do when full.
//
// Thread:  the core that owns the partition.
// Memory:  SlotTable's, and 8 bytes a slot for the half-open queue when the policy asks for it.
// Limits:  SlotTable's. Deadlines: up to 24 days ahead.
// Errors:  create() refuses with a named reason and counts it.
// Spec:    SlotTable; tables/DESIGN.md D-T6. Only the owner ages: a mirror's entries have no
//          deadline until it has taken over.
#pragma once

#include <array>
#include <cstdint>

#include "tables/half_open_queue.hpp"
#include "tables/session_traits.hpp"
#include "tables/slot_table.hpp"

namespace twinplane::tables {

enum class FullPolicy : std::uint8_t { kRefuse, kEvictHalfOpen };

struct SessionPolicy {
  FullPolicy when_full = FullPolicy::kRefuse;
  std::array<std::uint32_t, kTimeoutClassCount> timeouts_ms{20'000, 3'600'000, 30'000, 2'000,
                                                            30'000, 120'000,   10'000, 60'000};
};

struct SessionCounters {
  std::uint64_t created = 0;
  std::uint64_t ended = 0;
  std::uint64_t expired = 0;
  std::uint64_t evicted_half_open = 0;
  std::uint64_t refused_full = 0;
  std::uint64_t refused_index_full = 0;
  std::uint64_t graced = 0;  // taken over without a deadline and given one
  std::uint64_t opened_young = 0;
  std::uint64_t came_of_age = 0;
  std::uint64_t decrypted = 0;  // marked so
};

template <class AddressType>
class SessionTable {
 public:
  using Address = AddressType;
  using Slots = SlotTable<SessionTraits<Address>>;
  using Entry = SessionOf<Address>;
  using Key = FlowKey<Address>;

  SessionTable(Carver& carver, SlotLimits limits, HashSeed seed,
               const SessionPolicy& policy) noexcept
      : slots_(carver, limits, seed),
        half_open_(carver, policy.when_full == FullPolicy::kEvictHalfOpen ? limits.slot_count : 0),
        policy_(policy) {}

  // `value` holds keys, flags and classes; generation and marks are the table's. Neither key may be
  // in the table.
  [[nodiscard]] InsertResult create(const Entry& value, std::uint32_t now_ms) noexcept {
    InsertResult result = slots_.insert(value);
    if (result.status == InsertStatus::kFull && evict_half_open()) result = slots_.insert(value);
    if (result.status != InsertStatus::kInserted) [[unlikely]] {
      ++(result.status == InsertStatus::kFull ? counters_.refused_full
                                              : counters_.refused_index_full);
      return result;
    }
    ++counters_.created;
    if ((value.flags & kYoung) != 0) ++counters_.opened_young;
    touch(result.slot, now_ms);
    if (is_half_open(value)) note_half_open(result.slot);
    return result;
  }

  // A packet of the session passed, or it is no young one any more: its time starts anew, by its
  // class.
  void touch(std::uint32_t slot, std::uint32_t now_ms) noexcept {
    slots_.set_deadline(slot, now_ms + timeout_ms(slots_.entry(slot)));
  }

  // The same of a young session, which has its age in so many milliseconds. A packet that comes
  // then makes it one that the peer has: true then. An open TCP connection needs none: it is due
  // when it has its age, and expire() sees it. Its timeout must be longer than that.
  bool touch_young(std::uint32_t slot, std::uint32_t now_ms, std::int32_t ages_in_ms) noexcept {
    if (ages_in_ms <= 0) {
      come_of_age(slot, now_ms);
      return true;
    }
    if (is_open_tcp(slots_.entry(slot)))
      slots_.set_deadline(slot, now_ms + static_cast<std::uint32_t>(ages_in_ms));
    else
      touch(slot, now_ms);
    return false;
  }

  // A session that this box decrypts, as TLS in the middle: the peer does not have its keys, so it
  // stays on this box from now on. If the peer has it, it is told that the slot is empty.
  void mark_decrypted(std::uint32_t slot, std::uint32_t now_ms) noexcept {
    Entry& entry = slots_.changeable(slot);
    if ((entry.flags & kDecrypted) != 0) return;
    if ((entry.flags & kYoung) != 0) touch(slot, now_ms);
    entry.flags =
        static_cast<std::uint16_t>((entry.flags & ~(kYoung | kHeld)) | kDecrypted | kLocalOnly);
    ++counters_.decrypted;
    slots_.mark(slot, kMarkWhole);
  }

  // Other rules hold: the session is this one's now, and `local` says whether it may leave the box:
  // 0, kLocalOnly, or that and kYoung. Under a new generation, as no patch says so
  // (SlotTable::renew()). False when nothing changes. Who makes it young, or takes that away, sees
  // to its time by touch_young() or touch(): an open connection's was that of coming of age.
  bool reassign(std::uint32_t slot, std::uint16_t rule, std::uint16_t local) noexcept {
    if (!would_reassign(slot, rule, local)) return false;
    Entry& entry = slots_.changeable(slot);
    entry.state.rule = rule;
    entry.flags = static_cast<std::uint16_t>((entry.flags & ~(kLocalOnly | kYoung)) | local);
    renew(slot);
    return true;
  }

  // SlotTable::renew(): what may be evicted is known by its generation.
  void renew(std::uint32_t slot) noexcept {
    slots_.renew(slot);
    if (is_half_open(slots_.entry(slot))) note_half_open(slot);
  }

  bool would_reassign(std::uint32_t slot, std::uint16_t rule, std::uint16_t local) const noexcept {
    const Entry& entry = slots_.entry(slot);
    return entry.state.rule != rule || (entry.flags & (kLocalOnly | kYoung)) != local;
  }

  void end(std::uint32_t slot) noexcept {
    slots_.erase(slot);
    ++counters_.ended;
  }

  // Ends what is due among the next `slot_budget` slots; on_aged(slot) hears of what came of age.
  // A full scan over all slots in about a second is usual.
  template <class OnAged>
  std::uint32_t expire(std::uint32_t now_ms, std::uint32_t slot_budget, OnAged&& on_aged) noexcept {
    return slots_.scan_ages(
        now_ms, slot_budget,
        [&](std::uint32_t slot) {
          const Entry& entry = slots_.entry(slot);
          if ((entry.flags & kYoung) != 0 && is_open_tcp(entry)) {
            come_of_age(slot, now_ms);
            return on_aged(slot);
          }
          slots_.erase(slot);
          ++counters_.expired;
        },
        [&](std::uint32_t slot) { give_grace(slot, now_ms); });
  }

  // Of a table that stands alone: nothing is beside its sessions.
  std::uint32_t expire(std::uint32_t now_ms, std::uint32_t slot_budget) noexcept {
    return expire(now_ms, slot_budget, [](std::uint32_t) {});
  }

  // Ends what had no time left when no packet was seen for so long. Returns how many.
  std::uint64_t end_idle(std::uint64_t idle_ms) noexcept {
    std::uint64_t ended = 0;
    for (std::uint32_t slot = 0; slot < slots_.slot_count(); ++slot) {
      if (slot % 64 == 0 && slots_.live().live_word(slot / 64) == 0) {
        slot += 63;
        continue;
      }
      if (!slots_.live().is_live(slot) || timeout_ms(slots_.entry(slot)) > idle_ms) continue;
      slots_.erase(slot);
      ++ended;
    }
    counters_.expired += ended;
    return ended;
  }

  Slots& slots() noexcept { return slots_; }

  const Slots& slots() const noexcept { return slots_; }

  const SessionCounters& counters() const noexcept { return counters_; }

 private:
  static bool is_half_open(const Entry& entry) noexcept {
    return entry.state.timeout_class == static_cast<std::uint8_t>(TimeoutClass::kTcpOpening);
  }

  static bool is_open_tcp(const Entry& entry) noexcept {
    return entry.state.timeout_class == static_cast<std::uint8_t>(TimeoutClass::kTcpEstablished);
  }

  void come_of_age(std::uint32_t slot, std::uint32_t now_ms) noexcept {
    Entry& entry = slots_.changeable(slot);
    entry.flags = static_cast<std::uint16_t>(entry.flags & ~(kYoung | kLocalOnly));
    ++counters_.came_of_age;
    slots_.mark(slot, kMarkWhole);
    touch(slot, now_ms);
  }

  bool is_noted_half_open(HalfOpenQueue::Note note) const noexcept {
    const Entry& entry = slots_.entry(note.slot);
    return (entry.flags & kLive) != 0 && entry.state.generation == note.generation &&
           is_half_open(entry);
  }

  void note_half_open(std::uint32_t slot) noexcept {
    half_open_.trim([&](HalfOpenQueue::Note note) { return is_noted_half_open(note); });
    half_open_.push({slot, slots_.entry(slot).state.generation});
  }

  bool evict_half_open() noexcept {
    HalfOpenQueue::Note oldest{};
    if (!half_open_.try_pop([&](HalfOpenQueue::Note note) { return is_noted_half_open(note); },
                            oldest))
      return false;
    slots_.erase(oldest.slot);
    ++counters_.evicted_half_open;
    return true;
  }

  std::uint32_t timeout_ms(const Entry& entry) const noexcept {
    return policy_.timeouts_ms[entry.state.timeout_class % kTimeoutClassCount];
  }

  // A whole timeout and up to a tenth more, spread by slot number so that what was taken over does
  // not end in a herd.
  void give_grace(std::uint32_t slot, std::uint32_t now_ms) noexcept {
    const std::uint32_t whole_ms = timeout_ms(slots_.entry(slot));
    const std::uint32_t spread_ms = (slot * 0x9E3779B1U >> 16U) % (whole_ms / 10 + 1);
    slots_.set_deadline(slot, now_ms + whole_ms + spread_ms);
    ++counters_.graced;
    if (is_half_open(slots_.entry(slot))) note_half_open(slot);
  }

  Slots slots_;
  HalfOpenQueue half_open_;
  SessionPolicy policy_;
  SessionCounters counters_;
};

using SessionTable4 = SessionTable<Address4>;
using SessionTable6 = SessionTable<Address6>;

}  // namespace twinplane::tables
