// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/own_addresses.hpp"
#include "tests/support/link_fakes.hpp"

namespace twinplane::dataplane {
namespace {

using tests::ip;

TEST(OwnAddresses, OwnsFloatingNatAndLinkLocalAddressesOfThePort) {
  const OwnAddresses own(tests::two_ports());
  EXPECT_TRUE(own.is_own(0, ip("10.1.0.254")));
  EXPECT_TRUE(own.is_own(0, ip("fd00:1::fe")));
  EXPECT_TRUE(own.is_own(0, ip("fe80::21b:17ff:fe00:300")));
  EXPECT_TRUE(own.is_own(1, ip("10.2.0.77"))) << "source NAT's";
  EXPECT_FALSE(own.is_own(1, ip("10.1.0.254"))) << "the other port's";
  EXPECT_FALSE(own.is_own(0, ip("10.2.0.77")));
  EXPECT_EQ(own.all().size(), 5U);
}

TEST(OwnAddresses, HasALinkLocalAddressOnlyWhereIpv6Is) {
  Config config = tests::two_ports();
  EXPECT_FALSE(OwnAddresses(config).is_own(1, ip("fe80::21b:17ff:fe00:101")));
  RouteConfig route;
  route.via = ip("fe80::1");
  route.port_index = 1;
  config.routes.push_back(route);
  EXPECT_TRUE(OwnAddresses(config).is_own(1, ip("fe80::21b:17ff:fe00:101")));
}

TEST(OwnAddresses, KnowsWhoCanBeANeighbor) {
  const OwnAddresses own(tests::two_ports());
  EXPECT_TRUE(own.is_neighbor(0, ip("10.1.0.7")));
  EXPECT_TRUE(own.is_neighbor(0, ip("fd00:1::7")));
  EXPECT_TRUE(own.is_neighbor(0, ip("fe80::7")));
  EXPECT_FALSE(own.is_neighbor(1, ip("fe80::7"))) << "no IPv6 there";
  for (const char* text : {"10.1.0.254", "10.1.0.255", "10.1.0.0", "10.2.0.7",
                           "fd00:1::", "224.0.0.1", "ff02::1", "::1", "0.0.0.0"})
    EXPECT_FALSE(own.is_neighbor(0, ip(text))) << text;
}

TEST(OwnAddresses, TakesBothEndsOfAPointToPointLinkForHosts) {
  Config config = tests::two_ports();
  config.ports[0].addresses = {*parse_prefix("10.9.0.0/31"), *parse_prefix("fd00:9::1/127")};
  const OwnAddresses own(config);
  EXPECT_TRUE(own.is_neighbor(0, ip("10.9.0.1")));
  EXPECT_TRUE(own.is_neighbor(0, ip("fd00:9::")));
}

TEST(OwnAddresses, AsksAsTheAddressOfTheNeighborsNetwork) {
  Config config = tests::two_ports();
  config.ports[0].addresses.push_back(*parse_prefix("10.3.0.1/24"));
  const OwnAddresses own(config);
  EXPECT_EQ(own.source_for(0, ip("10.1.0.7")), ip("10.1.0.254"));
  EXPECT_EQ(own.source_for(0, ip("10.3.0.7")), ip("10.3.0.1"));
  EXPECT_EQ(own.source_for(0, ip("fd00:1::7")), ip("fd00:1::fe"));
  EXPECT_EQ(own.source_for(0, ip("fe80::7")), ip("fe80::21b:17ff:fe00:300"));
}

}  // namespace
}  // namespace twinplane::dataplane
