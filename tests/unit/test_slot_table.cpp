// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "tables/session_traits.hpp"
#include "tables/slot_table.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using tests::make_session;
using Slots = SlotTable<SessionTraits<Address4>>;

constexpr HashSeed kSeed{99};

InBlock<Slots> table_of(std::uint32_t slot_count, std::uint32_t keys_per_slot = 2) {
  return InBlock<Slots>(SlotLimits{slot_count, keys_per_slot}, kSeed);
}

FlowKey4 key_at(std::uint32_t number, bool is_translated = false, Side side = Side::kClient) {
  return key_of(make_session<Address4>(number, is_translated), side);
}

Session4 stated(std::uint32_t number, std::uint16_t generation, bool is_translated = false) {
  Session4 session = make_session<Address4>(number, is_translated);
  session.state.generation = generation;
  return session;
}

TEST(SlotTable, FindsASessionByItsOnlyKey) {
  auto table = table_of(64);
  const InsertResult result = table->insert(make_session<Address4>(1));
  ASSERT_EQ(result.status, InsertStatus::kInserted);
  EXPECT_EQ(table->find(key_at(1)).slot, result.slot);
  EXPECT_EQ(table->find(key_at(2)).slot, kNoSlot);
  EXPECT_EQ(table->live_count(), 1U);
}

TEST(SlotTable, FindsATranslatedSessionByEitherKeyAndSaysWhich) {
  auto table = table_of(64);
  const auto slot = table->insert(make_session<Address4>(1, true)).slot;
  const Found client = table->find(key_at(1, true, Side::kClient));
  const Found server = table->find(key_at(1, true, Side::kServer));
  EXPECT_EQ(client.slot, slot);
  EXPECT_EQ(client.side, Side::kClient);
  EXPECT_EQ(server.slot, slot);
  EXPECT_EQ(server.side, Side::kServer);
}

TEST(SlotTable, RaisesTheGenerationAtEachReuseAndMarksTheSlotWhole) {
  auto table = table_of(1);
  for (std::uint16_t generation = 1; generation < 5; ++generation) {
    const auto slot = table->insert(make_session<Address4>(generation)).slot;
    EXPECT_EQ(table->entry(slot).state.generation, generation);
    EXPECT_TRUE(table->changes().contains(slot));
    EXPECT_EQ(table->take_marks(slot) & kMarkWhole, kMarkWhole);
    table->erase(slot);
    EXPECT_EQ(table->entry(slot).state.marks & kMarkWhole, kMarkWhole);
  }
}

TEST(SlotTable, WrapsTheGenerationAtFourteenBits) {
  auto table = table_of(1);
  table->changeable(0).state.generation = kGenerationMask;
  const auto slot = table->insert(make_session<Address4>(1)).slot;
  EXPECT_EQ(table->entry(slot).state.generation, 0);
}

TEST(SlotTable, RefusesWhenEverySlotIsFullAndChangesNothing) {
  auto table = table_of(10);
  for (std::uint32_t number = 0; number < 10; ++number)
    ASSERT_EQ(table->insert(make_session<Address4>(number, true)).status, InsertStatus::kInserted);
  EXPECT_EQ(table->insert(make_session<Address4>(10)).status, InsertStatus::kFull);
  EXPECT_EQ(table->live_count(), 10U);
  EXPECT_EQ(table->index().key_count(), 20U);
  table->erase(4);
  EXPECT_EQ(table->insert(make_session<Address4>(10)).slot, 4U);
}

TEST(SlotTable, ForgetsBothKeysOfAnErasedSession) {
  auto table = table_of(64);
  table->erase(table->insert(make_session<Address4>(1, true)).slot);
  EXPECT_EQ(table->find(key_at(1, true, Side::kClient)).slot, kNoSlot);
  EXPECT_EQ(table->find(key_at(1, true, Side::kServer)).slot, kNoSlot);
  EXPECT_EQ(table->index().key_count(), 0U);
}

