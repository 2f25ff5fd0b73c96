// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <utility>

#include "dataplane/nat_pool.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;

constexpr std::uint8_t kTrust = 0;
constexpr std::uint8_t kUntrust = 1;
constexpr std::uint32_t kTriesMax = 1U << 20U;

constexpr auto kAcceptAll = [](const auto&, std::uint16_t) { return true; };

Config config_with(std::string_view nat) {
  const std::string_view text = tests::kConfigText;
  const std::size_t begin = text.find("[[nat]]");
  const std::size_t end = text.find("[ha2]");
  return parse_config(
      std::string(text.substr(0, begin)) + std::string(nat) + std::string(text.substr(end)), "t");
}

std::string nat_rule(std::string_view name, std::string_view source, std::string_view addresses,
                     std::string_view ports) {
  return "[[nat]]\nname='" + std::string(name) + "'\nfrom=['trust']\nto=['untrust']\nsource=[" +
         std::string(source) + "]\naddresses=[" + std::string(addresses) + "]\nports='" +
         std::string(ports) + "'\n";
}

NatQuery<Address4> query4(std::uint8_t host, std::uint64_t flow_hash) {
  return {{10, 1, 0, host}, kTrust, kUntrust, true, flow_hash};
}

TEST(NatPool, LeavesSessionsThatNoRuleMatchesAlone) {
  const NatPool pool(config_with(nat_rule("a", "'10.1.0.0/25'", "'10.2.0.9'", "1024-65535")), 1);
  EXPECT_EQ(pool.match(Address4{10, 1, 0, 128}, kTrust, kUntrust), kNoNatRule);
  EXPECT_EQ(pool.match(Address4{10, 1, 0, 1}, kUntrust, kTrust), kNoNatRule);
  EXPECT_EQ(pool.match(Address6{0xFD}, kTrust, kUntrust), kNoNatRule);
  EXPECT_EQ(pool.match(Address4{10, 1, 0, 1}, kTrust, kUntrust), 0);
  const auto choice = pool.choose(query4(128, 5), kTriesMax, kAcceptAll, kAcceptAll);
  EXPECT_EQ(choice.result, NatResult::kNoRule);
  EXPECT_EQ(choice.rule, kNoNatRule);
}

TEST(NatPool, TakesTheFirstRuleOfThePacketsFamily) {
  const NatPool pool(config_with(nat_rule("six", "'any'", "'fd00:2::9'", "1024-65535") +
                                 nat_rule("one", "'10.1.0.7/32'", "'10.2.0.7'", "5000-5999") +
                                 nat_rule("all", "'any'", "'10.2.0.9'", "1024-65535")),
                     1);
  EXPECT_EQ(pool.match(Address4{10, 1, 0, 7}, kTrust, kUntrust), 1);
  EXPECT_EQ(pool.match(Address4{10, 1, 0, 8}, kTrust, kUntrust), 2);
  const NatQuery<Address6> query{{0xFD, 0, 0, 1}, kTrust, kUntrust, true, 3};
  const auto choice = pool.choose(query, kTriesMax, kAcceptAll, kAcceptAll);
  EXPECT_EQ(choice.result, NatResult::kChosen);
  EXPECT_EQ(choice.rule, 0);
  EXPECT_EQ(choice.address, (Address6{0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}));
}

TEST(NatPool, ChoosesOnlyWhatThePartitionAcceptsAndAsksOnlyAboutThat) {
  const NatPool pool(config_with(nat_rule("a", "'any'", "'10.2.0.9'", "1024-65535")), 1);
  const auto accepts = [](const Address4&, std::uint16_t port_be) {
    return network_order(port_be) % 4 == 3;
  };
  for (std::uint64_t flow = 0; flow < 500; ++flow) {
    bool asked_about_others = false;
    const auto choice = pool.choose(
        query4(1, flow), 256, accepts, [&](const Address4& address, std::uint16_t port_be) {
          asked_about_others = asked_about_others || !accepts(address, port_be);
          return true;
        });
    ASSERT_EQ(choice.result, NatResult::kChosen);
    ASSERT_EQ(network_order(choice.port_be) % 4, 3);
    ASSERT_GE(network_order(choice.port_be), 1024);
    ASSERT_LE(choice.tries_count, 4U);
    ASSERT_FALSE(asked_about_others);
  }
}

TEST(NatPool, GivesOutEveryPortOfTheRangeAndThenSaysSo) {
  const NatPool pool(config_with(nat_rule("a", "'any'", "'10.2.0.8','10.2.0.9'", "65000-65535")),
                     1);
  std::set<std::pair<Address4, std::uint16_t>> taken;
  const auto is_free = [&taken](const Address4& address, std::uint16_t port_be) {
    return !taken.contains({address, port_be});
  };
  for (std::uint64_t flow = 0; flow < 2U * 536U; ++flow) {
    const auto choice = pool.choose(query4(static_cast<std::uint8_t>(flow % 200), flow), kTriesMax,
                                    kAcceptAll, is_free);
    ASSERT_EQ(choice.result, NatResult::kChosen) << flow;
    ASSERT_TRUE(taken.insert({choice.address, choice.port_be}).second);
    ASSERT_GE(network_order(choice.port_be), 65000);
  }
  const auto choice = pool.choose(query4(1, 99), kTriesMax, kAcceptAll, is_free);
  EXPECT_EQ(choice.result, NatResult::kExhausted);
  EXPECT_EQ(choice.rule, 0);
  EXPECT_EQ(choice.tries_count, 2U * 536U);
}

