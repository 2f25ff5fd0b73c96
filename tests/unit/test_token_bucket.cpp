// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/token_bucket.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

int take_all(TokenBucket& bucket, std::uint64_t now_ns) {
  int taken = 0;
  while (bucket.try_take(now_ns)) ++taken;
  return taken;
}

TEST(TokenBucket, LetsABurstThroughAndThenTheRate) {
  TokenBucket bucket({.rate_per_s = 100, .burst = 10}, 5 * kSecondNs);
  EXPECT_EQ(take_all(bucket, 5 * kSecondNs), 10);
  EXPECT_EQ(take_all(bucket, 5 * kSecondNs + kSecondNs / 100 - 1), 0);
  EXPECT_EQ(take_all(bucket, 5 * kSecondNs + kSecondNs / 100), 1);
  EXPECT_EQ(take_all(bucket, 5 * kSecondNs + kSecondNs / 10), 9);
}

TEST(TokenBucket, SavesUpNoMoreThanABurstHoweverLongItWaits) {
  TokenBucket bucket({.rate_per_s = 1'000'000'000, .burst = 3}, 0);
  EXPECT_EQ(take_all(bucket, 0), 3);
  EXPECT_EQ(take_all(bucket, ~std::uint64_t{0}), 3);
}

TEST(TokenBucket, GivesNothingForTimeThatGoesBack) {
  TokenBucket bucket({.rate_per_s = 1, .burst = 1}, 10 * kSecondNs);
  EXPECT_EQ(take_all(bucket, 10 * kSecondNs), 1);
  EXPECT_EQ(take_all(bucket, 0), 0);
  EXPECT_EQ(take_all(bucket, 10 * kSecondNs), 0);
  EXPECT_EQ(take_all(bucket, 11 * kSecondNs), 1);
}

TEST(TokenBucketDeathTest, RefusesLimitsOutOfRange) {
  EXPECT_DEATH(TokenBucket({.rate_per_s = 0, .burst = 1}, 0), "CHECK failed");
  EXPECT_DEATH(TokenBucket({.rate_per_s = 1, .burst = 0}, 0), "CHECK failed");
}

}  // namespace
}  // namespace twinplane::dataplane
