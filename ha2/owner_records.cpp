// SPDX-License-Identifier: BSD-3-Clause
// From a dirty or walked slot to its record: rules S1, S10, S12.
#include <algorithm>
#include <bit>

#include "ha2/owner_stream.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::Address4;
using tables::Address6;
using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;
using tables::TableOf;

std::uint32_t seconds(std::uint64_t ns) noexcept {
  return static_cast<std::uint32_t>(ns / 1'000'000'000U);
}

// Stated, and nothing but the state changed.
template <class Address>
bool needs_state(const tables::SessionOf<Address>& session) noexcept {
  return (session.flags & (tables::kLive | tables::kLocalOnly)) == tables::kLive &&
         session.state.marks == tables::kMarkState;
}

// The marks that only a whole answers: a kind may have no patch.
template <TableKind kKind>
constexpr unsigned needs_whole() noexcept {
  if constexpr (tables::is_session(kKind)) {
    return tables::kMarkWhole;
  } else {
    using Body = tables::BodyOf<kKind>;
    return tables::kMarkWhole | (tables::HasPatch<Body> ? 0U : unsigned{tables::kMarkState}) |
           (tables::HasRefresh<Body> ? 0U : unsigned{tables::kMarkWindow});
  }
}

template <class Address>
void write(StatePatch& patch, const tables::SessionOf<Address>& session,
           std::uint32_t slot) noexcept {
  patch.name.set(slot, session.state.generation);
  patch.state = wire_state(session.state, session.flags);
}

}  // namespace

template <TableKind kKind>
void OwnerStream::add_queued(tables::DirtyQueue& queue, std::uint64_t now_ns,
                             std::size_t keep_bytes) noexcept {
  auto& slots = partition_.slots<kKind>();
  using Traits = typename TableOf<kKind>::Slots::TraitsType;
  for (std::size_t i = 0; i < std::min(kPrefetchAhead, queue.size()); ++i)
    slots.prefetch(queue.peek(i));
  // In less room than the usual record needs, looking costs more than an emptied slot's delay.
  while (!queue.empty() && builder_.left_bytes() >= keep_bytes + sizeof(StatePatch)) {
    if constexpr (tables::is_session(kKind)) {
      using Address = typename TableOf<kKind>::Address;
      if (add_states<Address>(queue, keep_bytes) + add_usual<Address>(queue, now_ns, keep_bytes) !=
          0)
        continue;
    }
    if (queue.size() > kPrefetchAhead) slots.prefetch(queue.peek(kPrefetchAhead));
    const std::uint32_t slot = queue.peek(0);
    // S1: the mark goes first, then the slot is read
    const std::uint8_t marks = slots.take_marks(slot);
    if (marks != 0 && !add_slot<kKind>(slot, marks, now_ns)) {
      Traits::marks(slots.changeable(slot)) = marks;  // no room: it waits where it was
      return;
    }
    queue.pop();
  }
}

void OwnerStream::add_queued(TableKind kind, tables::DirtyQueue& queue, std::uint64_t now_ns,
                             std::size_t keep_bytes) noexcept {
  tables::with_kind(kind, [&](auto of) { add_queued<of()>(queue, now_ns, keep_bytes); });
}

// Where established sessions move on, patches of the state follow each other: as far as that goes,
// one section's place in registers.
template <class Address>
std::size_t OwnerStream::add_states(tables::DirtyQueue& queue, std::size_t keep_bytes) noexcept {
  if (!is_bulk_done_) return 0;
  auto& slots = partition_.sessions<Address>().slots();
  FrameBuilder::Room room(builder_, keep_bytes);
  FrameBuilder::Run<StatePatch> states(room, SessionWire<Address>::kTable, Operation::kState);
  tables::SessionOf<Address>* const sessions = &slots.changeable(0);  // what stores cannot alias
  return queue.pop_while(
      std::min(queue.size(), states.room()), kPrefetchAhead,
      [&](std::uint32_t slot) {
        auto& session = sessions[slot];
        if (!needs_state(session)) return false;
        write(states.add(slot), session, slot);
        session.state.marks = 0;  // S1: nothing can have changed since it was read
        return true;
      },
      [&](std::uint32_t slot) { slots.prefetch(slot); });
}

