// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/group_querier.hpp"
#include "tests/support/group_builder.hpp"

namespace twinplane::dataplane {
namespace {

using tests::group_address;

class GroupQuerierTest : public ::testing::Test {
 protected:
  static GroupMessage query_of(const char* sender) {
    return {.family = GroupFamily::kIp4,
            .is_query = true,
            .sender = group_address(sender),
            .query = {.max_response_ms = 10'000}};
  }

  GroupQuerier querier_{GroupOptions{}, group_address("10.1.0.100")};
};

TEST_F(GroupQuerierTest, HasTheIntervalsOfTheRfc) {
  EXPECT_EQ(querier_.membership_ms(), 260'000U);
  EXPECT_EQ(querier_.last_member_ms(), 2'000U);
}

TEST_F(GroupQuerierTest, AsksFastAtFirstAndThenAtItsInterval) {
  querier_.start(1000);
  EXPECT_TRUE(querier_.is_query_due(1000));
  querier_.on_query_sent(1000);
  EXPECT_FALSE(querier_.is_query_due(32'249));
  EXPECT_TRUE(querier_.is_query_due(32'250));
  querier_.on_query_sent(32'250);
  EXPECT_FALSE(querier_.is_query_due(157'249));
  EXPECT_TRUE(querier_.is_query_due(157'250));
  querier_.on_query_delayed(157'250);
  EXPECT_FALSE(querier_.is_query_due(157'299));
  EXPECT_TRUE(querier_.is_query_due(157'300));
}

TEST_F(GroupQuerierTest, LosesToALowerAddressOnce) {
  EXPECT_EQ(querier_.on_query(query_of("10.1.0.200"), 0), QuerierChange::kNone);
  EXPECT_EQ(querier_.on_query(query_of("10.1.0.50"), 0), QuerierChange::kLost);
  EXPECT_EQ(querier_.on_query(query_of("10.1.0.50"), 0), QuerierChange::kNone);
  EXPECT_FALSE(querier_.is_query_due(1'000'000));
}

TEST_F(GroupQuerierTest, FollowsTheLowestOfTheOthers) {
  EXPECT_EQ(querier_.on_query(query_of("10.1.0.50"), 0), QuerierChange::kLost);
  GroupMessage lower = query_of("10.1.0.40");
  lower.query.robustness = 4;
  EXPECT_EQ(querier_.on_query(lower, 0), QuerierChange::kNone);
  EXPECT_EQ(querier_.robustness(), 4U);
  GroupMessage higher = query_of("10.1.0.50");
  higher.query.robustness = 7;
  EXPECT_EQ(querier_.on_query(higher, 0), QuerierChange::kNone);
  EXPECT_EQ(querier_.robustness(), 4U);
}

TEST_F(GroupQuerierTest, WinsAgainWithItsOwnTimesWhenTheOtherIsSilent) {
  GroupMessage other = query_of("10.1.0.50");
  other.query.robustness = 3;
  other.query.interval_s = 100;
  EXPECT_EQ(querier_.on_query(other, 0), QuerierChange::kLost);
  EXPECT_EQ(querier_.membership_ms(), 310'000U);
  EXPECT_EQ(querier_.poll(304'999), QuerierChange::kNone);
  EXPECT_EQ(querier_.poll(305'000), QuerierChange::kWon);
  EXPECT_EQ(querier_.membership_ms(), 260'000U);
  EXPECT_TRUE(querier_.is_query_due(305'000));
}

TEST_F(GroupQuerierTest, AQueryOfAGroupKeepsTheOtherPresentButTellsNoTimes) {
  GroupMessage other = query_of("10.1.0.50");
  EXPECT_EQ(querier_.on_query(other, 0), QuerierChange::kLost);
  other.query.group = group_address("239.1.1.1");
  other.query.max_response_ms = 1000;
  EXPECT_EQ(querier_.on_query(other, 200'000), QuerierChange::kNone);
  EXPECT_EQ(querier_.membership_ms(), 260'000U);
  EXPECT_EQ(querier_.poll(455'000 - 1), QuerierChange::kNone);
  EXPECT_EQ(querier_.poll(455'000), QuerierChange::kWon);
}

TEST_F(GroupQuerierTest, WithoutAnAddressNeverAsks) {
  GroupQuerier silent(GroupOptions{}, kNoAddress);
  silent.start(0);
  EXPECT_FALSE(silent.is_query_due(0));
  EXPECT_EQ(silent.on_query(query_of("10.1.0.200"), 0), QuerierChange::kNone);
  EXPECT_EQ(silent.poll(1'000'000), QuerierChange::kNone);
  EXPECT_FALSE(silent.is_query_due(1'000'000));
}

}  // namespace
}  // namespace twinplane::dataplane
