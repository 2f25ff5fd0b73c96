// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <deque>

#include "tables/dirty_queue.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;

TEST(DirtyQueue, GivesSlotsBackInTheOrderTheyCame) {
  InBlock<DirtyQueue> queue(10U);
  EXPECT_TRUE(queue->push(5));
  EXPECT_TRUE(queue->push(2));
  EXPECT_TRUE(queue->push(9));
  EXPECT_EQ(queue->peek(1), 2U);
  EXPECT_EQ(queue->pop(), 5U);
  EXPECT_EQ(queue->pop(), 2U);
  EXPECT_EQ(queue->pop(), 9U);
  EXPECT_TRUE(queue->empty());
}

TEST(DirtyQueue, HoldsASlotAtMostOnce) {
  InBlock<DirtyQueue> queue(10U);
  EXPECT_TRUE(queue->push(5));
  EXPECT_FALSE(queue->push(5));
  EXPECT_EQ(queue->size(), 1U);
  EXPECT_TRUE(queue->contains(5));
  queue->pop();
  EXPECT_FALSE(queue->contains(5));
  EXPECT_TRUE(queue->push(5));
}

TEST(DirtyQueue, HasRoomForEverySlotAtOnce) {
  InBlock<DirtyQueue> queue(70U);
  for (std::uint32_t slot = 0; slot < 70; ++slot) EXPECT_TRUE(queue->push(slot));
  for (std::uint32_t slot = 0; slot < 70; ++slot) EXPECT_EQ(queue->pop(), slot);
}

TEST(DirtyQueue, ForgetsAllAtReset) {
  InBlock<DirtyQueue> queue(70U);
  for (std::uint32_t slot = 0; slot < 70; ++slot) queue->push(slot);
  queue->stamp(100);
  queue->reset();
  EXPECT_TRUE(queue->empty());
  EXPECT_EQ(queue->oldest_ns(500), 500U);
  EXPECT_TRUE(queue->push(69));
  EXPECT_EQ(queue->pop(), 69U);
}

TEST(DirtyQueue, KnowsHowLongTheOldestHasWaited) {
  InBlock<DirtyQueue> queue(10U);
  EXPECT_EQ(queue->oldest_ns(7), 7U);
  queue->push(1);
  queue->stamp(100);
  queue->push(2);
  queue->stamp(200);
  EXPECT_EQ(queue->oldest_ns(300), 100U);
  queue->pop();
  EXPECT_EQ(queue->oldest_ns(300), 200U);
  queue->pop();
  EXPECT_EQ(queue->oldest_ns(300), 300U);
}

TEST(DirtyQueue, NeverUnderstatesAnAgeWhenItsStampsRunOut) {
  constexpr std::uint32_t kSlots = 1000;
  InBlock<DirtyQueue> queue(kSlots);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    queue->push(slot);
    queue->stamp(slot + 1);
  }
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    EXPECT_LE(queue->oldest_ns(kSlots + 1), slot + 1);
    queue->pop();
  }
}

TEST(DirtyQueue, AgreesWithADequeThroughChurn) {
  constexpr std::uint32_t kSlots = 100;
  InBlock<DirtyQueue> queue(kSlots);
  std::deque<std::uint32_t> wanted;
  tests::Prng prng(5);
  for (int round = 0; round < 100'000; ++round) {
    if (prng.coin()) {
      const std::uint32_t slot = prng.below(kSlots);
      const bool is_new = std::find(wanted.begin(), wanted.end(), slot) == wanted.end();
      ASSERT_EQ(queue->push(slot), is_new);
      if (is_new) wanted.push_back(slot);
    } else if (!wanted.empty()) {
      ASSERT_EQ(queue->pop(), wanted.front());
      wanted.pop_front();
    }
    ASSERT_EQ(queue->size(), wanted.size());
  }
}

}  // namespace
}  // namespace twinplane::tables
