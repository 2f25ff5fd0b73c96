// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/neighbor_resolver.hpp"
#include "tests/support/resolver_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::ElementsAre;
using tests::FakePackets;
using tests::host;
using tests::ip;
using tests::kHost;
using tests::kHostMac;
using tests::kOtherMac;
using Counter = NeighborCounter;

using Resolver = tests::ResolverTest;

TEST_F(Resolver, HoldsPacketsUntilTheNeighborAnswers) {
  resolve(kHost, 0);
  resolve(kHost, 1);
  EXPECT_EQ(link_.sent.size(), 1U) << "asked once";
  EXPECT_TRUE(packets_.released.empty());
  EXPECT_FALSE(is_known(kHost));
  answer(kHost);
  EXPECT_THAT(packets_.released, ElementsAre(released(0), released(1)));
  EXPECT_TRUE(is_known(kHost));
  resolve(kHost, 2);
  EXPECT_THAT(packets_.released, ElementsAre(released(0), released(1), released(2)));
  EXPECT_EQ(resolver_.unresolved_count(), 0U);
}

TEST_F(Resolver, AsksAgainAndThenGivesUp) {
  resolve(kHost, 0);
  advance(240);
  EXPECT_EQ(link_.sent.size(), 2U);
  advance(1000 + 40);
  EXPECT_EQ(link_.sent.size(), 3U);
  advance(1000 + 40);
  EXPECT_EQ(link_.sent.size(), 4U);
  EXPECT_TRUE(packets_.dropped.empty());
  advance(1000 + 40);
  EXPECT_EQ(link_.sent.size(), 4U);
  EXPECT_THAT(packets_.dropped, ElementsAre(dropped(0, NeighborDrop::kUnreachable)));
  EXPECT_EQ(table_.live_count(), 0U);
  EXPECT_EQ(count(Counter::kFailed), 1U);
  EXPECT_EQ(resolver_.unresolved_count(), 0U);
}

TEST_F(Resolver, HoldsTheLatestFour) {
  for (std::size_t i = 0; i < 6; ++i) resolve(kHost, i);
  EXPECT_THAT(packets_.dropped, ElementsAre(dropped(0, NeighborDrop::kDisplaced),
                                            dropped(1, NeighborDrop::kDisplaced)));
  answer(kHost);
  EXPECT_THAT(packets_.released, ElementsAre(released(2), released(3), released(4), released(5)));
}

TEST_F(Resolver, FindsANeighborOutWithoutAPacket) {
  resolver_.resolve(kHost, nullptr, now_ms_);
  answer(kHost);
  EXPECT_TRUE(is_known(kHost));
  EXPECT_TRUE(packets_.released.empty());
}

TEST_F(Resolver, RefusesWhatNoHostOfTheLinkCanHave) {
  for (const char* text : {"10.1.0.254", "10.1.0.255", "192.0.2.1"})
    resolver_.resolve(NeighborKey::of(0, ip(text)), packets_.packet(0), now_ms_);
  EXPECT_EQ(count(Counter::kDropNotNeighbor), 3U);
  EXPECT_TRUE(link_.sent.empty());
}

TEST_F(Resolver, LimitsHowManyAddressesAreAskedForAtOnceAndASecond) {
  for (unsigned i = 0; i < 21; ++i) resolve(host(i + 1), i);
  EXPECT_THAT(packets_.dropped, ElementsAre(dropped(20, NeighborDrop::kRateLimited)));
  for (unsigned i = 0; i < 20; ++i) answer(host(i + 1));
  // 20 of the burst of 40 are left.
  for (unsigned i = 0; i < 20; ++i) {
    resolve(host(100 + i), 100 + i);
    answer(host(100 + i));
  }
  EXPECT_EQ(count(Counter::kDropRateLimited), 1U);
  resolve(host(200), 200);
  EXPECT_EQ(count(Counter::kDropRateLimited), 2U);
}

