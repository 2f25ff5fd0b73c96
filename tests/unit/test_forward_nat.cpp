// SPDX-License-Identifier: BSD-3-Clause
// Sessions whose destination is translated, alone and with their source: what leaves, what comes
// back, what errors say, and to which partition each packet leads. Needs DPDK's EAL, which the
// fixture starts.
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/icmp_error.hpp"
#include "dataplane/named_flow.hpp"
#include "tests/support/forward_fixture.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tables::Endpoint;
using tests::Bytes;
using tests::Ip4;
using tests::Ip6;
using tests::kAck;
using tests::kHidden;
using tests::kInside;
using tests::kOutside;
using tests::kSyn;
using tests::kSynAck;
using tests::Outcome;
using tests::port_be;

constexpr Address4 kOutsider{10, 2, 0, 33};
constexpr Address4 kInsider{10, 1, 0, 7};     // hidden behind kHidden
constexpr Address4 kPublicWeb{10, 2, 0, 80};  // TCP 80 and 443, and UDP 7000 to 7099
constexpr Address4 kWeb{10, 1, 0, 80};
constexpr Address4 kPublicMail{10, 2, 0, 25};  // both ways
constexpr Address4 kMail{10, 1, 0, 25};
constexpr Address4 kHairpin{10, 1, 0, 253};  // hides insiders from insiders

constexpr Address6 host6(std::uint8_t network, std::uint8_t number) {
  return {0xFD, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number};
}

constexpr Address6 kOutsider6 = host6(2, 0x33);
constexpr Address6 kPublicWeb6 = host6(2, 0x80);
constexpr Address6 kWeb6 = host6(1, 0x80);
constexpr Address6 kPublicMail6 = host6(2, 0x25);
constexpr Address6 kMail6 = host6(1, 0x25);

constexpr std::string_view kNat = R"(
[[rule]]
name = "in"
from = ["untrust"]
to = ["trust"]
destination = ["10.2.0.80/32", "10.2.0.25/32", "10.2.0.254/32", "fd00:2::/64"]
action = "allow"
[[rule]]
name = "within"
from = ["trust"]
to = ["trust"]
action = "allow"
[[nat]]
name = "web"
from = ["untrust", "trust"]
destination = "10.2.0.80"
protocol = "tcp"
destination_port = "80"
translated_destination = "10.1.0.80"
translated_port = 8080
[[nat]]
name = "web-tls"
from = ["untrust"]
destination = "10.2.0.80"
protocol = "tcp"
destination_port = "443"
translated_destination = "10.1.0.80"
[[nat]]
name = "voice"
from = ["untrust"]
destination = "10.2.0.80"
protocol = "udp"
destination_port = "7000-7099"
translated_destination = "10.1.0.81"
[[nat]]
name = "shared"
from = ["untrust"]
destination = "10.2.0.254"
protocol = "tcp"
destination_port = "8080-8179"
translated_destination = "10.1.0.80"
[[nat]]
name = "mail"
from = ["untrust", "trust"]
destination = "10.2.0.25"
translated_destination = "10.1.0.25"
bidirectional = true
[[nat]]
name = "hairpin"
from = ["trust"]
to = ["trust"]
source = ["10.1.0.0/26"]
addresses = ["10.1.0.253"]
[[nat]]
name = "web6"
from = ["untrust"]
destination = "fd00:2::80"
protocol = "tcp"
destination_port = "80"
translated_destination = "fd00:1::80"
translated_port = 8080
[[nat]]
name = "mail6"
from = ["untrust"]
destination = "fd00:2::25"
translated_destination = "fd00:1::25"
bidirectional = true
)";

class ForwardNat : public tests::ForwardFixture {
 protected:
  static constexpr std::uint32_t kPartitions = 16;

  void SetUp() override { make_with("partitions = 1"); }

  void make_with(std::string_view tables) {
    make(parse_config(std::string(tests::kConfigText) + std::string(kNat) + "[tables]\n" +
                          std::string(tables) + "\n",
                      "t"));
  }

  // As it left, read anew: its checksums hold.
  static PacketView left(const Outcome& outcome) {
    PacketView view;
    EXPECT_EQ(outcome.result.verdict, ForwardVerdict::kForward) << name(outcome.result.reason);
    EXPECT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    tests::expect_right_checksums(outcome.frame, view);
    return view;
  }

