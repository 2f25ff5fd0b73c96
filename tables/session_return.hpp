// SPDX-License-Identifier: BSD-3-Clause
// session_return.hpp - gives a session a return path, finds it again, lets it follow the neighbor,
// and ends it some time after the session.
//
// A session with a return path says so by kReturned, so that all others pay one test of a flag.
//
// Thread:  the core that owns the partition.
// Memory:  none.
// Limits:  as many as the partition has slots of that kind. A path follows its neighbor once a
//          second, however often that one changes.
// Errors:  try_give_return() says what it refuses, and changes nothing then.
// Spec:    D-T23.
#pragma once

#include <array>
#include <cstdint>

#include "tables/partition.hpp"
#include "tables/return_mac.hpp"

namespace twinplane::tables {

// How long after its session a return path may stand, at most, and the scan's second.
inline constexpr std::uint32_t kReturnCheckMs = 1000;

// Who brought a packet.
struct ReturnPath {
  std::array<std::uint8_t, 6> mac;
  std::uint8_t port;

  friend bool operator==(const ReturnPath&, const ReturnPath&) = default;
};

template <class Address>
ReturnMacBody::Key return_key(std::uint32_t slot) noexcept {
  constexpr TableKind kTable = sizeof(Address) == 4 ? TableKind::kSession4 : TableKind::kSession6;
  return {slot, static_cast<std::uint8_t>(kTable), {}};
}

// The slot of a session's return path; kNoSlot: it has none, or, if it has kReturned, what it has
// is not known here.
template <class Address>
std::uint32_t return_slot_of(const Partition& partition, std::uint32_t slot) noexcept {
  const auto& session = partition.sessions<Address>().slots().entry(slot);
  const auto& paths = partition.slots<TableKind::kReturnMac>();
  if ((session.flags & kReturned) == 0 || paths.slot_count() == 0) return kNoSlot;
  const std::uint32_t path = paths.find(return_key<Address>(slot)).slot;
  const bool is_its =
      path != kNoSlot && paths.entry(path).body.generation == session.state.generation;
  return is_its ? path : kNoSlot;
}

inline ReturnPath return_path_at(const Partition& partition, std::uint32_t path) noexcept {
  const ReturnMacBody& body = partition.slots<TableKind::kReturnMac>().entry(path).body;
  return {body.mac, body.port};
}

// For a session that was created with kReturned, and of which nothing was sent yet. False: there is
// no room, and the flag is taken away again; as nobody has heard of it, that is no change to tell.
template <class Address>
[[nodiscard]] bool try_give_return(Partition& partition, std::uint32_t slot, const ReturnPath& to,
                                   std::uint32_t now_ms) noexcept {
  auto& session = partition.sessions<Address>().slots().changeable(slot);
  auto& table = partition.table<TableKind::kReturnMac>();
  ReturnMacBody body{};
  body.key = return_key<Address>(slot);
  body.generation = session.state.generation;
  body.mac = to.mac;
  body.port = to.port;
  // One of the same name is of a session that is over.
  if (table.slots().slot_count() != 0)
    if (const std::uint32_t old = table.slots().find(body.key).slot; old != kNoSlot) table.end(old);
  const bool is_local_only = (session.flags & kLocalOnly) != 0;
  const InsertResult made = table.create(body, now_ms / 1000, is_local_only);
  if (made.status != InsertStatus::kInserted) {
    session.flags = static_cast<std::uint16_t>(session.flags & ~kReturned);
    return false;
  }
  table.slots().set_deadline(made.slot, now_ms + kReturnCheckMs);
  return true;
}

// After the session got a new generation: `path` is what return_slot_of() said before.
template <class Address>
void keep_return(Partition& partition, std::uint32_t slot, std::uint32_t path) noexcept {
  if (path == kNoSlot) return;
  const auto& session = partition.sessions<Address>().slots().entry(slot);
  partition.table<TableKind::kReturnMac>().change(
      path, [&](ReturnMacBody& body) { body.generation = session.state.generation; });
}

// False: it has followed another neighbor within this second.
[[nodiscard]] inline bool try_follow(PlainTable<ReturnMacBody>& table, std::uint32_t path,
                                     const ReturnPath& to, std::uint32_t now_s) noexcept {
  auto& since_s = table.slots().changeable(path).since_s;
  if (since_s == now_s) return false;
  since_s = now_s;
  table.change(path, [&](ReturnMacBody& body) {
    body.mac = to.mac;
    body.port = to.port;
  });
  return true;
}

// Is there still the session that the return path is of?
inline bool has_session(const Partition& partition, const ReturnMacBody& body) noexcept {
  const auto holds = [&body](const auto& slots) {
    if (body.key.slot >= slots.slot_count()) return false;
    const auto& session = slots.entry(body.key.slot);
    return (session.flags & (kLive | kReturned)) == (kLive | kReturned) &&
           session.state.generation == body.generation;
  };
  return body.key.table == index_of(TableKind::kSession4) ? holds(partition.session4().slots())
                                                          : holds(partition.session6().slots());
}

// Whether a session may leave its box may change while it lives, and with it for what it has in a
// table beside: the return path or the sequence shift in that slot.
template <TableKind kBeside>
void keep_local(Partition& partition, std::uint32_t slot) noexcept {
  auto& slots = partition.slots<kBeside>();
  auto& entry = slots.changeable(slot);
  const auto& key = entry.body.key;
  const unsigned flags = key.table == index_of(TableKind::kSession4)
                             ? partition.session4().slots().entry(key.slot).flags
                             : partition.session6().slots().entry(key.slot).flags;
  if (((flags ^ entry.head.flags) & kLocalOnly) == 0) return;
  entry.head.flags ^= kLocalOnly;
  slots.mark(slot, kMarkWhole);
}

// Ends return paths whose sessions are over, among the next `slot_budget` slots.
inline void expire_returns(Partition& partition, std::uint32_t now_ms,
                           std::uint32_t slot_budget) noexcept {
  auto& table = partition.table<TableKind::kReturnMac>();
  if (table.slots().live_count() == 0) return;
  const auto look_again = [&](std::uint32_t slot) {
    table.slots().set_deadline(slot, now_ms + kReturnCheckMs);
  };
  table.expire(
      now_ms, slot_budget,
      [&](std::uint32_t slot) {
        if (!has_session(partition, table.slots().entry(slot).body)) return true;
        keep_local<TableKind::kReturnMac>(partition, slot);
        look_again(slot);
        return false;
      },
      look_again);
}

}  // namespace twinplane::tables
