// SPDX-License-Identifier: BSD-3-Clause
// One packet at a time through the forwarder: which sessions it makes, what it rewrites, and why it
// drops. Needs DPDK's EAL, which the fixture starts.
#include <gtest/gtest.h>

#include <set>

#include "dataplane/rss.hpp"
#include "dataplane/virtual_mac.hpp"
#include "tests/support/forward_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tests::Bytes;
using tests::Ip4;
using tests::kAck;
using tests::kClient4;
using tests::kFin;
using tests::kHidden;
using tests::kInside;
using tests::kOutside;
using tests::kRst;
using tests::kServer4;
using tests::kSyn;
using tests::kSynAck;
using tests::Outcome;

class Forward : public tests::ForwardFixture {};

TEST_F(Forward, HidesTheClientAndBringsTheReplyBack) {
  const Outcome out = send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn));
  ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(out.result.port_index, kOutside);
  EXPECT_EQ(out.result.next_hop4, (Address4{10, 2, 0, 1}));
  PacketView left;
  ASSERT_EQ(parse(out.frame, left), ParseResult::kOk) << "its checksums still hold";
  EXPECT_EQ(left.source4.address, kHidden);
  EXPECT_EQ(left.target4.address, kServer4);
  EXPECT_EQ(left.ttl, 63);

  const Outcome back = reply(left.source4.port_be, kSynAck);
  ASSERT_EQ(back.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(back.result.port_index, kInside);
  PacketView returned;
  ASSERT_EQ(parse(back.frame, returned), ParseResult::kOk);
  EXPECT_EQ(returned.target4.address, kClient4);
  EXPECT_EQ(returned.target4.port_be, network_order(std::uint16_t{40000}));
  EXPECT_EQ(live4(), 1U);
}

TEST_F(Forward, GivesEachSessionAPortOfItsOwn) {
  std::set<std::uint16_t> ports;
  for (unsigned i = 0; i < 50; ++i) ports.insert(open(40000 + i));
  EXPECT_EQ(ports.size(), 50U);
}

TEST_F(Forward, GivesOnlyPortsWhoseReplyComesToTheSamePartition) {
  make(parse_config(std::string(tests::kConfigText) + "[tables]\npartitions = 8\n", "t"));
  for (unsigned i = 0; i < 50; ++i) {
    Bytes frame = tests::frame4({}, tests::tcp_segment(40000 + i, 80, kSyn));
    PacketView before;
    ASSERT_EQ(parse(frame, before), ParseResult::kOk);
    const std::uint32_t home = partition_of(flow_hash(before), 8);
    const Outcome out = send(kInside, frame);
    ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward);
    EXPECT_EQ(partition_of(flow_hash<Address4>(6, out.view.target4, out.view.source4), 8), home);
  }
}

TEST_F(Forward, MakesNoTcpSessionWithoutASyn) {
  for (const int flags : {kAck, kSynAck, kFin | kAck, kRst}) {
    const Outcome out = send4(kInside, {}, tests::tcp_segment(40000, 80, flags));
    EXPECT_EQ(out.result.reason, DropReason::kTcpNotSyn) << flags;
  }
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Forward, LetsNothingInThatNobodyInsideAskedFor) {
  const Ip4 ip{.source = kServer4, .target = kClient4};
  EXPECT_EQ(send4(kOutside, ip, tests::tcp_segment(80, 40000, kSyn)).result.reason,
            DropReason::kRuleDrop);
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Forward, DropsAPacketThatEntersByAnotherZoneThanItsSession) {
  const std::uint16_t nat_port_be = open();
  const Ip4 ip{.source = kServer4, .target = kHidden};
  const Outcome out =
      send4(kInside, ip, tests::tcp_segment(80, network_order(nat_port_be), kSynAck));
  EXPECT_EQ(out.result.reason, DropReason::kWrongZone);
}

