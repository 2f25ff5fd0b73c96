// SPDX-License-Identifier: BSD-3-Clause
// What one worker makes of frames: of the domain or not, from whom, and by which ports they go on.
#include <gtest/gtest.h>

#include "dataplane/bridge_intake.hpp"
#include "tests/support/bridge_text.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using tests::bridge_config;
using tests::Bytes;
using tests::operator+;
using tests::kLeft;
using tests::kMiddle;
using tests::kRight;

constexpr tables::MacBytes kAlice{2, 0, 0, 0, 0, 0x0A};  // as packet_builder's frames are from
constexpr tables::MacBytes kBob{2, 0, 0, 0, 0, 0x0B};    // and to
constexpr std::uint64_t kNow = 7'000'000'000;
constexpr std::uint64_t kMs = 1'000'000;

Bytes arp(std::initializer_list<std::pair<unsigned, unsigned>> tags = {}) {
  return tests::ethernet(0x0806, tags) + Bytes(46);
}

Bytes to(const tables::MacBytes& target, Bytes frame) {
  std::ranges::copy(std::as_bytes(std::span(target)), frame.begin());
  return frame;
}

constexpr tables::MacBytes kAll{255, 255, 255, 255, 255, 255};
constexpr tables::MacBytes kBpdus{1, 0x80, 0xC2, 0, 0, 0};
constexpr tables::MacBytes kPauses{1, 0x80, 0xC2, 0, 0, 1};
constexpr tables::MacBytes kGroup{1, 0, 0x5E, 0, 0, 1};

struct Scene {
  explicit Scene(const Config& from) : config(from) {}

  void know(const tables::MacBytes& mac, std::uint8_t port, std::uint16_t vlan = 0,
            std::uint8_t flags = 0) {
    place = bridging.table.insert({.key = mac_key(mac, vlan, 0), .port = port, .flags = flags});
  }

  std::optional<BridgeOutcome> refuse(const Bytes& bytes) { return intake.refuse(bytes, 0, frame); }

  std::optional<BridgeOutcome> hear(const Bytes& bytes, std::uint8_t port,
                                    std::uint64_t now_ns = kNow) {
    EXPECT_EQ(refuse(bytes), std::nullopt);
    return intake.refuse_sender(frame, 0, port, now_ns);
  }

  BridgeWay way(const Bytes& bytes, std::uint8_t port, std::uint64_t now_ns = kNow) {
    EXPECT_EQ(refuse(bytes), std::nullopt);
    return intake.find_way(frame, 0, port, now_ns);
  }

  std::vector<MacEvent> news() {
    std::vector<MacEvent> taken;
    for (MacEvent event{}; bridging.events(1).try_take(event);) taken.push_back(event);
    return taken;
  }

  Config config;
  Bridging bridging{config, 2, {3}};
  BridgeIntake intake{bridging, 1};
  BridgeFrame frame;
  std::uint32_t place = 0;
};

constexpr PortBits kAllButLeft = 0b110;

TEST(BridgeIntake, TakesTheDomainsVlansAlone) {
  Scene scene(bridge_config());
  EXPECT_EQ(scene.refuse(arp()), std::nullopt);
  EXPECT_EQ(scene.refuse(arp({{0x8100, 11}})), std::nullopt);
  EXPECT_EQ(scene.refuse(arp({{0x8100, 13}})), BridgeOutcome::kWrongVlan);
  EXPECT_EQ(scene.refuse(arp({{0x8100, 11}, {0x8100, 11}})), BridgeOutcome::kWrongTag);
  EXPECT_EQ(scene.refuse(Bytes(10)), BridgeOutcome::kMalformed);
  EXPECT_EQ(scene.refuse(tests::ethernet(0x0800) + Bytes(1500)), std::nullopt);
  EXPECT_EQ(scene.refuse(tests::ethernet(0x0800) + Bytes(1501)), BridgeOutcome::kTooBig);
}