  // The partition that a packet coming in by the port leads to, as a worker asks for it.
  std::uint32_t home_of(const Bytes& frame, std::uint8_t port) const {
    PacketView view, quote;
    EXPECT_EQ(parse(frame, view), ParseResult::kOk);
    const NamedFlow flow = named_flow(frame, view, quote);
    EXPECT_EQ(flow.parsed, ParseResult::kOk);
    const std::uint8_t zone = config_.ports[port].zone_index;
    const bool is_quoted = flow.packet != &view;
    const auto real = view.kind == PacketKind::kIp4
                          ? try_real_hash<Address4>(*destinations_, *flow.packet, is_quoted, zone)
                          : try_real_hash<Address6>(*destinations_, *flow.packet, is_quoted, zone);
    return partition_of(real.value_or(flow_hash(*flow.packet)), kPartitions);
  }

  // What answers a packet that has left.
  static Bytes answer_to(const PacketView& view) {
    if (view.kind == PacketKind::kIp6)
      return tests::frame6({.source = view.target6.address, .target = view.source6.address},
                           tests::tcp_segment(network_order(view.target6.port_be),
                                              network_order(view.source6.port_be), kSynAck));
    const Ip4 ip{
        .source = view.target4.address, .target = view.source4.address, .protocol = view.protocol};
    if (view.l4_kind == L4Kind::kIcmpEcho)
      return tests::frame4(
          ip, tests::icmp_message(0, 0, std::uint32_t{network_order(view.source4.port_be)} << 16U));
    const unsigned from = network_order(view.target4.port_be);
    const unsigned to = network_order(view.source4.port_be);
    return tests::frame4(ip, view.l4_kind == L4Kind::kUdp ? tests::udp_segment(from, to)
                                                          : tests::tcp_segment(from, to, kSynAck));
  }

  // The error about a packet that has left, from whoever says so.
  static Bytes error_about(const Outcome& sent, const Address4& from4, const Address6& from6 = {}) {
    PacketView view;
    EXPECT_EQ(parse(sent.frame, view), ParseResult::kOk);
    Bytes out(kIcmpErrorFrameBytesMax);
    const IcmpErrorResult built = build_icmp_error(
        sent.frame, view,
        {.kind = IcmpErrorKind::kHostUnreachable, .source4 = from4, .source6 = from6}, out);
    EXPECT_EQ(built.verdict, IcmpErrorVerdict::kBuilt);
    out.resize(built.frame_bytes);
    return out;
  }

  static PacketView quote_of(const Outcome& outcome) {
    PacketView view, quote;
    EXPECT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    EXPECT_EQ(parse_quote(outcome.frame, view, quote), ParseResult::kOk);
    return quote;
  }

  Outcome syn(std::uint8_t port, const Address4& from, const Address4& to, unsigned target_port,
              unsigned source_port = 40000) {
    return send4(port, {.source = from, .target = to},
                 tests::tcp_segment(source_port, target_port, kSyn));
  }
};

template <class Address>
Endpoint<Address> end(const Address& address, unsigned port) {
  return {address, port_be(port)};
}

TEST_F(ForwardNat, LeadsClientsToTheServerBehindAPublicAddress) {
  const Outcome in = syn(kOutside, kOutsider, kPublicWeb, 80);
  const PacketView sent = left(in);
  EXPECT_EQ(in.result.port_index, kInside);
  EXPECT_EQ(in.result.next_hop4, kWeb);
  EXPECT_EQ(sent.source4, end(kOutsider, 40000)) << "the server sees who asks";
  EXPECT_EQ(sent.target4, end(kWeb, 8080));

  const Outcome back = send(kInside, answer_to(sent));
  const PacketView answer = left(back);
  EXPECT_EQ(back.result.port_index, kOutside);
  EXPECT_EQ(answer.source4, end(kPublicWeb, 80)) << "as whom the client knows it";
  EXPECT_EQ(answer.target4, end(kOutsider, 40000));
  EXPECT_EQ(live4(), 1U);
}

