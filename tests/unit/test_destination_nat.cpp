// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/destination_nat.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tables::Endpoint;
using tests::port_be;

constexpr std::uint8_t kTrust = 0;
constexpr std::uint8_t kUntrust = 1;
constexpr Address4 kPublic{10, 2, 0, 80};

DestinationNat with(std::string_view rules) {
  return DestinationNat(parse_config(std::string(tests::kConfigText) + std::string(rules), "t"));
}

std::string rule(std::string_view name, std::string_view more) {
  return "[[nat]]\nname='" + std::string(name) + "'\nfrom=['untrust']\n" + std::string(more) + "\n";
}

std::string to_public(std::string_view name, std::string_view real, std::string_view more) {
  return rule(name, "destination='10.2.0.80'\ntranslated_destination='" + std::string(real) +
                        "'\n" + std::string(more));
}

Arrival<Address4> arrival(unsigned port, std::uint8_t protocol = kProtocolTcp,
                          std::uint8_t zone = kUntrust, const Address4& target = kPublic) {
  return {.protocol = protocol,
          .source = {{192, 0, 2, 7}, port_be(40000)},
          .target = {target, port_be(port)},
          .zone = zone};
}

TEST(DestinationNat, LeavesEverythingAloneWithoutRules) {
  EXPECT_FALSE(with("").try_real_target(arrival(80)));
  EXPECT_FALSE(with("").try_public_source(kPublic, kUntrust));
}

TEST(DestinationNat, TakesTheFirstRuleThatMatchesZoneProtocolPortAndSource) {
  const DestinationNat nat =
      with(to_public("a", "10.1.0.1", "protocol='tcp'\ndestination_port=80\ntranslated_port=8080") +
           to_public("b", "10.1.0.2", "destination_port='80-90'") +
           to_public("c", "10.1.0.3", "protocol='icmp'") +
           to_public("d", "10.1.0.4", "source=['192.0.2.0/29']") + to_public("e", "10.1.0.5", ""));
  const auto real = [&](const Arrival<Address4>& one) { return nat.try_real_target(one).value(); };
  EXPECT_EQ(real(arrival(80)), (Endpoint<Address4>{{10, 1, 0, 1}, port_be(8080)}));
  EXPECT_EQ(real(arrival(80, kProtocolUdp)), (Endpoint<Address4>{{10, 1, 0, 2}, port_be(80)}));
  EXPECT_EQ(real(arrival(90)), (Endpoint<Address4>{{10, 1, 0, 2}, port_be(90)}));
  EXPECT_EQ(real(arrival(80, kProtocolIcmp)).address, (Address4{10, 1, 0, 3}));
  EXPECT_EQ(real(arrival(91)).address, (Address4{10, 1, 0, 4}));
  Arrival<Address4> stranger = arrival(91);
  stranger.source.address = {192, 0, 2, 9};
  EXPECT_EQ(real(stranger).address, (Address4{10, 1, 0, 5}));
  EXPECT_FALSE(nat.try_real_target(arrival(80, kProtocolTcp, kTrust)));
}

TEST(DestinationNat, TellsAddressesApartThatShareABitOfItsMap) {
  const DestinationNat nat = with(to_public("a", "10.1.0.1", ""));
  for (unsigned i = 0; i < 65536; ++i) {
    const Address4 other{10, 2, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)};
    ASSERT_EQ(nat.try_real_target(arrival(80, kProtocolTcp, kUntrust, other)).has_value(),
              other == kPublic);
  }
}

TEST(DestinationNat, SpeaksForAHostTowardsTheZonesOfItsBidirectionalRule) {
  const DestinationNat nat =
      with(to_public("a", "10.1.0.1", "bidirectional=true") +
           rule("b",
                "destination='fd00:2::80'\ntranslated_destination='fd00:1::80'\n"
                "bidirectional=true") +
           rule("c", "destination='10.2.0.81'\ntranslated_destination='10.1.0.2'"));
  EXPECT_EQ(nat.try_public_source(Address4{10, 1, 0, 1}, kUntrust), kPublic);
  EXPECT_FALSE(nat.try_public_source(Address4{10, 1, 0, 1}, kTrust));
  EXPECT_FALSE(nat.try_public_source(Address4{10, 1, 0, 2}, kUntrust)) << "it is for one direction";
  constexpr Address6 kReal6{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};
  constexpr Address6 kPublic6{0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};
  EXPECT_EQ(nat.try_public_source(kReal6, kUntrust), kPublic6);
}

}  // namespace
}  // namespace twinplane::dataplane
