// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_sections.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::faults_of;
using tests::faults_with;
using tests::kConfigText;

// kConfigText with more sections behind it.
std::string plus(std::string_view more) { return std::string(kConfigText) + std::string(more); }

TEST(ConfigSections, FillsInTheDefaults) {
  const Config config = parse_config(kConfigText, "t");
  EXPECT_EQ(config.box.priority, 100);
  EXPECT_EQ(config.eal.huge_pages, HugePages::kAuto);
  EXPECT_EQ(config.eal.memory_mib, 256U);
  EXPECT_THAT(config.eal.lcore_ids, ElementsAre(0U, 1U));
  EXPECT_EQ(config.eal.file_prefix, "east");
  EXPECT_EQ(config.tables.partitions, 4U);
  EXPECT_EQ(config.tables.session4_slots, 65536U);
  EXPECT_EQ(config.tables.session6_slots, 16384U);
  EXPECT_EQ(config.tables.sctp_slots, 4096U);
  EXPECT_EQ(config.tables.shift_slots, 4096U);
  EXPECT_EQ(config.tables.return_slots, 65536U);
  EXPECT_EQ(return_slots(config), 0U) << "no port gives sessions return paths";
  EXPECT_EQ(config.tables.full_policy, FullPolicy::kRefuse);
  EXPECT_THAT(config.timeouts.timeout_s, ElementsAre(20, 3600, 30, 2, 30, 120, 10, 60));
  EXPECT_THAT(config.timeouts.sctp_timeout_s, ElementsAre(20, 3600, 60, 30));
  EXPECT_EQ(config.ha2.transport, Ha2Transport::kEthernet);
  EXPECT_FALSE(config.ha2.peer_mac_known);
  EXPECT_EQ(config.ha2.mtu_bytes, 1500);
  EXPECT_EQ(config.ha2.window_frames, 256U);
  EXPECT_EQ(config.ha2.flush_us, 50U);
  EXPECT_EQ(config.ha2.reorder_us, 100U);
  EXPECT_TRUE(config.ha.enabled);
  EXPECT_EQ(config.ha.keepalive_interval_ms, 10U);
  EXPECT_EQ(config.ha.keepalive_threshold, 3U);
  EXPECT_EQ(config.ha.boot_hold_ms, 1000U);
  EXPECT_EQ(config.worker.idle_sleep_us, 50U);
}

TEST(ConfigSections, ReadsEveryBoxKey) {
  const Config config = parse_config(
      plus("[eal]\nhuge_pages='off'\nmemory_mib=512\nlcores='4@0,2@1,3'\nfile_prefix='"
           "p'\nargs=['--log-level=8']\n"
           "[tables]\npartitions=8\nsession4_slots=64\nsession6_slots=128\nsctp_slots=256\nshift_"
           "slots=320\nfull_"
           "policy='evict-half-open'\nfile='/x/y'\n"
           "[timeouts]\ntcp_opening=1\nother=604800\nsctp_opening=2\nsctp_closed=9\n[ha]"
           "\nkeepalive_interval_ms="
           "5\nkeepalive_threshold=2\nboot_hold_ms=10\n"
           "[worker]\nidle_sleep_us=0\n"),
      "t");
  EXPECT_EQ(config.eal.huge_pages, HugePages::kOff);
  EXPECT_THAT(config.eal.lcore_ids, ElementsAre(4U, 2U, 3U));
  EXPECT_EQ(config.eal.file_prefix, "p");
  EXPECT_THAT(config.eal.args, ElementsAre("--log-level=8"));
  EXPECT_EQ(config.tables.partitions, 8U);
  EXPECT_EQ(config.tables.sctp_slots, 256U);
  EXPECT_EQ(config.tables.shift_slots, 320U);
  EXPECT_EQ(config.tables.full_policy, FullPolicy::kEvictHalfOpen);
  EXPECT_EQ(config.tables.file, "/x/y");
  EXPECT_EQ(config.timeouts.timeout_s[0], 1U);
  EXPECT_EQ(config.timeouts.timeout_s[7], 604800U);
  EXPECT_THAT(config.timeouts.sctp_timeout_s, ElementsAre(2, 3600, 60, 9));
  EXPECT_EQ(config.worker.idle_sleep_us, 0U);
}

TEST(ConfigSections, ReadsTheLinkToThePeer) {
  const Config config =
      parse_config(tests::replaced(kConfigText, "device = \"net_ring2\"",
                                   "device='net_ring2'\ntransport='udp'\nlocal='fd00::1'\npeer='"
                                   "fd00::2'\npeer_mac='02:00:00:00:00:01'\nmtu=9000"),
                   "t");
  EXPECT_EQ(config.ha2.transport, Ha2Transport::kUdp);
  EXPECT_EQ(to_text(config.ha2.peer), "fd00::2");
  EXPECT_TRUE(config.ha2.peer_mac_known);
  EXPECT_EQ(to_text(config.ha2.peer_mac), "02:00:00:00:00:01");
  EXPECT_EQ(config.ha2.mtu_bytes, 9000);
  EXPECT_EQ(config.ha1.local.port, 28260);
}

