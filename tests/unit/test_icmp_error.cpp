// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "dataplane/icmp_error.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

constexpr tables::Address4 kBox4{10, 1, 0, 254};
constexpr tables::Address6 kBox6{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE};
constexpr MacAddress kBoxMac{0, 0x1B, 0x17, 0, 1, 0};

PacketView view_of(std::span<const std::byte> frame) {
  PacketView view;
  EXPECT_EQ(name(parse(frame, view)), "ok");
  return view;
}

struct Built {
  IcmpErrorVerdict verdict;
  Bytes frame;
};

Built build(const Bytes& offending, IcmpErrorKind kind, std::uint16_t mtu_bytes = 0) {
  const PacketView view = view_of(offending);
  Bytes out(kIcmpErrorFrameBytesMax, std::byte{0xEE});
  const IcmpErrorOrder order{
      .kind = kind, .mtu_bytes = mtu_bytes, .mac = kBoxMac, .source4 = kBox4, .source6 = kBox6};
  const IcmpErrorResult result = build_icmp_error(offending, view, order, out);
  out.resize(result.frame_bytes);
  return {result.verdict, out};
}

IcmpErrorVerdict verdict_of(const Bytes& offending,
                            IcmpErrorKind kind = IcmpErrorKind::kTimeExceeded) {
  return build(offending, kind).verdict;
}

// The error is well formed, goes back to the sender and quotes the packet from its IP header on.
void expect_answers(const Bytes& error, const Bytes& offending, int type, int code) {
  const PacketView view = view_of(error);
  const PacketView about = view_of(offending);
  expect_right_checksums(error, view);
  EXPECT_EQ(view.l4_kind, L4Kind::kIcmpError);
  EXPECT_EQ(view.icmp_type, type);
  EXPECT_EQ(view.icmp_code, code);
  EXPECT_EQ(view.ttl, 64);
  EXPECT_EQ(view.target4.address, about.source4.address);
  EXPECT_EQ(view.target6.address, about.source6.address);
  EXPECT_EQ(view.vlan_tcis, about.vlan_tcis);
  EXPECT_EQ(error.size(), view.l3_offset + view.l3_bytes);
  const auto quoted = std::span(error).subspan(view.payload_offset, view.payload_bytes);
  EXPECT_TRUE(
      std::ranges::equal(quoted, std::span(offending).subspan(about.l3_offset, quoted.size())));
  EXPECT_TRUE(std::equal(error.begin(), error.begin() + 6, offending.begin() + 6));
  PacketView quote;
  EXPECT_EQ(name(parse_quote(error, view, quote)), "ok");
  EXPECT_EQ(quote.source4, about.source4);
  EXPECT_EQ(quote.target6, about.target6);
}

TEST(IcmpError, AnswersIp4WithEachTypeAndCode) {
  const Bytes offending = frame4({.ttl = 1}, tcp_segment(40000, 443, kTcpAck, {}, filler(60)));
  const auto check = [&](IcmpErrorKind kind, int type, int code) {
    expect_answers(build(offending, kind, 1400).frame, offending, type, code);
  };
  check(IcmpErrorKind::kTimeExceeded, 11, 0);
  check(IcmpErrorKind::kNoRoute, 3, 0);
  check(IcmpErrorKind::kHostUnreachable, 3, 1);
  check(IcmpErrorKind::kPortUnreachable, 3, 3);
  check(IcmpErrorKind::kTooBig, 3, 4);
  check(IcmpErrorKind::kAdminProhibited, 3, 13);
}

TEST(IcmpError, AnswersIp6WithEachTypeAndCode) {
  const Bytes offending =
      frame6({.hop_limit = 1}, tcp_segment(40000, 443, kTcpAck, {}, filler(60)));
  const auto check = [&](IcmpErrorKind kind, int type, int code) {
    expect_answers(build(offending, kind, 1400).frame, offending, type, code);
  };
  check(IcmpErrorKind::kTimeExceeded, 3, 0);
  check(IcmpErrorKind::kNoRoute, 1, 0);
  check(IcmpErrorKind::kHostUnreachable, 1, 3);
  check(IcmpErrorKind::kPortUnreachable, 1, 4);
  check(IcmpErrorKind::kTooBig, 2, 0);
  check(IcmpErrorKind::kAdminProhibited, 1, 1);
}

TEST(IcmpError, StatesTheMtuAndNothingElseThere) {
  const Bytes four = frame4({}, tcp_segment(1, 2, kTcpAck));
  EXPECT_EQ(get16(build(four, IcmpErrorKind::kTooBig, 1400).frame, 14 + 20 + 6), 1400U);
  EXPECT_EQ(get16(build(four, IcmpErrorKind::kNoRoute, 1400).frame, 14 + 20 + 6), 0U);
  const Bytes six = frame6({}, tcp_segment(1, 2, kTcpAck));
  EXPECT_EQ(get16(build(six, IcmpErrorKind::kTooBig, 1400).frame, 14 + 40 + 6), 1400U);
}

