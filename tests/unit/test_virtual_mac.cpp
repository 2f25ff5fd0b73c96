// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/config_address.hpp"
#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {
namespace {

TEST(VirtualMac, NamesGroupAndPort) {
  PortConfig port;
  port.virtual_mac_group = 7;
  EXPECT_EQ(to_text(virtual_mac(port, 3)), "00:1b:17:00:07:03");
}

TEST(VirtualMac, MakesTheLinkLocalAddressOfTheRfc) {
  // RFC 4291 appendix A, with the universal bit turned over.
  EXPECT_EQ(to_text(IpAddress::of(link_local_of({0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE}))),
            "fe80::3656:78ff:fe9a:bcde");
}

TEST(VirtualMac, FindsTheGroupThatAnAddressListensTo) {
  const auto address = parse_address("4037::1:800:200e:8c6c")->v6();  // RFC 4291 section 2.7.1
  EXPECT_EQ(to_text(IpAddress::of(solicited_node_of(address))), "ff02::1:ff0e:8c6c");
  EXPECT_EQ(to_text(multicast_mac_of(solicited_node_of(address))), "33:33:ff:0e:8c:6c");
}

}  // namespace
}  // namespace twinplane::dataplane
