// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_sections.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::faults_with;
using tests::kConfigText;
using tests::replaced;

constexpr std::string_view kRuleEnd = "action = \"allow\"";

Config with(std::string_view piece, std::string_view replacement) {
  return parse_config(replaced(kConfigText, piece, replacement), "t");
}

TEST(ConfigPolicy, NumbersZonesInTheOrderOfThePorts) {
  const Config config = parse_config(kConfigText, "t");
  EXPECT_THAT(config.zones, ElementsAre("trust", "untrust"));
  EXPECT_EQ(config.ports[1].zone_index, 1);
  EXPECT_EQ(config.routes[0].port_index, 1);
  EXPECT_THAT(config.rules[0].from_zones, ElementsAre(0));
  EXPECT_THAT(config.rules[0].to_zones, ElementsAre(1));
  const Config more =
      with("[[route]]",
           "[[port]]\nname='third'\ndevice='net_ring3'\nzone='untrust'\naddresses=['10."
           "3.0.1/24']\n[[route]]");
  EXPECT_THAT(more.zones, ElementsAre("trust", "untrust"));
  EXPECT_EQ(more.ports[2].zone_index, 1);
}

TEST(ConfigPolicy, ReadsARuleInFull) {
  const Config config = with(
      kRuleEnd,
      "action='drop'\nsource=['10.0.0.0/8','fd00::/8']\ndestination=['0.0.0.0/0']\nprotocol='tcp'\n"
      "ports=['80','1000-2000',443]\nsync=false\n");
  const RuleConfig& rule = config.rules[0];
  EXPECT_EQ(rule.action, RuleAction::kDrop);
  EXPECT_EQ(rule.source.size(), 2U);
  EXPECT_THAT(rule.protocols, ElementsAre(6));
  EXPECT_THAT(rule.ports,
              ElementsAre(PortRange{80, 80}, PortRange{1000, 2000}, PortRange{443, 443}));
  EXPECT_FALSE(rule.sync);
}

TEST(ConfigPolicy, ReadsWhatARuleWantsOfThePeer) {
  EXPECT_FALSE(parse_config(kConfigText, "t").rules[0].hold);
  EXPECT_EQ(parse_config(kConfigText, "t").rules[0].sync_after_s, 0U);
  EXPECT_TRUE(with(kRuleEnd, "action='allow'\nhold=true").rules[0].hold);
  EXPECT_EQ(with(kRuleEnd, "action='allow'\nsync_after_s=5").rules[0].sync_after_s, 5U);
}

