// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/ip_numbers.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/parse_helpers.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

TEST(ParseIp4, ReadsASynWithOptions) {
  const PacketView view = view_of(frame4({.ttl = 9}, syn()));
  EXPECT_EQ(view.kind, PacketKind::kIp4);
  EXPECT_EQ(view.l4_kind, L4Kind::kTcp);
  EXPECT_EQ(view.protocol, kProtocolTcp);
  EXPECT_EQ(view.ttl, 9);
  EXPECT_TRUE(view.dont_fragment);
  EXPECT_EQ(view.source4, (tables::Endpoint<tables::Address4>{kClient4, port_be(40000)}));
  EXPECT_EQ(view.target4, (tables::Endpoint<tables::Address4>{kServer4, port_be(443)}));
  EXPECT_EQ(view.l3_offset, 14);
  EXPECT_EQ(view.l4_offset, 34);
  EXPECT_EQ(view.payload_offset, 62);
  EXPECT_EQ(view.payload_bytes, 0);
  EXPECT_EQ(view.tcp.sequence, 0x01020304U);
  EXPECT_EQ(view.tcp.acknowledgement, 0x0A0B0C0DU);
  EXPECT_EQ(view.tcp.window, 0x7210);
  EXPECT_EQ(view.tcp.flags, kTcpSyn);
  EXPECT_EQ(view.tcp.window_scale, 7);
}

TEST(ParseIp4, NamesEachFaultOfItsHeader) {
  const Bytes valid = frame4({}, syn());
  const auto with = [&](std::size_t at, int value) {
    Bytes frame = valid;
    frame[14 + at] = static_cast<std::byte>(value);
    return result_of(frame);
  };
  EXPECT_EQ(with(0, 0x55), ParseResult::kIp4BadVersion);
  EXPECT_EQ(with(0, 0x44), ParseResult::kIp4BadHeaderLength);
  EXPECT_EQ(with(0, 0x4F), ParseResult::kIp4HeaderCut);
  EXPECT_EQ(with(3, 19), ParseResult::kIp4LengthLies);
  EXPECT_EQ(with(3, 49), ParseResult::kIp4LengthLies);
  EXPECT_EQ(with(8, 63), ParseResult::kIp4BadChecksum);
  EXPECT_EQ(result_of(std::span(valid).first(33)), ParseResult::kIp4HeaderCut);
}

TEST(ParseIp4, JudgesItsOptions) {
  const auto with = [](const Bytes& options) {
    return result_of(frame4({.options = options}, syn()));
  };
  EXPECT_EQ(with(bytes_of({1, 1, 1, 0})), ParseResult::kOk);
  EXPECT_EQ(with(bytes_of({148, 4, 0, 0})), ParseResult::kOk);
  EXPECT_EQ(with(bytes_of({7, 1, 0, 0})), ParseResult::kIp4BadOptions);
  EXPECT_EQ(with(bytes_of({7, 5, 0, 0})), ParseResult::kIp4BadOptions);
  EXPECT_EQ(with(bytes_of({1, 1, 1, 7})), ParseResult::kIp4BadOptions);
  EXPECT_EQ(with(bytes_of({131, 3, 4, 0})), ParseResult::kIp4SourceRoute);
  EXPECT_EQ(with(bytes_of({137, 3, 4, 0})), ParseResult::kIp4SourceRoute);
}

TEST(ParseIp4, DropsAddressesThatCannotBe) {
  const auto from = [](tables::Address4 source) {
    return result_of(frame4({.source = source}, syn()));
  };
  const auto to = [](tables::Address4 target) {
    return result_of(frame4({.target = target}, syn()));
  };
  EXPECT_EQ(from({0, 0, 0, 0}), ParseResult::kIp4BadSource);
  EXPECT_EQ(from({127, 0, 0, 1}), ParseResult::kIp4BadSource);
  EXPECT_EQ(from({224, 0, 0, 5}), ParseResult::kIp4BadSource);
  EXPECT_EQ(from({255, 255, 255, 255}), ParseResult::kIp4BadSource);
  EXPECT_EQ(to({0, 1, 2, 3}), ParseResult::kIp4BadTarget);
  EXPECT_EQ(to({127, 0, 0, 1}), ParseResult::kIp4BadTarget);
  EXPECT_EQ(to({240, 0, 0, 1}), ParseResult::kIp4BadTarget);
  EXPECT_EQ(to(kClient4), ParseResult::kLand);
}