TEST_F(ForwardNat, KeepsPortsThatNoRuleTranslates) {
  EXPECT_EQ(left(syn(kOutside, kOutsider, kPublicWeb, 443)).target4, end(kWeb, 443));
  const Outcome voice = send4(kOutside, {.source = kOutsider, .target = kPublicWeb, .protocol = 17},
                              tests::udp_segment(5000, 7042));
  EXPECT_EQ(left(voice).target4, end(Address4{10, 1, 0, 81}, 7042));
}

TEST_F(ForwardNat, AnswersItselfForWhatNoRuleLeadsOn) {
  EXPECT_EQ(syn(kOutside, kOutsider, kPublicWeb, 22).result.reason, DropReason::kLocalRefused);
  const Outcome echo = send4(kOutside, {.source = kOutsider, .target = kPublicWeb, .protocol = 1},
                             tests::icmp_message(8, 0, 1));
  EXPECT_EQ(echo.result.verdict, ForwardVerdict::kToSelf);
  EXPECT_EQ(syn(kInside, kInsider, kPublicWeb, 443).result.reason, DropReason::kLocalRefused)
      << "its rule is for the other zone";
}

TEST_F(ForwardNat, AsksRulesForThePublicNameAndTheRealZone) {
  std::string text = std::string(tests::kConfigText) + std::string(kNat);
  text = tests::replaced(text, "\"10.2.0.80/32\", ", "\"10.1.0.80/32\", ");
  make(parse_config(text, "t"));
  EXPECT_EQ(syn(kOutside, kOutsider, kPublicWeb, 80).result.reason, DropReason::kRuleDrop);
}

TEST_F(ForwardNat, TranslatesBothEndsOfASessionThatTurnsRound) {
  const Outcome in = syn(kInside, kInsider, kPublicWeb, 80);
  const PacketView sent = left(in);
  EXPECT_EQ(in.result.port_index, kInside);
  EXPECT_EQ(sent.source4.address, kHairpin);
  EXPECT_EQ(sent.target4, end(kWeb, 8080));
  const PacketView answer = left(send(kInside, answer_to(sent)));
  EXPECT_EQ(answer.source4, end(kPublicWeb, 80));
  EXPECT_EQ(answer.target4, end(kInsider, 40000));
}

TEST_F(ForwardNat, LeadsAHostBackToItselfWhenItsSourceIsHidden) {
  EXPECT_EQ(syn(kInside, kWeb, kPublicWeb, 80).result.reason, DropReason::kNatConflict)
      << "a host would get a packet from itself";
  const PacketView sent = left(syn(kInside, kMail, kPublicMail, 25));
  EXPECT_EQ(sent.source4, end(kPublicMail, 40000));
  EXPECT_EQ(sent.target4, end(kMail, 25));
}

TEST_F(ForwardNat, TranslatesAWholeAddressBothWays) {
  const PacketView in = left(syn(kOutside, kOutsider, kPublicMail, 2525));
  EXPECT_EQ(in.target4, end(kMail, 2525));
  EXPECT_EQ(left(send(kInside, answer_to(in))).source4, end(kPublicMail, 2525));

  const PacketView out = left(syn(kInside, kMail, kOutsider, 25));
  EXPECT_EQ(out.source4, end(kPublicMail, 40000)) << "and its port stays";
  EXPECT_EQ(out.target4, end(kOutsider, 25));
  EXPECT_EQ(left(send(kOutside, answer_to(out))).target4, end(kMail, 40000));
  EXPECT_EQ(live4(), 2U);
}

TEST_F(ForwardNat, TranslatesEchoesByAddressAlone) {
  const Outcome in = send4(kOutside, {.source = kOutsider, .target = kPublicMail, .protocol = 1},
                           tests::icmp_message(8, 0, 0x12340001));
  const PacketView sent = left(in);
  EXPECT_EQ(sent.target4, end(kMail, 0x1234));
  const PacketView answer = left(send(kInside, answer_to(sent)));
  EXPECT_EQ(answer.source4, end(kPublicMail, 0x1234));
  EXPECT_EQ(answer.target4, end(kOutsider, 0x1234));
}

