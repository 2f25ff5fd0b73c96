// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <initializer_list>

#include "dataplane/config_address.hpp"
#include "dataplane/error_source.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;

constexpr std::size_t kNarrow = 0, kWide = 1;

Address4 four(const char* text) { return parse_address(text)->v4(); }

Address6 six(const char* text) { return parse_address(text)->v6(); }

PortConfig port_with(std::initializer_list<const char*> addresses) {
  PortConfig port;
  for (const char* const address : addresses) port.addresses.push_back(*parse_prefix(address));
  return port;
}

Config box_with(std::initializer_list<const char*> narrow,
                std::initializer_list<const char*> wide) {
  Config config;
  config.ports = {port_with(narrow), port_with(wide)};
  return config;
}

TEST(ErrorSource, IsThePortsFirstAddressThatRoutersForward) {
  const Config config = box_with({"fe80::1/64", "fd00::1/64", "169.254.0.1/16", "10.0.0.1/24"}, {});
  EXPECT_EQ(error_source(config, kNarrow, six("2001:db8::1")), six("fd00::1"));
  EXPECT_EQ(error_source(config, kNarrow, four("198.51.100.1")), four("10.0.0.1"));
}

TEST(ErrorSource, MayBeLinkLocalToWhoeverIsLinkLocal) {
  const Config config = box_with({"fe80::1/64", "fd00::1/64", "169.254.0.1/16", "10.0.0.1/24"}, {});
  EXPECT_EQ(error_source(config, kNarrow, six("fe80::9")), six("fe80::1"));
  EXPECT_EQ(error_source(config, kNarrow, four("169.254.7.7")), four("169.254.0.1"));
}

TEST(ErrorSource, IsAnotherPortsWhereThePortsOwnWouldNotDo) {
  const Config config =
      box_with({"fe80::1/64", "10.0.0.1/24"}, {"fe80::2/64", "fd00::2/64", "10.2.0.1/24"});
  EXPECT_EQ(error_source(config, kNarrow, six("2001:db8::1")), six("fd00::2"));
  EXPECT_EQ(error_source(config, kNarrow, four("10.0.0.1")), four("10.2.0.1"));
  EXPECT_EQ(error_source(config, kNarrow, six("fe80::1")), six("fd00::2"))
      << "never a link-local address of another link";
}

TEST(ErrorSource, IsNobodyWithoutAnAddressThatRoutersForward) {
  const Config config = box_with({"fe80::1/64", "169.254.0.1/16"}, {"fe80::2/64"});
  EXPECT_EQ(error_source(config, kNarrow, six("2001:db8::1")), Address6{});
  EXPECT_EQ(error_source(config, kWide, four("198.51.100.1")), Address4{});
}

TEST(ErrorSource, SignsAnOrderAsThePortAndOnlyForThePacketsFamily) {
  const Config config = box_with({"fe80::1/64", "fd00::1/64"}, {});
  PacketView view;
  view.kind = PacketKind::kIp6;
  view.source6.address = six("2001:db8::1");
  IcmpErrorOrder order{.kind = IcmpErrorKind::kTimeExceeded};
  EXPECT_TRUE(try_sign(order, config, view, kNarrow));
  EXPECT_EQ(order.source6, six("fd00::1"));
  EXPECT_EQ(order.mac, virtual_mac(config.ports[kNarrow], kNarrow));
  view.kind = PacketKind::kIp4;
  view.source4.address = four("198.51.100.1");
  EXPECT_FALSE(try_sign(order, config, view, kNarrow));
}

TEST(ErrorSource, SignsPortUnreachableAsWhatWasAsked) {
  const Config config = box_with({"10.0.0.1/24", "10.0.0.2/24"}, {});
  PacketView view;
  view.kind = PacketKind::kIp4;
  view.source4.address = four("10.0.0.9");
  view.target4.address = four("10.0.0.2");
  IcmpErrorOrder order{.kind = IcmpErrorKind::kPortUnreachable};
  EXPECT_TRUE(try_sign(order, config, view, kNarrow));
  EXPECT_EQ(order.source4, four("10.0.0.2"));
}

}  // namespace
}  // namespace twinplane::dataplane
