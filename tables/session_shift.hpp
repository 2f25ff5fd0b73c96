// SPDX-License-Identifier: BSD-3-Clause
// session_shift.hpp - gives a session a sequence shift, finds it again, and ends it some time after
// the session.
//
// A session with a shift says so by kShifted, so that all others pay one test of a flag. The shift
// stands in a table of its own: a session has no room for it, and few have one.
//
// Thread:  the core that owns the partition.
// Memory:  none.
// Limits:  as many as the partition has slots of that kind.
// Errors:  try_shift() and try_replace() say what they refuse, and change nothing then.
// Spec:    D-T20.
#pragma once

#include <cstdint>

#include "tables/partition.hpp"
#include "tables/sequence_shift.hpp"
#include "tables/session_return.hpp"

namespace twinplane::tables {

enum class ShiftStatus : std::uint8_t {
  kDone,
  kNoRoom,     // the table of shifts is full
  kUnsettled,  // another text of that direction is replaced, and not acknowledged yet
  kLost,       // the session has one that is not known: it was lost at a takeover
};

// How long after its session a shift may stand, at most, and the scan's second.
inline constexpr std::uint32_t kShiftCheckMs = 1000;

template <class Address>
SequenceShiftBody::Key shift_key(const SessionOf<Address>& session, std::uint32_t slot) noexcept {
  constexpr TableKind kTable = sizeof(Address) == 4 ? TableKind::kSession4 : TableKind::kSession6;
  return {slot, session.state.generation, static_cast<std::uint8_t>(kTable), 0};
}

// The slot of a session's shift; kNoSlot: it has none, or, if it has kShifted, what it has was lost
// at a takeover.
template <class Address>
std::uint32_t shift_slot_of(const Partition& partition, std::uint32_t slot) noexcept {
  const auto& session = partition.sessions<Address>().slots().entry(slot);
  const auto& shifts = partition.slots<TableKind::kSequenceShift>();
  if ((session.flags & kShifted) == 0 || shifts.slot_count() == 0) return kNoSlot;
  return shifts.find(shift_key(session, slot)).slot;
}

namespace detail {

// Makes the session one with a shift, which moves nothing yet; kNoSlot: there is no room.
template <class Address>
std::uint32_t make_shift(Partition& partition, std::uint32_t slot, std::uint32_t now_ms) noexcept {
  auto& sessions = partition.sessions<Address>();
  auto& table = partition.table<TableKind::kSequenceShift>();
  auto& session = sessions.slots().changeable(slot);
  const auto flags = session.flags;
  session.flags |= kShifted;
  // No patch says the flag, so the session gets a new generation with it.
  if (flags != session.flags) {
    const std::uint32_t path = return_slot_of<Address>(partition, slot);
    sessions.renew(slot);
    keep_return<Address>(partition, slot, path);
  }
  SequenceShiftBody body{};
  body.key = shift_key(session, slot);
  // One of the same name is of a session that is long over.
  if (table.slots().slot_count() != 0)
    if (const std::uint32_t old = table.slots().find(body.key).slot; old != kNoSlot) table.end(old);
  const InsertResult made = table.create(body, now_ms / 1000, (flags & kLocalOnly) != 0);
  if (made.status != InsertStatus::kInserted) {
    session.flags = flags;
    return kNoSlot;
  }
  table.slots().set_deadline(made.slot, now_ms + kShiftCheckMs);
  return made.slot;
}

}  // namespace detail

// From now on every number of that direction is `base` more when it is sent on, whatever held
// before. For a session whose other end was told another first number than this one.
template <class Address>
[[nodiscard]] ShiftStatus try_shift(Partition& partition, std::uint32_t slot, Direction direction,
                                    std::uint32_t base, std::uint32_t now_ms) noexcept {
  std::uint32_t shift = shift_slot_of<Address>(partition, slot);
  if (shift == kNoSlot) shift = detail::make_shift<Address>(partition, slot, now_ms);
  if (shift == kNoSlot) return ShiftStatus::kNoRoom;
  partition.table<TableKind::kSequenceShift>().change(shift, [&](SequenceShiftBody& body) {
    body.ways[direction] = {base, 0, 0, 0};
  });
  return ShiftStatus::kDone;
}

// A text of that direction. `position` is its sender's own number of the first byte.
struct ReplacedText {
  Direction direction;
  std::uint32_t position;
  std::uint16_t old_bytes;  // 1 and more, as of the new ones
  std::uint16_t new_bytes;
};

// Notes that the text is replaced, or that it is again, in a segment that came twice.
template <class Address>
[[nodiscard]] ShiftStatus try_replace(Partition& partition, std::uint32_t slot,
                                      const ReplacedText& text, std::uint32_t now_ms) noexcept {
  const bool is_shifted = (partition.sessions<Address>().slots().entry(slot).flags & kShifted) != 0;
  const std::uint32_t shift = is_shifted ? shift_slot_of<Address>(partition, slot)
                                         : detail::make_shift<Address>(partition, slot, now_ms);
  if (shift == kNoSlot) return is_shifted ? ShiftStatus::kLost : ShiftStatus::kNoRoom;
  auto& table = partition.table<TableKind::kSequenceShift>();
  const ShiftWay& way = table.slots().entry(shift).body.ways[text.direction];
  const ShiftWay wanted{way.base, text.position, text.old_bytes, text.new_bytes};
  if (way == wanted) return ShiftStatus::kDone;
  if (way.old_bytes != 0) return ShiftStatus::kUnsettled;
  table.change(shift, [&](SequenceShiftBody& body) { body.ways[text.direction] = wanted; });
  return ShiftStatus::kDone;
}

// SessionTable::reassign(), and the session's shift and return path go with it.
template <class Address>
bool reassign(Partition& partition, std::uint32_t slot, std::uint16_t rule,
              std::uint16_t local) noexcept {
  auto& sessions = partition.sessions<Address>();
  const std::uint32_t shift = shift_slot_of<Address>(partition, slot);
  const std::uint32_t path = return_slot_of<Address>(partition, slot);
  if (!sessions.reassign(slot, rule, local)) return false;
  if (path != kNoSlot) {
    keep_return<Address>(partition, slot, path);
    keep_local<TableKind::kReturnMac>(partition, path);
  }
  if (shift == kNoSlot) return true;
  auto& table = partition.table<TableKind::kSequenceShift>();
  SequenceShiftBody body = table.slots().entry(shift).body;
  body.key = shift_key(sessions.slots().entry(slot), slot);
  // One of the same name is of a session that is long over.
  if (const std::uint32_t old = table.slots().find(body.key).slot; old != kNoSlot) table.end(old);
  // Where the index has no room the shift is lost, as at a takeover: its packets are dropped.
  if (table.rekey(shift, body).status == RekeyStatus::kRekeyed)
    table.change(shift, (local & kLocalOnly) != 0, [](SequenceShiftBody&) {});
  return true;
}

// The session has come of age: what stands beside it leaves the box with it, and not some time
// after.
template <class Address>
void share_beside(Partition& partition, std::uint32_t slot) noexcept {
  if (const std::uint32_t shift = shift_slot_of<Address>(partition, slot); shift != kNoSlot)
    keep_local<TableKind::kSequenceShift>(partition, shift);
  if (const std::uint32_t path = return_slot_of<Address>(partition, slot); path != kNoSlot)
    keep_local<TableKind::kReturnMac>(partition, path);
}

// SessionTable::touch_young(), and the session's shift and return path go with it.
template <class Address>
void touch_young(Partition& partition, std::uint32_t slot, std::uint32_t now_ms,
                 std::int32_t ages_in_ms) noexcept {
  if (partition.sessions<Address>().touch_young(slot, now_ms, ages_in_ms))
    share_beside<Address>(partition, slot);
}

// SessionTable::expire(), as touch_young().
template <class Address>
void expire_sessions(Partition& partition, std::uint32_t now_ms,
                     std::uint32_t slot_budget) noexcept {
  partition.sessions<Address>().expire(now_ms, slot_budget, [&partition](std::uint32_t slot) {
    share_beside<Address>(partition, slot);
  });
}

// An acknowledgement, as who sent it counts, of what is sent in `direction`.
inline void settle(PlainTable<SequenceShiftBody>& table, std::uint32_t shift, Direction direction,
                   std::uint32_t acknowledged) noexcept {
  const ShiftWay& way = table.slots().entry(shift).body.ways[direction];
  if (!settles(way, acknowledged)) return;
  table.change(shift, [&](SequenceShiftBody& body) {
    body.ways[direction] = settled(body.ways[direction]);
  });
}

// Is there still the session that the shift is of?
inline bool has_session(const Partition& partition, const SequenceShiftBody::Key& key) noexcept {
  const auto holds = [&key](const auto& slots) {
    if (key.slot >= slots.slot_count()) return false;
    const auto& session = slots.entry(key.slot);
    return (session.flags & (kLive | kShifted)) == (kLive | kShifted) &&
           session.state.generation == key.generation;
  };
  return key.table == index_of(TableKind::kSession4) ? holds(partition.session4().slots())
                                                     : holds(partition.session6().slots());
}

// Ends shifts whose sessions are over, among the next `slot_budget` slots; on_kept(slot) hears of
// each other one about once in kShiftCheckMs, and may change it.
template <class OnKept>
void expire_shifts(Partition& partition, std::uint32_t now_ms, std::uint32_t slot_budget,
                   OnKept&& on_kept) noexcept {
  auto& table = partition.table<TableKind::kSequenceShift>();
  const auto look_again = [&](std::uint32_t slot) {
    table.slots().set_deadline(slot, now_ms + kShiftCheckMs);
  };
  table.expire(
      now_ms, slot_budget,
      [&](std::uint32_t slot) {
        if (!has_session(partition, table.slots().entry(slot).body.key)) return true;
        keep_local<TableKind::kSequenceShift>(partition, slot);
        look_again(slot);
        on_kept(slot);
        return false;
      },
      look_again);
}

inline void expire_shifts(Partition& partition, std::uint32_t now_ms,
                          std::uint32_t slot_budget) noexcept {
  expire_shifts(partition, now_ms, slot_budget, [](std::uint32_t) {});
}

}  // namespace twinplane::tables