TEST(ConfigPolicy, RefusesWhatARuleCannotWantOfThePeer) {
  EXPECT_THAT(faults_with(kRuleEnd, "action='drop'\nhold=true"),
              HasSubstr("a rule that drops makes no sessions"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='drop'\nsync_after_s=5"),
              HasSubstr("a rule that drops makes no sessions"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nsync=false\nhold=true"),
              HasSubstr("with sync = false the peer never has the sessions"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nsync=false\nsync_after_s=5"),
              HasSubstr("or no sync_after_s"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nhold=true\nsync_after_s=5"),
              HasSubstr("one of the two"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nsync_after_s=3601"),
              HasSubstr("3601 is out of range"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nhold=1"),
              HasSubstr("rule.hold: is a whole number"));
}

TEST(ConfigPolicy, RefusesAnAgeThatNoSessionReaches) {
  EXPECT_THAT(faults_with(kRuleEnd,
                          "action='allow'\nsync_after_s=60\n[timeouts]\n"
                          "tcp_established=60"),
              HasSubstr("60 s is not below the timeout of open TCP connections"));
}

TEST(ConfigPolicy, TakesEmptyListsForAny) {
  const Config config =
      with(kRuleEnd, "action='allow'\nsource=['any']\nports=['any']\nprotocol='any'");
  EXPECT_THAT(config.rules[0].source, IsEmpty());
  EXPECT_THAT(config.rules[0].destination, IsEmpty());
  EXPECT_THAT(config.rules[0].protocols, IsEmpty());
  EXPECT_THAT(config.rules[0].ports, IsEmpty());
  EXPECT_THAT(with("from = [\"trust\"]", "from = [\"any\"]").rules[0].from_zones, IsEmpty());
}

TEST(ConfigPolicy, TakesIcmpForBothFamiliesAndNumbersForTheRest) {
  EXPECT_THAT(with(kRuleEnd, "action='allow'\nprotocol='icmp'").rules[0].protocols,
              ElementsAre(1, 58));
  EXPECT_THAT(with(kRuleEnd, "action='allow'\nprotocol=47").rules[0].protocols, ElementsAre(47));
  EXPECT_THAT(with(kRuleEnd, "action='allow'\nprotocol='47'").rules[0].protocols, ElementsAre(47));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nprotocol='tpc'"),
              HasSubstr("\"tpc\" is no protocol; did you mean \"tcp\"?"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nprotocol=256"),
              HasSubstr("\"256\" is no protocol"));
}

TEST(ConfigPolicy, RefusesPortsOfProtocolsThatHaveNone) {
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nprotocol='icmp'\nports=['80']"),
              HasSubstr("the rule's protocol has no ports"));
  for (const char* ports : {"80-", "-80", "90-80", "65536", "http", "80 "}) {
    EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nports=['" + std::string(ports) + "']"),
                HasSubstr("is no port range"))
        << ports;
  }
}

TEST(ConfigPolicy, SuggestsZonesAndPortsThatExist) {
  EXPECT_EQ(faults_with("to = [\"untrust\"]", "to = [\"untrsut\"]"),
            "t:21: rule.to: \"untrsut\" is no zone of any port; did you mean \"untrust\"?");
  EXPECT_EQ(faults_with("port = \"outside\"", "port = \"outsid\""),
            "t:17: route.port: \"outsid\" is no port; did you mean \"outside\"?");
  EXPECT_THAT(faults_with("zone = \"untrust\"", "zone = \"any\""),
              HasSubstr("\"any\" cannot be a zone"));
}

TEST(ConfigPolicy, RefusesAnyBesideOthersAndListsOfNothing) {
  EXPECT_THAT(faults_with("from = [\"trust\"]", "from = [\"any\", \"trust\"]"),
              HasSubstr("\"any\" stands beside others"));
  EXPECT_THAT(faults_with("from = [\"trust\"]", "from = []"), HasSubstr("rule.from: is empty"));
  EXPECT_THAT(faults_with(kRuleEnd, "action='allow'\nsource=[]"),
              HasSubstr("rule.source: is empty, so nothing could match"));
  EXPECT_THAT(faults_with(kRuleEnd, ""), HasSubstr("rule.action: is missing"));
}

TEST(ConfigPolicy, GivesTheNetworkOfAPrefixWithHostBits) {
  EXPECT_EQ(
      faults_with(kRuleEnd, "action='allow'\nsource=['10.1.0.7/24']"),
      "t:23: rule.source: 10.1.0.7/24 has bits beyond its length; the network is \"10.1.0.0/24\"");
  EXPECT_THAT(faults_with("0.0.0.0/0", "10.0.0.0"),
              HasSubstr("route.prefix: \"10.0.0.0\" is not a prefix"));
  EXPECT_THAT(faults_with("0.0.0.0/0", "224.0.0.0/4"), HasSubstr("is not unicast"));
  EXPECT_THAT(faults_with("via = \"10.2.0.1\"", "via = \"10.2.0.1/24\""),
              HasSubstr("route.via: \"10.2.0.1/24\" is not a unicast address"));
}

TEST(ConfigPolicy, RefusesInterfaceAddressesThatNoHostCanHave) {
  EXPECT_THAT(faults_with("10.1.0.254/24", "10.1.0.0/24"),
              HasSubstr("is the address of the network itself; an address between"));
  EXPECT_THAT(faults_with("10.1.0.254/24", "10.1.0.255/24"), HasSubstr("is the broadcast address"));
  EXPECT_THAT(faults_with("10.1.0.254/24", "10.1.0.254"), HasSubstr("with its prefix length"));
  EXPECT_THAT(faults_with("10.1.0.254/24", "127.0.0.1/8"), HasSubstr("is not a unicast address"));
  EXPECT_THAT(faults_with("fd00:1::fe/64", "fd00:1::/64"),
              HasSubstr("is the address of the network itself"));
  EXPECT_THAT(with("10.1.0.254/24", "10.1.0.254/31").ports[0].addresses.size(), 2U);
  EXPECT_THAT(with("fd00:1::fe/64", "fe80::1/64").ports[0].addresses.size(), 2U);
}

TEST(ConfigPolicy, HoldsPortsToWhatEthernetCanCarry) {
  EXPECT_THAT(faults_with("zone = \"trust\"", "zone = \"trust\"\nmtu = 9001"),
              HasSubstr("port.mtu: 9001 is out of range; must be 576 to 9000"));
  EXPECT_THAT(faults_with("zone = \"trust\"", "zone = \"trust\"\nvlan = 4095"),
              HasSubstr("must be 0 to 4094"));
  EXPECT_THAT(faults_with("zone = \"trust\"", "zone = \"trust\"\nvirtual_mac_group = 256"),
              HasSubstr("must be 0 to 255"));
}

TEST(ConfigPolicy, AnswersByWhoBroughtASessionWhereAPortSaysSo) {
  constexpr std::string_view kPlace = "addresses = [\"10.2.0.254/24\"";
  EXPECT_FALSE(parse_config(kConfigText, "t").ports[1].symmetric_return);
  const Config config = parse_config(
      replaced(kConfigText, kPlace, std::string("symmetric_return = true\n").append(kPlace)) +
          "[tables]\nreturn_slots = 128\n",
      "t");
  EXPECT_FALSE(config.ports[0].symmetric_return);
  EXPECT_TRUE(config.ports[1].symmetric_return);
  EXPECT_EQ(return_slots(config), 128U);
  EXPECT_THAT(faults_with(kPlace, std::string("symmetric_return = 1\n").append(kPlace)),
              HasSubstr("port.symmetric_return"));
}

TEST(ConfigPolicy, ReadsNatPortsAsOneRange) {
  EXPECT_EQ(parse_config(kConfigText, "t").nat[0].ports, (PortRange{1024, 65535}));
  EXPECT_EQ(with("addresses = [\"10.2.0.254\"]", "addresses = ['10.2.0.9']\nports='2000-2999'")
                .nat[0]
                .ports,
            (PortRange{2000, 2999}));
  EXPECT_THAT(
      faults_with("addresses = [\"10.2.0.254\"]", "addresses = ['10.2.0.9']\nports='0-2999'"),
      HasSubstr("\"0-2999\" is no range of source ports"));
}

}  // namespace
}  // namespace twinplane::dataplane