// The usual cases, as far as they go: a new session that a brief record says, a changed state, an
// emptied slot, and no repair owed that these would have to be noted for. Says the same as
// add_slot() would.
template <class Address>
std::size_t OwnerStream::add_usual(tables::DirtyQueue& queue, std::uint64_t now_ns,
                                   std::size_t keep_bytes) noexcept {
  if (!is_bulk_done_ || owed_count_ != 0) return 0;
  using Wire = SessionWire<Address>;
  auto& slots = partition_.sessions<Address>().slots();
  FrameBuilder::Room room(builder_, keep_bytes);
  FrameBuilder::Run<typename Wire::Brief> briefs(room, Wire::kTable, Operation::kBrief);
  FrameBuilder::Run<StatePatch> states(room, Wire::kTable, Operation::kState);
  FrameBuilder::Run<EmptySlot> empties(room, Wire::kTable, Operation::kEmpty);
  const std::uint32_t now_s = seconds(now_ns);
  const auto try_say = [&](const tables::SessionOf<Address>& session, std::uint32_t slot) {
    if (needs_state(session)) {
      if (!states.has_room()) return false;
      write(states.add(slot), session, slot);
      return true;
    }
    const unsigned presence = session.flags & (tables::kLive | tables::kLocalOnly);
    if (presence == 0 && session.state.marks != 0) {
      if (!empties.has_room()) return false;
      empties.add(slot).slot.set(slot);
      return true;
    }
    if constexpr (sizeof(Address) == 4) {
      if (presence == tables::kLive && (session.state.marks & tables::kMarkWhole) != 0 &&
          is_brief(session) && !has_window(session.state) && briefs.has_room()) {
        Brief4& brief = briefs.add(slot);
        brief.name.set(slot, session.state.generation);
        brief.protocol = session.protocol;
        brief.client_side = wire_ends(session.client_side);
        brief.tail = wire_tail(session, now_s);
        return true;
      }
    }
    return false;
  };
  return queue.pop_while(
      queue.size(), kPrefetchAhead,
      [&](std::uint32_t slot) {
        auto& session = slots.changeable(slot);
        if (!try_say(session, slot)) return false;
        session.state.marks = 0;  // S1: nothing can have changed since it was read
        return true;
      },
      [&](std::uint32_t slot) { slots.prefetch(slot); });
}

// What the marks ask for. Until the bulk is done always the whole: what the mirror holds may still
// be of an earlier stream, whose generations say nothing about this one's. A whole wipes the
// refresh, so one that says anything goes with it.
template <TableKind kKind>
bool OwnerStream::add_slot(std::uint32_t slot, std::uint8_t marks, std::uint64_t now_ns) noexcept {
  using Traits = typename TableOf<kKind>::Slots::TraitsType;
  const auto& entry = partition_.slots<kKind>().entry(slot);
  const bool is_local = Traits::is_local_only(entry) && !is_mutant(Mutant::kSendsLocalOnly);
  if (!Traits::is_live(entry) || is_local) {
    EmptySlot empty;
    empty.slot.set(slot);
    if (!builder_.try_add(kKind, Operation::kEmpty, empty, slot)) return false;
    frame_states_owed_ |= owed_count_ != 0 && is_owed(tables::index_of(kKind), slot);
    return true;
  }
  if ((marks & needs_whole<kKind>()) == 0 && (is_bulk_done_ || is_mutant(Mutant::kPatchDuringBulk)))
    return add_patches<kKind>(slot, entry, marks);
  const bool wants_refresh = has_refresh(entry) && !is_mutant(Mutant::kWholeWithoutWindow);
  // both records or none
  if (wants_refresh && builder_.left_bytes() < slot_bytes_max<kKind>()) return false;
  if (!add_whole(slot, entry, now_ns)) return false;
  frame_states_owed_ |= owed_count_ != 0 && is_owed(tables::index_of(kKind), slot);
  return !wants_refresh || add_refresh(kKind, slot, entry);
}

// All of what the marks ask for, or nothing.
template <TableKind kKind, class Entry>
bool OwnerStream::add_patches(std::uint32_t slot, const Entry& entry, std::uint8_t marks) noexcept {
  const bool wants_state = (marks & tables::kMarkState) != 0;
  const bool wants_refresh = (marks & tables::kMarkWindow) != 0;
  if (wants_state && wants_refresh && builder_.left_bytes() < slot_bytes_max<kKind>()) return false;
  if (wants_state) {
    SlotName name;
    name.set(slot, TableOf<kKind>::Slots::TraitsType::generation(entry));
    if constexpr (tables::is_session(kKind)) {
      const StatePatch patch{name, wire_state(entry.state, entry.flags)};
      if (!builder_.try_add(kKind, Operation::kState, patch, slot)) return false;
    } else if constexpr (tables::HasPatch<typename Entry::Body>) {
      const PlainPatch<typename Entry::Body::Patch> patch{name, to_wire(entry.body.patch())};
      if (!builder_.try_add(kKind, Operation::kState, patch, slot)) return false;
    }
  }
  return !wants_refresh || add_refresh(kKind, slot, entry);
}

template <class Entry>
bool OwnerStream::add_refresh(TableKind kind, std::uint32_t slot, const Entry& entry) noexcept {
  if constexpr (requires { entry.state.edge; }) {
    WindowPatch patch = wire_window(entry.state);
    patch.name.set(slot, entry.state.generation);
    return builder_.try_add(kind, Operation::kWindow, patch, slot);
  } else if constexpr (tables::HasRefresh<typename Entry::Body>) {
    PlainPatch<typename Entry::Refresh> patch;
    patch.name.set(slot, entry.head.generation);
    patch.part = to_wire(entry.refresh);
    return builder_.try_add(kind, Operation::kWindow, patch, slot);
  }
  return true;
}

