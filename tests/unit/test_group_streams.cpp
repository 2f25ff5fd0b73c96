// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/group_streams.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint8_t kInside = 0, kOutside = 1;

tables::PartitionLimits limits() {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kMulticast4) = limits.plain(tables::TableKind::kMulticast6) = 64;
  return limits;
}

GroupRouteKey stream(int number) {
  return {.source = mapped({10, 2, 0, static_cast<std::uint8_t>(number)}),
          .group = mapped({239, 0, 0, 1})};
}

// Two zones of one port each; 10 new streams a second, 20 at once, 30 in all.
class GroupStreamsTest : public ::testing::Test {
 protected:
  GroupDrop begin(int number, std::uint8_t ingress = kOutside) {
    return streams_.begin(stream(number), ingress, now_ms_);
  }

  void pass(std::uint64_t ms) {
    for (const std::uint64_t end_ms = now_ms_ + ms; now_ms_ < end_ms;) streams_.poll(++now_ms_);
  }

  bool is_there(int number) const { return replica_.find(stream(number)) != tables::kNoSlot; }

  Config config_ = parse_config(std::string(tests::kConfigText) +
                                    "[multicast]\nenabled=true\nnew_streams_per_s=10\n"
                                    "streams_per_zone=30\nstream_timeout_s=5\n"
                                    "[tables]\nmulticast_slots=64\n",
                                "t");
  tests::InBlock<tables::Partition> partition_{limits(), tables::HashSeed{3}};
  GroupRouteTable routes_{128, {7}};
  GroupTraffic traffic_{2, routes_.place_count()};
  GroupReplica replica_{*partition_, routes_, 2, tables::HashSeed{9}};
  GroupCounters counters_;
  GroupStreams streams_{config_, replica_, traffic_, counters_};
  std::uint64_t now_ms_ = 1000;
};

TEST_F(GroupStreamsTest, BeginOnceAndEndWhenNoPacketHasComeForTheirTime) {
  EXPECT_EQ(begin(1), GroupDrop::kNone);
  EXPECT_EQ(begin(1), GroupDrop::kNone);
  EXPECT_EQ(counters_.get(GroupCounter::kStreamsBegun), 1U);
  for (int second = 0; second < 20; ++second) {
    traffic_.add(static_cast<std::size_t>(second % 2), routes_.find(stream(1)), 100);
    pass(1000);
  }
  EXPECT_TRUE(is_there(1)) << "whichever worker sees its packets";
  pass(4000);
  EXPECT_TRUE(is_there(1));
  pass(3001);
  EXPECT_FALSE(is_there(1));
  EXPECT_EQ(streams_.count_of_zone(1), 0U);
  EXPECT_EQ(counters_.get(GroupCounter::kStreamsEnded), 1U);
}

TEST_F(GroupStreamsTest, AreNotTakenForAliveByThePacketsOfWhoHadTheirPlaceBefore) {
  EXPECT_EQ(begin(1), GroupDrop::kNone);
  traffic_.add(0, routes_.find(stream(1)), 100);
  pass(8000);
  EXPECT_FALSE(is_there(1));
  EXPECT_EQ(begin(1), GroupDrop::kNone);
  pass(8000);
  EXPECT_FALSE(is_there(1));
}

TEST_F(GroupStreamsTest, OfOneZoneCannotFloodNorFillTheTable) {
  for (int i = 1; i <= 20; ++i) EXPECT_EQ(begin(i), GroupDrop::kNone) << i;
  EXPECT_EQ(begin(21), GroupDrop::kFlood);
  EXPECT_EQ(begin(100, kInside), GroupDrop::kNone) << "the other zone has a rate of its own";
  now_ms_ += 2000;
  for (int i = 21; i <= 30; ++i) EXPECT_EQ(begin(i), GroupDrop::kNone) << i;
  EXPECT_EQ(begin(31), GroupDrop::kZoneFull);
  EXPECT_EQ(begin(101, kInside), GroupDrop::kNone);
  EXPECT_EQ(begin(30), GroupDrop::kNone) << "who is known already goes on";
  pass(8000);
  EXPECT_EQ(streams_.count_of_zone(1), 0U);
  EXPECT_EQ(begin(31), GroupDrop::kNone);
}

TEST_F(GroupStreamsTest, AreRefusedWhenTheTableIsFull) {
  for (int i = 0; i < 64; ++i)
    replica_.set_wanted({.group = mapped({239, 1, 0, static_cast<std::uint8_t>(i)})}, 1, 0, 1);
  EXPECT_EQ(begin(1), GroupDrop::kTableFull);
  EXPECT_EQ(streams_.count_of_zone(1), 0U);
}

TEST_F(GroupStreamsTest, MoveToAnotherIngressWithTheirZonesCount) {
  EXPECT_EQ(begin(1, kInside), GroupDrop::kNone);
  EXPECT_EQ(begin(1, kOutside), GroupDrop::kNone);
  EXPECT_EQ(streams_.count_of_zone(0), 0U);
  EXPECT_EQ(streams_.count_of_zone(1), 1U);
  GroupRoute route;
  routes_.try_lookup(stream(1), route);
  EXPECT_EQ(route.ingress, kOutside);
}

TEST_F(GroupStreamsTest, OfAPeerAreCountedAndGetTheirWholeTime) {
  replica_.open_stream(stream(1), kOutside, 1);
  replica_.open_stream(stream(2), 77, 1);
  replica_.set_wanted(stream(3), 1, 0, 1);
  now_ms_ = 500'000;
  streams_.take(now_ms_);
  EXPECT_EQ(streams_.count_of_zone(1), 1U);
  EXPECT_FALSE(is_there(2)) << "a port that is not there";
  pass(4900);
  EXPECT_TRUE(is_there(1));
  pass(2200);
  EXPECT_FALSE(is_there(1));
  EXPECT_TRUE(is_there(3)) << "somebody listens";
}

}  // namespace
}  // namespace twinplane::dataplane