TEST(ConfigSections, ReadsWhichTablesAreNotKeptEqual) {
  const Config config =
      parse_config(tests::replaced(kConfigText, "device = \"net_ring2\"",
                                   "device='net_ring2'\noff_tables=['arp','virtual_mac']"),
                   "t");
  EXPECT_EQ(config.ha2.off_tables,
            (tables::KindSet{tables::TableKind::kArp, tables::TableKind::kVirtualMac}));
  EXPECT_THAT(faults_with("device = \"net_ring2\"", "device='net_ring2'\noff_tables=['arpp']"),
              HasSubstr("\"arpp\" is no table that is kept equal; did you mean \"arp\""));
  EXPECT_THAT(faults_with("device = \"net_ring2\"", "device='net_ring2'\noff_tables=['dos_block']"),
              HasSubstr("\"dos_block\" is no table that is kept equal"));
}

TEST(ConfigSections, NamesBothPowersOfTwoBesideAWrongPartitionCount) {
  EXPECT_THAT(faults_of(plus("[tables]\npartitions = 6\n")),
              HasSubstr("tables.partitions: 6 is not a power of two; the next ones are 4 and 8"));
  EXPECT_THAT(faults_of(plus("[tables]\npartitions = 512\n")),
              HasSubstr("512 is out of range; must be 1 to 256"));
  EXPECT_THAT(faults_of(plus("[tables]\nsession4_slots = 67108865\n")),
              HasSubstr("must be 64 to 67108864"));
  EXPECT_THAT(faults_of(plus("[tables]\nsctp_slots = 63\n")),
              HasSubstr("tables.sctp_slots: 63 is out of range; must be 64 to 67108864"));
  EXPECT_THAT(faults_of(plus("[tables]\nshift_slots = 63\n")),
              HasSubstr("tables.shift_slots: 63 is out of range; must be 64 to 67108864"));
  EXPECT_THAT(faults_of(plus("[tables]\nreturn_slots = 63\n")),
              HasSubstr("tables.return_slots: 63 is out of range; must be 64 to 67108864"));
}

TEST(ConfigSections, RefusesLcoresWhoseOrderItCannotRead) {
  EXPECT_THAT(faults_of(plus("[eal]\nlcores='(0-3)@0'\n")), HasSubstr("\"(0-3)@0\" is no lcore"));
  EXPECT_THAT(faults_of(plus("[eal]\nlcores='0@0'\n")), HasSubstr("has no worker"));
  EXPECT_THAT(faults_of(plus("[eal]\nlcores='0@0,1@1,0@2'\n")), HasSubstr("names an lcore twice"));
  EXPECT_THAT(faults_of(plus("[eal]\nlcores='0@0,'\n")), HasSubstr("\"\" is no lcore"));
  EXPECT_THAT(faults_of(plus("[eal]\nlcores='0@0,128'\n")), HasSubstr("\"128\" is no lcore"));
}

TEST(ConfigSections, KeepsEalArgumentsThatHaveAKeyOfTheirOwnOut) {
  EXPECT_THAT(
      faults_of(plus("[eal]\nargs=['-l', '--file-prefix=x']\n")),
      ::testing::AllOf(HasSubstr("\"-l\" is not for args; use eal.lcores"),
                       HasSubstr("\"--file-prefix=x\" is not for args; use eal.file_prefix")));
}

TEST(ConfigSections, AsksForTheEndsOfAnIpLink) {
  const std::string faults =
      faults_with("device = \"net_ring2\"", "device='net_ring2'\ntransport='ip'");
  EXPECT_THAT(faults, HasSubstr("ha2.local: is missing"));
  EXPECT_THAT(faults, HasSubstr("ha2.peer: is missing"));
  EXPECT_THAT(faults_with("device = \"net_ring2\"", "device='net_ring2'\nlocal='224.0.0.1'"),
              HasSubstr("ha2.local: \"224.0.0.1\" is not a unicast address"));
  EXPECT_THAT(
      faults_with("device = \"net_ring2\"", "device='net_ring2'\npeer_mac='01:00:00:00:00:01'"),
      HasSubstr("is not a unicast MAC address"));
  EXPECT_THAT(faults_with("device = \"net_ring2\"", "device='net_ring2'\nmtu=9001"),
              HasSubstr("must be 1280 to 9000"));
  EXPECT_THAT(faults_with("device = \"net_ring2\"", "device='net_ring2'\nwindow_frames=100"),
              HasSubstr("ha2.window_frames: 100 is not a power of two"));
}

TEST(ConfigSections, NeedsNoPeerWhenTheBoxStandsAlone) {
  const std::string text(kConfigText.substr(0, kConfigText.find("[ha2]")));
  EXPECT_EQ(faults_of(text + "[ha]\nenabled = false\n"), "");
  const std::string faults = faults_of(text);
  EXPECT_THAT(faults, HasSubstr("ha2.device: is missing"));
  EXPECT_THAT(faults, HasSubstr("ha1.local: is missing"));
  EXPECT_THAT(faults, HasSubstr("ha1.peer: is missing"));
}

TEST(ConfigSections, RefusesABoxThatIsNeitherOfTheTwo) {
  EXPECT_EQ(faults_with("id = 0", "id = 2"), "t:3: box.id: 2 is out of range; must be 0 to 1");
  EXPECT_EQ(faults_with("id = 0\n", ""), "t:1: box.id: is missing; give a whole number, 0 to 1");
  EXPECT_THAT(faults_with("127.0.0.1:28260", "127.0.0.1"),
              HasSubstr("is not a unicast address with a port"));
}

}  // namespace
}  // namespace twinplane::dataplane