TEST(ParseIp4, MarksGroupAndLinkLocalTargets) {
  EXPECT_TRUE(view_of(frame4({.target = {224, 0, 0, 1}}, syn())).is_group_target);
  EXPECT_TRUE(view_of(frame4({.target = {255, 255, 255, 255}}, syn())).is_group_target);
  EXPECT_TRUE(view_of(frame4({.target = {169, 254, 3, 4}}, syn())).is_link_local);
  const PacketView plain = view_of(frame4({}, syn()));
  EXPECT_FALSE(plain.is_group_target || plain.is_link_local || plain.is_group_frame);
}

TEST(ParseIp4, TellsFirstFragmentsFromLaterOnes) {
  const PacketView first =
      view_of(frame4({.protocol = 17, .fragment_field = 0x2000}, udp_start(48)));
  EXPECT_EQ(first.fragment.part, FragmentPart::kFirst);
  EXPECT_TRUE(first.fragment.more);
  EXPECT_EQ(first.fragment.bytes, 56);
  EXPECT_EQ(first.source4.port_be, port_be(5000));
  const PacketView later =
      view_of(ethernet(0x0800) + ip4_raw({.protocol = 17, .fragment_field = 7}, filler(11)));
  EXPECT_EQ(later.fragment.part, FragmentPart::kLater);
  EXPECT_EQ(later.fragment.offset_bytes, 56);
  EXPECT_EQ(later.fragment.id, 0x1234U);
  EXPECT_FALSE(later.fragment.more);
  EXPECT_EQ(later.l4_kind, L4Kind::kNone);
  EXPECT_EQ(later.payload_bytes, 11);
}

TEST(ParseIp4, DropsFragmentsThatCannotBe) {
  const auto udp = [](unsigned field, std::size_t bytes) {
    return result_of(ethernet(0x0800) +
                     ip4_raw({.protocol = 17, .fragment_field = field}, filler(bytes)));
  };
  EXPECT_EQ(udp(0x2007, 12), ParseResult::kIp4BadFragment);  // in the middle, no multiple of 8
  EXPECT_EQ(udp(0x0007, 0), ParseResult::kIp4BadFragment);
  EXPECT_EQ(udp(0x1FFF, 100), ParseResult::kIp4BadFragment);  // beyond 65535
  const auto tcp = [](unsigned field, const Bytes& segment) {
    return result_of(ethernet(0x0800) + ip4_raw({.fragment_field = field}, segment));
  };
  EXPECT_EQ(tcp(0x2000, filler(16)), ParseResult::kIp4TinyFragment);
  EXPECT_EQ(tcp(0x0001, filler(16)), ParseResult::kIp4TinyFragment);
}

TEST(ParseIp4, LetsNobodyAskAllHostsOnItsOwnLink) {
  const auto on_link = [](const tables::Address4& source, const tables::Address4& target) {
    PacketView view;
    return parse(tests::frame4({.source = source, .target = target, .protocol = 17},
                               tests::udp_segment(68, 67)),
                 view, ParseScope::kLink);
  };
  const tables::Address4 all{255, 255, 255, 255};
  EXPECT_EQ(on_link({}, all), ParseResult::kOk);
  EXPECT_EQ(on_link({}, tests::kServer4), ParseResult::kIp4BadSource);
  EXPECT_EQ(on_link({0, 0, 0, 1}, all), ParseResult::kIp4BadSource);
  EXPECT_EQ(on_link({127, 0, 0, 1}, all), ParseResult::kIp4BadSource);
}

}  // namespace
}  // namespace twinplane::dataplane
