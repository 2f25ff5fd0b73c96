// SPDX-License-Identifier: BSD-3-Clause
// A change of keys by the owner: SlotTable::rekey(), with the entries that have two of their own.
#include <gtest/gtest.h>

#include "tables/plain_table.hpp"
#include "tables/sctp.hpp"
#include "tests/support/plain_bodies.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using Table = PlainTable<SctpBody>;

InBlock<Table> table_of(std::uint32_t slot_count) {
  return InBlock<Table>(slot_count, HashSeed{99});
}

// Numbers 0, 1, 2 have two keys, number 3 has one: plain_bodies.hpp.
SctpBody body(std::uint32_t number) { return tests::body_of<SctpBody>(number); }

std::uint32_t slot_of(const Table& table, std::uint32_t number, Side side) {
  return table.slots().find(body(number).key(side)).slot;
}

TEST(Rekey, FindsTheSlotByItsNewKeysAlone) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(body(0), 0).slot;
  ASSERT_EQ(table->rekey(slot, body(1)).status, RekeyStatus::kRekeyed);
  for (const Side side : {Side::kClient, Side::kServer}) {
    EXPECT_EQ(slot_of(*table, 0, side), kNoSlot);
    EXPECT_EQ(slot_of(*table, 1, side), slot);
  }
  EXPECT_EQ(table->slots().index().key_count(), 2U);
  EXPECT_EQ(table->slots().live_count(), 1U);
}

TEST(Rekey, AddsASecondKeyAndTakesItAway) {
  auto table = table_of(64);
  SctpBody opening = body(0);
  opening.state.tags[kFromClient] = 0;
  opening.state.rank = SctpRank::kInitSent;
  opening.state.flags = 0;
  const std::uint32_t slot = table->create(opening, 0).slot;
  EXPECT_EQ(table->slots().index().key_count(), 1U);
  ASSERT_EQ(table->rekey(slot, body(0)).status, RekeyStatus::kRekeyed);
  EXPECT_EQ(slot_of(*table, 0, Side::kServer), slot);
  EXPECT_EQ(table->slots().index().key_count(), 2U);
  ASSERT_EQ(table->rekey(slot, opening).status, RekeyStatus::kRekeyed);
  EXPECT_EQ(slot_of(*table, 0, Side::kClient), slot);
  EXPECT_EQ(slot_of(*table, 0, Side::kServer), kNoSlot);
  EXPECT_EQ(table->slots().index().key_count(), 1U);
}

TEST(Rekey, LetsTheKeysChangeSides) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(body(0), 0).slot;
  SctpBody turned = body(0);
  std::swap(turned.state.tags[kFromClient], turned.state.tags[kFromServer]);
  ASSERT_EQ(table->rekey(slot, turned).status, RekeyStatus::kRekeyed);
  EXPECT_EQ(table->slots().find(turned.key(Side::kClient)).side, Side::kClient);
  EXPECT_EQ(table->slots().find(turned.key(Side::kServer)).side, Side::kServer);
  EXPECT_EQ(table->slots().index().key_count(), 2U);
}

TEST(Rekey, StandsUnderANewGenerationAndIsMarkedWhole) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(body(0), 7).slot;
  table->slots().set_deadline(slot, 1234);
  const std::uint16_t before = table->slots().entry(slot).head.generation;
  table->slots().take_marks(slot);
  ASSERT_EQ(table->rekey(slot, body(1)).status, RekeyStatus::kRekeyed);
  EXPECT_EQ(table->slots().entry(slot).head.generation, before + 1);
  EXPECT_EQ(table->slots().take_marks(slot), kMarkWhole);
  EXPECT_EQ(table->slots().entry(slot).since_s, 7U);
  EXPECT_EQ(table->slots().deadline_ms(slot), 1234U);
}

TEST(Rekey, IsRefusedWhereAnotherSlotHoldsAKeyWhichItNames) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(body(0), 0).slot;
  const std::uint32_t other = table->create(body(1), 0).slot;
  SctpBody across = body(0);
  tests::meet(across, body(1));
  for (const SctpBody& wanted : {body(1), across}) {
    const RekeyResult result = table->rekey(slot, wanted);
    EXPECT_EQ(result.status, RekeyStatus::kKeyHeld);
    EXPECT_EQ(result.holder, other);
  }
  for (const Side side : {Side::kClient, Side::kServer}) EXPECT_EQ(slot_of(*table, 0, side), slot);
  EXPECT_EQ(table->slots().index().key_count(), 4U);
  table->end(other);
  EXPECT_EQ(table->rekey(slot, across).status, RekeyStatus::kRekeyed);
}

TEST(Rekey, HasRoomForTwoKeysOfEverySlot) {
  auto table = table_of(1000);
  for (std::uint32_t number = 0; number < 1000; ++number)
    ASSERT_EQ(table->create(body(number * 4 + 3), 0).status, InsertStatus::kInserted);
  for (std::uint32_t number = 0; number < 1000; ++number) {
    const std::uint32_t slot = slot_of(*table, number * 4 + 3, Side::kClient);
    ASSERT_EQ(table->rekey(slot, body(number * 4)).status, RekeyStatus::kRekeyed);
  }
  EXPECT_EQ(table->slots().index().key_count(), 2000U);
}

// Its index was made for one key a slot.
TEST(Rekey, ThatFindsNoRoomInTheIndexLeavesEverythingAsItWas) {
  InBlock<SlotTable<PlainTraits<SctpBody>>> slots(SlotLimits{4096, 1}, HashSeed{99});
  PlainEntry<SctpBody> entry{};
  entry.head.flags = kLive;
  for (std::uint32_t number = 0; number < 4096; ++number) {
    entry.body = body(number * 4 + 3);
    ASSERT_EQ(slots->insert(entry).status, InsertStatus::kInserted);
  }
  std::uint32_t slot = 0;
  std::uint64_t key_count = 0;
  auto before = entry;
  RekeyResult result{RekeyStatus::kRekeyed, kNoSlot};
  while (result.status == RekeyStatus::kRekeyed) {
    ASSERT_LT(slot, 4096U);
    key_count = slots->index().key_count();
    before = slots->entry(slot);
    entry.body = body(slot * 4);
    result = slots->rekey(slot++, entry);
  }
  --slot;
  EXPECT_EQ(result.status, RekeyStatus::kIndexFull);
  EXPECT_EQ(slots->index().key_count(), key_count);
  EXPECT_EQ(slots->find(before.body.key(Side::kClient)).slot, slot);
  EXPECT_EQ(slots->find(entry.body.key(Side::kClient)).slot, kNoSlot);
  EXPECT_EQ(slots->entry(slot).head.generation, before.head.generation);
  EXPECT_EQ(slots->unindexed_count(), 0U);
}

TEST(Rekey, OfAnEntryThatWasDamagedLeavesNoKeyBehind) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(body(0), 0).slot;
  table->slots().changeable(slot).body.state.tags[kFromServer] ^= 1U;
  ASSERT_EQ(table->rekey(slot, body(1)).status, RekeyStatus::kRekeyed);
  EXPECT_EQ(table->slots().index().key_count(), 2U);
  EXPECT_EQ(table->slots().swept_count(), 1U);
  for (const Side side : {Side::kClient, Side::kServer}) EXPECT_EQ(slot_of(*table, 1, side), slot);
}

}  // namespace
}  // namespace twinplane::tables