TEST_F(Forward, BelievesThePeerNoPortThatThereIsNot) {
  const std::uint16_t nat_port_be = open();
  auto& session = partition_->session4().slots().changeable(0);
  session.state.ingress_role = session.state.egress_role = 0xFF;
  EXPECT_EQ(reply(nat_port_be, kSynAck).result.reason, DropReason::kWrongZone);
  EXPECT_EQ(send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn)).result.reason,
            DropReason::kWrongZone);
}

TEST_F(Forward, DropsAPacketThatAlreadyWearsTheTranslatedAddress) {
  const std::uint16_t nat_port_be = open();
  const Ip4 ip{.source = kHidden, .target = kServer4};
  const Outcome out = send4(kInside, ip, tests::tcp_segment(network_order(nat_port_be), 80, kAck));
  EXPECT_EQ(out.result.reason, DropReason::kWrongDirection);
}

TEST_F(Forward, AnswersAnEndedTtlAndAPacketTooLarge) {
  const Outcome ended = send4(kInside, {.ttl = 1}, tests::tcp_segment(40000, 80, kSyn));
  EXPECT_EQ(ended.result.verdict, ForwardVerdict::kIcmpError);
  EXPECT_EQ(ended.result.icmp_error, IcmpErrorKind::kTimeExceeded);
  const Bytes payload = tests::filler(1600);
  const Outcome large = send4(kInside, {.protocol = 17}, tests::udp_segment(1000, 2000, payload));
  EXPECT_EQ(large.result.verdict, ForwardVerdict::kIcmpError);
  EXPECT_EQ(large.result.icmp_error, IcmpErrorKind::kTooBig);
  EXPECT_EQ(large.result.mtu_bytes, 1500);
}

TEST_F(Forward, WhatDoesNotArriveChangesNothing) {
  EXPECT_EQ(send4(kInside, {.ttl = 1}, tests::tcp_segment(40000, 80, kSyn)).result.reason,
            DropReason::kTtlExceeded);
  EXPECT_EQ(live4(), 0U) << "nor opens a session";
  const std::uint16_t nat_port_be = open();
  reply(nat_port_be, kSynAck);
  send4(kInside, {}, tests::tcp_segment(40000, 80, kAck));
  const auto& slots = partition_->session4().slots();
  const tables::SessionState before = slots.entry(0).state;
  for (const int flags : {kFin | kAck, kRst | kAck}) {
    const Outcome ended = send4(kInside, {.ttl = 1}, tests::tcp_segment(40000, 80, flags));
    EXPECT_EQ(ended.result.icmp_error, IcmpErrorKind::kTimeExceeded);
    EXPECT_EQ(slots.entry(0).state.tcp_ranks, before.tcp_ranks);
    EXPECT_EQ(slots.entry(0).state.edge[tables::kFromClient], before.edge[tables::kFromClient]);
  }
}

TEST_F(Forward, LetsAPacketTooLargeBeCutThatMayBe) {
  const Ip4 ip{.protocol = 17, .fragment_field = 0};
  const Outcome large = send4(kInside, ip, tests::udp_segment(1000, 2000, tests::filler(1473)));
  EXPECT_EQ(large.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(large.result.mtu_bytes, 1500);
  EXPECT_EQ(large.view.source4.address, kHidden);
  const Outcome fitting = send4(kInside, ip, tests::udp_segment(1000, 2000, tests::filler(1472)));
  EXPECT_EQ(fitting.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(fitting.result.mtu_bytes, 0);
}

TEST_F(Forward, RefusesNewSessionsWhenTheTableIsFullAndGoesOnWithTheOld) {
  make(config_, 4);
  for (unsigned i = 0; i < 4; ++i) open(40000 + i);
  const Outcome refused = send4(kInside, {}, tests::tcp_segment(50000, 80, kSyn));
  EXPECT_EQ(refused.result.reason, DropReason::kTableFull);
  const Outcome old = send4(kInside, {}, tests::tcp_segment(40000, 80, kAck));
  EXPECT_EQ(old.result.verdict, ForwardVerdict::kForward);
}

TEST_F(Forward, OpensANewSessionForASynOverAClosedOne) {
  const std::uint16_t nat_port_be = open();
  reply(nat_port_be, kSynAck);
  EXPECT_EQ(reply(nat_port_be, kRst | kAck).result.verdict, ForwardVerdict::kForward);
  const std::uint64_t created = partition_->session4().counters().created;
  EXPECT_EQ(send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn)).result.verdict,
            ForwardVerdict::kForward);
  EXPECT_EQ(partition_->session4().counters().created, created + 1);
  EXPECT_EQ(live4(), 1U);
}

