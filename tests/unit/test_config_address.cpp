// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/config_address.hpp"

namespace twinplane::dataplane {
namespace {

TEST(ConfigAddress, ReadsBothFamiliesAndPrintsThemBack) {
  for (const char* text : {"10.1.0.254", "fd00:1::fe", "::"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_text(*address), text);
  }
  EXPECT_EQ(parse_address("10.1.0.254")->v4(), (tables::Address4{10, 1, 0, 254}));
  EXPECT_EQ(to_text(*parse_prefix("fd00:1::fe/64")), "fd00:1::fe/64");
  EXPECT_EQ(to_text(*parse_socket_address("192.0.2.1:28260")), "192.0.2.1:28260");
  EXPECT_EQ(to_text(*parse_socket_address("[fd00::1]:80")), "[fd00::1]:80");
  EXPECT_EQ(to_text(*parse_mac("00:1b:17:00:01:ff")), "00:1b:17:00:01:ff");
}

TEST(ConfigAddress, RefusesWhatOnlyLooksLikeAnAddress) {
  for (const std::string_view text :
       {"", "10.1.0", "10.1.0.256", "10.1.0.1 ", "fe80::1%eth0", "1::2::3", "host"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("10.1.0.1\0", 9)));
  for (const std::string_view text : {"10.1.0.0", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/",
                                      "fd00::/129", "/24", "10.1.0.0/2x"}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
  for (const std::string_view text :
       {"192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "fd00::1:80", "[192.0.2.1]:80", ":80"}) {
    EXPECT_FALSE(parse_socket_address(text)) << text;
  }
  for (const std::string_view text :
       {"", "00:1b:17:00:01", "00-1b-17-00-01-02", "00:1b:17:00:01:0g", "+0:1b:17:00:01:00"}) {
    EXPECT_FALSE(parse_mac(text)) << text;
  }
}

TEST(ConfigAddress, CutsANetworkAtAnyBit) {
  EXPECT_EQ(to_text(network_of(*parse_prefix("10.1.2.255/25"))), "10.1.2.128/25");
  EXPECT_EQ(to_text(network_of(*parse_prefix("10.1.2.3/0"))), "0.0.0.0/0");
  EXPECT_EQ(to_text(network_of(*parse_prefix("fd00:ffff::1/17"))), "fd00:8000::/17");
  EXPECT_EQ(to_text(last_of(*parse_prefix("10.1.2.3/22"))), "10.1.3.255");
  EXPECT_EQ(to_text(last_of(*parse_prefix("10.1.2.3/32"))), "10.1.2.3");
}

TEST(ConfigAddress, KnowsWhatANetworkHolds) {
  const IpPrefix network = *parse_prefix("10.1.0.0/23");
  EXPECT_TRUE(contains(network, *parse_address("10.1.1.255")));
  EXPECT_FALSE(contains(network, *parse_address("10.1.2.0")));
  EXPECT_FALSE(contains(network, *parse_address("a01::")));
  EXPECT_TRUE(overlap(network, *parse_prefix("10.1.1.0/24")));
  EXPECT_TRUE(overlap(*parse_prefix("10.1.1.0/24"), network));
  EXPECT_FALSE(overlap(network, *parse_prefix("10.1.2.0/24")));
  EXPECT_FALSE(overlap(*parse_prefix("0.0.0.0/0"), *parse_prefix("::/0")));
}

TEST(ConfigAddress, TellsUnicastFromTheRest) {
  for (const char* text : {"10.0.0.1", "169.254.1.1", "fd00::1", "fe80::1", "2001:db8::1"}) {
    EXPECT_TRUE(is_unicast(*parse_address(text))) << text;
  }
  for (const char* text : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1",
                           "ff02::1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(is_unicast(*parse_address(text))) << text;
  }
  EXPECT_TRUE(is_link_local(*parse_address("fe80::1")));
  EXPECT_TRUE(is_link_local(*parse_address("febf::1")));
  EXPECT_FALSE(is_link_local(*parse_address("fec0::1")));
  EXPECT_FALSE(is_link_local(*parse_address("169.254.1.1")));
}

}  // namespace
}  // namespace twinplane::dataplane
