// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/plain_workload.hpp"

#include "tests/support/plain_bodies.hpp"

namespace twinplane::tests {

using tables::HasPatch;
using tables::HasRefresh;
using tables::HasSecondKey;
using tables::PlainTable;
using tables::PlainTraits;
using tables::Side;

namespace {

// The slot that has the body's key of this side.
template <class Body>
std::uint32_t holder_of(const PlainTable<Body>& table, const Body& body, Side side) {
  if (side == Side::kServer && !PlainTraits<Body>::has_second_key({body, {}, {}, 0}))
    return tables::kNoSlot;
  return table.slots().find(PlainTraits<Body>::key(body, side)).slot;
}

template <class Body>
bool is_free(const PlainTable<Body>& table, const Body& body) {
  return holder_of(table, body, Side::kClient) == tables::kNoSlot &&
         holder_of(table, body, Side::kServer) == tables::kNoSlot;
}

}  // namespace

template <class Body>
void PlainWorkload::alter(PlainTable<Body>& table, std::uint32_t slot, std::uint32_t number) {
  Body other = body_of<Body>(number, prng_.below(1000));
  auto& slots = table.slots();
  keep_keys(other, slots.entry(slot).body);
  if constexpr (HasSecondKey<Body>) {
    if (prng_.coin()) return rekey(table, slot);
  }
  if constexpr (HasRefresh<Body>) {
    if (prng_.coin()) {
      advance_refresh(slots.changeable(slot).refresh, prng_.between(1, 100));
      return slots.mark(slot, tables::kMarkWindow);
    }
  }
  if constexpr (HasPatch<Body>) {
    if (prng_.coin()) return table.patch(slot, other.patch());
  }
  table.change(slot, [&](Body& body) { body = other; });
}

// Whoever holds a key that is wanted gives way, or keeps it.
template <class Body>
void PlainWorkload::rekey(PlainTable<Body>& table, std::uint32_t slot) {
  const std::uint32_t number_end = key_count(table.slots().slot_count());
  Body other = body_of<Body>(prng_.below(number_end), prng_.below(1000));
  if (prng_.coin()) meet(other, body_of<Body>(prng_.below(number_end)));
  tables::RekeyResult result = table.rekey(slot, other);
  while (result.status == tables::RekeyStatus::kKeyHeld && prng_.coin()) {
    table.end(result.holder);
    result = table.rekey(slot, other);
  }
}

template <class Body>
void PlainWorkload::operate_on(PlainTable<Body>& table, std::uint32_t now_s) {
  const std::uint32_t number = prng_.below(key_count(table.slots().slot_count()));
  const Body body = body_of<Body>(number, prng_.below(1000));
  const std::uint32_t slot = holder_of(table, body, Side::kClient);
  const bool is_live = slot != tables::kNoSlot;
  const std::uint32_t choice = prng_.below(10);
  if (is_live && choice < 6) return alter(table, slot, number);
  if (is_live) table.end(slot);
  if ((is_live && choice < 9) || !is_free(table, body)) return;
  static_cast<void>(table.create(body, now_s, prng_.chance(100)));
}

void PlainWorkload::operate(tables::Partition& owner, std::uint64_t now_ns) {
  const auto wanted = static_cast<tables::TableKind>(prng_.below(tables::kTableKindCount));
  if (tables::is_session(wanted) || others_.has(wanted) || owner.slot_count(wanted) == 0) return;
  tables::with_kind(wanted, [&](auto kind) {
    if constexpr (!tables::is_session(kind()))
      operate_on(owner.table<kind()>(), static_cast<std::uint32_t>(now_ns / 1'000'000'000U));
  });
}

}  // namespace twinplane::tests
