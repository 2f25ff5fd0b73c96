// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dataplane/config_hello.hpp"
#include "dataplane/config_summary.hpp"
#include "tests/support/bridge_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::bridge_config;
using tests::bridge_text_with;
using tests::faults_of;
using tests::kBridgePorts;
using tests::kBridgeText;
using tests::replaced;
using tests::wire_config;

std::string faults_with_keys(std::string_view keys) { return faults_of(bridge_text_with(keys)); }

std::string faults_with(std::string_view piece, std::string_view replacement) {
  return faults_of(replaced(kBridgeText, piece, replacement));
}

TEST(ConfigBridge, HasPortsWithoutAddresses) {
  const Config config = bridge_config();
  ASSERT_EQ(config.bridges.size(), 1U);
  const BridgeConfig& bridge = config.bridges[0];
  EXPECT_THAT(bridge.ports, ElementsAre(0, 1, 2));
  EXPECT_THAT(bridge.vlans, ElementsAre(VlanRange{0, 0}, VlanRange{10, 12}));
  EXPECT_EQ(bridge.mode, BridgeMode::kLayer2);
  EXPECT_FALSE(bridge.passes_link_protocols);
  EXPECT_EQ(bridge.address_limit, 64U) << "the whole table unless told otherwise";
  EXPECT_THAT(config.ports[0].addresses, IsEmpty());
}

TEST(ConfigBridge, ReadsEveryKey) {
  const Config config = bridge_config(R"(aging_s = 20
unfiltered = ["arp", "llc", "0x88cc"]
link_protocols = true
address_limit = 50
port_address_limit = 20
limit_action = "drop"
move_limit = 3
move_window_s = 30
move_hold_s = 40
flood_unknown = false
broadcast_per_s = 1
multicast_per_s = 2
unknown_per_s = 3
[[bridge.mac]]
mac = "02:00:00:00:00:01"
vlan = 11
port = "right"
)");
  const BridgeConfig& bridge = config.bridges[0];
  EXPECT_EQ(bridge.aging_s, 20U);
  EXPECT_FALSE(bridge.unfiltered.nd);
  EXPECT_TRUE(bridge.unfiltered.llc);
  EXPECT_THAT(bridge.unfiltered.ether_types, ElementsAre(0x0806, 0x88CC));
  EXPECT_TRUE(bridge.passes_link_protocols);
  EXPECT_EQ(bridge.address_limit, 50U);
  EXPECT_EQ(bridge.port_address_limit, 20U);
  EXPECT_EQ(bridge.limit_action, AddressLimitAction::kDrop);
  EXPECT_EQ(bridge.move_limit, 3U);
  EXPECT_EQ(bridge.move_window_s, 30U);
  EXPECT_EQ(bridge.move_hold_s, 40U);
  EXPECT_FALSE(bridge.floods_unknown);
  EXPECT_EQ(bridge.broadcast_per_s, 1U);
  EXPECT_EQ(bridge.multicast_per_s, 2U);
  EXPECT_EQ(bridge.unknown_per_s, 3U);
  ASSERT_EQ(bridge.macs.size(), 1U);
  EXPECT_EQ(bridge.macs[0].vlan, 11);
  EXPECT_EQ(bridge.macs[0].port_index, 2);
}

TEST(ConfigBridge, TakesAnyForAllVlansAndForAllThatIsNoIp) {
  const Config config =
      dataplane::parse_config(replaced(kBridgeText, "vlans = [\"0\", \"10-12\"]",
                                       "vlans = [\"any\"]\nunfiltered = [\"any\"]"),
                              "t");
  EXPECT_THAT(config.bridges[0].vlans, ElementsAre(VlanRange{0, 4094}));
  EXPECT_TRUE(config.bridges[0].unfiltered.any);
  EXPECT_TRUE(config.bridges[0].unfiltered.nd);
}

TEST(ConfigBridge, LetsLinkProtocolsThroughAWireUnlessTold) {
  EXPECT_TRUE(wire_config().bridges[0].passes_link_protocols);
}

