// SPDX-License-Identifier: BSD-3-Clause
// Rules and sessions between the ports of a bridge.
#include <gtest/gtest.h>

#include "dataplane/bridge_forward.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/rematch.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tests/support/bridge_text.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tests::Bytes;
using tests::operator+;
using tests::frame4;
using tests::frame6;
using tests::Ip4;
using tests::Ip6;
using tests::kClient4;
using tests::kLeft;
using tests::kMiddle;
using tests::kRight;
using tests::kServer4;
using tests::tcp_segment;

constexpr int kSyn = 0x02, kAck = 0x10, kSynAck = 0x12;
constexpr tables::Found kNotLookedUp{tables::kNoSlot, tables::Side::kClient};

tables::PartitionLimits limits(std::uint32_t slots) {
  tables::PartitionLimits limits;
  limits.session4 = limits.session6 = {slots, 2};
  return limits;
}

class BridgeForwardTest : public ::testing::Test {
 protected:
  void use(const Config& config) {
    config_ = config;
    domains_.emplace(config_);
    rules_.emplace(config_);
    rules_in_use_.emplace(*rules_);
    forwarder_.emplace(config_, *domains_, *rules_in_use_);
  }

  void SetUp() override { use(tests::bridge_config()); }

  static constexpr PortBits to(std::uint8_t port) { return port_bit(port); }

