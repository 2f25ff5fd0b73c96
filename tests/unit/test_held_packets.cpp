// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/held_packets.hpp"

namespace twinplane::dataplane {
namespace {

class Held : public ::testing::Test {
 protected:
  // What made room for packet `index`.
  void* hold(std::uint32_t slot, std::size_t index) {
    return held_.hold(slot, &handles_.at(index)).packet;
  }

  HeldPackets held_;
  std::array<char, 1024> handles_{};
};

TEST_F(Held, GivesANeighborsPacketsBackInOrder) {
  EXPECT_EQ(hold(7, 0), nullptr);
  EXPECT_EQ(hold(8, 1), nullptr);
  EXPECT_EQ(hold(7, 2), nullptr);
  const HeldPackets::Taken taken = held_.take(7);
  ASSERT_EQ(taken.count, 2U);
  EXPECT_EQ(taken.packets[0], &handles_[0]);
  EXPECT_EQ(taken.packets[1], &handles_[2]);
  EXPECT_EQ(held_.count(), 1U);
  EXPECT_EQ(held_.take(7).count, 0U);
}

TEST_F(Held, HoldsTheLatestFourOfANeighbor) {
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(hold(7, i), nullptr);
  EXPECT_EQ(hold(7, 4), &handles_[0]);
  EXPECT_EQ(hold(7, 5), &handles_[1]);
  const HeldPackets::Taken taken = held_.take(7);
  ASSERT_EQ(taken.count, 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(taken.packets[i], &handles_[i + 2]);
}

TEST_F(Held, HoldsTheLatestOfAllWhenItIsFull) {
  for (std::uint32_t i = 0; i < HeldPackets::kMax; ++i) EXPECT_EQ(hold(i, i), nullptr);
  EXPECT_EQ(held_.count(), HeldPackets::kMax);
  EXPECT_EQ(hold(900, 900), &handles_[0]);
  EXPECT_EQ(hold(5, 901), &handles_[1]);
  EXPECT_EQ(held_.count(), HeldPackets::kMax);
  EXPECT_EQ(held_.take(0).count, 0U);
  EXPECT_EQ(held_.take(5).count, 2U);
}

}  // namespace
}  // namespace twinplane::dataplane