TEST(SlotTable, AnswersABurstAsSingleLookupsDo) {
  auto table = table_of(1000);
  tests::Prng prng(1);
  for (std::uint32_t number = 0; number < 700; ++number)
    ASSERT_EQ(table->insert(make_session<Address4>(number, number % 3 == 0)).status,
              InsertStatus::kInserted);
  for (const std::size_t count : {0U, 1U, 63U, 64U, 65U, 500U}) {
    std::vector<FlowKey4> keys;
    for (std::size_t i = 0; i < count; ++i)
      keys.push_back(
          key_at(prng.below(1400), prng.coin(), prng.coin() ? Side::kClient : Side::kServer));
    std::vector<Found> found(count);
    table->find_burst(keys, found);
    for (std::size_t i = 0; i < count; ++i) {
      const Found wanted = table->find(keys[i]);
      EXPECT_EQ(found[i].slot, wanted.slot);
      if (wanted.slot != kNoSlot) {
        EXPECT_EQ(found[i].side, wanted.side);
      }
    }
  }
}

TEST(SlotTable, AnswersALookupInStepsByTheTableAsItIsAtTheEnd) {
  auto table = table_of(100);
  const FlowKey4 key = key_at(1, false, Side::kClient);
  const std::uint32_t slot = table->insert(make_session<Address4>(1, false)).slot;
  KeyLookup lookup;
  const auto to_the_last_step = [&] {
    table->start(lookup, key);
    table->advance(lookup);
  };
  to_the_last_step();
  table->erase(slot);
  EXPECT_EQ(table->finish(lookup, key).slot, kNoSlot) << "it has ended meanwhile";
  table->put(slot, make_session<Address4>(1, false));
  to_the_last_step();
  table->put(slot, make_session<Address4>(2, false));
  EXPECT_EQ(table->finish(lookup, key).slot, kNoSlot) << "another session has its slot";
  table->put(7, make_session<Address4>(1, false));
  EXPECT_EQ(table->finish(lookup, key).slot, 7U) << "it has another slot";
}

TEST(SlotTable, MarksNothingWhileRecordingIsOff) {
  auto table = table_of(10);
  table->set_recording(false);
  static_cast<void>(table->insert(make_session<Address4>(1)));
  EXPECT_TRUE(table->changes().empty());
}

TEST(SlotTable, QueuesWindowMovesApartFromChanges) {
  auto table = table_of(10);
  const auto slot = table->insert(make_session<Address4>(1)).slot;
  table->forget_marks();
  static_cast<void>(table->take_marks(slot));
  table->mark(slot, kMarkWindow);
  EXPECT_TRUE(table->changes().empty());
  EXPECT_EQ(table->refreshes().size(), 1U);
  table->mark(slot, kMarkState);
  EXPECT_EQ(table->changes().size(), 1U);
  EXPECT_EQ(table->take_marks(slot), kMarkState | kMarkWindow);
}

TEST(SlotTable, AMirrorHoldsWhatItIsToldGenerationIncluded) {
  auto table = table_of(10);
  table->put(3, stated(1, 77));
  EXPECT_EQ(table->find(key_at(1)).slot, 3U);
  EXPECT_EQ(table->entry(3).state.generation, 77);
  EXPECT_EQ(table->live_count(), 1U);
  EXPECT_TRUE(table->changes().empty());
  table->empty(3);
  EXPECT_EQ(table->find(key_at(1)).slot, kNoSlot);
  EXPECT_EQ(table->live_count(), 0U);
}

TEST(SlotTable, AMirrorsSlotCanBeFilledAnewWithoutBeingEmptiedFirst) {
  auto table = table_of(10);
  table->put(3, stated(1, 7, true));
  table->put(3, stated(2, 8));
  EXPECT_EQ(table->find(key_at(1, true, Side::kClient)).slot, kNoSlot);
  EXPECT_EQ(table->find(key_at(1, true, Side::kServer)).slot, kNoSlot);
  EXPECT_EQ(table->find(key_at(2)).slot, 3U);
  EXPECT_EQ(table->index().key_count(), 1U);
}

