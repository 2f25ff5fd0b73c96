// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_check.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tests::faults_of;
using tests::faults_with;
using tests::kConfigText;
using tests::replaced;

std::string plus(std::string_view more) { return std::string(kConfigText) + std::string(more); }

TEST(ConfigCheck, FindsNothingWrongWithARightOne) { EXPECT_EQ(faults_of(kConfigText), ""); }

TEST(ConfigCheck, WantsAPort) {
  EXPECT_EQ(faults_of("[box]\nname='x'\nid=1\n[ha]\nenabled=false\n"),
            "t:1: port: is missing; give at least one [[port]]");
}

TEST(ConfigCheck, RefusesNamesThatDifferByCaseOnly) {
  EXPECT_THAT(
      faults_with("name = \"outside\"", "name = \"Inside\""),
      HasSubstr(
          "t:10: port.name: \"Inside\" is the name of port 1 too; each port a name of its own"));
  EXPECT_THAT(faults_of(plus("[[rule]]\nname='OUT'\nfrom=['any']\nto=['any']\naction='drop'\n")),
              HasSubstr("rule.name: \"OUT\" is the name of rule 1 too"));
  EXPECT_THAT(
      faults_of(plus("[[nat]]\nname='hide'\nfrom=['any']\nto=['any']\naddresses=['10.1.0.9']\n")),
      HasSubstr("nat.name: \"hide\" is the name of nat 1 too"));
}

TEST(ConfigCheck, RefusesADeviceThatTwoWouldOpen) {
  EXPECT_THAT(faults_with("net_ring1", "net_ring0,x=1"),
              HasSubstr("port.device: \"net_ring0\" belongs to port \"inside\" too"));
  EXPECT_THAT(faults_with("net_ring2", "net_ring1"),
              HasSubstr("ha2.device: \"net_ring1\" belongs to port \"outside\" too"));
}

TEST(ConfigCheck, RefusesAddressesAndNetworksThatStandTwice) {
  EXPECT_THAT(faults_with("10.2.0.254/24", "10.1.0.254/24"),
              HasSubstr("10.1.0.254/24 is given twice, the first time to port \"inside\""));
  EXPECT_THAT(
      faults_with("10.2.0.254/24", "10.1.0.9/16"),
      HasSubstr("the network of 10.1.0.9/16 overlaps that of 10.1.0.254/24 on port \"inside\""));
  EXPECT_EQ(faults_with("\"10.1.0.254/24\"", "\"10.1.0.254/24\", \"10.1.0.253/24\""), "")
      << "two addresses on one network of one port";
}

TEST(ConfigCheck, AllowsOneLinkLocalAddressOnEveryPort) {
  const std::string text =
      replaced(kConfigText, "\"fd00:1::fe/64\"", "\"fd00:1::fe/64\", \"fe80::1/64\"");
  EXPECT_EQ(faults_of(replaced(text, "\"fd00:2::fe/64\"", "\"fd00:2::fe/64\", \"fe80::1/64\"")),
            "");
}

TEST(ConfigCheck, WantsRoomForIpv6) {
  EXPECT_THAT(faults_with("zone = \"trust\"", "zone = \"trust\"\nmtu = 1279"),
              HasSubstr("port.mtu: 1279 is too small for IPv6; at least 1280"));
}

TEST(ConfigCheck, WantsNextHopsOnTheLinkOfTheirPort) {
  EXPECT_EQ(faults_with("via = \"10.2.0.1\"", "via = \"10.1.0.1\""),
            "t:16: route.via: 10.1.0.1 is not on a network of port \"outside\"; an address in "
            "10.2.0.0/24, fd00:2::/64");
  EXPECT_THAT(faults_with("via = \"10.2.0.1\"", "via = \"10.2.0.254\""),
              HasSubstr("is this box's own address"));
  EXPECT_THAT(faults_with("via = \"10.2.0.1\"", "via = \"fd00:2::1\""),
              HasSubstr("is of another family than 0.0.0.0/0"));
  EXPECT_EQ(faults_of(plus("[[route]]\nprefix='::/0'\nvia='fe80::1'\nport='outside'\n")), "");
}

TEST(ConfigCheck, WantsPermanentNeighborsOnTheLinkOfTheirPort) {
  const auto faults = [](const std::string& address, const std::string& port) {
    return faults_of(plus("[[neighbor]]\naddress='" + address +
                          "'\nmac='02:00:00:00:00:09'\nport='" + port + "'\n"));
  };
  EXPECT_EQ(faults("10.1.0.9", "inside"), "");
  EXPECT_EQ(faults("fe80::9", "inside"), "");
  EXPECT_THAT(faults("10.9.0.9", "inside"),
              HasSubstr("10.9.0.9 is not on a network of port \"inside\""));
  EXPECT_THAT(faults("10.1.0.254", "inside"), HasSubstr("is this box's own address"));
  EXPECT_THAT(faults("10.1.0.9", "insid"), HasSubstr("did you mean \"inside\""));
  EXPECT_THAT(faults("224.0.0.1", "inside"), HasSubstr("is not a unicast address"));
  EXPECT_THAT(faults_of(plus("[[neighbor]]\naddress='10.1.0.9'\nmac='01:00:00:00:00:09'\n"
                             "port='inside'\n")),
              HasSubstr("is not a unicast MAC address"));
  const std::string twice =
      "[[neighbor]]\naddress='10.1.0.9'\nmac='02:00:00:00:00:09'\nport='inside'\n";
  EXPECT_THAT(faults_of(plus(twice + twice)), HasSubstr("10.1.0.9 is there twice"));
}

