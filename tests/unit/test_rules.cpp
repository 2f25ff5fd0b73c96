// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <random>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/rules.hpp"
#include "tests/support/config_text.hpp"

namespace {

std::size_t allocations_count = 0;

}  // namespace

// Counts what this program takes from the heap, to prove that lookups take nothing. Not inlined,
// since g++ 12 then sees malloc and free where it looks for new and delete.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations_count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }

[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace twinplane::dataplane {
namespace {

constexpr std::uint8_t kTrust = 0;
constexpr std::uint8_t kUntrust = 1;

RuleSet rules_of(std::string_view rules) {
  const std::string_view text = tests::kConfigText;
  const std::size_t begin = text.find("[[rule]]");
  const std::size_t end = text.find("[[nat]]");
  return RuleSet(parse_config(
      std::string(text.substr(0, begin)) + std::string(rules) + std::string(text.substr(end)),
      "t"));
}

RuleQuery4 query4(const char* source, const char* destination, std::uint8_t protocol,
                  std::uint16_t port, std::uint8_t from = kTrust, std::uint8_t to = kUntrust) {
  return {parse_address(source)->v4(),
          parse_address(destination)->v4(),
          network_order(port),
          protocol,
          from,
          to};
}

RuleQuery6 query6(const char* source, const char* destination, std::uint8_t protocol,
                  std::uint16_t port) {
  return {parse_address(source)->v6(),
          parse_address(destination)->v6(),
          network_order(port),
          protocol,
          kTrust,
          kUntrust};
}

constexpr RuleVerdict kDefault{kDefaultRule, RuleAction::kDrop, false};

TEST(Rules, DropsWhatNoRuleMatches) {
  EXPECT_EQ(rules_of("").lookup(query4("10.1.0.1", "10.2.0.1", kProtocolTcp, 80)), kDefault);
}

TEST(Rules, TakesTheFirstThatMatches) {
  const RuleSet rules = rules_of(R"(
[[rule]]
name = "a"
from = ["trust"]
to = ["untrust"]
protocol = "tcp"
ports = ["22", "80-90"]
action = "drop"
[[rule]]
name = "b"
from = ["trust"]
to = ["untrust"]
action = "allow"
sync = false
[[rule]]
name = "c"
from = ["any"]
to = ["any"]
action = "allow"
)");
  EXPECT_EQ(rules.size(), 3U);
  const RuleVerdict a{0, RuleAction::kDrop, true};
  const RuleVerdict b{1, RuleAction::kAllow, false};
  const RuleVerdict c{2, RuleAction::kAllow, true};
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolTcp, 80)), a);
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolTcp, 90)), a);
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolTcp, 91)), b);
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolUdp, 80)), b);
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolTcp, 80, kUntrust, kTrust)), c);
  EXPECT_EQ(rules.lookup(query6("fd00:1::1", "fd00:2::1", kProtocolTcp, 22)), a);
}

TEST(Rules, ComparesAddressesOfThePacketsFamilyOnly) {
  const RuleSet rules = rules_of(R"(
[[rule]]
name = "four"
from = ["any"]
to = ["any"]
source = ["10.1.0.0/25", "192.168.7.9/32"]
destination = ["0.0.0.0/0"]
action = "allow"
[[rule]]
name = "six"
from = ["any"]
to = ["any"]
source = ["fd00:1::/64"]
destination = ["fd00:2::8000/113", "::/1"]
action = "allow"
)");
  EXPECT_EQ(rules.lookup(query4("10.1.0.127", "1.2.3.4", kProtocolTcp, 1)).rule, 0);
  EXPECT_EQ(rules.lookup(query4("10.1.0.128", "1.2.3.4", kProtocolTcp, 1)), kDefault);
  EXPECT_EQ(rules.lookup(query4("192.168.7.9", "1.2.3.4", kProtocolTcp, 1)).rule, 0);
  EXPECT_EQ(rules.lookup(query4("192.168.7.8", "1.2.3.4", kProtocolTcp, 1)), kDefault);
  EXPECT_EQ(rules.lookup(query6("fd00:1::1", "fd00:2::8001", kProtocolTcp, 1)).rule, 1);
  EXPECT_EQ(rules.lookup(query6("fd00:1::1", "fd00:2::7fff", kProtocolTcp, 1)), kDefault);
  EXPECT_EQ(rules.lookup(query6("fd00:1::1", "2001:db8::1", kProtocolTcp, 1)).rule, 1);
  EXPECT_EQ(rules.lookup(query6("fd00:1:0:1::1", "2001:db8::1", kProtocolTcp, 1)), kDefault);
}