TEST(IcmpError, QuotesNoMoreThanFits) {
  const Bytes four = frame4({}, tcp_segment(1, 2, kTcpAck, {}, filler(1440)));
  const Bytes error4 = build(four, IcmpErrorKind::kTimeExceeded).frame;
  EXPECT_EQ(error4.size(), 14U + 576U);
  expect_answers(error4, four, 11, 0);
  const Bytes six = frame6({}, tcp_segment(1, 2, kTcpAck, {}, filler(1440)));
  const Bytes error6 = build(six, IcmpErrorKind::kTimeExceeded).frame;
  EXPECT_EQ(error6.size(), 14U + 1280U);
  expect_answers(error6, six, 3, 0);
}

TEST(IcmpError, LeavesLinkPaddingOutAndKeepsTags) {
  const Bytes offending = ethernet(0x0800, {{0x88A8, 100}, {0x8100, 200}}) +
                          ip4_packet({.protocol = 17}, udp_segment(1, 2)) + filler(18);
  const Bytes error = build(offending, IcmpErrorKind::kNoRoute).frame;
  EXPECT_EQ(error.size(), 22U + 28U + 28U);
  expect_answers(error, offending, 3, 0);
}

TEST(IcmpError, IsNeverSentAboutAnErrorOrARedirect) {
  const Bytes segment = tcp_segment(1, 2, kTcpAck);
  EXPECT_EQ(verdict_of(frame4({.protocol = 1}, icmp_message(3, 1, 0, ip4_packet({}, segment)))),
            IcmpErrorVerdict::kAboutError);
  EXPECT_EQ(verdict_of(frame6({.protocol = 58}, icmp_message(1, 0, 0, ip6_packet({}, segment)))),
            IcmpErrorVerdict::kAboutError);
  EXPECT_EQ(
      verdict_of(frame6({.protocol = 58, .hop_limit = 255}, icmp_message(137, 0, 0, filler(32)))),
      IcmpErrorVerdict::kAboutError);
  EXPECT_EQ(verdict_of(frame4({.protocol = 1}, icmp_message(8, 0, 0))), IcmpErrorVerdict::kBuilt);
}

TEST(IcmpError, IsSentAboutFirstFragmentsOnly) {
  const Bytes later = ethernet(0x0800) + ip4_raw({.fragment_field = 7}, filler(16));
  EXPECT_EQ(verdict_of(later), IcmpErrorVerdict::kAboutLater);
  const Bytes first = ethernet(0x0800) + ip4_raw({.fragment_field = 0x2000},
                                                 tcp_segment(1, 2, kTcpAck, {}, filler(4)));
  EXPECT_EQ(verdict_of(first), IcmpErrorVerdict::kBuilt);
  const Bytes later6 =
      ethernet(0x86DD) +
      ip6_raw({.first_header = 44, .extensions = fragment_header(6, 64, false, 1)}, filler(16));
  EXPECT_EQ(verdict_of(later6), IcmpErrorVerdict::kAboutLater);
}

TEST(IcmpError, IsNotSentToGroupsExceptForThePathMtuOfIp6) {
  const Bytes segment = udp_segment(1, 2, filler(8));
  const tables::Address6 group{0xFF, 0x0E, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(verdict_of(frame4({.target = {239, 1, 1, 1}, .protocol = 17}, segment)),
            IcmpErrorVerdict::kAboutGroup);
  const Bytes six = frame6({.target = group, .protocol = 17}, segment);
  EXPECT_EQ(verdict_of(six), IcmpErrorVerdict::kAboutGroup);
  EXPECT_EQ(verdict_of(six, IcmpErrorKind::kTooBig), IcmpErrorVerdict::kBuilt);
  Bytes link_broadcast = frame4({.protocol = 17}, segment);
  std::fill_n(link_broadcast.begin(), 6, std::byte{0xFF});
  EXPECT_EQ(verdict_of(link_broadcast), IcmpErrorVerdict::kAboutGroup);
}

TEST(IcmpError, IsNotSentWhereItCannotBeOrNeedNotBe) {
  EXPECT_EQ(verdict_of(frame6({.source = {}, .protocol = 58}, icmp_message(143, 0, 0))),
            IcmpErrorVerdict::kNoSingleSource);
  EXPECT_EQ(
      verdict_of(frame4({.fragment_field = 0}, tcp_segment(1, 2, kTcpAck)), IcmpErrorKind::kTooBig),
      IcmpErrorVerdict::kMayBeFragmented);
  EXPECT_EQ(may_send_icmp_error(PacketView{}, IcmpErrorKind::kNoRoute), IcmpErrorVerdict::kNotIp);
}

TEST(IcmpError, WritesNothingIntoABufferThatIsTooSmall) {
  const Bytes offending = frame4({}, tcp_segment(1, 2, kTcpAck));
  const PacketView view = view_of(offending);
  for (std::size_t size = 0; size <= 14 + 28 + 40; ++size) {
    const auto out = std::make_unique<std::byte[]>(size);
    const IcmpErrorResult result = build_icmp_error(offending, view, {}, {out.get(), size});
    const bool fits = size == 14 + 28 + 40;
    EXPECT_EQ(result.verdict, fits ? IcmpErrorVerdict::kBuilt : IcmpErrorVerdict::kNoRoom);
  }
}

}  // namespace
}  // namespace twinplane::dataplane
