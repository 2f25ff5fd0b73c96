// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "tables/flow_key.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kIcmp = 1;

template <class Address>
struct Ends {
  Endpoint<Address> low;
  Endpoint<Address> high;
};

Ends<Address4> ends4() { return {{{10, 1, 0, 2}, 0x5000}, {{192, 0, 2, 7}, 0x1234}}; }

Ends<Address6> ends6() {
  Ends<Address6> ends{};
  ends.low = {{0xFD, 0, 0, 1}, 0x5000};
  ends.low.address.back() = 0x02;
  ends.high = {{0xFD, 0, 0, 1}, 0x1234};
  ends.high.address.back() = 0x07;
  return ends;
}

template <class Address>
void expect_one_key_for_both_directions(const Ends<Address>& ends) {
  const auto there = make_key(ends.low, ends.high, kTcp, 3);
  const auto back = make_key(ends.high, ends.low, kTcp, 3);
  EXPECT_TRUE(there.key == back.key);
  EXPECT_TRUE(there.source_is_a);
  EXPECT_FALSE(back.source_is_a);
  EXPECT_EQ(std::memcmp(&there.key, &back.key, sizeof there.key), 0);
}

template <class Address>
void expect_ends_come_back(const Endpoint<Address>& source, const Endpoint<Address>& target) {
  const auto directed = make_key(source, target, kTcp, 0);
  EXPECT_EQ(source_of(directed), source);
  EXPECT_EQ(target_of(directed), target);
}

TEST(FlowKey, IsTheSameInBothDirectionsOverIpv4) { expect_one_key_for_both_directions(ends4()); }

TEST(FlowKey, IsTheSameInBothDirectionsOverIpv6) { expect_one_key_for_both_directions(ends6()); }

TEST(FlowKey, GivesBackSourceAndTargetOverIpv4) {
  const auto [low, high] = ends4();
  expect_ends_come_back(low, high);
  expect_ends_come_back(high, low);
}

TEST(FlowKey, GivesBackSourceAndTargetOverIpv6) {
  const auto [low, high] = ends6();
  expect_ends_come_back(low, high);
  expect_ends_come_back(high, low);
}

TEST(FlowKey, OrdersEndsByPortWhenAddressesAreEqual) {
  const Endpoint<Address4> one{{10, 0, 0, 1}, 0x0100};
  const Endpoint<Address4> other{{10, 0, 0, 1}, 0x0200};
  EXPECT_TRUE(make_key(one, other, kTcp, 0).key == make_key(other, one, kTcp, 0).key);
  EXPECT_NE(make_key(one, other, kTcp, 0).source_is_a, make_key(other, one, kTcp, 0).source_is_a);
  expect_ends_come_back(one, other);
  expect_ends_come_back(other, one);
}

TEST(FlowKey, HoldsAFlowFromAnEndToItself) {
  const Endpoint<Address4> self{{127, 0, 0, 1}, 0x0100};
  expect_ends_come_back(self, self);
}

TEST(FlowKey, DiffersByProtocolAndByVirtualSystem) {
  const auto [low, high] = ends4();
  const auto key = make_key(low, high, kTcp, 0).key;
  EXPECT_FALSE(key == make_key(low, high, kIcmp, 0).key);
  EXPECT_FALSE(key == make_key(low, high, kTcp, 1).key);
}

TEST(FlowKey, DiffersByEachByteOfAnAddress) {
  const auto [low, high] = ends6();
  const auto key = make_key(low, high, kTcp, 0).key;
  for (std::size_t i = 0; i < low.address.size(); ++i) {
    auto changed = low;
    changed.address[i] = static_cast<std::uint8_t>(changed.address[i] ^ 1U);
    EXPECT_FALSE(key == make_key(changed, high, kTcp, 0).key) << "byte " << i;
  }
}

}  // namespace
}  // namespace twinplane::tables
