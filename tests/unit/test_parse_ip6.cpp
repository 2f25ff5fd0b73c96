// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/ip_numbers.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/parse_helpers.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

TEST(ParseIp6, ReadsASynBehindExtensionHeaders) {
  const Bytes chain = padding_options(60) + padding_options(51) +
                      bytes_of({43, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}) +
                      bytes_of({6, 0, 4, 1, 0, 0, 0, 0});
  const PacketView view = view_of(frame6({.first_header = 0, .extensions = chain}, syn()));
  EXPECT_EQ(view.kind, PacketKind::kIp6);
  EXPECT_EQ(view.l4_kind, L4Kind::kTcp);
  EXPECT_EQ(view.l3_header_bytes(), 40 + 36);
  EXPECT_TRUE(view.is_routed_elsewhere);
  EXPECT_EQ(view.source6, (tables::Endpoint<tables::Address6>{kClient6, port_be(40000)}));
  EXPECT_EQ(view.target6, (tables::Endpoint<tables::Address6>{kServer6, port_be(443)}));
  EXPECT_EQ(view.tcp.window_scale, 7);
}

TEST(ParseIp6, NamesEachFaultOfItsHeaders) {
  const auto with = [](unsigned first, const Bytes& extensions) {
    return result_of(frame6({.first_header = first, .extensions = extensions}, syn()));
  };
  EXPECT_EQ(with(60, long_extensions(8, 6)), ParseResult::kOk);
  EXPECT_EQ(with(60, long_extensions(9, 6)), ParseResult::kIp6TooManyExtensions);
  EXPECT_EQ(with(60, padding_options(0) + padding_options(6)), ParseResult::kIp6ExtensionOrder);
  EXPECT_EQ(with(44, fragment_header(44, 0, false, 1) + fragment_header(6, 0, false, 1)),
            ParseResult::kIp6ExtensionOrder);
  EXPECT_EQ(with(43, bytes_of({6, 0, 0, 1, 0, 0, 0, 0})), ParseResult::kIp6RoutingTypeZero);
  EXPECT_EQ(with(60, bytes_of({6, 200, 1, 4, 0, 0, 0, 0})), ParseResult::kIp6ExtensionCut);
  Bytes frame = frame6({}, syn());
  frame[14] = std::byte{0x50};
  EXPECT_EQ(result_of(frame), ParseResult::kIp6BadVersion);
  frame[14] = std::byte{0x60};
  frame[19] = std::byte{200};
  EXPECT_EQ(result_of(frame), ParseResult::kIp6LengthLies);
  frame.resize(53);
  EXPECT_EQ(result_of(frame), ParseResult::kIp6HeaderCut);
}

TEST(ParseIp6, DropsAddressesThatCannotBe) {
  const tables::Address6 unspecified{};
  const tables::Address6 loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const tables::Address6 mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1};
  const tables::Address6 group{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  for (const auto& address : {unspecified, loopback, mapped, group})
    EXPECT_EQ(result_of(frame6({.source = address}, syn())), ParseResult::kIp6BadSource);
  for (const auto& address : {unspecified, loopback, mapped})
    EXPECT_EQ(result_of(frame6({.target = address}, syn())), ParseResult::kIp6BadTarget);
  EXPECT_EQ(result_of(frame6({.target = kClient6}, syn())), ParseResult::kLand);
  EXPECT_TRUE(view_of(frame6({.target = group}, syn())).is_group_target);
  const PacketView probe =
      view_of(frame6({.source = unspecified, .protocol = 58}, icmp_message(143, 0, 0)));
  EXPECT_TRUE(probe.is_unspecified_source);
}

TEST(ParseIp6, HandlesFragments) {
  const PacketView atomic =
      view_of(frame6({.first_header = 44, .extensions = fragment_header(6, 0, false, 1)}, syn()));
  EXPECT_EQ(atomic.fragment.part, FragmentPart::kWhole);
  EXPECT_EQ(atomic.l4_kind, L4Kind::kTcp);
  const Bytes chain = fragment_header(60, 0, true, 0xAABBCCDD) + padding_options(17);
  const PacketView first = view_of(
      ethernet(0x86DD) + ip6_raw({.first_header = 44, .extensions = chain}, udp_start(200)));
  EXPECT_EQ(first.fragment.part, FragmentPart::kFirst);
  EXPECT_EQ(first.fragment.id, 0xAABBCCDDU);
  EXPECT_EQ(first.fragment.bytes, 8 + 208);
  EXPECT_EQ(first.l4_kind, L4Kind::kUdp);
  const PacketView later = view_of(
      ethernet(0x86DD) +
      ip6_raw({.first_header = 44, .extensions = fragment_header(60, 216, false, 5)}, filler(9)));
  EXPECT_EQ(later.fragment.part, FragmentPart::kLater);
  EXPECT_EQ(later.fragment.offset_bytes, 216);
  EXPECT_EQ(later.protocol, 60);
}

TEST(ParseIp6, DropsFragmentsThatCannotBe) {
  const auto with = [](const Bytes& extensions, const Bytes& segment) {
    return result_of(ethernet(0x86DD) +
                     ip6_raw({.first_header = 44, .extensions = extensions}, segment));
  };
  EXPECT_EQ(with(fragment_header(6, 80, true, 1), filler(12)), ParseResult::kIp6BadFragment);
  EXPECT_EQ(with(fragment_header(6, 80, false, 1), {}), ParseResult::kIp6BadFragment);
  EXPECT_EQ(with(fragment_header(6, 65528, false, 1), filler(16)), ParseResult::kIp6BadFragment);
  EXPECT_EQ(with(fragment_header(6, 0, true, 1), filler(16)), ParseResult::kIp6TinyFragment);
  EXPECT_EQ(with(fragment_header(60, 0, true, 1) + bytes_of({6, 9, 0, 0, 0, 0, 0, 0}), filler(16)),
            ParseResult::kIp6TinyFragment);
}

}  // namespace
}  // namespace twinplane::dataplane
