// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_floating.hpp"
#include "dataplane/config_hello.hpp"
#include "dataplane/config_summary.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using tests::faults_of;
using tests::kConfigText;

// kConfigText and a second nat rule, which begins on line 34.
std::string plus(std::string_view name, std::string_view more) {
  return std::string(kConfigText) + "[[nat]]\nname='" + std::string(name) +
         "'\nfrom=['untrust']\n" + std::string(more) + "\n";
}

std::string to_web(std::string_view more) {
  return plus("web",
              "destination='10.2.0.80'\ntranslated_destination='10.1.0.80'\n" + std::string(more));
}

NatDestination destination_of(const std::string& text) {
  return parse_config(text, "t").nat.at(1).destination.value();
}

TEST(ConfigNat, ReadsARuleForADestinationInFull) {
  const NatDestination web =
      destination_of(to_web("protocol='tcp'\ndestination_port='80'\ntranslated_port=8080"));
  EXPECT_EQ(to_text(web.address), "10.2.0.80");
  EXPECT_EQ(to_text(web.real_address), "10.1.0.80");
  EXPECT_THAT(web.protocols, ElementsAre(kProtocolTcp));
  EXPECT_EQ(web.ports, (PortRange{80, 80}));
  EXPECT_EQ(web.real_port, 8080);
  EXPECT_FALSE(web.is_bidirectional);
}

TEST(ConfigNat, TakesTheWholeAddressWhereNothingElseIsSaid) {
  const NatDestination web = destination_of(to_web("bidirectional=true"));
  EXPECT_THAT(web.protocols, IsEmpty());
  EXPECT_FALSE(web.ports);
  EXPECT_EQ(web.real_port, 0);
  EXPECT_TRUE(web.is_bidirectional);
}

TEST(ConfigNat, TakesPortsOfNoProtocolForThoseOfBoth) {
  const NatDestination web = destination_of(to_web("destination_port='8000-8099'"));
  EXPECT_THAT(web.protocols, ElementsAre(kProtocolTcp, kProtocolUdp));
  EXPECT_EQ(web.ports, (PortRange{8000, 8099}));
  EXPECT_THAT(destination_of(to_web("destination_port='any'")).protocols, IsEmpty());
}

TEST(ConfigNat, KeepsTheKeysOfTheTwoKindsApart) {
  EXPECT_EQ(faults_of(to_web("to=['trust']")),
            "t:39: nat.to: is for rules that translate a source; a nat rule of its own for that; "
            "both are done to one session");
  EXPECT_THAT(faults_of(to_web("addresses=['10.2.0.9']")), HasSubstr("nat.addresses: is for"));
  EXPECT_THAT(faults_of(to_web("ports='1-2'")), HasSubstr("nat.ports: is for"));
  EXPECT_THAT(faults_of(plus("out", "to=['trust']\naddresses=['10.1.0.9']\nbidirectional=true")),
              HasSubstr("nat.bidirectional: is for rules that translate a destination; give "
                        "destination and translated_destination too"));
  EXPECT_THAT(faults_of(plus("web", "destination='10.2.0.80'")),
              HasSubstr("nat.translated_destination: is missing"));
  EXPECT_THAT(faults_of(to_web("destination_prot='80'")),
              HasSubstr("did you mean \"destination_port\"?"));
}

TEST(ConfigNat, RefusesAddressesThatNobodyCanHave) {
  for (const char* address : {"224.0.0.1", "10.2.0.80/32", "web"}) {
    EXPECT_THAT(faults_of(plus("web", "destination='" + std::string(address) +
                                          "'\ntranslated_destination='10.1.0.80'")),
                HasSubstr("is not a unicast address; one address without a length"))
        << address;
  }
  EXPECT_THAT(faults_of(plus("web", "destination='fd00:2::80'\ntranslated_destination='fe80::80'")),
              HasSubstr("nat.translated_destination: fe80::80 is link-local"));
}

TEST(ConfigNat, WantsPortsOfProtocolsThatHaveThem) {
  EXPECT_THAT(faults_of(to_web("protocol='icmp'\ndestination_port='80'")),
              HasSubstr("nat.destination_port: the rule's protocol has no ports"));
  EXPECT_THAT(faults_of(to_web("destination_port='90-80'")), HasSubstr("is no port range"));
  EXPECT_THAT(faults_of(to_web("translated_port=80")),
              HasSubstr("nat.translated_port: would make many ports one"));
  EXPECT_THAT(faults_of(to_web("destination_port='80-81'\ntranslated_port=80")),
              HasSubstr("one destination_port with it, or leave it out"));
}

TEST(ConfigNat, TranslatesOnlyWholeAddressesBothWays) {
  for (const char* narrow : {"protocol='tcp'", "destination_port='80'", "source=['10.9.0.0/16']"}) {
    EXPECT_THAT(faults_of(to_web(std::string(narrow) + "\nbidirectional=true")),
                HasSubstr("a rule for both directions translates whole addresses"))
        << narrow;
  }
}

