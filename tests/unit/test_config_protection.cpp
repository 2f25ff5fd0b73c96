// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_hello.hpp"
#include "dataplane/config_summary.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tests::faults_of;
using tests::kConfigText;

std::string plus(std::string_view keys, std::string_view zone = "untrust") {
  return std::string(kConfigText) + "[[zone_protection]]\nzone = \"" + std::string(zone) + "\"\n" +
         std::string(keys);
}

ZoneProtectionConfig read(std::string_view keys) {
  return parse_config(plus(keys), "t").zone_protections.at(0);
}

const FloodThresholds& of(const ZoneProtectionConfig& protection, FloodKind kind) {
  return protection.thresholds[static_cast<std::size_t>(kind)];
}

TEST(ConfigProtection, IsNoneUnlessThereIsOne) {
  EXPECT_TRUE(parse_config(kConfigText, "t").zone_protections.empty());
  EXPECT_THAT(summary(parse_config(kConfigText, "t")), Not(HasSubstr("zone_protection")));
}

TEST(ConfigProtection, ReadsEveryKey) {
  const ZoneProtectionConfig protection = read(
      "syn = { alarm = 10, activate = 20, maximum = 30, action = 'random-early-drop' }\n"
      "udp = { activate = 1, maximum = 100000000 }\nsource_rate = 7\nblock_seconds = 9\n"
      "exempt = ['192.0.2.0/24', 'fd00:9::/64']\n");
  EXPECT_EQ(protection.zone_index, 1);
  const FloodThresholds& syn = of(protection, FloodKind::kSyn);
  EXPECT_EQ(syn.alarm_per_s, 10U);
  EXPECT_EQ(syn.activate_per_s, 20U);
  EXPECT_EQ(syn.maximum_per_s, 30U);
  EXPECT_FALSE(syn.has_cookies);
  EXPECT_EQ(of(protection, FloodKind::kUdp).alarm_per_s, 1U) << "activate's, unless given";
  EXPECT_EQ(of(protection, FloodKind::kIcmp).maximum_per_s, 0U) << "not metered";
  EXPECT_EQ(protection.source_per_s, 7U);
  EXPECT_EQ(protection.block_s, 9U);
  ASSERT_EQ(protection.exempt.size(), 2U);
  EXPECT_EQ(to_text(protection.exempt[1]), "fd00:9::/64");
}

TEST(ConfigProtection, IsSaidInTheSummary) {
  EXPECT_THAT(
      summary(parse_config(plus("icmp = { activate = 20, maximum = 30 }\nsource_rate = 7\n"
                                "exempt = ['192.0.2.0/24']\n"),
                           "t")),
      HasSubstr("zone_protection of untrust: icmp above 20/s dropped at random, all dropped above "
                "30/s; a source of more than 7 new sessions/s is blocked for 60 s, but for "
                "192.0.2.0/24\n"));
  EXPECT_THAT(summary(parse_config(plus("icmp = { activate = 20, maximum = 30 }\n"), "t")),
              HasSubstr("all dropped above 30/s; no source is blocked\n"));
}

TEST(ConfigProtection, AnswersSynsWithCookiesWhereItIsSaid) {
  const ZoneProtectionConfig protection =
      read("syn = { activate = 20, maximum = 30, action = 'syn-cookies' }\n");
  EXPECT_TRUE(of(protection, FloodKind::kSyn).has_cookies);
  EXPECT_THAT(protection_text(protection), HasSubstr("syn above 20/s answered with cookies,"));
}

std::string with_secret(std::string_view secret) {
  return std::string(kConfigText) + "[ha]\ncookie_secret = \"" + std::string(secret) + "\"\n";
}

