// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors through the forwarder: routers' and the box's own, about packets translated and not.
// Needs DPDK's EAL, which the fixture starts.
#include <gtest/gtest.h>

#include "dataplane/error_source.hpp"
#include "dataplane/icmp_error.hpp"
#include "tests/support/forward_fixture.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tests::Bytes;
using tests::Ip4;
using tests::kClient4;
using tests::kClient6;
using tests::kHidden;
using tests::kInside;
using tests::kOutside;
using tests::kServer4;
using tests::kSyn;
using tests::kSynAck;
using tests::Outcome;

constexpr Address4 kInside4{10, 1, 0, 254};
constexpr Address4 kRouter4{10, 2, 0, 1};
constexpr Address6 kInside6{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE};
constexpr Address6 kOutside6{0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE};
constexpr Address6 kLinkServer6{0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

class ForwardError : public tests::ForwardFixture {
 protected:
  // The error about a packet as it was to leave the box, from whoever says so.
  static Bytes error_about(const Bytes& frame, const IcmpErrorOrder& order) {
    PacketView view;
    EXPECT_EQ(parse(frame, view), ParseResult::kOk);
    Bytes out(kIcmpErrorFrameBytesMax);
    const IcmpErrorResult built = build_icmp_error(frame, view, order, out);
    EXPECT_EQ(built.verdict, IcmpErrorVerdict::kBuilt);
    out.resize(built.frame_bytes);
    return out;
  }

  static void expect_sound(const Outcome& outcome) {
    PacketView view;
    ASSERT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    tests::expect_right_checksums(outcome.frame, view);
  }

  // Whom the quote names, in a frame that has left.
  static PacketView quote_of(const Outcome& outcome) {
    PacketView view, quote;
    EXPECT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    EXPECT_EQ(parse_quote(outcome.frame, view, quote), ParseResult::kOk);
    return quote;
  }
};

TEST_F(ForwardError, TellsAHiddenClientByItsOwnNamesThatTheServerIsUnreachable) {
  const Outcome sent = send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn));
  // The outside port's own address is what hides the client: a packet from it to it would be
  // dropped.
  const Address4 source = error_source(config_, kOutside, kHidden);
  EXPECT_EQ(source, kInside4);
  const Outcome told = send_error(
      kOutside,
      error_about(sent.frame, {.kind = IcmpErrorKind::kHostUnreachable, .source4 = source}));
  ASSERT_EQ(told.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(told.result.port_index, kInside);
  EXPECT_EQ(told.view.source4.address, kInside4) << "it leaves with the address of that port";
  EXPECT_EQ(told.view.target4.address, kClient4);
  EXPECT_EQ(told.view.icmp_type, 3);
  EXPECT_EQ(told.view.icmp_code, 1);
  expect_sound(told);
  const PacketView quote = quote_of(told);
  EXPECT_EQ(quote.source4.address, kClient4);
  EXPECT_EQ(quote.source4.port_be, network_order(std::uint16_t{40000}));
  EXPECT_EQ(quote.target4.address, kServer4);
}

TEST_F(ForwardError, TellsAServerThatAHiddenClientIsUnreachable) {
  const std::uint16_t nat_port_be = open();
  const Outcome back = reply(nat_port_be, kSynAck);
  const Outcome told = send_error(
      kInside,
      error_about(back.frame, {.kind = IcmpErrorKind::kHostUnreachable, .source4 = kInside4}));
  ASSERT_EQ(told.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(told.result.port_index, kOutside);
  EXPECT_EQ(told.view.source4.address, kHidden);
  EXPECT_EQ(told.view.target4.address, kServer4);
  expect_sound(told);
  EXPECT_EQ(quote_of(told).target4.address, kHidden);
  EXPECT_EQ(quote_of(told).target4.port_be, nat_port_be);
}

TEST_F(ForwardError, TellsAnIp6ClientThatTheServerIsUnreachable) {
  const Outcome sent =
      send(kInside, tests::frame6({.target = kLinkServer6}, tests::tcp_segment(40000, 80, kSyn)));
  ASSERT_EQ(sent.result.verdict, ForwardVerdict::kForward);
  const Outcome told = send_error(
      kOutside,
      error_about(sent.frame, {.kind = IcmpErrorKind::kHostUnreachable, .source6 = kOutside6}));
  ASSERT_EQ(told.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(told.view.source6.address, kInside6);
  EXPECT_EQ(told.view.target6.address, kClient6);
  EXPECT_EQ(told.view.icmp_type, 1);
  EXPECT_EQ(told.view.icmp_code, 3);
  expect_sound(told);
  EXPECT_EQ(quote_of(told).target6.address, kLinkServer6);
}

TEST_F(ForwardError, LeavesARoutersErrorToTheRoutersName) {
  const Outcome sent = send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn));
  const Outcome told = send_error(
      kOutside,
      error_about(sent.frame, {.kind = IcmpErrorKind::kHostUnreachable, .source4 = kRouter4}));
  ASSERT_EQ(told.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(told.view.source4.address, kRouter4);
  EXPECT_EQ(told.view.target4.address, kClient4);
  expect_sound(told);
}

TEST_F(ForwardError, DropsAnErrorAboutAFlowThatNobodyHas) {
  const Bytes stray = tests::frame4({.source = kHidden}, tests::tcp_segment(40000, 80, kSyn));
  const Outcome told = send_error(
      kOutside, error_about(stray, {.kind = IcmpErrorKind::kNoRoute, .source4 = kRouter4}));
  EXPECT_EQ(told.result.reason, DropReason::kIcmpNoSession);
}

}  // namespace
}  // namespace twinplane::dataplane