TEST_F(Forward, TranslatesAnEchoByItsIdentifierAndDropsAReplyWithoutRequest) {
  const Outcome out = send4(kInside, {.protocol = 1}, tests::icmp_message(8, 0, 0x12340001));
  ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward);
  PacketView left;
  ASSERT_EQ(parse(out.frame, left), ParseResult::kOk);
  const std::uint32_t identifier = network_order(left.source4.port_be);
  const Ip4 back{.source = kServer4, .target = kHidden, .protocol = 1};
  const Outcome answer = send4(kOutside, back, tests::icmp_message(0, 0, identifier << 16U | 1U));
  ASSERT_EQ(answer.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(answer.view.target4.address, kClient4);
  EXPECT_EQ(network_order(answer.view.target4.port_be), 0x1234);
  const Outcome unasked =
      send4(kOutside, back, tests::icmp_message(0, 0, ((identifier ^ 1U) << 16U) | 1U));
  EXPECT_EQ(unasked.result.reason, DropReason::kIcmpNoSession);
}

TEST_F(Forward, KeepsASessionOfANoSyncRuleToItself) {
  std::string text = with_one_partition(tests::kConfigText);
  text = tests::replaced(text, "action = \"allow\"", "action = \"allow\"\nsync = false");
  make(parse_config(text, "t"));
  open();
  const auto& slots = partition_->session4().slots();
  std::uint32_t local_count = 0;
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
    local_count += (slots.entry(slot).flags & tables::kLocalOnly) != 0 ? 1 : 0;
  EXPECT_EQ(local_count, 1U);
}

TEST_F(Forward, NamesTheSessionThatThePeerMustHaveFirst) {
  std::string text = with_one_partition(tests::kConfigText);
  text = tests::replaced(text, "action = \"allow\"", "action = \"allow\"\nhold = true");
  make(parse_config(text, "t"));
  const Outcome first = send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn));
  ASSERT_EQ(first.result.verdict, ForwardVerdict::kForward);
  const std::uint32_t slot = first.result.held_slot;
  ASSERT_NE(slot, tables::kNoSlot);
  EXPECT_EQ(send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn)).result.held_slot, slot);
  auto& session = partition_->session4().slots().changeable(slot);
  session.flags = static_cast<std::uint16_t>(session.flags & ~tables::kHeld);
  EXPECT_EQ(send4(kInside, {}, tests::tcp_segment(40000, 80, kAck)).result.held_slot,
            tables::kNoSlot);
}

TEST_F(Forward, HoldsNothingWithoutARuleThatSaysSo) {
  EXPECT_EQ(send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn)).result.held_slot,
            tables::kNoSlot);
}

TEST_F(Forward, GivesThePeerASessionThatIsStillUsedWhenItHasItsAge) {
  std::string text = with_one_partition(tests::kConfigText);
  text = tests::replaced(text, "action = \"allow\"", "action = \"allow\"\nsync_after_s = 5");
  make(parse_config(text, "t"));
  const auto send_at = [&](std::uint64_t seconds) {
    time_.now_ns = seconds * 1'000'000'000U;
    return send4(kInside, {.protocol = 17}, tests::udp_segment(40000, 53));
  };
  ASSERT_EQ(send_at(100).result.verdict, ForwardVerdict::kForward);
  const auto& slots = partition_->session4().slots();
  const std::uint32_t slot =
      static_cast<std::uint32_t>(std::countr_zero(slots.live().live_word(0)));
  constexpr unsigned kMarks = tables::kYoung | tables::kLocalOnly;
  EXPECT_EQ(slots.entry(slot).flags & kMarks, kMarks);
  send_at(104);
  EXPECT_EQ(slots.entry(slot).flags & kMarks, kMarks);
  send_at(105);
  EXPECT_EQ(slots.entry(slot).flags & kMarks, 0U);
  EXPECT_EQ(partition_->session4().counters().opened_young, 1U);
  EXPECT_EQ(partition_->session4().counters().came_of_age, 1U);
}

