// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "dataplane/group_routes.hpp"

namespace twinplane::dataplane {
namespace {

using tables::MulticastState;

GroupRouteKey stream(int number, std::uint16_t domain = 0) {
  return {.source = mapped({10, 2, 0, 1}),
          .group = mapped(
              {239, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}),
          .domain = domain};
}

GroupRoute route(tables::PortSet egress) {
  return {.egress = egress, .since_s = 7, .ingress = 1, .state = MulticastState::kForwarding};
}

TEST(GroupRoutes, AreFoundWholeUntilTheyAreErased) {
  GroupRouteTable table(16, {3});
  const std::uint32_t place = table.insert(stream(1), route(6));
  GroupRoute found;
  EXPECT_EQ(table.try_lookup(stream(1), found), place);
  EXPECT_EQ(found, route(6));
  EXPECT_EQ(table.try_lookup(stream(2), found), GroupRouteTable::kNoPlace);
  table.update(place, route(2));
  GroupRouteKey key;
  EXPECT_TRUE(table.try_at(place, key, found));
  EXPECT_EQ(key, stream(1));
  EXPECT_EQ(found, route(2));
  table.erase(place);
  EXPECT_EQ(table.try_lookup(stream(1), found), GroupRouteTable::kNoPlace);
  EXPECT_FALSE(table.try_at(place, key, found));
  EXPECT_EQ(table.live_count(), 0U);
}

TEST(GroupRoutes, KeepDomainsAndVlansApart) {
  GroupRouteTable table(16, {3});
  static_cast<void>(table.insert(stream(1), route(1)));
  static_cast<void>(table.insert(stream(1, 5), route(2)));
  GroupRouteKey tagged = stream(1, 5);
  tagged.vlan = 9;
  static_cast<void>(table.insert(tagged, route(4)));
  EXPECT_EQ(table.wanted_ports(stream(1)), 1U);
  EXPECT_EQ(table.wanted_ports(stream(1, 5)), 2U);
  EXPECT_EQ(table.wanted_ports(tagged), 4U);
  EXPECT_EQ(table.wanted_ports(stream(1, 6)), 0U);
}

TEST(GroupRoutes, SayWhoWantsASourceByItsOwnRouteOrItsGroups) {
  GroupRouteTable table(16, {3});
  static_cast<void>(table.insert(stream(1).star(), route(3)));
  EXPECT_EQ(table.wanted_ports(stream(1)), 3U);
  static_cast<void>(table.insert(stream(1), route(2)));
  EXPECT_EQ(table.wanted_ports(stream(1)), 2U);
}

TEST(GroupRoutes, RefuseWhatDoesNotFitAndTakeItWhenThereIsRoom) {
  GroupRouteTable table(16, {3});
  for (int i = 0; i < 16; ++i)
    ASSERT_NE(table.insert(stream(i), route(1)), GroupRouteTable::kNoPlace);
  EXPECT_EQ(table.insert(stream(16), route(1)), GroupRouteTable::kNoPlace);
  table.erase(table.find(stream(4)));
  EXPECT_NE(table.insert(stream(16), route(1)), GroupRouteTable::kNoPlace);
  for (int i = 0; i < 17; ++i)
    EXPECT_EQ(table.find(stream(i)) == GroupRouteTable::kNoPlace, i == 4) << i;
}

TEST(GroupRoutes, StayFoundWhileOthersComeAndGo) {
  GroupRouteTable table(64, {3});
  for (int round = 0; round < 2000; ++round) {
    const std::uint32_t place = table.find(stream(round % 96));
    if (place != GroupRouteTable::kNoPlace)
      table.erase(place);
    else if (table.live_count() < 64)
      static_cast<void>(table.insert(stream(round % 96), route(static_cast<unsigned>(round))));
    std::uint32_t live = 0;
    for (int i = 0; i < 96; ++i) {
      GroupRoute found;
      live += table.try_lookup(stream(i), found) != GroupRouteTable::kNoPlace ? 1U : 0U;
    }
    ASSERT_EQ(live, table.live_count()) << round;
  }
}

TEST(GroupRoutes, AreReadWholeWhileTheyChange) {
  GroupRouteTable table(16, {3});
  const std::uint32_t place = table.insert(stream(1), route(0));
  std::atomic<bool> is_stopping{false};
  std::thread writer([&] {
    for (std::uint32_t i = 0; !is_stopping.load(std::memory_order_relaxed); ++i)
      table.update(place, {.egress = i, .since_s = i, .ingress = 1});
  });
  for (int i = 0; i < 20000; ++i) {
    GroupRoute found;
    if (table.try_lookup(stream(1), found) != GroupRouteTable::kNoPlace) {
      EXPECT_EQ(found.egress, found.since_s == 7 ? 0 : found.since_s);
    }
  }
  is_stopping.store(true, std::memory_order_relaxed);
  writer.join();
}

}  // namespace
}  // namespace twinplane::dataplane