template <class Body>
bool OwnerStream::add_whole(std::uint32_t slot, const tables::PlainEntry<Body>& entry,
                            std::uint64_t now_ns) noexcept {
  return builder_.try_add(Body::kKind, Operation::kFull, wire_whole(entry, slot, seconds(now_ns)),
                          slot);
}

template <class Address>
bool OwnerStream::add_whole(std::uint32_t slot, const tables::SessionOf<Address>& session,
                            std::uint64_t now_ns) noexcept {
  using Wire = SessionWire<Address>;
  typename Wire::Brief brief;
  brief.name.set(slot, session.state.generation);
  brief.protocol = session.protocol;
  brief.tail = wire_tail(session, seconds(now_ns));
  if constexpr (sizeof(Address) == 4) {
    brief.client_side = wire_ends(session.client_side);
  } else {
    if (builder_.left_bytes() < slot_bytes_max<Wire::kTable>() - sizeof(WindowPatch)) return false;
    const int prefix_a = builder_.prefix_index(session.client_side.address_a.data());
    const int prefix_b = builder_.prefix_index(session.client_side.address_b.data());
    if (prefix_a < 0 || prefix_b < 0) return false;
    brief.client_side.prefix_a = static_cast<std::uint8_t>(prefix_a);
    brief.client_side.prefix_b = static_cast<std::uint8_t>(prefix_b);
    std::memcpy(brief.client_side.suffix_a, session.client_side.address_a.data() + 8, 8);
    std::memcpy(brief.client_side.suffix_b, session.client_side.address_b.data() + 8, 8);
    std::memcpy(brief.client_side.port_a, &session.client_side.port_a_be, 2);
    std::memcpy(brief.client_side.port_b, &session.client_side.port_b_be, 2);
  }
  if (is_brief(session)) return builder_.try_add(Wire::kTable, Operation::kBrief, brief, slot);
  typename Wire::Full full;
  full.brief = brief;
  full.server_side = wire_ends((session.flags & tables::kTranslated) != 0 ? session.server_side
                                                                          : session.client_side);
  full.extra = wire_extra(session);
  return builder_.try_add(Wire::kTable, Operation::kFull, full, slot);
}

bool OwnerStream::walk_on(std::uint64_t now_ns) noexcept {
  if (open_walk_count_ == 0) return true;
  bool has_walked = false;
  for (Walk& walk : walks_) {
    if (walk.next >= walk.end) continue;
    const std::uint32_t start = walk.next;
    tables::with_kind(walk.table, [&](auto kind) { add_walk<kind()>(walk, now_ns); });
    has_walked |= walk.next != start;
    if (walk.next < walk.end) break;  // the frame is full
    --open_walk_count_;
  }
  return has_walked;
}

// S12: the whole of each slot, full or empty, whatever else this frame says of it.
template <TableKind kKind>
void OwnerStream::add_walk(Walk& walk, std::uint64_t now_ns) noexcept {
  auto& slots = partition_.slots<kKind>();
  using Traits = typename TableOf<kKind>::Slots::TraitsType;
  while (walk.next < walk.end) {
    std::uint32_t run = 0;
    while (walk.next + run < walk.end && run < kRangeSlotsMax) {
      const std::uint32_t slot = walk.next + run;
      const std::uint64_t live = slots.live().live_word(slot / 64) >> (slot % 64);
      const auto step =
          live == 0 ? 64 - slot % 64 : static_cast<std::uint32_t>(std::countr_zero(live));
      run = std::min({run + step, walk.end - walk.next, kRangeSlotsMax});
      if (live != 0) break;
    }
    if (run != 0) {
      if (!is_mutant(Mutant::kBulkLeavesOutEmpty) &&
          !builder_.try_add_run(walk.table, walk.next, run))
        return;
      frame_states_owed_ |= owed_count_ != 0;
      walk.next += run;
      continue;
    }
    if (walk.next + kPrefetchAhead < walk.end) slots.prefetch(walk.next + kPrefetchAhead);
    const std::uint8_t marks = slots.take_marks(walk.next);
    if (!add_slot<kKind>(walk.next, tables::kMarkWhole, now_ns)) {
      Traits::marks(slots.changeable(walk.next)) = marks;
      return;
    }
    ++walk.next;
  }
}

bool OwnerStream::add_slot(TableKind kind, std::uint32_t slot, std::uint8_t marks,
                           std::uint64_t now_ns) noexcept {
  return tables::with_kind(kind, [&](auto of) { return add_slot<of()>(slot, marks, now_ns); });
}

}  // namespace twinplane::ha2