TEST_F(ForwardNat, TranslatesIpv6Alike) {
  const auto syn6 = [&](std::uint8_t port, const Address6& from, const Address6& to,
                        unsigned target) {
    return left(send(port, tests::frame6({.source = from, .target = to},
                                         tests::tcp_segment(40000, target, kSyn))));
  };
  const PacketView web = syn6(kOutside, kOutsider6, kPublicWeb6, 80);
  EXPECT_EQ(web.target6, end(kWeb6, 8080));
  EXPECT_EQ(left(send(kInside, answer_to(web))).source6, end(kPublicWeb6, 80));
  const PacketView out = syn6(kInside, kMail6, kOutsider6, 25);
  EXPECT_EQ(out.source6, end(kPublicMail6, 40000));
  EXPECT_EQ(left(send(kOutside, answer_to(out))).target6, end(kMail6, 40000));
  const PacketView in = syn6(kOutside, kOutsider6, kPublicMail6, 25);
  EXPECT_EQ(in.target6, end(kMail6, 25));
}

TEST_F(ForwardNat, RefusesAFlowThatTranslatedWouldBeAnothers) {
  left(syn(kOutside, kOutsider, kPublicWeb, 443));
  const std::uint32_t before = live4();
  EXPECT_EQ(syn(kOutside, kOutsider, kHidden, 443).result.reason, DropReason::kLocalRefused);
  left(syn(kOutside, kOutsider, kHidden, 8080, 41000));
  EXPECT_EQ(syn(kOutside, kOutsider, kPublicWeb, 80, 41000).result.reason, DropReason::kNatConflict)
      << "both would be the outsider's 41000 to the server's 8080";
  EXPECT_EQ(live4(), before + 1);
  left(syn(kOutside, kOutsider, kPublicWeb, 80, 41001));
}

TEST_F(ForwardNat, HidesNobodyBehindAPortThatLeadsToAServer) {
  config_.nat[0].ports = {8000, 8299};
  make(Config(config_), 1024);
  for (unsigned i = 0; i < 150; ++i) {
    const PacketView sent = left(syn(kInside, kInsider, kOutsider, 80, 30000 + i));
    const unsigned port = network_order(sent.source4.port_be);
    ASSERT_TRUE(port < 8080 || port > 8179) << port;
  }
}

TEST_F(ForwardNat, DropsByNameWhatAClientsOwnBlockHasNoPortFor) {
  config_.nat[0].ports = {8000, 8063};
  config_.nat[0].source = {parse_prefix("10.1.0.0/28").value()};
  config_.nat[0].block_ports = 4;
  make(Config(config_));
  for (unsigned i = 0; i < 4; ++i)
    EXPECT_EQ(
        network_order(left(syn(kInside, kInsider, kOutsider, 80, 30000 + i)).source4.port_be) / 4,
        (8000U + 4 * 7) / 4);
  EXPECT_EQ(syn(kInside, kInsider, kOutsider, 80, 30004).result.reason,
            DropReason::kNatBlockExhausted);
  left(syn(kInside, kInsider, kOutsider, 81, 30004));
}

TEST_F(ForwardNat, TellsAClientByThePublicNameThatTheServerIsUnreachable) {
  const Outcome in = syn(kOutside, kOutsider, kPublicWeb, 80);
  const Outcome told = send_error(kInside, error_about(in, kWeb));
  const PacketView error = left(told);
  EXPECT_EQ(told.result.port_index, kOutside);
  EXPECT_EQ(error.source4.address, kPublicWeb);
  EXPECT_EQ(error.target4.address, kOutsider);
  const PacketView quote = quote_of(told);
  EXPECT_EQ(quote.source4, end(kOutsider, 40000));
  EXPECT_EQ(quote.target4, end(kPublicWeb, 80));
}

TEST_F(ForwardNat, TellsAServerByItsRealNameThatTheClientIsUnreachable) {
  const Outcome back = send(kInside, answer_to(left(syn(kOutside, kOutsider, kPublicWeb, 80))));
  constexpr Address4 kRouter{10, 2, 0, 1};
  const Outcome told = send_error(kOutside, error_about(back, kRouter));
  const PacketView error = left(told);
  EXPECT_EQ(told.result.port_index, kInside);
  EXPECT_EQ(error.source4.address, kRouter) << "the client's side is not translated";
  EXPECT_EQ(error.target4.address, kWeb);
  const PacketView quote = quote_of(told);
  EXPECT_EQ(quote.source4, end(kWeb, 8080));
  EXPECT_EQ(quote.target4, end(kOutsider, 40000));
}