TEST_F(Resolver, CountsAFullTable) {
  for (unsigned i = 0; i < 64; ++i) {
    now_ms_ += 20;
    resolve(host(i + 1), i);
    answer(host(i + 1));
  }
  resolve(host(100), 100);
  EXPECT_THAT(packets_.dropped, ElementsAre(dropped(100, NeighborDrop::kTableFull)));
}

TEST_F(Resolver, ProbesAKnownNeighborBetween20And30Seconds) {
  resolve(kHost, 0);
  answer(kHost);
  link_.sent.clear();
  advance(20'000 - 1);
  EXPECT_TRUE(link_.sent.empty());
  while (link_.sent.empty() && now_ms_ <= 30'040) advance(1);
  ASSERT_FALSE(link_.sent.empty());
  EXPECT_EQ(tests::mac_at(link_.sent[0].bytes, 0), kHostMac) << "asked alone";
  EXPECT_EQ(state_of(kHost), NeighborState::kStale);
  EXPECT_TRUE(is_known(kHost)) << "used meanwhile";
  answer(kHost);
  EXPECT_EQ(state_of(kHost), NeighborState::kReachable);
  EXPECT_EQ(count(Counter::kConfirmed), 1U);
  EXPECT_EQ(count(Counter::kExpired), 0U);
}

TEST_F(Resolver, ThatTakesOverAsksNobodyWhoWasConfirmedOfLate) {
  resolver_.set_active(false, now_ms_);
  ASSERT_NE(table_.insert(kHost, NeighborState::kReachable, kHostMac),
            dataplane::NeighborTable::kNoSlot);
  ASSERT_NE(table_.insert(host(8), NeighborState::kStale, kHostMac),
            dataplane::NeighborTable::kNoSlot);
  resolver_.set_active(true, now_ms_);
  while (link_.sent.empty() && now_ms_ < 2'100) advance(1);
  ASSERT_EQ(link_.sent.size(), 1U) << "who was stale is probed, alone";
  answer(host(8));
  EXPECT_EQ(state_of(host(8)), NeighborState::kReachable);
  link_.sent.clear();
  advance(10'000 - now_ms_);
  EXPECT_TRUE(link_.sent.empty());
  advance(10'000 + 200);
  EXPECT_FALSE(link_.sent.empty()) << "in time all the same";
}

TEST_F(Resolver, ForgetsANeighborThatAnswersThreeProbesNotAtAll) {
  resolve(kHost, 0);
  answer(kHost);
  link_.sent.clear();
  advance(30'000 + 3'200);
  EXPECT_EQ(link_.sent.size(), 3U);
  EXPECT_FALSE(is_known(kHost));
  EXPECT_EQ(count(Counter::kExpired), 1U);
  resolve(kHost, 1);
  EXPECT_EQ(link_.sent.size(), 4U) << "asked for anew";
}

TEST_F(Resolver, KeepsAKnownNeighborWhileItHasNoFrameToProbeWith) {
  resolve(kHost, 0);
  answer(kHost);
  link_.is_out_of_frames = true;
  advance(60'000);
  EXPECT_TRUE(is_known(kHost));
}

TEST_F(Resolver, DoesNotHoldPacketsForEverWithoutFrames) {
  link_.is_out_of_frames = true;
  resolve(kHost, 0);
  advance(1000);
  EXPECT_THAT(packets_.dropped, ElementsAre(dropped(0, NeighborDrop::kUnreachable)));
}

TEST_F(Resolver, BelievesNobodyThatItDidNotAsk) {
  answer(kHost);
  tell(kHost, kHostMac, true);
  EXPECT_EQ(table_.live_count(), 0U);
  EXPECT_EQ(count(Counter::kIgnoredUnasked), 2U);
}

TEST_F(Resolver, FollowsAKnownNeighborThatMovesAndProbesIt) {
  resolve(kHost, 0);
  answer(kHost);
  link_.sent.clear();
  tell(kHost, kOtherMac, true);
  EXPECT_TRUE(is_known(kHost, kOtherMac));
  EXPECT_EQ(state_of(kHost), NeighborState::kStale);
  EXPECT_EQ(count(Counter::kMoved), 1U);
  advance(1040);
  ASSERT_FALSE(link_.sent.empty());
  EXPECT_EQ(tests::mac_at(link_.sent[0].bytes, 0), kOtherMac);
}

TEST_F(Resolver, DoubtsButKeepsANeighborWhenAnotherMacDoesNotOverride) {
  resolve(kHost, 0);
  answer(kHost);
  tell(kHost, kOtherMac, false);
  EXPECT_TRUE(is_known(kHost, kHostMac));
  EXPECT_EQ(state_of(kHost), NeighborState::kStale);
}

TEST_F(Resolver, ThatIsInDoubtAlreadyIgnoresAnotherMacWhichDoesNotOverride) {
  resolve(kHost, 0);
  answer(kHost);
  tell(kHost, kOtherMac, false);
  tell(kHost, kOtherMac, false);
  EXPECT_TRUE(is_known(kHost, kHostMac));
  EXPECT_EQ(count(Counter::kMoved), 0U);
}

TEST_F(Resolver, IsNotToldThatSomebodyIsReachableByWhatNobodyAskedFor) {
  resolve(kHost, 0);
  tell(kHost, kHostMac, true);
  EXPECT_THAT(packets_.released, ElementsAre(released(0))) << "it waits for no better news";
  EXPECT_EQ(state_of(kHost), NeighborState::kStale);
  tell(kHost, kHostMac, true);
  EXPECT_EQ(state_of(kHost), NeighborState::kStale);
  EXPECT_EQ(count(Counter::kConfirmed), 0U);
  answer(kHost);
  EXPECT_EQ(state_of(kHost), NeighborState::kReachable);
  tell(kHost, kHostMac, true);
  EXPECT_EQ(state_of(kHost), NeighborState::kReachable) << "nor that it is not";
}

TEST_F(Resolver, NeedsAMacToResolveButNotToConfirm) {
  resolve(kHost, 0);
  const NeighborMessage bare{.is_answer = true, .is_override = true};
  resolver_.on_advertisement(kHost, bare, now_ms_);
  EXPECT_FALSE(is_known(kHost));
  answer(kHost);
  tell(kHost, kOtherMac, false);
  resolver_.on_advertisement(kHost, bare, now_ms_);
  EXPECT_EQ(state_of(kHost), NeighborState::kReachable);
}

TEST_F(Resolver, LearnsWhoAsksForTheBoxAndProbesSoon) {
  resolver_.learn(kHost, kHostMac, now_ms_);
  EXPECT_TRUE(is_known(kHost));
  EXPECT_EQ(state_of(kHost), NeighborState::kStale);
  advance(1040);
  EXPECT_EQ(count(Counter::kProbesSent), 1U);
  advance(4000);
  EXPECT_FALSE(is_known(kHost)) << "a made-up neighbor does not stay";
}

TEST_F(Resolver, LearningReleasesWhatWaits) {
  resolve(kHost, 0);
  resolver_.learn(kHost, kHostMac, now_ms_);
  EXPECT_THAT(packets_.released, ElementsAre(released(0)));
}

TEST_F(Resolver, LearnsAtARateAndIntoHalfOfTheTable) {
  for (unsigned i = 1; i <= 11; ++i) resolver_.learn(host(i), kHostMac, now_ms_);
  EXPECT_EQ(count(Counter::kIgnoredFlood), 1U);
  for (unsigned i = 11; i <= 64; ++i) {
    now_ms_ += 1000;
    resolver_.learn(host(i), kHostMac, now_ms_);
  }
  EXPECT_EQ(table_.live_count(), 32U);
}

TEST_F(Resolver, IsFloodedByEachZoneForItself) {
  const auto outside = [](unsigned number) {
    return NeighborKey::of(1, tables::Address4{10, 2, 0, static_cast<std::uint8_t>(number)});
  };
  for (unsigned i = 1; i <= 20; ++i) resolver_.learn(host(i), kHostMac, now_ms_);
  EXPECT_EQ(count(Counter::kIgnoredFlood), 10U);
  resolver_.learn(outside(1), kHostMac, now_ms_);
  EXPECT_TRUE(is_known(outside(1)));
  for (unsigned i = 1; i <= 60; ++i) resolver_.resolve(host(100 + i), nullptr, now_ms_);
  EXPECT_EQ(resolver_.unresolved_count(), 20U) << "no more of the inside";
  resolver_.resolve(outside(2), nullptr, now_ms_);
  EXPECT_EQ(state_of(outside(2)), NeighborState::kIncomplete);
}

TEST_F(Resolver, KeepsChangingMacsFromPuttingAProbeOff) {
  resolver_.learn(kHost, kHostMac, now_ms_);
  for (int i = 0; i < 200; ++i) {
    advance(10);
    resolver_.learn(kHost, i % 2 == 0 ? kOtherMac : kHostMac, now_ms_);
  }
  EXPECT_GE(count(Counter::kProbesSent), 1U);
}

TEST_F(Resolver, AsksNobodyWhilePassiveButLearns) {
  resolve(kHost, 0);
  resolver_.set_active(false, now_ms_);
  EXPECT_THAT(packets_.dropped, ElementsAre(dropped(0, NeighborDrop::kPassive)));
  EXPECT_EQ(table_.live_count(), 0U);
  link_.sent.clear();
  resolve(kHost, 1);
  resolver_.learn(host(9), kHostMac, now_ms_);
  advance(60'000);
  EXPECT_TRUE(link_.sent.empty());
  EXPECT_EQ(count(Counter::kDropPassive), 2U);
  EXPECT_TRUE(is_known(host(9)));
}

TEST_F(Resolver, ProbesAllItKnowsWithinTwoSecondsOfATakeover) {
  resolver_.set_active(false, now_ms_);
  for (unsigned i = 1; i <= 10; ++i) resolver_.learn(host(i), kHostMac, now_ms_);
  advance(100'000);
  resolver_.set_active(true, now_ms_);
  advance(2040);
  for (unsigned i = 1; i <= 10; ++i) answer(host(i));
  EXPECT_GE(count(Counter::kProbesSent), 10U);
  advance(10'000);
  for (unsigned i = 1; i <= 10; ++i) EXPECT_EQ(state_of(host(i)), NeighborState::kReachable);
}

// Whoever gets a packet back may hand in another at once.
struct Restless : FakePackets {
  void drop(void* packet, std::size_t port_index, NeighborDrop reason) noexcept override {
    FakePackets::drop(packet, port_index, reason);
    if (reason == NeighborDrop::kUnreachable) resolver->resolve(host(99), packet, now_ms);
  }

  NeighborResolver* resolver = nullptr;
  std::uint64_t now_ms = 5000;
};

TEST_F(Resolver, TakesPacketsFromWithinItsOwnCalls) {
  Restless restless;
  NeighborResolver resolver(options_, own_, table_, sender_, restless, counters_);
  restless.resolver = &resolver;
  resolver.set_active(true, 0);
  for (std::size_t i = 0; i < 4; ++i) resolver.resolve(kHost, packets_.packet(i), 1);
  for (std::uint64_t now_ms = 2; now_ms < 5000; ++now_ms) resolver.poll(now_ms);
  EXPECT_EQ(restless.dropped.size(), 4U);
  EXPECT_EQ(resolver.held_count(), 4U);
  EXPECT_EQ(resolver.unresolved_count(), 1U);
  restless.resolver = nullptr;
  resolver.set_active(false, 5000);
  EXPECT_EQ(restless.dropped.size(), 8U);
}

}  // namespace
}  // namespace twinplane::dataplane