TEST(ConfigBridge, SaysWhatIsWrongWithPorts) {
  EXPECT_THAT(faults_with("\"middle\", \"right\"]", "\"midle\"]"),
              AllOf(HasSubstr("t:18: bridge.ports: "), HasSubstr("did you mean \"middle\"")));
  EXPECT_THAT(faults_with(kBridgePorts, "ports = [\"left\", \"left\", \"middle\", \"right\"]\n"),
              HasSubstr("\"left\" is in bridge \"lan\" already"));
  EXPECT_THAT(
      faults_with("[[rule]]", "[[bridge]]\nname = \"b\"\nports = [\"left\", \"right\"]\n[[rule]]"),
      HasSubstr("\"left\" is in bridge \"lan\" already; each port in one bridge, once"));
  EXPECT_THAT(
      faults_with(kBridgePorts, std::string("mode = \"virtual-wire\"\n").append(kBridgePorts)),
      HasSubstr("has 3; a virtual wire has exactly two ends"));
  EXPECT_THAT(faults_with("zone = \"lab\"\n", "zone = \"lab\"\nmtu = 9000\n"),
              HasSubstr("\"middle\" has another MTU than \"left\""));
  EXPECT_THAT(faults_with("zone = \"lab\"\n", "zone = \"lab\"\nvlan = 5\n"),
              AllOf(HasSubstr("t:12: port.vlan: is a port of bridge \"lan\""),
                    HasSubstr("\"vlans\" of the bridge")));
  EXPECT_THAT(faults_with("zone = \"lab\"\n", "zone = \"lab\"\nsymmetric_return = true\n"),
              AllOf(HasSubstr("t:12: port.symmetric_return: is a port of bridge \"lan\""),
                    HasSubstr("leave it out")));
  EXPECT_THAT(faults_with("zone = \"lab\"\n", "zone = \"lab\"\naddresses = [\"10.1.0.1/24\"]\n"),
              HasSubstr("t:12: port.addresses: is a port of bridge \"lan\"; no addresses"));
  EXPECT_THAT(faults_with("\"middle\", \"right\"]", "\"right\"]"),
              HasSubstr("t:8: port.addresses: is missing"))
      << "a routed port needs some";
}

TEST(ConfigBridge, SaysWhatIsWrongWithVlansAndWithWhatPasses) {
  EXPECT_THAT(faults_with("\"10-12\"", "\"12-10\""), HasSubstr("\"12-10\" is no VLAN"));
  EXPECT_THAT(faults_with("\"10-12\"", "\"4095\""), HasSubstr("0 to 4094"));
  EXPECT_THAT(faults_with_keys("unfiltered = [\"0x0800\"]"),
              HasSubstr("0x0800 is IP, which goes by the rules; a [[rule]]"));
  EXPECT_THAT(faults_with_keys("unfiltered = [\"0x8100\"]"), HasSubstr("is a VLAN tag"));
  EXPECT_THAT(faults_with_keys("unfiltered = [\"rarp\"]"),
              HasSubstr("\"rarp\" is nothing that could pass"));
  EXPECT_THAT(faults_with_keys("unfiltered = [\"0x05ff\"]"), HasSubstr("from \"0x0600\""));
}

TEST(ConfigBridge, SaysWhatIsWrongWithLimits) {
  EXPECT_THAT(faults_with_keys("address_limit = 65"),
              HasSubstr("65 addresses do not fit into tables.mac_slots; at most 64"));
  EXPECT_THAT(faults_with_keys("aging_s = 9"), HasSubstr("t:20: bridge.aging_s"));
  EXPECT_THAT(faults_with_keys("move_limt = 9"), HasSubstr("did you mean \"move_limit\""));
  EXPECT_THAT(
      faults_of(replaced(replaced(kBridgeText, kBridgePorts,
                                  "mode = \"virtual-wire\"\nmove_limit = 3\n"
                                  "ports = [\"left\", \"right\"]\n"),
                         "zone = \"lab\"\n", "zone = \"lab\"\naddresses = [\"10.1.0.1/24\"]\n")),
      HasSubstr("bridge.move_limit: is of no use in a virtual wire"));
}

TEST(ConfigBridge, SaysWhatIsWrongWithStaticAddresses) {
  const auto with = [](std::string_view mac, std::string_view vlan, std::string_view port) {
    std::string text = "[[bridge.mac]]\nmac = \"";
    text.append(mac).append("\"\nvlan = ").append(vlan).append("\nport = \"").append(port);
    return text.append("\"\n");
  };
  EXPECT_EQ(faults_with_keys(with("02:00:00:00:00:01", "10", "left")), "");
  EXPECT_THAT(faults_with_keys(with("03:00:00:00:00:01", "10", "left")),
              HasSubstr("is not a unicast MAC address"));
  EXPECT_THAT(faults_with_keys(with("02:00:00:00:00:01", "13", "left")),
              HasSubstr("bridge.mac.vlan: 13 is none of the bridge's VLANs"));
  EXPECT_THAT(faults_with_keys(with("02:00:00:00:00:01", "10", "leftt")),
              HasSubstr("bridge.mac.port: \"leftt\" is no port of this bridge"));
  EXPECT_THAT(faults_with_keys(with("02:00:00:00:00:01", "10", "left") +
                               with("02:00:00:00:00:01", "10", "right")),
              HasSubstr("is there twice"));
}