TEST(ConfigProtection, TakesASecretOf32DigitsAndTellsNobodyWhatItIs) {
  const std::string right = "00112233445566778899aAbBcCdDeEfF";
  const Config config = parse_config(with_secret(right), "t");
  ASSERT_TRUE(config.ha.cookie_secret);
  EXPECT_EQ(config.ha.cookie_secret->low, 0x0011223344556677U);
  EXPECT_EQ(config.ha.cookie_secret->high, 0x8899AABBCCDDEEFFU);
  EXPECT_THAT(summary(config), Not(HasSubstr("001122")));
  EXPECT_FALSE(parse_config(with_secret(""), "t").ha.cookie_secret);
  for (const std::string& wrong : {right + "0", right.substr(1), right.substr(1) + "g"}) {
    EXPECT_THAT(faults_of(with_secret(wrong)),
                HasSubstr("ha.cookie_secret: is no secret of 32 hexadecimal digits"));
    EXPECT_THAT(faults_of(with_secret(wrong)), Not(HasSubstr("112233")));
  }
}

TEST(ConfigProtection, RefusesThresholdsOutOfOrder) {
  EXPECT_THAT(faults_of(plus("udp = { activate = 31, maximum = 30 }\n")),
              HasSubstr("zone_protection.udp.activate: 31 is above maximum, 30; alarm <= activate "
                        "<= maximum"));
  EXPECT_THAT(faults_of(plus("udp = { alarm = 21, activate = 20, maximum = 30 }\n")),
              HasSubstr("zone_protection.udp.alarm: 21 is above activate, 20; alarm <= activate"));
  EXPECT_THAT(faults_of(plus("udp = { activate = 20 }\n")),
              HasSubstr("zone_protection.udp.maximum: is missing"));
  EXPECT_THAT(faults_of(plus("udp = { activate = 0, maximum = 30 }\n")),
              HasSubstr("must be 1 to 100000000"));
}

TEST(ConfigProtection, RefusesAnActionThatIsNone) {
  EXPECT_THAT(faults_of(plus("syn = { activate = 1, maximum = 2, action = 'drop' }\n")),
              HasSubstr("zone_protection.syn.action: \"drop\" is not known"));
  EXPECT_THAT(
      faults_of(plus("udp = { activate = 1, maximum = 2, action = 'random-early-drop' }\n")),
      HasSubstr("zone_protection.udp.action: is for syn alone"));
}

TEST(ConfigProtection, RefusesAZoneThatIsNoneOrThereTwice) {
  EXPECT_THAT(faults_of(plus("source_rate = 7\n", "untrsut")),
              HasSubstr("zone_protection.zone: \"untrsut\" is no zone of any port"));
  EXPECT_THAT(
      faults_of(plus("source_rate = 7\n") + "[[zone_protection]]\nzone='untrust'\nsource_rate=7\n"),
      HasSubstr("\"untrust\" has a zone_protection already; one for each zone"));
}

TEST(ConfigProtection, RefusesOneThatDoesNothing) {
  EXPECT_THAT(faults_of(plus("")), HasSubstr("zone_protection.zone: is protected from nothing"));
  EXPECT_THAT(faults_of(plus("udp = { activate = 1, maximum = 2 }\nblock_seconds = 5\n")),
              HasSubstr("zone_protection.block_seconds: is for blocked sources, and without "
                        "source_rate none is blocked; give source_rate"));
  EXPECT_THAT(faults_of(plus("source_rate = 1\nexempt = ['192.0.2.1/24']\n")),
              HasSubstr("has bits beyond its length"));
  EXPECT_THAT(faults_of(plus("sync = { activate = 1, maximum = 2 }\n")),
              HasSubstr("did you mean \"syn\"?"));
}

TEST(ConfigProtection, MayDifferBetweenTheBoxesAndIsShown) {
  const auto item = [](const Config& config) {
    for (const HelloItem& one : hello_items(config))
      if (one.name == "zone_protection") return one;
    return HelloItem{};
  };
  const HelloItem one = item(parse_config(plus("source_rate = 7\n"), "t"));
  const HelloItem other = item(parse_config(plus("source_rate = 8\n"), "t"));
  EXPECT_NE(one.value, other.value);
  EXPECT_FALSE(one.must_equal);
}

}  // namespace
}  // namespace twinplane::dataplane