TEST(BridgeIntake, LetsPassOnlyWhatIsNamedBesideIp) {
  Scene scene(bridge_config("unfiltered = [\"0x88cc\"]"));
  EXPECT_EQ(scene.refuse(arp()), BridgeOutcome::kEtherType);
  EXPECT_EQ(scene.refuse(tests::ethernet(0x88CC) + Bytes(46)), std::nullopt);
  EXPECT_EQ(scene.refuse(tests::ethernet(0x002E) + Bytes(46)), BridgeOutcome::kEtherType);
  EXPECT_EQ(scene.refuse(tests::ethernet(0x86DD) + Bytes(46)), std::nullopt);
}

TEST(BridgeIntake, KeepsLinkProtocolsOnTheirLinkButInAWire) {
  Scene bridge(bridge_config("unfiltered = [\"any\"]"));
  const Bytes bpdu = to(kBpdus, tests::ethernet(0x0026) + Bytes(46));
  EXPECT_EQ(bridge.refuse(bpdu), BridgeOutcome::kReserved);
  Scene wire(tests::wire_config());
  EXPECT_EQ(wire.refuse(bpdu), std::nullopt);
  EXPECT_EQ(wire.refuse(to(kPauses, tests::ethernet(0x8808) + Bytes(46))),
            BridgeOutcome::kReserved);
  // IP to such an address is judged by the rules, as any.
  EXPECT_EQ(bridge.refuse(to(kBpdus, tests::ethernet(0x0800) + Bytes(46))), std::nullopt);
}

TEST(BridgeIntake, TellsTheHomeWorkerOfAnAddressOnceInAWhile) {
  Scene scene(bridge_config());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(scene.hear(arp({{0x8100, 11}}), kLeft), std::nullopt);
  const auto first = scene.news();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].key.mac, kAlice);
  EXPECT_EQ(first[0].key.vlan, 11);
  EXPECT_EQ(first[0].port, kLeft);
  EXPECT_EQ(scene.hear(arp({{0x8100, 11}}), kLeft, kNow + 49 * kMs), std::nullopt);
  EXPECT_TRUE(scene.news().empty());
  EXPECT_EQ(scene.hear(arp({{0x8100, 11}}), kLeft, kNow + 50 * kMs), std::nullopt);
  EXPECT_EQ(scene.hear(arp({{0x8100, 11}}), kRight, kNow + 50 * kMs), std::nullopt);
  EXPECT_EQ(scene.news().size(), 2U) << "again, and behind another port";
}

TEST(BridgeIntake, OnlyNotesWhenAKnownAddressWasSeen) {
  Scene scene(bridge_config());
  scene.know(kAlice, kLeft);
  EXPECT_EQ(scene.bridging.last_seen_s(scene.place), 0U);
  EXPECT_EQ(scene.hear(arp(), kLeft), std::nullopt);
  EXPECT_TRUE(scene.news().empty());
  EXPECT_EQ(scene.bridging.last_seen_s(scene.place), 7U);
}

TEST(BridgeIntake, CountsNewsForWhichThereIsNoPlace) {
  Scene scene(bridge_config());
  for (std::uint32_t i = 0; i < Bridging::kEventPlaces + 10; ++i) {
    Bytes frame = arp();
    frame[10] = static_cast<std::byte>(i >> 8U);
    frame[11] = static_cast<std::byte>(i);
    EXPECT_EQ(scene.hear(frame, kLeft), std::nullopt);
  }
  EXPECT_EQ(scene.news().size(), Bridging::kEventPlaces);
  EXPECT_EQ(scene.intake.stats(0).events_missed.get(), 10U);
}

TEST(BridgeIntake, DropsWhatAStaticAddressSendsElsewhereAndAHeldOneAnywhere) {
  Scene scene(bridge_config());
  scene.know(kAlice, kRight, 0, tables::kIsStatic);
  EXPECT_EQ(scene.hear(arp(), kRight), std::nullopt);
  EXPECT_EQ(scene.hear(arp(), kLeft), BridgeOutcome::kStaticElsewhere);
  scene.know(kAlice, kRight, 10, tables::kIsHeld);
  EXPECT_EQ(scene.hear(arp({{0x8100, 10}}), kRight), BridgeOutcome::kHeldSource);
  EXPECT_TRUE(scene.news().empty());
}

