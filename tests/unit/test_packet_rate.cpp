// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tables/packet_rate.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint64_t kMax = ~std::uint64_t{0};
constexpr std::uint64_t kIntervalNs = PacketRate::kIntervalNs;

TEST(PacketsWithin, RoundsUpAndEndsWithTheLargestNumber) {
  EXPECT_EQ(packets_within(0, kMax), 0U);
  EXPECT_EQ(packets_within(1000, 0), 0U);
  EXPECT_EQ(packets_within(1, 1), 1U);
  EXPECT_EQ(packets_within(1000, 1'000'000), 1U);
  EXPECT_EQ(packets_within(1000, 1'000'001), 2U);
  EXPECT_EQ(packets_within(1'000'000, 30'000'000), 30'000U);
  EXPECT_EQ(packets_within(0xFFFF'FFFF, kNsPerSecond), 0xFFFF'FFFFU);
  EXPECT_EQ(packets_within(0xFFFF'FFFF, kNsPerSecond - 1), 0xFFFF'FFFBU);
  EXPECT_EQ(packets_within(1, kMax), kMax / kNsPerSecond + 1);
  EXPECT_EQ(packets_within(0xFFFF'FFFF, kMax), kMax);
}

TEST(PacketRate, IsWhatPassesOnceAnIntervalIsOver) {
  PacketRate rate(5);
  std::uint64_t now_ns = 5;
  for (int i = 0; i < 10; ++i, now_ns += kIntervalNs / 10) rate.note(100, now_ns);
  EXPECT_EQ(rate.per_second(now_ns - 1), 0U);
  EXPECT_EQ(rate.per_second(now_ns), 100'000U);
}

TEST(PacketRate, RisesAtOnceAndFallsByAnEighthAnInterval) {
  PacketRate rate(0);
  rate.note(80, 0);
  EXPECT_EQ(rate.per_second(kIntervalNs), 8000U);
  EXPECT_EQ(rate.per_second(2 * kIntervalNs), 7000U);
  rate.note(100, 2 * kIntervalNs);
  EXPECT_EQ(rate.per_second(3 * kIntervalNs), 10'000U);
  EXPECT_EQ(rate.per_second(5 * kIntervalNs), 7656U);
}

TEST(PacketRate, FallsToNothingInALongPause) {
  PacketRate rate(0);
  rate.note(0xFFFF'FFFF, 0);
  EXPECT_EQ(rate.per_second(kIntervalNs), 0xFFFF'FFFFU) << "more than it can say";
  EXPECT_EQ(rate.per_second(300 * kIntervalNs), 0U);
  EXPECT_EQ(rate.per_second(kMax), 0U);
}

TEST(PacketRate, APauseBeforeAPacketIsNotItsInterval) {
  PacketRate rate(0);
  rate.note(1000, 7 * kIntervalNs + 1);
  EXPECT_EQ(rate.per_second(8 * kIntervalNs), 100'000U);
}

TEST(PacketRate, TimeThatGoesBackEndsNoInterval) {
  PacketRate rate(10 * kIntervalNs);
  rate.note(10, 0);
  EXPECT_EQ(rate.per_second(10 * kIntervalNs + 5), 0U);
  EXPECT_EQ(rate.per_second(11 * kIntervalNs), 1000U);
}

}  // namespace
}  // namespace twinplane::tables