TEST(ConfigBridge, KeepsZonesOfBridgedPortsApart) {
  const std::string_view routed =
      "[[port]]\nname = \"wan\"\ndevice = \"net_ring4\"\nzone = \"hosts\"\n"
      "addresses = [\"10.1.0.1/24\"]\n[[bridge]]";
  EXPECT_THAT(faults_with("[[bridge]]", routed),
              HasSubstr("\"hosts\" is the zone of routed port \"wan\" too"));
  const std::string apart =
      replaced(kBridgeText, "[[bridge]]", replaced(routed, "zone = \"hosts\"", "zone = \"wan\""));
  EXPECT_EQ(faults_of(apart), "");
  EXPECT_THAT(faults_of(replaced(apart, "[[rule]]",
                                 "[[nat]]\nname = \"n\"\nfrom = [\"hosts\"]\nto = [\"wan\"]\n"
                                 "addresses = [\"10.1.0.1\"]\n[[rule]]")),
              HasSubstr("nat.from: names a zone of bridged ports"));
  EXPECT_THAT(
      faults_of(replaced(apart, "[[rule]]",
                         "[[route]]\nprefix = \"::/0\"\nvia = \"fe80::1\"\nport = \"left\"\n"
                         "[[rule]]")),
      HasSubstr("route.port: \"left\" is a port of bridge \"lan\""));
}

TEST(ConfigBridge, AnswersNobodyWithCookies) {
  const std::string protection =
      "[[zone_protection]]\nzone = \"hosts\"\n[zone_protection.syn]\nactivate = 10\nmaximum = 20\n";
  EXPECT_EQ(faults_with("[[rule]]", protection + "[[rule]]"), "");
  EXPECT_THAT(faults_with("[[rule]]", protection + "action = \"syn-cookies\"\n[[rule]]"),
              HasSubstr("\"hosts\" is a zone of bridged ports, which answer nobody"));
}

TEST(ConfigBridge, LeavesMulticastToPortsWithAddresses) {
  EXPECT_EQ(faults_with("[[rule]]", "[multicast]\nenabled = true\n[[rule]]"), "");
  EXPECT_THAT(faults_with("[[rule]]", "[multicast]\nenabled = true\nquery = [\"left\"]\n[[rule]]"),
              HasSubstr("\"left\" is a port of a bridge"));
}

TEST(ConfigBridge, IsAgreedInTheHello) {
  const auto changed = [](const Config& other) {
    std::set<std::string> names;
    const auto before = hello_items(bridge_config());
    const auto after = hello_items(other);
    for (std::size_t i = 0; i < before.size(); ++i)
      if (before[i].value != after[i].value)
        names.insert(before[i].name + (before[i].must_equal ? " must" : " may"));
    return names;
  };
  using Names = std::set<std::string>;
  const auto with = [](std::string_view piece, std::string_view replacement) {
    return parse_config(replaced(kBridgeText, piece, replacement), "t");
  };
  EXPECT_EQ(changed(bridge_config()), Names{});
  EXPECT_EQ(changed(with("name = \"lan\"", "name = \"lab\"")), Names{"bridge_domains must"});
  EXPECT_EQ(changed(with("\"10-12\"", "\"10-13\"")), Names{"bridge_domains must"});
  EXPECT_EQ(changed(with("\"left\", \"middle\"", "\"middle\", \"left\"")),
            Names{"bridge_domains must"});
  EXPECT_EQ(changed(bridge_config("aging_s = 20")), Names{"bridge_contents may"});
  EXPECT_EQ(changed(bridge_config("[[bridge.mac]]\nmac = \"02:00:00:00:00:01\"\nport = \"left\"")),
            Names{"bridge_domains must"});
  EXPECT_EQ(changed(with("mac_slots = 64", "mac_slots = 128")),
            (Names{"bridge_domains must", "bridge_contents may"}));
  EXPECT_NE(numbering_digest(bridge_config()),
            numbering_digest(with("name = \"lan\"", "name = \"lab\"")));
}

TEST(ConfigBridge, IsSummedUpInALine) {
  const std::string text = summary(bridge_config());
  EXPECT_THAT(text, HasSubstr("port \"left\": net_ring0, zone hosts, bridged, MTU 1500\n"));
  EXPECT_THAT(text, HasSubstr("bridge \"lan\": layer2 of left (zone hosts), middle (zone lab), "
                              "right (zone servers), VLANs untagged, 10 to 12, "));
}

}  // namespace
}  // namespace twinplane::dataplane
