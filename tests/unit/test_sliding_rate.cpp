// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/sliding_rate.hpp"

namespace twinplane::dataplane {
namespace {

TEST(SlidingRate, LetsTheWindowBeforeMeltAway) {
  const WindowCounts counts{.current = 10, .previous = 1000};
  EXPECT_EQ(sliding_rate(counts, 7 * kRateWindowNs), 1010U);
  EXPECT_EQ(sliding_rate(counts, 7 * kRateWindowNs + kRateWindowNs / 4), 760U);
  EXPECT_EQ(sliding_rate(counts, 8 * kRateWindowNs - 1), 10U);
}

TEST(SlidingRate, EndsWithTheLargestNumber) {
  EXPECT_EQ(sliding_rate({.current = 0xFFFF'FFFF, .previous = 0xFFFF'FFFF}, 0), 0xFFFF'FFFFU);
}

TEST(SlidingRate, ForgetsAWindowAfterTheNext) {
  const WindowCounts counts{.current = 5, .previous = 9};
  EXPECT_EQ(moved_on(counts, 0).current, 5U);
  EXPECT_EQ(moved_on(counts, 0).previous, 9U);
  EXPECT_EQ(moved_on(counts, 1).current, 0U);
  EXPECT_EQ(moved_on(counts, 1).previous, 5U);
  EXPECT_EQ(moved_on(counts, 2).previous, 0U);
  EXPECT_EQ(moved_on(counts, ~std::uint64_t{0}).previous, 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
