// SPDX-License-Identifier: BSD-3-Clause
// Tables made over a block that an earlier life left behind, and entries that memory has damaged.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "tables/session_traits.hpp"
#include "tables/slot_table.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using tests::make_session;
using Slots = SlotTable<SessionTraits<Address4>>;

constexpr SlotLimits kLimits{512, 2};

FlowKey4 key_at(std::uint32_t number, Side side) {
  return key_of(make_session<Address4>(number, true), side);
}

// Every second of 400 translated sessions was ended again.
void use(InBlock<Slots>& table) {
  for (std::uint32_t number = 0; number < 400; ++number)
    static_cast<void>(table->insert(make_session<Address4>(number, true)));
  for (std::uint32_t number = 0; number < 400; number += 2)
    table->erase(table->find(key_at(number, Side::kClient)).slot);
}

TEST(Adopt, FindsWhatTheEarlierLifeHeldUnderAnotherSeed) {
  InBlock<Slots> table(kLimits, HashSeed{1});
  use(table);
  const std::uint32_t slot = table->find(key_at(7, Side::kServer)).slot;
  const std::uint16_t generation = table->entry(slot).state.generation;
  table.remake(kLimits, HashSeed{2});
  const AdoptedSlots adopted = table->adopt();
  EXPECT_EQ(adopted.kept, 200U);
  EXPECT_EQ(adopted.refused, 0U);
  EXPECT_EQ(table->live_count(), 200U);
  EXPECT_EQ(table->index().key_count(), 400U);
  EXPECT_EQ(table->find(key_at(7, Side::kServer)).slot, slot);
  EXPECT_EQ(table->entry(slot).state.generation, generation);
  EXPECT_EQ(table->find(key_at(8, Side::kServer)).slot, kNoSlot);
}

TEST(Adopt, ForgetsMarksAndDeadlinesAndGoesOnAsATable) {
  InBlock<Slots> table(kLimits, HashSeed{1});
  use(table);
  const std::uint32_t slot = table->find(key_at(7, Side::kClient)).slot;
  table->set_deadline(slot, 77);
  table.remake(kLimits, HashSeed{2});
  static_cast<void>(table->adopt());
  EXPECT_TRUE(table->changes().empty());
  EXPECT_EQ(table->take_marks(slot), 0);
  EXPECT_EQ(table->deadline_ms(slot), 0U);
  const InsertResult result = table->insert(make_session<Address4>(8, true));
  ASSERT_EQ(result.status, InsertStatus::kInserted);
  EXPECT_EQ(table->find(key_at(8, Side::kClient)).slot, result.slot);
}

TEST(Adopt, EmptiesASlotThatHoldsAKeyOfAnEarlierOne) {
  InBlock<Slots> table(kLimits, HashSeed{1});
  use(table);
  const std::uint32_t slot = table->find(key_at(7, Side::kClient)).slot;
  const std::uint32_t other = table->find(key_at(9, Side::kClient)).slot;
  table->changeable(other).server_side = table->entry(slot).server_side;
  table.remake(kLimits, HashSeed{2});
  const AdoptedSlots adopted = table->adopt();
  EXPECT_EQ(adopted.kept, 199U);
  EXPECT_EQ(adopted.refused, 1U);
  EXPECT_EQ(table->index().key_count(), 398U);
  EXPECT_FALSE(table->live().is_live(std::max(slot, other)));
}

TEST(Adopt, EmptiesWhatNoBoxCanHaveWritten) {
  InBlock<Slots> table(kLimits, HashSeed{1});
  use(table);
  const auto damage = [&](std::uint32_t number, auto&& change) {
    change(table->changeable(table->find(key_at(number, Side::kClient)).slot));
  };
  damage(1, [](Session4& session) { session.state.tcp_ranks = 0x66; });
  damage(3, [](Session4& session) { session.state.generation = 0x4000; });
  damage(5, [](Session4& session) { session.flags |= 1U << 15U; });
  damage(7, [](Session4& session) { session.state.timeout_class = 8; });
  damage(9, [](Session4& session) {
    std::swap(session.client_side.address_a, session.client_side.address_b);
  });
  table.remake(kLimits, HashSeed{2});
  const AdoptedSlots adopted = table->adopt();
  EXPECT_EQ(adopted.kept, 195U);
  EXPECT_EQ(adopted.refused, 5U);
}

// What a mirror holds is repaired by stating it again, whichever bit fell over: the index must
// afterwards point at exactly the live keys.
TEST(Damage, ARestatedSlotLeavesTheIndexExact) {
  const Session4 right = [] {
    Session4 session = make_session<Address4>(7, true);
    session.state.generation = 5;
    return session;
  }();
  for (std::size_t bit = 0; bit < 8 * offsetof(Session4, state); ++bit) {
    for (const bool is_emptied : {false, true}) {
      InBlock<Slots> table(SlotLimits{64, 2}, HashSeed{1});
      table->put(3, right);
      auto* const bytes = reinterpret_cast<std::uint8_t*>(&table->changeable(3));
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << (bit % 8));
      if (is_emptied)
        table->empty(3);
      else
        table->put(3, right);
      EXPECT_EQ(table->index().key_count(), is_emptied ? 0U : 2U) << "bit " << bit;
      EXPECT_EQ(table->live_count(), is_emptied ? 0U : 1U);
      EXPECT_EQ(table->find(key_at(7, Side::kServer)).slot, is_emptied ? kNoSlot : 3U);
    }
  }
}

}  // namespace
}  // namespace twinplane::tables
