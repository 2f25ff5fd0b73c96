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

std::uint32_t seconds(std::uint64_t ns) noexcept {
  return static_cast<std::uint32_t>(ns / 1'000'000'000U);
}

// Stated, and nothing but the state changed.
template <class Address>
bool needs_state(const tables::SessionOf<Address>& session) noexcept {
  return (session.flags & (tables::kLive | tables::kLocalOnly)) == tables::kLive &&
         session.state.marks == tables::kMarkState;
}

template <class Address>
void write(StatePatch& patch, const tables::SessionOf<Address>& session,
           std::uint32_t slot) noexcept {
  patch.name.set(slot, session.state.generation);
  patch.state = wire_state(session.state, session.flags);
}

}  // namespace

template <class Address>
void OwnerStream::add_queued(tables::DirtyQueue& queue, std::uint64_t now_ns,
                             std::size_t keep_bytes) noexcept {
  auto& slots = partition_.sessions<Address>().slots();
  for (std::size_t i = 0; i < std::min(kPrefetchAhead, queue.size()); ++i)
    slots.prefetch(queue.peek(i));
  while (!queue.empty() && builder_.left_bytes() > keep_bytes) {
    if (add_states<Address>(queue, keep_bytes) + add_usual<Address>(queue, now_ns, keep_bytes) != 0)
      continue;
    if (queue.size() > kPrefetchAhead) slots.prefetch(queue.peek(kPrefetchAhead));
    const std::uint32_t slot = queue.peek(0);
    // S1: the mark goes first, then the slot is read
    const std::uint8_t marks = slots.take_marks(slot);
    if (marks != 0 && !add_slot<Address>(slot, marks, now_ns)) {
      slots.changeable(slot).state.marks = marks;  // no room: it waits where it was
      return;
    }
    queue.pop();
  }
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
// be of an earlier stream, whose generations say nothing about this one's. A whole wipes the window
// edges, so those that are known go with it.
template <class Address>
bool OwnerStream::add_slot(std::uint32_t slot, std::uint8_t marks, std::uint64_t now_ns) noexcept {
  constexpr TableKind kTable = SessionWire<Address>::kTable;
  const auto& session = partition_.sessions<Address>().slots().entry(slot);
  const bool is_local =
      (session.flags & tables::kLocalOnly) != 0 && !is_mutant(Mutant::kSendsLocalOnly);
  const bool is_stated_empty = (session.flags & tables::kLive) == 0 || is_local;
  if (is_stated_empty) {
    EmptySlot empty;
    empty.slot.set(slot);
    if (!builder_.try_add(kTable, Operation::kEmpty, empty, slot)) return false;
    frame_states_owed_ |= owed_count_ != 0 && is_owed(static_cast<std::size_t>(kTable), slot);
    return true;
  }
  SlotName name;
  name.set(slot, session.state.generation);
  if ((marks & tables::kMarkWhole) != 0 ||
      !(is_bulk_done_ || is_mutant(Mutant::kPatchDuringBulk))) {
    const bool wants_window = has_window(session.state) && !is_mutant(Mutant::kWholeWithoutWindow);
    // both records or none
    if (wants_window && builder_.left_bytes() < kSlotBytesMax) return false;
    if (!add_whole(slot, session, now_ns)) return false;
    if (!wants_window) return true;
    WindowPatch patch = wire_window(session.state);
    patch.name = name;
    return builder_.try_add(kTable, Operation::kWindow, patch, slot);
  }
  if (builder_.left_bytes() <
          sizeof(StatePatch) + sizeof(WindowPatch) + 2 * sizeof(SectionHeader) &&
      (marks & tables::kMarkWindow) != 0)
    return false;
  if ((marks & tables::kMarkState) != 0) {
    const StatePatch patch{name, wire_state(session.state, session.flags)};
    if (!builder_.try_add(kTable, Operation::kState, patch, slot)) return false;
  }
  if ((marks & tables::kMarkWindow) == 0) return true;
  WindowPatch patch = wire_window(session.state);
  patch.name = name;
  return builder_.try_add(kTable, Operation::kWindow, patch, slot);
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
    if (builder_.left_bytes() <
        kSlotBytesMax - sizeof(WindowPatch) - sizeof(Full6) + sizeof(typename Wire::Full))
      return false;
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
  bool is_added = false;
  if (is_brief(session)) {
    is_added = builder_.try_add(Wire::kTable, Operation::kBrief, brief, slot);
  } else {
    typename Wire::Full full;
    full.brief = brief;
    full.server_side = wire_ends((session.flags & tables::kTranslated) != 0 ? session.server_side
                                                                            : session.client_side);
    full.extra = wire_extra(session);
    is_added = builder_.try_add(Wire::kTable, Operation::kFull, full, slot);
  }
  if (!is_added) return false;
  frame_states_owed_ |= owed_count_ != 0 && is_owed(static_cast<std::size_t>(Wire::kTable), slot);
  return true;
}

bool OwnerStream::walk_on(std::uint64_t now_ns) noexcept {
  if (open_walk_count_ == 0) return true;
  bool has_walked = false;
  for (Walk& walk : walks_) {
    if (walk.next >= walk.end) continue;
    const std::uint32_t start = walk.next;
    if (walk.table == TableKind::kSession4)
      add_walk<Address4>(walk, now_ns);
    else
      add_walk<Address6>(walk, now_ns);
    has_walked |= walk.next != start;
    if (walk.next < walk.end) break;  // the frame is full
    --open_walk_count_;
  }
  return has_walked;
}

// S12: the whole of each slot, full or empty, whatever else this frame says of it.
template <class Address>
void OwnerStream::add_walk(Walk& walk, std::uint64_t now_ns) noexcept {
  auto& slots = partition_.sessions<Address>().slots();
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
    if (!add_slot<Address>(walk.next, tables::kMarkWhole, now_ns)) {
      slots.changeable(walk.next).state.marks = marks;
      return;
    }
    ++walk.next;
  }
}

template void OwnerStream::add_queued<Address4>(tables::DirtyQueue&, std::uint64_t,
                                                std::size_t) noexcept;
template void OwnerStream::add_queued<Address6>(tables::DirtyQueue&, std::uint64_t,
                                                std::size_t) noexcept;
template bool OwnerStream::add_slot<Address4>(std::uint32_t, std::uint8_t, std::uint64_t) noexcept;
template bool OwnerStream::add_slot<Address6>(std::uint32_t, std::uint8_t, std::uint64_t) noexcept;

}  // namespace twinplane::ha2