TEST(ConfigCheck, RefusesPrefixesThatStandTwice) {
  EXPECT_THAT(faults_of(plus("[[route]]\nprefix='0.0.0.0/0'\nvia='10.2.0.2'\nport='outside'\n")),
              HasSubstr("route.prefix: 0.0.0.0/0 is already routed via 10.2.0.1"));
  EXPECT_THAT(faults_of(plus("[[route]]\nprefix='10.1.0.0/24'\nvia='10.2.0.2'\nport='outside'\n")),
              HasSubstr("route.prefix: 10.1.0.0/24 is already connected on port \"inside\""));
}

TEST(ConfigCheck, WantsNatAddressesThatRepliesReach) {
  EXPECT_EQ(faults_with("addresses = [\"10.2.0.254\"]", "addresses = [\"10.2.0.77\"]"), "");
  EXPECT_THAT(
      faults_with("addresses = [\"10.2.0.254\"]", "addresses = [\"10.3.0.1\"]"),
      HasSubstr("nat.addresses: 10.3.0.1 is on no network of a port in the rule's \"to\" zones"));
  EXPECT_THAT(faults_with("addresses = [\"10.2.0.254\"]", "addresses = [\"10.1.0.254\"]"),
              HasSubstr("10.1.0.254 is on no network"));
  EXPECT_THAT(
      faults_with("addresses = [\"10.2.0.254\"]", "addresses = [\"10.2.0.9\", \"10.2.0.9\"]"),
      HasSubstr("is given twice"));
}

TEST(ConfigCheck, KeepsFamiliesOfNatApart) {
  EXPECT_THAT(
      faults_with("addresses = [\"10.2.0.254\"]", "addresses = [\"10.2.0.254\", \"fd00:2::9\"]"),
      HasSubstr("fd00:2::9 is of another family than 10.2.0.254; a nat rule for each family"));
  EXPECT_THAT(faults_with("source = [\"10.1.0.0/24\"]", "source = [\"fd00:1::/64\"]"),
              HasSubstr("nat.source: fd00:1::/64 is of another family than the rule's addresses"));
}

TEST(ConfigCheck, WantsAPortForEachPartition) {
  EXPECT_THAT(faults_with("addresses = [\"10.2.0.254\"]",
                          "addresses = [\"10.2.0.254\"]\nports='1024-1026'"),
              HasSubstr("nat.ports: 3 ports are fewer than the partitions"));
}

TEST(ConfigCheck, TellsOneMistakeOnce) {
  // The wrong port address would take the next hop and the NAT address off their network as well.
  const std::string faults = faults_with("10.2.0.254/24", "10.2.0.254/44");
  EXPECT_THAT(faults, HasSubstr("port.addresses"));
  EXPECT_THAT(faults, Not(HasSubstr("\n")));
}

TEST(ConfigCheck, WantsTwoEndsOfOneFamily) {
  constexpr std::string_view kDevice = "device = \"net_ring2\"";
  EXPECT_THAT(
      faults_with(kDevice, "device='x_2'\ntransport='ip'\nlocal='fd00::1'\npeer='10.0.0.1'"),
      HasSubstr("ha2.peer: 10.0.0.1 is of another family than ha2.local fd00::1"));
  EXPECT_THAT(faults_with(kDevice, "device='x_2'\nlocal='10.0.0.1'\npeer='10.0.0.1'"),
              HasSubstr("ha2.peer: 10.0.0.1 is ha2.local too"));
  EXPECT_THAT(faults_with("127.0.0.1:28261", "127.0.0.1:28260"),
              HasSubstr("ha1.peer: 127.0.0.1:28260 is ha1.local too"));
  EXPECT_THAT(faults_with("127.0.0.1:28261", "[::1]:28260"),
              HasSubstr("ha1.peer: [::1]:28260 is of another family"));
}

TEST(ConfigCheck, WantsTimesThatFitEachOther) {
  EXPECT_THAT(faults_of(plus("[ha]\nkeepalive_interval_ms=100\nboot_hold_ms=299\n")),
              HasSubstr("ha.boot_hold_ms: 299 ms is too short to hear a living peer; at least "
                        "keepalive_interval_ms x "
                        "keepalive_threshold = 300"));
  EXPECT_THAT(faults_of(plus("[worker]\nidle_sleep_us=5001\n")),
              HasSubstr("worker.idle_sleep_us: 5001 us would oversleep keepalives; at most half of "
                        "ha.keepalive_interval_ms: 5000"));
}

TEST(ConfigCheck, WantsAPartitionForEachWorker) {
  EXPECT_THAT(faults_of(plus("[eal]\nlcores='0,1,2,3'\n[tables]\npartitions=2\n")),
              HasSubstr("eal.lcores: 3 workers for 2 partitions"));
}

}  // namespace
}  // namespace twinplane::dataplane
