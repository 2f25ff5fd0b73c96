// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tests/support/group_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using Counter = GroupCounter;
using enum GroupRecordType;

using GroupMembershipTest = tests::GroupTest;

TEST_F(GroupMembershipTest, ForgetsWhoDoesNotAnswerWithinAMembershipInterval) {
  report(0, group(1), kIsExclude);
  report(0, group(2), kIsInclude, "a");
  EXPECT_EQ(changes(), "**");
  advance(260'000 - 1);
  EXPECT_EQ(state(group(1)), "EXCLUDE@1");
  advance(1 + 32);
  EXPECT_EQ(state(group(1)), "none");
  EXPECT_EQ(state(group(2)), "none");
  EXPECT_EQ(changes(), "**");
  EXPECT_EQ(count(Counter::kGroupsRemoved), 2U);
  EXPECT_EQ(membership().source_count(), 0U);
}

TEST_F(GroupMembershipTest, KeepsWhoAnswers) {
  report(0, group(), kIsExclude);
  for (int round = 0; round < 5; ++round) {
    advance(125'000);
    report(0, group(), kIsExclude);
  }
  EXPECT_EQ(state(), "EXCLUDE@260");
  EXPECT_EQ(changes(), "*") << "once, when it began";
}

TEST_F(GroupMembershipTest, GoesOnWithTheSourcesThatAreWantedWhenTheGroupTimerEnds) {
  report(0, group(), kIsExclude, "c");
  advance(100'000);
  report(0, group(), kAllow, "a");
  EXPECT_EQ(state(), "EXCLUDE@160 a=260 c=0");
  changes();
  advance(160'000 + 32);
  EXPECT_EQ(state(), "INCLUDE a=100");
  EXPECT_EQ(changes(), "*");
  EXPECT_EQ(membership().egress_ports(source('c'), group()), 0U);
}

TEST_F(GroupMembershipTest, BlocksASourceWhoseTimerEndsInAGroupThatIsWantedAsAWhole) {
  report(0, group(), kAllow, "a");
  advance(100'000);
  report(0, group(), kIsExclude, "a");
  changes();
  advance(160'000 + 32);
  EXPECT_EQ(state(), "EXCLUDE@100 a=0");
  EXPECT_EQ(changes(), "a");
  EXPECT_EQ(membership().egress_ports(source('a'), group()), 0U);
  EXPECT_EQ(membership().egress_ports(source('b'), group()), 1U);
}

TEST_F(GroupMembershipTest, EndsAGroupTwoSecondsAfterItsLastMemberHasLeft) {
  settle_active();
  early_report(group(), GroupVersion::k2);
  early_report(group(), GroupVersion::k2, true);
  EXPECT_EQ(asked(), "G");
  EXPECT_EQ(state(), "EXCLUDE@2");
  advance(999);
  EXPECT_EQ(asked(), "");
  advance(1 + 32);
  EXPECT_EQ(asked(), "G");
  advance(2000 - 1000 - 33);
  EXPECT_EQ(state(), "EXCLUDE@1");
  advance(1 + 32);
  EXPECT_EQ(state(), "none");
  EXPECT_EQ(asked(), "") << "two queries in all";
}

TEST_F(GroupMembershipTest, EndsASourceTwoSecondsAfterItsLastListenerHasLeft) {
  settle_active();
  report(0, group(), kIsInclude, "ab");
  report(0, group(), kBlock, "a");
  EXPECT_EQ(asked(), "G:a");
  changes();
  advance(1000 + 32);
  EXPECT_EQ(asked(), "G:a");
  advance(1000);
  EXPECT_EQ(state(), "INCLUDE b=258");
  EXPECT_EQ(changes(), "a");
}

TEST_F(GroupMembershipTest, TellsRoutersToLeaveTimersAloneOnceSomebodyHasAnswered) {
  settle_active();
  early_report(group(1), GroupVersion::k2);
  early_report(group(1), GroupVersion::k2, true);
  early_report(group(1), GroupVersion::k2);
  report(0, group(2), kIsInclude, "ab");
  report(0, group(2), kToInclude, "");
  report(0, group(2), kIsInclude, "a");
  EXPECT_EQ(asked(), "G G:ab");
  advance(1000 + 32);
  const std::string again = asked();
  EXPECT_NE(again.find("G+S"), std::string::npos) << again;
  EXPECT_NE(again.find("G:a+S G:b"), std::string::npos) << again;
  advance(1000);
  EXPECT_EQ(state(group(1)), "EXCLUDE@258");
  EXPECT_EQ(state(group(2)), "INCLUDE a=258");
}

TEST_F(GroupMembershipTest, AsksEverybodyWhenItBecomesActive) {
  advance(1000);
  EXPECT_EQ(asked(), "") << "passive";
  membership().set_active(true, now_ms_);
  advance(1);
  EXPECT_EQ(asked(), "general general general general") << "two ports, two families";
  advance(31'249);
  EXPECT_EQ(asked(), "");
  advance(1);
  EXPECT_EQ(asked(), "general general general general");
  advance(125'000 - 1);
  EXPECT_EQ(asked(), "");
  advance(1);
  EXPECT_EQ(asked(), "general general general general");
  membership().set_active(false, now_ms_);
  advance(300'000);
  EXPECT_EQ(asked(), "");
}

TEST_F(GroupMembershipTest, LearnsAndLowersTimersWhilePassiveWithoutAWord) {
  report(0, group(), kIsExclude);
  report(0, group(), kToInclude, "a");
  EXPECT_EQ(state(), "EXCLUDE@260 a=260");
  GroupMessage query_of_peer = query_from("10.1.0.100");
  query_of_peer.query.group = group();
  query_of_peer.query.max_response_ms = 1000;
  query(0, query_of_peer);
  EXPECT_EQ(state(), "EXCLUDE@2 a=260") << "the active box asks with the same address";
  EXPECT_TRUE(membership().is_querier(0, GroupFamily::kIp4));
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_), 0U);
  advance(2032);
  EXPECT_EQ(state(), "INCLUDE a=258");
  EXPECT_EQ(asked(), "");
}

TEST_F(GroupMembershipTest, AnotherRoutersQueryLowersTimersUnlessItSaysNot) {
  report(0, group(), kIsExclude, "c");
  report(0, group(), kAllow, "ab");
  GroupMessage other = query_from("10.1.0.1");
  other.query.group = group();
  other.query.max_response_ms = 1000;
  other.query.suppresses_timers = true;
  query(0, other);
  EXPECT_EQ(state(), "EXCLUDE@260 a=260 b=260 c=0");
  other.query.suppresses_timers = false;
  const auto named = tests::bytes_of({192, 0, 2, 1, 192, 0, 2, 3, 192, 0, 2, 9});
  other.query.sources = GroupSources(named, GroupFamily::kIp4);
  query(0, other);
  EXPECT_EQ(state(), "EXCLUDE@260 a=2 b=260 c=0");
  query(1, other);
  EXPECT_EQ(state(group(), 1), "none");
}

TEST_F(GroupMembershipTest, StopsAskingWhenAnotherQuerierHasALowerAddress) {
  settle_active();
  query(0, query_from("10.1.0.101"));
  EXPECT_TRUE(membership().is_querier(0, GroupFamily::kIp4)) << "a higher one";
  query(0, query_from("0.0.0.0"));
  EXPECT_TRUE(membership().is_querier(0, GroupFamily::kIp4)) << "a switch";
  query(0, query_from("10.1.0.9"));
  EXPECT_FALSE(membership().is_querier(0, GroupFamily::kIp4));
  EXPECT_TRUE(membership().is_querier(1, GroupFamily::kIp4));
  EXPECT_TRUE(membership().is_querier(0, GroupFamily::kIp6));
  EXPECT_EQ(count(Counter::kQuerierLost), 1U);
  report(0, group(), kIsExclude);
  report(0, group(), kToInclude);
  EXPECT_EQ(state(), "EXCLUDE@260") << "whoever asks will say so";
  EXPECT_EQ(asked(), "");
}

TEST_F(GroupMembershipTest, AsksAgainWhenTheOtherQuerierHasFallenSilent) {
  settle_active();
  query(0, query_from("10.1.0.9"));
  advance(2 * 125'000 + 5'000 - 1);
  EXPECT_FALSE(membership().is_querier(0, GroupFamily::kIp4));
  asked();
  advance(1);
  EXPECT_TRUE(membership().is_querier(0, GroupFamily::kIp4));
  EXPECT_EQ(count(Counter::kQuerierWon), 1U);
  EXPECT_EQ(asked(), "general");
}

TEST_F(GroupMembershipTest, StopsRetransmittingWhenItIsNotTheQuerierAnyMore) {
  settle_active();
  early_report(group(), GroupVersion::k2);
  early_report(group(), GroupVersion::k2, true);
  asked();
  query(0, query_from("10.1.0.9"));
  advance(1500);
  EXPECT_EQ(asked(), "");
}

TEST_F(GroupMembershipTest, CountsQueriesOfAnotherVersion) {
  GroupMessage two = query_from("10.1.0.9");
  two.version = GroupVersion::k2;
  query(0, two);
  EXPECT_EQ(count(Counter::kQueriesOfOtherVersion), 1U);
}

TEST_F(GroupMembershipTest, KnowsThePortsOfOtherRouters) {
  query(1, query_from("10.1.0.200"));
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_), 0b10U);
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp6, now_ms_), 0U);
  membership().on_router(0, GroupFamily::kIp4, now_ms_, 105'000);
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_ + 104'999), 0b11U);
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_ + 105'000), 0b10U);
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_ + 260'000), 0U);
}

TEST_F(GroupMembershipTest, BesideAHostOfVersion2IgnoresBlocksAndSourcesOfToExclude) {
  settle_active();
  early_report(group(), GroupVersion::k2);
  report(0, group(), kBlock, "a");
  EXPECT_EQ(state(), "EXCLUDE@260");
  report(0, group(), kToExclude, "a");
  EXPECT_EQ(state(), "EXCLUDE@260");
  EXPECT_EQ(asked(), "");
  report(0, group(), kToInclude);
  EXPECT_EQ(asked(), "G") << "a leave counts";
  EXPECT_EQ(count(Counter::kIgnoredEarlier), 1U);
}

TEST_F(GroupMembershipTest, BesideAHostOfVersion1IgnoresLeavesToo) {
  settle_active();
  early_report(group(), GroupVersion::k1);
  early_report(group(), GroupVersion::k2, true);
  report(0, group(), kToInclude);
  report(0, group(), kBlock, "a");
  EXPECT_EQ(state(), "EXCLUDE@260");
  EXPECT_EQ(asked(), "");
  EXPECT_EQ(count(Counter::kIgnoredEarlier), 3U);
}

TEST_F(GroupMembershipTest, ForgetsAnEarlierVersionThatHasNotBeenHeardForAMembershipInterval) {
  early_report(group(), GroupVersion::k2);
  advance(200'000);
  report(0, group(), kIsExclude);
  advance(60'000 + 32);
  report(0, group(), kBlock, "a");
  EXPECT_EQ(state(), "EXCLUDE@200 a=200");
}

TEST_F(GroupMembershipTest, TreatsMld1AsIgmp2) {
  settle_active();
  const auto about = group(1, GroupFamily::kIp6);
  early_report(about, GroupVersion::k2);
  report(0, about, kBlock, "a");
  EXPECT_EQ(state(about), "EXCLUDE@260");
  early_report(about, GroupVersion::k2, true);
  EXPECT_EQ(asked(), "G");
  EXPECT_EQ(state(about), "EXCLUDE@2");
}

TEST_F(GroupMembershipTest, ARouterOfVersion2AsksAboutGroupsAlone) {
  options_.version4 = GroupVersion::k2;
  settle_active();
  report(0, group(), kIsInclude, "ab");
  report(0, group(), kToInclude, "a");
  EXPECT_EQ(asked(), "G");
  advance(2032);
  EXPECT_EQ(asked(), "G");
  EXPECT_EQ(state(), "INCLUDE a=258");
}

TEST_F(GroupMembershipTest, TakesRobustnessAndIntervalFromTheQuerier) {
  GroupMessage other = query_from("10.1.0.9");
  other.query.robustness = 3;
  other.query.interval_s = 60;
  other.query.max_response_ms = 5'000;
  query(0, other);
  report(0, group(), kIsExclude);
  EXPECT_EQ(state(), "EXCLUDE@185");
}

TEST_F(GroupMembershipTest, DoesNotLetAQuerierMakeMembershipsLastForDays) {
  GroupMessage other = query_from("10.1.0.9");
  other.query.robustness = 7;
  other.query.interval_s = 31'744;
  query(0, other);
  report(0, group(), kIsExclude);
  EXPECT_EQ(state(), "EXCLUDE@25210") << "7 hours and 10 s";
}

TEST_F(GroupMembershipTest, LeavesOutGroupsThatStayOnTheirLink) {
  for (const char* text : {"224.0.0.251", "ff02::fb", "ff01::1", "ff12::1"})
    report(0, tests::group_address(text), kIsExclude);
  EXPECT_EQ(membership().group_count(), 0U);
  EXPECT_EQ(count(Counter::kIgnoredLinkScope), 4U);
  report(0, tests::group_address("224.0.1.1"), kIsExclude);
  report(0, tests::group_address("ff05::fb"), kIsExclude);
  EXPECT_EQ(membership().group_count(), 2U);
}

TEST_F(GroupMembershipTest, IgnoresAPortThatIsOff) {
  report(2, group(), kIsExclude);
  query(2, query_from("10.1.0.9"));
  EXPECT_EQ(count(Counter::kIgnoredPortOff), 2U);
  EXPECT_EQ(membership().group_count(), 0U);
}

TEST_F(GroupMembershipTest, ARouterDoesNotListenToWhoHasNoIpv6Address) {
  GroupMessage message = from(GroupFamily::kIp6, "::");
  message.records =
      GroupRecords(GroupRecord{kIsExclude, group(1, GroupFamily::kIp6), GroupSources()});
  membership().on_message(0, message, now_ms_);
  EXPECT_EQ(count(Counter::kIgnoredUnspecified), 1U);
  EXPECT_EQ(membership().group_count(), 0U);
}

TEST_F(GroupMembershipTest, LimitsTheGroupsOfAPortAndOfAll) {
  for (int number = 0; number < 60; ++number) {
    now_ms_ += 20;
    report(0, group(number), kIsExclude);
  }
  EXPECT_EQ(membership().group_count(), 48U);
  EXPECT_EQ(count(Counter::kIgnoredGroupsFull), 12U);
  for (int number = 0; number < 60; ++number) {
    now_ms_ += 20;
    report(1, group(number), kIsExclude);
  }
  EXPECT_EQ(membership().group_count(), 64U);
  advance(270'000);
  EXPECT_EQ(membership().group_count(), 0U);
  report(1, group(1000), kIsExclude);
  EXPECT_EQ(membership().group_count(), 1U) << "room again";
}

TEST_F(GroupMembershipTest, LimitsTheSourcesOfAGroupAndOfAll) {
  report(0, group(0), kIsInclude, "abcdefghijk");
  EXPECT_EQ(state(group(0)), "INCLUDE a=260 b=260 c=260 d=260 e=260 f=260 g=260 h=260");
  EXPECT_EQ(count(Counter::kIgnoredSourcesFull), 3U);
  for (int number = 1; number < 20; ++number) report(0, group(number), kIsInclude, "abcdefgh");
  EXPECT_EQ(membership().source_count(), 100U);
  report(0, group(30), kIsExclude, "a");
  EXPECT_EQ(state(group(30)), "EXCLUDE@260") << "more is forwarded, not less";
  report(0, group(31), kIsInclude, "a");
  EXPECT_EQ(state(group(31)), "none");
}

TEST_F(GroupMembershipTest, LimitsTheRecordsOfAPort) {
  for (int number = 0; number < 150; ++number) report(0, group(number % 10), kIsExclude);
  EXPECT_EQ(count(Counter::kRecords), 100U);
  EXPECT_EQ(count(Counter::kIgnoredFlood), 50U);
  report(1, group(1), kIsExclude);
  EXPECT_EQ(count(Counter::kRecords), 101U) << "each port has a rate of its own";
  now_ms_ += 1000;
  report(0, group(1), kIsExclude);
  EXPECT_EQ(count(Counter::kRecords), 102U);
}

TEST_F(GroupMembershipTest, LooksAtTheFirst64SourcesOfARecord) {
  options_.sources_per_group_max = 64;
  report(0, group(), kIsInclude, std::string(64, 'a') + "b");
  EXPECT_EQ(state(), "INCLUDE a=260");
  EXPECT_EQ(count(Counter::kIgnoredManySources), 1U);
}

TEST_F(GroupMembershipTest, PassesOverWhatCannotBeASource) {
  const auto named = tests::bytes_of({224, 0, 0, 1, 0, 0, 0, 0, 192, 0, 2, 1});
  GroupMessage message = from(GroupFamily::kIp4, "10.1.0.7");
  message.records =
      GroupRecords(GroupRecord{kIsInclude, group(), GroupSources(named, GroupFamily::kIp4)});
  membership().on_message(0, message, now_ms_);
  EXPECT_EQ(state(), "INCLUDE a=260");
  EXPECT_EQ(count(Counter::kIgnoredBadSource), 2U);
}

TEST_F(GroupMembershipTest, DoesABoundedShareOfTheWorkInOnePoll) {
  options_ = {.groups_max = 4096, .groups_per_port_max = 4096, .records = {1'000'000, 10'000}};
  for (int number = 0; number < 4096; ++number) report(0, group(number), kIsExclude);
  now_ms_ += 260'000;
  EXPECT_EQ(membership().poll(now_ms_), GroupMembership::kDueMax);
  advance(64);
  EXPECT_EQ(membership().group_count(), 0U);
}

TEST_F(GroupMembershipTest, AsksAgainSoonWhenThereWasNoBuffer) {
  settle_active();
  early_report(group(), GroupVersion::k2);
  link_.is_out_of_frames = true;
  early_report(group(), GroupVersion::k2, true);
  advance(40);
  link_.is_out_of_frames = false;
  EXPECT_EQ(asked(), "");
  EXPECT_GE(count(Counter::kNoFrame), 1U);
  advance(50);
  EXPECT_EQ(asked(), "G");
  advance(1032);
  EXPECT_EQ(asked(), "G");
}

TEST_F(GroupMembershipTest, RefusesOptionsOutOfRange) {
  options_.robustness = 8;
  EXPECT_DEATH(membership(), "CHECK failed");
  options_.robustness = 2;
  options_.sources_per_group_max = 65;
  EXPECT_DEATH(membership(), "CHECK failed");
}

class SnoopingTest : public tests::GroupTest {
 protected:
  SnoopingTest() : GroupTest(true) {}
};

TEST_F(SnoopingTest, NeverAsks) {
  membership().set_active(true, now_ms_);
  report(0, group(), kIsExclude);
  report(0, group(), kToInclude);
  advance(200'000);
  EXPECT_EQ(asked(), "");
  EXPECT_FALSE(membership().is_querier(0, GroupFamily::kIp4));
}

TEST_F(SnoopingTest, LowersTimersOnAllPortsOfTheLinkWhenTheRouterAsks) {
  ports_[2].vlan = 7;
  for (const std::size_t port_index : {0U, 1U, 2U}) report(port_index, group(), kIsExclude);
  GroupMessage query_of_router = query_from("10.1.0.1");
  query_of_router.query.group = group();
  query_of_router.query.max_response_ms = 1000;
  query(1, query_of_router);
  EXPECT_EQ(state(group(), 0), "EXCLUDE@2");
  EXPECT_EQ(state(group(), 1), "EXCLUDE@2");
  EXPECT_EQ(state(group(), 2), "EXCLUDE@260") << "another VLAN";
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_), 0b10U);
}

TEST_F(SnoopingTest, TakesTimesFromTheRouterForAllPorts) {
  GroupMessage query_of_router = query_from("fe80::1");
  query_of_router.query.robustness = 2;
  query_of_router.query.interval_s = 20;
  query(1, query_of_router);
  const auto about = group(1, GroupFamily::kIp6);
  report(0, about, kIsExclude);
  EXPECT_EQ(state(about), "EXCLUDE@50");
}

TEST_F(SnoopingTest, ListensToWhoHasNoAddressYet) {
  GroupMessage message = from(GroupFamily::kIp6, "::");
  message.records =
      GroupRecords(GroupRecord{kIsExclude, group(1, GroupFamily::kIp6), GroupSources()});
  membership().on_message(0, message, now_ms_);
  EXPECT_EQ(membership().group_count(), 1U);
}

TEST_F(SnoopingTest, TakesASwitchThatAsksForNoRouter) {
  query(0, query_from("0.0.0.0"));
  EXPECT_EQ(membership().router_ports(GroupFamily::kIp4, now_ms_), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