TEST(SlotTable, AKeyThatMovesLeavesItsOldSlotEmptyAtTheMirror) {
  auto table = table_of(10);
  table->put(3, stated(1, 7, true));
  table->put(5, stated(1, 2, true));
  EXPECT_EQ(table->find(key_at(1, true)).slot, 5U);
  EXPECT_FALSE(table->live().is_live(3));
  EXPECT_EQ(table->index().key_count(), 2U);
}

TEST(SlotTable, AKeyThatComesBackToItsOldSlotIsFoundThere) {
  auto table = table_of(10);
  table->put(3, stated(1, 7));
  table->put(5, stated(1, 2));
  table->put(3, stated(1, 8));
  table->empty(5);
  EXPECT_EQ(table->find(key_at(1)).slot, 3U);
  EXPECT_EQ(table->index().key_count(), 1U);
}

TEST(SlotTable, AServerSideKeyThatMovesEmptiesItsOldSlotToo) {
  auto table = table_of(10);
  table->put(3, stated(1, 7, true));
  Session4 other = stated(2, 1, true);
  other.server_side = table->entry(3).server_side;  // the translated port went to another client
  table->put(5, other);
  EXPECT_FALSE(table->live().is_live(3));
  EXPECT_EQ(table->find(key_at(1, true, Side::kClient)).slot, kNoSlot);
  EXPECT_EQ(table->find(key_of(other, Side::kServer)).slot, 5U);
}

TEST(SlotTable, EmptyingAnEmptySlotChangesNothing) {
  auto table = table_of(10);
  table->empty(3);
  EXPECT_EQ(table->live_count(), 0U);
  EXPECT_EQ(table->index().key_count(), 0U);
}

TEST(SlotTable, AStatementTakesAwayTheDeadlineOfAnEarlierOwnership) {
  auto table = table_of(10);
  const auto slot = table->insert(make_session<Address4>(1)).slot;
  table->set_deadline(slot, 5000);
  table->put(slot, stated(1, 1));
  EXPECT_EQ(table->deadline_ms(slot), 0U);
  table->set_deadline(slot, 5000);
  table->put(slot, stated(2, 2));
  EXPECT_EQ(table->deadline_ms(slot), 0U);
}

TEST(SlotTable, AgesComeDueOnceTheirDeadlineHasPassedOverTheWrapOfTheClock) {
  auto table = table_of(200);
  std::vector<std::uint32_t> due;
  const auto scan = [&](std::uint32_t now_ms) {
    due.clear();
    table->scan_ages(
        now_ms, 256, [&](std::uint32_t slot) { due.push_back(slot); },
        [](std::uint32_t) { FAIL() << "no deadline is unset"; });
  };
  for (std::uint32_t number = 0; number < 3; ++number)
    static_cast<void>(table->insert(make_session<Address4>(number)));
  table->set_deadline(0, 0xFFFFFF00U);
  table->set_deadline(1, 0x00000000U);  // kept as 1
  table->set_deadline(2, 0x00000100U);
  scan(0xFFFFFEFFU);
  EXPECT_TRUE(due.empty());
  scan(0xFFFFFF00U);
  EXPECT_EQ(due, (std::vector<std::uint32_t>{0}));
  scan(1);
  EXPECT_EQ(due, (std::vector<std::uint32_t>{0, 1}));
  scan(0x200);
  EXPECT_EQ(due, (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST(SlotTable, AScanReachesEverySlotInTurn) {
  auto table = table_of(130);
  for (std::uint32_t number = 0; number < 130; ++number) {
    const auto slot = table->insert(make_session<Address4>(number)).slot;
    table->set_deadline(slot, 1);
  }
  std::uint32_t ended = 0;
  for (int i = 0; i < 3; ++i)
    table->scan_ages(
        10, 64, [&](std::uint32_t slot) { table->erase(slot), ++ended; }, [](std::uint32_t) {});
  EXPECT_EQ(ended, 130U);
}

}  // namespace
}  // namespace twinplane::tables
