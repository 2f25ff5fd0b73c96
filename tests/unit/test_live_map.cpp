// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "tables/live_map.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;

TEST(LiveMap, StartsEmptyAndHandsOutTheFirstSlot) {
  InBlock<LiveMap> map(100U);
  EXPECT_EQ(map->live_count(), 0U);
  EXPECT_EQ(map->find_free(0), 0U);
  EXPECT_EQ(map->find_free(42), 42U);
}

TEST(LiveMap, HandsOutEverySlotOnceAndThenNone) {
  for (const std::uint32_t slot_count : {1U, 63U, 64U, 65U, 200U, 4096U, 4097U, 300'000U}) {
    InBlock<LiveMap> map(slot_count);
    for (std::uint32_t i = 0; i < slot_count; ++i) {
      const std::uint32_t slot = map->find_free(0);
      ASSERT_EQ(slot, i) << slot_count;
      map->set(slot);
    }
    EXPECT_EQ(map->find_free(0), LiveMap::kNone) << slot_count;
    EXPECT_EQ(map->find_free(slot_count - 1), LiveMap::kNone) << slot_count;
    EXPECT_EQ(map->live_count(), slot_count);
  }
}

TEST(LiveMap, GoesRoundOnceToASlotBeforeTheStart) {
  InBlock<LiveMap> map(200U);
  for (std::uint32_t slot = 0; slot < 200; ++slot) map->set(slot);
  map->clear(3);
  EXPECT_EQ(map->find_free(150), 3U);
  EXPECT_EQ(map->find_free(4), 3U);
  EXPECT_EQ(map->find_free(3), 3U);
}

TEST(LiveMap, CountsASlotSetTwiceOnce) {
  InBlock<LiveMap> map(10U);
  map->set(4);
  map->set(4);
  EXPECT_EQ(map->live_count(), 1U);
  map->clear(4);
  map->clear(4);
  EXPECT_EQ(map->live_count(), 0U);
}

TEST(LiveMap, ShowsNoBitsPastTheLastSlot) {
  InBlock<LiveMap> map(70U);
  map->set(69);
  EXPECT_EQ(map->live_word(1), std::uint64_t{1} << 5U);
  EXPECT_EQ(map->word_count(), 2U);
}

TEST(LiveMap, AgreesWithASetThroughChurn) {
  constexpr std::uint32_t kSlots = 5000;
  InBlock<LiveMap> map(kSlots);
  std::set<std::uint32_t> live;
  tests::Prng prng(3);
  for (int round = 0; round < 100'000; ++round) {
    const std::uint32_t slot = prng.below(kSlots);
    if (prng.chance(800)) {
      map->set(slot);
      live.insert(slot);
    } else {
      map->clear(slot);
      live.erase(slot);
    }
    ASSERT_EQ(map->live_count(), live.size());
    const std::uint32_t free = map->find_free(slot);
    if (live.size() == kSlots) {
      ASSERT_EQ(free, LiveMap::kNone);
      continue;
    }
    std::uint32_t wanted = slot;
    while (live.contains(wanted)) wanted = wanted + 1 == kSlots ? 0 : wanted + 1;
    ASSERT_EQ(free, wanted);
  }
}

}  // namespace
}  // namespace twinplane::tables
