// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/expectations.hpp"

#include <bit>

namespace twinplane::dataplane {

namespace {

using tables::ExpectationBody;
using tables::ExpectationState;
using tables::kNoSlot;
using tables::TableKind;

// Calls visit(slot) for each full slot.
template <class Slots, class Visit>
void for_each_live(const Slots& slots, Visit&& visit) {
  for (std::uint32_t base = 0; base < slots.slot_count(); base += 64)
    for (std::uint64_t live = slots.live().live_word(base / 64); live != 0; live &= live - 1)
      visit(base + static_cast<std::uint32_t>(std::countr_zero(live)));
}

bool is_waiting(const ExpectationBody& body) noexcept {
  return body.state == ExpectationState::kWaiting;
}

}  // namespace

const ExpectationBody* Expectations::try_of(const tables::Partition& partition,
                                            const tables::AnnouncingSession& session) noexcept {
  const auto& slots = partition.slots<TableKind::kExpectation>();
  if (slots.live_count() == 0) return nullptr;
  const std::uint32_t slot = slots.find(Body::key_of(session)).slot;
  return slot == kNoSlot ? nullptr : &slots.entry(slot).body;
}

// Off the board first: nobody may claim what the table no longer has.
void Expectations::end(Table& table, std::uint32_t slot) noexcept {
  if (const Body& body = table.slots().entry(slot).body; is_waiting(body))
    board_.take(&table.slots(), body.flow);
  table.end(slot);
}

bool Expectations::try_expect(tables::Partition& partition, const Body& body, bool is_local_only,
                              std::uint32_t now_ms) noexcept {
  auto& table = partition.table<TableKind::kExpectation>();
  if (table.slots().slot_count() == 0) return false;
  if (const std::uint32_t old = table.slots().find(Body::key_of(body.session)).slot;
      old != kNoSlot) {
    end(table, old);
    add(ExpectationCounter::kReplaced);
  }
  if (const std::uint32_t holder = table.slots().find(body.flow).slot; holder != kNoSlot) {
    end(table, holder);
    add(ExpectationCounter::kDisplaced);
  }
  // Of another partition's session: it is not ours to end, and its flow is let in all the same.
  if (board_.try_find(body.flow)) {
    add(ExpectationCounter::kRefusedBoard);
    return false;
  }
  const tables::InsertResult made = table.create(body, now_ms / 1000, is_local_only);
  if (made.status != tables::InsertStatus::kInserted) {
    add(ExpectationCounter::kRefusedFull);
    return false;
  }
  if (!board_.put(&table.slots(), body, is_local_only)) {
    table.end(made.slot);
    add(ExpectationCounter::kRefusedBoard);
    return false;
  }
  table.slots().set_deadline(made.slot, now_ms + timeout_ms_);
  add(ExpectationCounter::kMade);
  return true;
}

void Expectations::note_opened(Table& table) noexcept {
  for_each_live(table.slots(), [&](std::uint32_t slot) {
    const Body& body = table.slots().entry(slot).body;
    if (!is_waiting(body) || !board_.is_claimed(&table.slots(), body.flow)) return;
    board_.take(&table.slots(), body.flow);
    table.patch(slot, Body::Patch{ExpectationState::kUsed});
    add(ExpectationCounter::kOpened);
  });
}

void Expectations::expire(tables::Partition& partition, std::uint32_t now_ms,
                          std::uint32_t slot_budget) noexcept {
  auto& table = partition.table<TableKind::kExpectation>();
  if (table.slots().live_count() == 0) return;
  note_opened(table);
  table.expire(
      now_ms, slot_budget,
      [&](std::uint32_t slot) {
        const Body& body = table.slots().entry(slot).body;
        if (is_waiting(body)) {
          board_.take(&table.slots(), body.flow);
          add(ExpectationCounter::kExpired);
        }
        return true;
      },
      [&](std::uint32_t slot) { table.slots().set_deadline(slot, now_ms + timeout_ms_); });
}

void Expectations::show(const tables::Partition& partition) noexcept {
  const auto& slots = partition.slots<TableKind::kExpectation>();
  for_each_live(slots, [&](std::uint32_t slot) {
    const auto& entry = slots.entry(slot);
    if (!is_waiting(entry.body)) return;
    const bool is_local_only = (entry.head.flags & tables::kLocalOnly) != 0;
    if (!board_.put(&slots, entry.body, is_local_only)) add(ExpectationCounter::kRefusedBoard);
  });
}

void Expectations::hide(const tables::Partition& partition) noexcept {
  const auto& slots = partition.slots<TableKind::kExpectation>();
  for_each_live(slots,
                [&](std::uint32_t slot) { board_.take(&slots, slots.entry(slot).body.flow); });
}

}  // namespace twinplane::dataplane
