// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/ip_numbers.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/parse_helpers.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

TEST(ParseTcp, JudgesOffsetFlagsAndSynOptions) {
  const auto with_offset = [](int words) {
    Bytes segment = tcp_segment(1, 2, kTcpAck);
    segment[12] = static_cast<std::byte>(words << 4);
    return result_of(frame4({}, segment));
  };
  EXPECT_EQ(with_offset(4), ParseResult::kTcpBadOffset);
  EXPECT_EQ(with_offset(6), ParseResult::kTcpHeaderCut);
  const auto with_flags = [](int flags) { return result_of(frame4({}, tcp_segment(1, 2, flags))); };
  for (const int flags : {kTcpSyn | kTcpFin, kTcpSyn | kTcpRst, 0, int{kTcpFin}, kTcpFin | kTcpRst,
                          kTcpFin | kTcpPsh | kTcpUrg, kTcpSyn | kTcpFin | kTcpAck})
    EXPECT_EQ(with_flags(flags), ParseResult::kTcpBadFlags) << flags;
  for (const int flags : {0xC0 | kTcpSyn, kTcpSyn | kTcpAck, int{kTcpRst}, kTcpRst | kTcpAck,
                          kTcpFin | kTcpAck, kTcpAck | kTcpPsh | kTcpUrg})
    EXPECT_EQ(with_flags(flags), ParseResult::kOk) << flags;
  const auto with_options = [](int flags, const Bytes& options) {
    return result_of(frame4({}, tcp_segment(1, 2, flags, options)));
  };
  EXPECT_EQ(with_options(kTcpSyn, bytes_of({3, 0, 7, 0})), ParseResult::kTcpBadOptions);
  EXPECT_EQ(with_options(kTcpSyn, bytes_of({1, 1, 3, 3})), ParseResult::kTcpBadOptions);
  EXPECT_EQ(with_options(kTcpAck, bytes_of({3, 0, 7, 0})), ParseResult::kOk);
}

TEST(ParseTcp, LimitsTheWindowScaleAndTellsWhenThereIsNone) {
  EXPECT_EQ(view_of(frame4({}, tcp_segment(1, 2, kTcpSyn))).tcp.window_scale, kNoWindowScale);
  const Bytes beyond = bytes_of({3, 3, 200, 0});
  EXPECT_EQ(view_of(frame4({}, tcp_segment(1, 2, kTcpSyn, beyond))).tcp.window_scale, 14);
}

TEST(ParseUdp, BelievesALengthThatFits) {
  const auto with_length = [](unsigned length, unsigned field) {
    Bytes segment = udp_segment(1, 2, filler(24));
    put16(segment, 4, length);
    return result_of(frame4({.protocol = 17, .fragment_field = field}, segment));
  };
  EXPECT_EQ(with_length(32, 0), ParseResult::kOk);
  EXPECT_EQ(with_length(20, 0), ParseResult::kOk);
  EXPECT_EQ(with_length(7, 0), ParseResult::kUdpLengthLies);
  EXPECT_EQ(with_length(33, 0), ParseResult::kUdpLengthLies);
  EXPECT_EQ(with_length(33, 0x2000), ParseResult::kOk);
  EXPECT_EQ(with_length(32, 0x2000), ParseResult::kUdpLengthLies);
}

TEST(ParseIcmp, UsesTheIdentifierOfAnEchoAsBothPorts) {
  const PacketView four = view_of(frame4({.protocol = 1}, icmp_message(0, 0, 0x77770001)));
  EXPECT_EQ(four.l4_kind, L4Kind::kIcmpEcho);
  EXPECT_EQ(four.source4.port_be, port_be(0x7777));
  EXPECT_EQ(four.target4.port_be, port_be(0x7777));
  const PacketView six = view_of(frame6({.protocol = 58}, icmp_message(129, 0, 0x77770001)));
  EXPECT_EQ(six.l4_kind, L4Kind::kIcmpEcho);
  EXPECT_EQ(six.source6.port_be, port_be(0x7777));
}

TEST(ParseIcmp, TellsErrorsFromOtherMessages) {
  for (const int type : {3, 4, 5, 11, 12})
    EXPECT_EQ(view_of(frame4({.protocol = 1}, icmp_message(type, 0, 0))).l4_kind,
              L4Kind::kIcmpError);
  EXPECT_EQ(view_of(frame4({.protocol = 1}, icmp_message(13, 0, 0))).l4_kind, L4Kind::kIcmpOther);
  EXPECT_EQ(view_of(frame4({.protocol = 58}, icmp_message(128, 0, 0))).l4_kind, L4Kind::kOther);
  for (const int type : {1, 2, 3, 4, 100})
    EXPECT_EQ(view_of(frame6({.protocol = 58}, icmp_message(type, 0, 0))).l4_kind,
              L4Kind::kIcmpError);
  EXPECT_EQ(view_of(frame6({.protocol = 58}, icmp_message(143, 0, 0))).l4_kind, L4Kind::kIcmpOther);
  EXPECT_EQ(result_of(frame4({.protocol = 1}, filler(7))), ParseResult::kIcmpCut);
}

TEST(ParseNeighbor, ChecksWhatTheLinkMustGuarantee) {
  const PacketView view = view_of(neighbor_solicitation());
  EXPECT_EQ(view.l4_kind, L4Kind::kNeighbor);
  EXPECT_EQ(view.icmp_type, kNdNeighborSolicitation);
  EXPECT_EQ(view.l4_offset, 54);
  EXPECT_EQ(result_of(neighbor_solicitation(bytes_of({1, 0, 2, 0, 0, 0, 0, 0x0A}))),
            ParseResult::kNdMalformed);
  EXPECT_EQ(result_of(neighbor_solicitation(bytes_of({1, 2, 2, 0, 0, 0, 0, 0x0A}))),
            ParseResult::kNdMalformed);
  Bytes damaged = neighbor_solicitation();
  damaged[70] ^= std::byte{1};
  EXPECT_EQ(result_of(damaged), ParseResult::kNdBadChecksum);
  EXPECT_EQ(
      result_of(frame6({.protocol = 58, .hop_limit = 254}, icmp_message(135, 0, 0, filler(16)))),
      ParseResult::kNdBadHopLimit);
  EXPECT_EQ(result_of(frame6({.protocol = 58, .hop_limit = 255}, icmp_message(135, 0, 0))),
            ParseResult::kNdMalformed);
  EXPECT_EQ(result_of(frame6({.protocol = 58, .hop_limit = 255}, icmp_message(133, 1, 0))),
            ParseResult::kNdMalformed);
}

}  // namespace
}  // namespace twinplane::dataplane