  template <class Address>
  BridgeVerdict judge(std::uint8_t port, PortBits ports, const PacketView& view) {
    const BridgeArrival arrival{
        .domain = 0, .ingress_port = port, .ports = ports, .time = BurstTime{5'000'000'000}};
    if (BridgeForwarder::is_stateless(view)) return forwarder_->filter<Address>(view, arrival);
    return forwarder_->forward(*partition_, view, BridgeForwarder::key_of<Address>(view, 0),
                               kNotLookedUp, arrival);
  }

  BridgeVerdict send(std::uint8_t port, PortBits ports, const Bytes& frame) {
    PacketView view;
    const ParseResult parsed = parse(frame, view, ParseScope::kLink);
    EXPECT_EQ(name(parsed), "ok");
    return view.kind == PacketKind::kIp4 ? judge<Address4>(port, ports, view)
                                         : judge<Address6>(port, ports, view);
  }

  BridgeVerdict tcp(std::uint8_t port, PortBits ports, int flags) {
    return send(port, ports, frame4({}, tcp_segment(4000, 80, flags)));
  }

  BridgeVerdict tcp_back(std::uint8_t port, PortBits ports, int flags) {
    return send(port, ports,
                frame4({.source = kServer4, .target = kClient4}, tcp_segment(80, 4000, flags)));
  }

  std::uint32_t sessions() { return partition_->session4().slots().live_count(); }

  Config config_;
  std::optional<BridgeDomains> domains_;
  std::optional<RuleSet> rules_;
  std::optional<RulesInUse> rules_in_use_;
  std::optional<BridgeForwarder> forwarder_;
  tests::InBlock<tables::Partition> partition_{limits(64), tables::HashSeed{5}};
};

TEST_F(BridgeForwardTest, IsEndedAndRefusedWhenOtherRulesHold) {
  ASSERT_EQ(tcp(kLeft, to(kRight), kSyn).reason, DropReason::kNone);
  const Config next = parse_config(tests::replaced(tests::kBridgeText, "action = \"allow\"",
                                                   "action = \"allow\"\nprotocol = \"udp\""),
                                   "t");
  const RuleSet rules(next);
  RematchStats stats;
  const SessionHold<int> nothing_waits(1);
  Rematch rematch(next, nothing_waits, stats);
  rematch.add(0, *partition_);
  rematch.begin(*rules_);
  while (rematch.step(64, 1) != 0) continue;
  EXPECT_EQ(sessions(), 1U);
  rules_in_use_->exchange(rules, nullptr);
  rematch.begin(rules);
  while (rematch.step(64, 1) != 0) continue;
  EXPECT_EQ(sessions(), 0U);
  EXPECT_EQ(tcp(kLeft, to(kRight), kSyn).reason, DropReason::kRuleDrop);
  rules_in_use_->exchange(*rules_, nullptr);
}

TEST_F(BridgeForwardTest, OpensASessionWhereTheRulesAllowAndLetsItsRepliesBack) {
  EXPECT_EQ(tcp_back(kRight, to(kLeft), kSynAck).reason, DropReason::kTcpNotSyn);
  const BridgeVerdict out = tcp(kLeft, to(kRight), kSyn);
  EXPECT_EQ(out.reason, DropReason::kNone);
  EXPECT_EQ(out.ports, to(kRight));
  EXPECT_EQ(tcp_back(kRight, to(kLeft), kSynAck).ports, to(kLeft));
  EXPECT_EQ(tcp(kLeft, to(kRight), kAck).ports, to(kRight));
  ASSERT_EQ(sessions(), 1U);
  const auto& session = partition_->session4().slots().entry(
      partition_->session4()
          .slots()
          .find(tables::make_key<Address4>({kClient4, tests::port_be(4000)},
                                           {kServer4, tests::port_be(80)}, 6, vsys_of(0))
                    .key)
          .slot);
  EXPECT_EQ(session.vsys, 1);
  EXPECT_EQ(session.state.ingress_role, kLeft);
  EXPECT_EQ(session.state.egress_role, kRight);
  EXPECT_NE(session.flags & tables::kReplySeen, 0);
}

TEST_F(BridgeForwardTest, DropsWhatNoRuleAllows) {
  EXPECT_EQ(tcp(kLeft, to(kMiddle), kSyn).reason, DropReason::kRuleDrop);
  EXPECT_EQ(tcp(kRight, to(kLeft), kSyn).reason, DropReason::kRuleDrop);
  EXPECT_EQ(sessions(), 0U);
}

TEST_F(BridgeForwardTest, IsNotASessionOfWhatIsRouted) {
  static_cast<void>(tcp(kLeft, to(kRight), kSyn));
  EXPECT_EQ(partition_->session4()
                .slots()
                .find(tables::make_key<Address4>({kClient4, tests::port_be(4000)},
                                                 {kServer4, tests::port_be(80)}, 6, 0)
                          .key)
                .slot,
            tables::kNoSlot);
}

TEST_F(BridgeForwardTest, AsksTheRulesAgainWhenAStationIsInAnotherZone) {
  static_cast<void>(tcp(kLeft, to(kRight), kSyn));
  EXPECT_EQ(tcp(kMiddle, to(kRight), kAck).reason, DropReason::kWrongZone) << "the client";
  EXPECT_EQ(tcp_back(kMiddle, to(kLeft), kSynAck).reason, DropReason::kWrongZone) << "the server";
  EXPECT_EQ(tcp(kLeft, to(kMiddle), kAck).reason, DropReason::kWrongZone) << "by the table";
  use(parse_config(
      tests::replaced(tests::kBridgeText, "to = [\"servers\"]", "to = [\"servers\", \"lab\"]"),
      "t"));
  EXPECT_EQ(tcp_back(kMiddle, to(kLeft), kSynAck).ports, to(kLeft))
      << "as it could be opened there";
  EXPECT_EQ(tcp(kLeft, to(kMiddle), kAck).ports, to(kMiddle));
  EXPECT_EQ(tcp(kMiddle, to(kRight), kAck).reason, DropReason::kWrongZone);
}

TEST_F(BridgeForwardTest, FloodsOnlyToWhereTheRulesAllow) {
  const PortBits flood = to(kMiddle) | to(kRight);
  EXPECT_EQ(tcp(kLeft, flood, kSyn).ports, to(kRight));
  EXPECT_EQ(tcp(kLeft, flood, kAck).ports, to(kRight));
  const Bytes group = frame4({.target = {239, 1, 1, 1}, .protocol = 17}, tests::udp_segment(1, 2));
  EXPECT_EQ(send(kLeft, flood, group).ports, to(kRight));
  EXPECT_EQ(send(kRight, to(kLeft) | to(kMiddle), group).reason, DropReason::kRuleDrop);
  EXPECT_EQ(sessions(), 1U) << "a group has no session";
}

TEST_F(BridgeForwardTest, LetsNeighborsFindEachOtherUnlessTold) {
  Bytes solicitation = tests::icmp_message(135, 0, 0) + Bytes(16);
  std::ranges::copy(std::as_bytes(std::span(tests::kServer6)), solicitation.begin() + 8);
  const Bytes frame = frame6({.protocol = 58, .hop_limit = 255}, solicitation);
  EXPECT_EQ(send(kRight, to(kLeft), frame).ports, to(kLeft));
  use(tests::bridge_config("unfiltered = [\"arp\"]"));
  EXPECT_EQ(send(kRight, to(kLeft), frame).reason, DropReason::kRuleDrop);
  EXPECT_EQ(send(kLeft, to(kRight), frame).ports, to(kRight)) << "by a rule";
}

TEST_F(BridgeForwardTest, LetsAHostWithoutAnAddressAskForOneByARule) {
  const Bytes discover = frame4({.source = {}, .target = {255, 255, 255, 255}, .protocol = 17},
                                tests::udp_segment(68, 67, tests::filler(240)));
  EXPECT_EQ(send(kLeft, to(kRight) | to(kMiddle), discover).ports, to(kRight));
  EXPECT_EQ(send(kRight, to(kLeft), discover).reason, DropReason::kRuleDrop);
}

TEST_F(BridgeForwardTest, LeavesTheHopLimitAlone) {
  EXPECT_EQ(send(kLeft, to(kRight), frame4({.ttl = 1}, tcp_segment(4000, 80, kSyn))).ports,
            to(kRight));
}

TEST_F(BridgeForwardTest, OpensNoSessionForAnswers) {
  EXPECT_EQ(send(kLeft, to(kRight), frame4({.protocol = 1}, tests::icmp_message(0, 0, 7))).reason,
            DropReason::kIcmpNoSession);
  EXPECT_EQ(send(kLeft, to(kRight), frame4({.protocol = 1}, tests::icmp_message(13, 0, 7))).reason,
            DropReason::kIcmpNoSession);
  EXPECT_EQ(send(kLeft, to(kRight), frame4({.protocol = 1}, tests::icmp_message(8, 0, 7))).ports,
            to(kRight));
  EXPECT_EQ(send(kRight, to(kLeft),
                 frame4({.source = kServer4, .target = kClient4, .protocol = 1},
                        tests::icmp_message(0, 0, 7)))
                .ports,
            to(kLeft));
}

TEST_F(BridgeForwardTest, LetsAnErrorAboutASessionBack) {
  const Bytes sent = frame4({}, tcp_segment(4000, 80, kSyn));
  const Bytes error = frame4({.source = {198, 51, 100, 1}, .target = kClient4, .protocol = 1},
                             tests::icmp_message(3, 1, 0, Bytes(sent.begin() + 14, sent.end())));
  PacketView view, quote;
  ASSERT_EQ(parse(error, view, ParseScope::kLink), ParseResult::kOk);
  ASSERT_EQ(parse_quote(error, view, quote), ParseResult::kOk);
  const auto judge_error = [&](std::uint8_t port, PortBits ports) {
    return forwarder_->forward_error(
        *partition_, BridgeForwarder::key_of<Address4>(quote, 0), kNotLookedUp,
        {.domain = 0, .ingress_port = port, .ports = ports, .time = {}});
  };
  EXPECT_EQ(judge_error(kRight, to(kLeft)).reason, DropReason::kIcmpNoSession);
  static_cast<void>(tcp(kLeft, to(kRight), kSyn));
  EXPECT_EQ(judge_error(kRight, to(kLeft)).ports, to(kLeft));
  EXPECT_EQ(judge_error(kMiddle, to(kLeft)).reason, DropReason::kWrongZone);
}

TEST_F(BridgeForwardTest, GoesOnWithASessionOfThePeersAndSaysSo) {
  static_cast<void>(tcp(kLeft, to(kRight), kSyn));
  auto& slots = partition_->session4().slots();
  slots.changeable(0).state.is_opened_here = 0;
  const BridgeVerdict verdict = tcp_back(kRight, to(kLeft), kSynAck);
  EXPECT_EQ(verdict.ports, to(kLeft));
  EXPECT_TRUE(verdict.was_taken_over);
}

TEST_F(BridgeForwardTest, RefusesWhatFindsNoRoom) {
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(send(kLeft, to(kRight), frame4({}, tcp_segment(5000 + i, 80, kSyn))).reason,
              DropReason::kNone);
  EXPECT_EQ(tcp(kLeft, to(kRight), kSyn).reason, DropReason::kTableFull);
}

}  // namespace
}  // namespace twinplane::dataplane