TEST(Rules, AsksForPortsOnlyWhereThereAreSome) {
  const RuleSet rules = rules_of(R"(
[[rule]]
name = "web"
from = ["any"]
to = ["any"]
ports = ["80"]
action = "allow"
[[rule]]
name = "ping"
from = ["any"]
to = ["any"]
protocol = "icmp"
action = "allow"
)");
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolUdp, 80)).rule, 0);
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", kProtocolIcmp, 80)).rule, 1)
      << "an identifier is no port";
  EXPECT_EQ(rules.lookup(query6("fd00:1::1", "fd00:2::1", kProtocolIcmp6, 0)).rule, 1);
  EXPECT_EQ(rules.lookup(query4("10.1.0.1", "10.2.0.1", 47, 80)), kDefault);
}

TEST(Rules, AgreesWithTheConfigReadWordForWord) {
  std::mt19937_64 random(7);
  Config config = parse_config(tests::kConfigText, "t");
  config.rules.clear();
  const auto some_network = [&random] {
    IpPrefix prefix{IpAddress::of(tables::Address4{10, static_cast<std::uint8_t>(random() % 4),
                                                   static_cast<std::uint8_t>(random()), 0}),
                    static_cast<std::uint8_t>(random() % 33)};
    return network_of(prefix);
  };
  for (std::size_t i = 0; i < kRulesMax; ++i) {
    RuleConfig rule;
    if (random() % 2 == 0) rule.from_zones = {static_cast<std::uint8_t>(random() % 2)};
    if (random() % 2 == 0) rule.to_zones = {static_cast<std::uint8_t>(random() % 2)};
    for (std::uint64_t k = random() % 3; k != 0; --k) rule.source.push_back(some_network());
    for (std::uint64_t k = random() % 3; k != 0; --k) rule.destination.push_back(some_network());
    if (random() % 2 == 0) rule.protocols = {kProtocolTcp};
    const auto port = static_cast<std::uint16_t>(random() % 60);
    if (random() % 2 == 0) rule.ports = {{port, static_cast<std::uint16_t>(port + 3)}};
    config.rules.push_back(rule);
  }
  const RuleSet rules(config);
  const auto any_contains = [](const std::vector<IpPrefix>& networks,
                               const tables::Address4& address) {
    if (networks.empty()) return true;
    for (const IpPrefix& network : networks) {
      if (contains(network, IpAddress::of(address))) return true;
    }
    return false;
  };
  for (int run = 0; run < 2000; ++run) {
    RuleQuery4 query{};
    query.source = some_network().address.v4();
    query.destination = some_network().address.v4();
    const auto port = static_cast<std::uint16_t>(random() % 64);
    query.destination_port_be = network_order(port);
    query.protocol = random() % 2 == 0 ? kProtocolTcp : kProtocolUdp;
    query.zone_from = static_cast<std::uint8_t>(random() % 2);
    query.zone_to = static_cast<std::uint8_t>(random() % 2);
    std::uint16_t expected = kDefaultRule;
    for (std::size_t i = 0; i < config.rules.size() && expected == kDefaultRule; ++i) {
      const RuleConfig& rule = config.rules[i];
      const bool matches =
          (rule.from_zones.empty() || rule.from_zones[0] == query.zone_from) &&
          (rule.to_zones.empty() || rule.to_zones[0] == query.zone_to) &&
          (rule.protocols.empty() || rule.protocols[0] == query.protocol) &&
          (rule.ports.empty() || (rule.ports[0].first <= port && port <= rule.ports[0].last)) &&
          any_contains(rule.source, query.source) &&
          any_contains(rule.destination, query.destination);
      if (matches) expected = static_cast<std::uint16_t>(i);
    }
    ASSERT_EQ(rules.lookup(query).rule, expected) << "query " << run;
  }
}

TEST(Rules, TakesNothingFromTheHeapAtLookup) {
  const RuleSet rules(parse_config(tests::kConfigText, "t"));
  const RuleQuery4 four = query4("10.1.0.1", "10.2.0.1", kProtocolTcp, 80);
  const RuleQuery6 six = query6("fd00:1::1", "fd00:2::1", kProtocolTcp, 80);
  const std::size_t before = allocations_count;
  const bool both = rules.lookup(four).action == RuleAction::kAllow &&
                    rules.lookup(six).action == RuleAction::kAllow;
  EXPECT_EQ(allocations_count, before);
  EXPECT_TRUE(both);
}

}  // namespace
}  // namespace twinplane::dataplane