TEST(ConfigNat, LeadsOnlyWherePacketsCanGo) {
  const auto real = [](const char* address) {
    return faults_of(plus(
        "web", "destination='10.2.0.80'\ntranslated_destination='" + std::string(address) + "'"));
  };
  EXPECT_THAT(real("fd00:1::80"), HasSubstr("fd00:1::80 is of another family than 10.2.0.80"));
  EXPECT_EQ(real("10.1.0.254"),
            "t:38: nat.translated_destination: 10.1.0.254 is this box's own address; the address "
            "of the server");
  EXPECT_THAT(real("10.2.0.80"), HasSubstr("is this box's own address"));
  EXPECT_EQ(real("10.77.0.1"), "") << "a route leads there";
  EXPECT_THAT(
      faults_of(plus("web", "destination='fd00:2::80'\ntranslated_destination='fd00:9::80'")),
      HasSubstr("fd00:9::80 is on no network of a port, and no route leads to it"));
}

TEST(ConfigNat, LeavesWholeAddressesToOne) {
  const auto faults = [](const char* address, const char* more) {
    return faults_of(plus("web", "destination='" + std::string(address) +
                                     "'\ntranslated_destination='10.1.0.80'\n" + more));
  };
  EXPECT_THAT(faults("10.1.0.254", ""),
              HasSubstr("nat.destination: 10.1.0.254 is an address of the box itself; a "
                        "destination_port with it, or an address of its own"));
  EXPECT_THAT(faults("10.2.0.254", "protocol='tcp'"),
              HasSubstr("10.2.0.254 hides the sources of nat rule \"hide\""));
  EXPECT_EQ(faults("10.2.0.254", "destination_port='80'"), "");
}

TEST(ConfigNat, LeavesSourcesThePortsTheyAreHiddenBehind) {
  const auto faults = [](const char* ports) {
    return faults_of(plus("web",
                          "destination='10.2.0.254'\ntranslated_destination='10.1.0.80'\n"
                          "destination_port='" +
                              std::string(ports) + "'"));
  };
  EXPECT_EQ(faults("1-1123"), "");
  EXPECT_EQ(faults("8443"), "");
  EXPECT_THAT(faults("1-1124"),
              HasSubstr("nat.destination_port: takes 101 of the ports that nat rule \"hide\" hides "
                        "sources behind; at most 100 of them"));
}

TEST(ConfigNat, PairsAnAddressThatIsTranslatedBothWaysOnce) {
  const std::string both = to_web("bidirectional=true");
  EXPECT_THAT(faults_of(both + "[[nat]]\nname='b'\nfrom=['untrust']\ndestination='10.2.0.80'\n"
                               "translated_destination='10.1.0.81'\ndestination_port='80'\n"),
              HasSubstr("nat.destination: 10.2.0.80 is a destination of nat rule \"b\" too"));
  const std::string twice =
      faults_of(both +
                "[[nat]]\nname='b'\nfrom=['untrust']\ndestination='10.2.0.81'\n"
                "translated_destination='10.1.0.80'\nbidirectional=true\n");
  EXPECT_THAT(twice, HasSubstr("10.1.0.80 has a public address of nat rule \"b\" already"));
  EXPECT_THAT(twice, Not(HasSubstr("\n"))) << "it is told once";
}

TEST(ConfigNat, AnswersForPublicAddressesOnTheClientsSide) {
  const Config config = parse_config(to_web("bidirectional=true"), "t");
  std::vector<std::string> texts;
  for (const FloatingAddress& floating : floating_addresses(config))
    texts.push_back(to_text(floating.address) + " on " + config.ports[floating.port_index].name);
  EXPECT_THAT(texts, Contains("10.2.0.80 on outside"));
  const Config routed = parse_config(
      plus("web", "destination='203.0.113.80'\ntranslated_destination='10.1.0.80'"), "t");
  EXPECT_EQ(floating_addresses(routed).size(), 4U) << "who routes it here asks for nobody's MAC";
}

TEST(ConfigNat, TellsThePeerOfEveryDifference) {
  const auto digest = [](const std::string& text) {
    for (const HelloItem& item : hello_items(parse_config(text, "t"))) {
      if (item.name == "nat_contents") return item.value;
    }
    return std::uint64_t{0};
  };
  const std::uint64_t before = digest(to_web(""));
  EXPECT_NE(before, digest(to_web("bidirectional=true")));
  EXPECT_NE(before, digest(to_web("protocol='tcp'")));
  EXPECT_NE(digest(to_web("destination_port=80")), digest(to_web("destination_port='80-81'")));
  EXPECT_NE(digest(to_web("destination_port=80")),
            digest(to_web("destination_port=80\ntranslated_port=81")));
}

TEST(ConfigNat, SaysInWordsWhereDestinationsGo) {
  EXPECT_THAT(
      summary(
          parse_config(to_web("protocol='tcp'\ndestination_port=80\ntranslated_port=8080"), "t")),
      HasSubstr(
          "nat \"web\": tcp from untrust (any address) to 10.2.0.80:80 goes to 10.1.0.80:8080\n"));
  EXPECT_THAT(summary(parse_config(to_web("bidirectional=true"), "t")),
              HasSubstr("nat \"web\": any protocol from untrust (any address) to 10.2.0.80 goes to "
                        "10.1.0.80, and what that opens towards untrust leaves as 10.2.0.80\n"));
  EXPECT_THAT(summary(parse_config(plus("web",
                                        "destination='fd00:2::80'\ndestination_port='80-81'\n"
                                        "translated_destination='fd00:1::80'"),
                                   "t")),
              HasSubstr("to [fd00:2::80]:80-81 goes to [fd00:1::80]:80-81\n"));
}

}  // namespace
}  // namespace twinplane::dataplane