TEST(BridgeIntake, DropsUnknownSendersBeyondTheLimitWhereThatIsAsked) {
  Scene scene(bridge_config("limit_action = \"drop\""));
  scene.bridging.set_port_full(kLeft, true);
  EXPECT_EQ(scene.hear(arp(), kLeft), BridgeOutcome::kLimit);
  EXPECT_EQ(scene.hear(arp(), kRight), std::nullopt);
  scene.know(kAlice, kLeft);
  EXPECT_EQ(scene.hear(arp(), kLeft), std::nullopt) << "it is known";
  Scene flooding(bridge_config());
  flooding.bridging.set_full(0, true);
  EXPECT_EQ(flooding.hear(arp(), kLeft), std::nullopt);
}

TEST(BridgeIntake, SendsToTheTargetsPortOrToAllOthers) {
  Scene scene(bridge_config());
  EXPECT_EQ(scene.way(arp(), kLeft).outcome, BridgeOutcome::kFloodedUnknown);
  EXPECT_EQ(scene.way(arp(), kLeft).ports, kAllButLeft);
  scene.know(kBob, kRight);
  EXPECT_EQ(scene.way(arp(), kLeft).outcome, BridgeOutcome::kForwarded);
  EXPECT_EQ(scene.way(arp(), kLeft).ports, port_bit(kRight));
  EXPECT_EQ(scene.way(arp({{0x8100, 10}}), kLeft).outcome, BridgeOutcome::kFloodedUnknown)
      << "known in another VLAN";
  EXPECT_EQ(scene.way(arp(), kRight).outcome, BridgeOutcome::kFiltered);
  EXPECT_EQ(scene.way(to(kAll, arp()), kMiddle).ports, PortBits{0b101});
  EXPECT_EQ(scene.way(to(kAll, arp()), kLeft).outcome, BridgeOutcome::kFloodedBroadcast);
  EXPECT_EQ(scene.way(to(kGroup, arp()), kLeft).outcome, BridgeOutcome::kFloodedMulticast);
  scene.know(kBob, kRight, 11, tables::kIsHeld);
  EXPECT_EQ(scene.way(arp({{0x8100, 11}}), kLeft).outcome, BridgeOutcome::kHeldTarget);
}

TEST(BridgeIntake, DropsWhatIsUnknownWhereThatIsAsked) {
  Scene scene(bridge_config("flood_unknown = false"));
  EXPECT_EQ(scene.way(arp(), kLeft).outcome, BridgeOutcome::kUnknownTarget);
  EXPECT_EQ(scene.way(to(kAll, arp()), kLeft).outcome, BridgeOutcome::kFloodedBroadcast);
}

TEST(BridgeIntake, SendsAllByTheOtherEndOfAWire) {
  Scene scene(tests::wire_config());
  scene.know(kBob, kLeft);
  EXPECT_EQ(scene.way(arp(), kLeft).outcome, BridgeOutcome::kForwarded);
  EXPECT_EQ(scene.way(arp(), kLeft).ports, port_bit(kRight)) << "whatever was learned";
  EXPECT_EQ(scene.way(to(kBpdus, tests::ethernet(0x0026) + Bytes(46)), kRight).ports,
            port_bit(kLeft));
}

TEST(BridgeIntake, BoundsFloodsOfEachPortAndKind) {
  Scene scene(bridge_config("broadcast_per_s = 100\nunknown_per_s = 100\nmulticast_per_s = 100"));
  const auto count_passed = [&](const Bytes& frame, std::uint8_t port) {
    int passed = 0;
    for (int i = 0; i < 1000; ++i) passed += is_drop(scene.way(frame, port).outcome) ? 0 : 1;
    return passed;
  };
  for (const Bytes& frame : {to(kAll, arp()), to(kGroup, arp()), arp()}) {
    EXPECT_EQ(count_passed(frame, kLeft), 16);
    EXPECT_EQ(count_passed(frame, kRight), 16);
  }
  EXPECT_EQ(scene.way(to(kAll, arp()), kLeft).outcome, BridgeOutcome::kStorm);
  EXPECT_EQ(scene.way(to(kAll, arp()), kLeft, kNow + 10 * kMs).outcome,
            BridgeOutcome::kFloodedBroadcast);
  scene.know(kBob, kRight);
  EXPECT_EQ(count_passed(arp(), kLeft), 1000) << "what is known is no flood";
}

}  // namespace
}  // namespace twinplane::dataplane