TEST_F(Forward, SaysWhichPacketIsOfASessionThatThePeerOpened) {
  open();
  EXPECT_FALSE(send4(kInside, {}, tests::tcp_segment(40000, 80, kAck)).result.was_taken_over);
  auto& slots = partition_->session4().slots();
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
    slots.changeable(slot).state.is_opened_here = 0;
  EXPECT_TRUE(send4(kInside, {}, tests::tcp_segment(40000, 80, kAck)).result.was_taken_over);
}

TEST_F(Forward, ForwardsIpv6WithoutTranslation) {
  const Outcome out =
      send(kInside, tests::frame6({.target = {0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}},
                                  tests::tcp_segment(40000, 80, kSyn)));
  ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(out.result.port_index, kOutside);
  EXPECT_EQ(partition_->session6().slots().live_count(), 1U);
  EXPECT_EQ(out.view.ttl, 63);
}

TEST_F(Forward, HasNoWayForADestinationWithoutARoute) {
  const Outcome out = send(kInside, tests::frame6({}, tests::tcp_segment(40000, 80, kSyn)));
  EXPECT_EQ(out.result.verdict, ForwardVerdict::kIcmpError);
  EXPECT_EQ(out.result.reason, DropReason::kNoRoute);
}

TEST_F(Forward, HandsAnEchoRequestForTheBoxItselfUp) {
  const Ip4 ip{.target = {10, 1, 0, 254}, .protocol = 1};
  EXPECT_EQ(send4(kInside, ip, tests::icmp_message(8, 0, 1)).result.verdict,
            ForwardVerdict::kToSelf);
  const Ip4 tcp{.target = {10, 1, 0, 254}};
  EXPECT_EQ(send4(kInside, tcp, tests::tcp_segment(40000, 22, kSyn)).result.reason,
            DropReason::kLocalRefused);
}

TEST_F(Forward, HandsAnEchoRequestForThePortsLinkLocalAddressUp) {
  tests::Ip6 ip{.source = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}, .protocol = 58};
  ip.target = link_local_of(virtual_mac(config_.ports[kInside], kInside));
  const Bytes echo = tests::frame6(ip, tests::icmp_message(128, 0, 1));
  EXPECT_EQ(send(kInside, echo).result.verdict, ForwardVerdict::kToSelf);
  EXPECT_EQ(send(kOutside, echo).result.reason, DropReason::kNotForwardable)
      << "it is the other port's";
  ip.protocol = 17;
  const Outcome refused = send(kInside, tests::frame6(ip, tests::udp_segment(1, 2)));
  EXPECT_EQ(refused.result.icmp_error, IcmpErrorKind::kPortUnreachable);
  ip.target[15] ^= 1U;
  EXPECT_EQ(send(kInside, tests::frame6(ip, tests::udp_segment(1, 2))).result.reason,
            DropReason::kNotForwardable);
  EXPECT_EQ(partition_->session6().slots().live_count(), 0U);
}

TEST_F(Forward, CreatesNothingForALaterFragment) {
  const Ip4 ip{.protocol = 17, .fragment_field = 0x0040};
  Bytes frame = tests::ethernet(0x0800);
  tests::append(frame, tests::ip4_raw(ip, tests::filler(64)));
  const Outcome out = send(kInside, frame);
  EXPECT_EQ(out.result.reason, DropReason::kNoFirstFragment);
  EXPECT_EQ(live4(), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