TEST(NatPool, StopsAfterItsTries) {
  const NatPool pool(
      config_with(nat_rule("a", "'any'", "'10.2.0.7','10.2.0.8','10.2.0.9'", "1024-65535")), 1);
  const auto never = [](const Address4&, std::uint16_t) { return false; };
  EXPECT_EQ(pool.choose(query4(1, 1), 256, never, kAcceptAll).tries_count, 255U);
  EXPECT_EQ(pool.choose(query4(1, 1), 2, never, kAcceptAll).tries_count, 2U);
  EXPECT_EQ(pool.choose(query4(1, 1), 0, never, kAcceptAll).tries_count, 0U);
}

TEST(NatPool, SharesItsTriesAmongAddressesSoThatAFullOneHidesNone) {
  const NatPool pool(config_with(nat_rule("a", "'any'", "'10.2.0.7','10.2.0.8'", "1024-65535")), 1);
  for (std::uint8_t host = 1; host < 50; ++host) {
    const auto choice =
        pool.choose(query4(host, host), 64, kAcceptAll,
                    [](const Address4& address, std::uint16_t) { return address[3] == 8; });
    ASSERT_EQ(choice.result, NatResult::kChosen);
  }
}

TEST(NatPool, KeepsOneOutsideAddressForOneInsideAddress) {
  const NatPool pool(
      config_with(
          nat_rule("a", "'any'", "'10.2.0.6','10.2.0.7','10.2.0.8','10.2.0.9'", "1024-65535")),
      1);
  std::set<Address4> used;
  for (std::uint8_t host = 1; host < 100; ++host) {
    const Address4 first = pool.choose(query4(host, 1), 256, kAcceptAll, kAcceptAll).address;
    for (std::uint64_t flow = 2; flow < 20; ++flow) {
      ASSERT_EQ(pool.choose(query4(host, flow), 256, kAcceptAll, kAcceptAll).address, first);
    }
    used.insert(first);
  }
  EXPECT_EQ(used.size(), 4U);
}

TEST(NatPool, StartsWhereOnlyTheSeedAndTheFlowTell) {
  const Config config = config_with(nat_rule("a", "'any'", "'10.2.0.9'", "1024-65535"));
  const NatPool one(config, 1);
  const NatPool other(config, 2);
  const auto port = [](const NatPool& pool, std::uint64_t flow) {
    return pool.choose(query4(1, flow), 256, kAcceptAll, kAcceptAll).port_be;
  };
  EXPECT_EQ(port(one, 7), port(one, 7));
  std::set<std::uint16_t> ports;
  int equal_count = 0;
  for (std::uint64_t flow = 0; flow < 1000; ++flow) {
    ports.insert(port(one, flow));
    equal_count += port(one, flow) == port(other, flow) ? 1 : 0;
  }
  EXPECT_GT(ports.size(), 950U);
  EXPECT_LT(equal_count, 10);
}

TEST(NatPool, TranslatesTheAddressAloneWhereThereAreNoPorts) {
  const NatPool pool(config_with(nat_rule("a", "'any'", "'10.2.0.8','10.2.0.9'", "1024-65535")), 1);
  NatQuery<Address4> query = query4(1, 1);
  query.has_ports = false;
  const auto choice =
      pool.choose(query, 256, kAcceptAll,
                  [](const Address4& address, std::uint16_t) { return address[3] == 9; });
  EXPECT_EQ(choice.result, NatResult::kChosen);
  EXPECT_EQ(choice.address, (Address4{10, 2, 0, 9}));
  EXPECT_EQ(choice.port_be, 0);
  const auto none =
      pool.choose(query, 256, kAcceptAll, [](const Address4&, std::uint16_t) { return false; });
  EXPECT_EQ(none.result, NatResult::kExhausted);
  EXPECT_EQ(none.tries_count, 2U);
}

TEST(NatPool, FindsAPortForAPartitionOfALinearHash) {
  // As the Toeplitz hash does, folds the port's bits by XOR; 256 partitions, tries as the worker
  // gives them.
  const NatPool pool(config_with(nat_rule("a", "'any'", "'10.2.0.9'", "1024-65535")), 1);
  constexpr std::uint32_t kPartitions = 256;
  const auto hash = [](std::uint16_t port_be) {
    std::uint32_t value = 0x5A5A1234;
    for (unsigned bit = 0; bit < 16; ++bit) {
      if ((port_be >> bit & 1U) != 0) value ^= std::rotl(0x6D5A56DAU, static_cast<int>(bit));
    }
    return value % kPartitions;
  };
  for (std::uint64_t flow = 0; flow < 1000; ++flow) {
    const std::uint32_t wanted = flow % kPartitions;
    const auto choice = pool.choose(
        query4(1, flow), 64 * kPartitions,
        [&](const Address4&, std::uint16_t port_be) { return hash(port_be) == wanted; },
        kAcceptAll);
    ASSERT_EQ(choice.result, NatResult::kChosen) << flow;
    ASSERT_EQ(hash(choice.port_be), wanted);
  }
}

}  // namespace
}  // namespace twinplane::dataplane