TEST_F(ForwardNat, TranslatesErrorsAboutASessionWithBothEndsTranslated) {
  const Outcome in = syn(kInside, kInsider, kPublicWeb, 80);
  const Outcome to_client = send_error(kInside, error_about(in, kWeb));
  EXPECT_EQ(left(to_client).source4.address, kPublicWeb);
  EXPECT_EQ(quote_of(to_client).target4, end(kPublicWeb, 80));
  const Outcome back = send(kInside, answer_to(left(in)));
  const Outcome to_server = send_error(kInside, error_about(back, kInsider));
  EXPECT_EQ(left(to_server).source4.address, kHairpin);
  EXPECT_EQ(left(to_server).target4.address, kWeb);
  EXPECT_EQ(quote_of(to_server).source4, end(kWeb, 8080));
  EXPECT_EQ(quote_of(to_server).target4.address, kHairpin);
}

// Every packet that concerns a session, from either side, and errors about them, must come to the
// partition of its first packet: what a worker owns, it alone may look at.
TEST_F(ForwardNat, LeadsAllPacketsOfASessionToOnePartition) {
  make_with("partitions = 16");
  make(Config(config_), 8192);

  struct Flow {
    std::uint8_t port;
    Bytes frame;
  };

  std::vector<Flow> flows;
  const auto add4 = [&](std::uint8_t port, const Address4& from, const Address4& to,
                        unsigned source, unsigned target) {
    flows.push_back({port, tests::frame4({.source = from, .target = to},
                                         tests::tcp_segment(source, target, kSyn))});
  };
  const auto add6 = [&](std::uint8_t port, const Address6& from, const Address6& to,
                        unsigned source, unsigned target) {
    flows.push_back({port, tests::frame6({.source = from, .target = to},
                                         tests::tcp_segment(source, target, kSyn))});
  };
  for (unsigned i = 0; i < 40; ++i) {
    const unsigned source = 30000 + 77 * i;
    add4(kOutside, kOutsider, kPublicWeb, source, 80);
    add4(kOutside, kOutsider, kPublicWeb, source, 443);
    add4(kOutside, kOutsider, kPublicMail, source, 25);
    add4(kInside, kMail, kOutsider, source, 25);
    add4(kInside, kInsider, kPublicWeb, source, 80);
    add4(kInside, kInsider, kPublicMail, source, 25);
    add4(kInside, kInsider, kOutsider, source, 80);
    add6(kOutside, kOutsider6, kPublicWeb6, source, 80);
    add6(kOutside, kOutsider6, kPublicMail6, source, 25);
    add6(kInside, kMail6, kOutsider6, source, 25);
    flows.push_back(
        {kOutside, tests::frame4({.source = kOutsider, .target = kPublicMail, .protocol = 1},
                                 tests::icmp_message(8, 0, source << 16U))});
    flows.push_back(
        {kInside, tests::frame4({.source = kInsider, .target = kPublicMail, .protocol = 1},
                                tests::icmp_message(8, 0, source << 16U))});
  }
  std::vector<std::uint32_t> used(kPartitions);
  for (const Flow& flow : flows) {
    const std::uint32_t home = home_of(flow.frame, flow.port);
    ++used[home];
    const Outcome sent = send(flow.port, flow.frame);
    const PacketView view = left(sent);
    const Address4 router4{192, 0, 2, 1};
    const Address6 router6 = host6(9, 1);
    ASSERT_EQ(home_of(error_about(sent, router4, router6), sent.result.port_index), home);
    const Bytes answer = answer_to(view);
    ASSERT_EQ(home_of(answer, sent.result.port_index), home);
    const Outcome back = send(sent.result.port_index, answer);
    left(back);
    ASSERT_EQ(back.result.port_index, flow.port);
    if (view.l4_kind == L4Kind::kTcp) {
      ASSERT_EQ(home_of(error_about(back, router4, router6), flow.port), home);
    }
  }
  for (const std::uint32_t count : used) EXPECT_GT(count, 0U) << "no partition is left out";
}

}  // namespace
}  // namespace twinplane::dataplane
