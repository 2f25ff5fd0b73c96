// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <limits>

#include "dataplane/replay_clock.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kStartNs = 1'000'000'000;
constexpr std::uint64_t kStampMax = std::numeric_limits<std::uint64_t>::max();

TEST(ReplayClock, FollowsTheStampsOfACaptureFromItsFirstOneOn) {
  ReplayClock clock(true, kStartNs);
  clock.begin_capture();
  EXPECT_EQ(clock.on_packet(5'000'000), kStartNs);
  EXPECT_EQ(clock.on_packet(5'000'007), kStartNs + 7000);
}

TEST(ReplayClock, StandsStillWhereStampsGoBack) {
  ReplayClock clock(true, kStartNs);
  clock.begin_capture();
  clock.on_packet(100);
  EXPECT_EQ(clock.on_packet(300), kStartNs + 200'000);
  EXPECT_EQ(clock.on_packet(200), kStartNs + 200'000);
  EXPECT_EQ(clock.on_packet(0), kStartNs + 200'000);
  EXPECT_EQ(clock.on_packet(301), kStartNs + 201'000);
}

TEST(ReplayClock, BeginsACaptureWhereTheOneBeforeEnded) {
  ReplayClock clock(true, kStartNs);
  clock.begin_capture();
  clock.on_packet(900);
  clock.on_packet(901);
  clock.begin_capture();
  EXPECT_EQ(clock.on_packet(3), kStartNs + 1000);
  EXPECT_EQ(clock.on_packet(4), kStartNs + 2000);
}

TEST(ReplayClock, NeverGoesBackHoweverFarStampsJump) {
  ReplayClock clock(true, kStartNs);
  std::uint64_t before_ns = kStartNs;
  for (int capture = 0; capture < 8; ++capture) {
    clock.begin_capture();
    for (const std::uint64_t stamp_us :
         {std::uint64_t{0}, kStampMax, kStampMax / 2, kStampMax - 1}) {
      const std::uint64_t now_ns = clock.on_packet(stamp_us);
      EXPECT_GE(now_ns, before_ns);
      before_ns = now_ns;
    }
  }
  EXPECT_GE(clock.on_wait(kStampMax / 4), before_ns);
}

TEST(ReplayClock, CountsPacketsWhereThereAreNoStampsToFollow) {
  ReplayClock clock(false, kStartNs);
  clock.begin_capture();
  EXPECT_EQ(clock.on_packet(77), kStartNs + 1000);
  EXPECT_EQ(clock.on_packet(std::nullopt), kStartNs + 2000);
}

}  // namespace
}  // namespace twinplane::dataplane
