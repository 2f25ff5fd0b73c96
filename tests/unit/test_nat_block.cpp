// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "dataplane/config_hello.hpp"
#include "dataplane/config_summary.hpp"
#include "dataplane/nat_block.hpp"
#include "dataplane/nat_pool.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using ::testing::HasSubstr;
using tests::faults_of;
using tests::kConfigText;
using tests::replaced;

// 320 inside addresses, 2 x 256 blocks of 250 ports.
constexpr std::string_view kBlocks = R"(addresses = ["10.2.0.8", "10.2.0.9"]
ports = "1500-65535"
block_ports = 250)";

std::string text_with(std::string_view source, std::string_view more) {
  const std::string text =
      replaced(kConfigText, "source = [\"10.1.0.0/24\"]", "source = [" + std::string(source) + "]");
  return replaced(text, "addresses = [\"10.2.0.254\"]", more);
}

Config blocks() { return parse_config(text_with("'10.1.0.0/24', '10.9.0.64/26'", kBlocks), "t"); }

IpAddress address(std::string_view text) { return parse_address(text).value(); }

TEST(NatBlock, GivesEachInsideAddressPortsOfItsOwn) {
  const NatConfig nat = blocks().nat.at(0);
  EXPECT_EQ(inside_count(nat), 320U);
  EXPECT_EQ(block_count(nat), 512U);
  std::set<std::pair<std::uint32_t, std::uint16_t>> taken;
  for (std::uint32_t ordinal = 0; ordinal < 320; ++ordinal) {
    const NatBlock block = block_of(nat, ordinal);
    EXPECT_EQ(block.ports.last - block.ports.first, 249);
    EXPECT_GE(block.ports.first, 1500);
    EXPECT_LT(block.address_index, 2U);
    for (std::uint32_t port = block.ports.first; port <= block.ports.last; ++port) {
      EXPECT_TRUE(taken.emplace(block.address_index, static_cast<std::uint16_t>(port)).second);
    }
  }
}

TEST(NatBlock, NumbersInsideAddressesInTheOrderOfTheirPrefixes) {
  const NatConfig nat = blocks().nat.at(0);
  EXPECT_EQ(try_ordinal(nat, address("10.1.0.0")), 0U);
  EXPECT_EQ(try_ordinal(nat, address("10.1.0.255")), 255U);
  EXPECT_EQ(try_ordinal(nat, address("10.9.0.64")), 256U);
  EXPECT_EQ(try_ordinal(nat, address("10.9.0.127")), 319U);
  EXPECT_FALSE(try_ordinal(nat, address("10.9.0.128")));
  EXPECT_FALSE(try_ordinal(nat, address("fd00::1")));
}

TEST(NatBlock, KnowsWhoHasEachPort) {
  const NatConfig nat = blocks().nat.at(0);
  std::uint32_t owned = 0;
  for (const IpAddress& outside : nat.addresses) {
    for (std::uint32_t port = 0; port < 65536; ++port) {
      const auto inside = try_inside_of(nat, outside, static_cast<std::uint16_t>(port));
      if (!inside) continue;
      ++owned;
      const NatBlock block = block_of(nat, try_ordinal(nat, *inside).value());
      ASSERT_EQ(nat.addresses[block.address_index], outside);
      ASSERT_TRUE(block.ports.first <= port && port <= block.ports.last) << port;
    }
  }
  EXPECT_EQ(owned, 320U * 250U);
  EXPECT_FALSE(try_inside_of(nat, address("10.2.0.7"), 2000));
}

TEST(NatBlock, CountsIpv6AddressesByTheirEnd) {
  const Config config =
      parse_config(text_with("'fd00:1::ff00/120'",
                             "addresses = ['fd00:2::8']\nports = '1024-65535'\nblock_ports = 252"),
                   "t");
  const NatConfig& nat = config.nat.at(0);
  EXPECT_EQ(try_ordinal(nat, address("fd00:1::ff07")), 7U);
  EXPECT_EQ(try_inside_of(nat, address("fd00:2::8"), 1024 + 7 * 252), address("fd00:1::ff07"));
}

TEST(NatBlock, AnswersAnOperatorEitherWay) {
  const Config config = blocks();
  EXPECT_EQ(blocks_text(config, "10.1.0.3"),
            "nat \"hide\": 10.1.0.3 has ports 1750-1999 of 10.2.0.9\n");
  EXPECT_EQ(blocks_text(config, "10.2.0.9:1999"), blocks_text(config, "10.1.0.3"));
  EXPECT_EQ(blocks_text(config, "10.2.0.9:80"), "");
  EXPECT_EQ(blocks_text(config, "nobody"), "");
}

TEST(NatBlock, IsWhatThePoolChoosesFromWhateverItsSeed) {
  const Config config = blocks();
  const auto all = [](const Address4&, std::uint16_t) { return true; };
  for (const std::uint64_t seed : {1U, 2U}) {
    const NatPool pool(config, seed);
    for (std::uint32_t i = 0; i < 2000; ++i) {
      const Address4 inside{10, 1, 0, static_cast<std::uint8_t>(i)};
      const auto choice = pool.choose(NatQuery<Address4>{inside, 0, 1, true, i}, 256, all, all);
      ASSERT_EQ(choice.result, NatResult::kChosen);
      ASSERT_EQ(try_inside_of(config.nat[0], IpAddress::of(choice.address),
                              network_order(choice.port_be)),
                IpAddress::of(inside));
    }
  }
}

TEST(NatBlock, LetsNobodyTakeMoreThanItsBlock) {
  const NatPool pool(blocks(), 1);
  const auto all = [](const Address4&, std::uint16_t) { return true; };
  std::set<std::uint16_t> taken;
  const auto is_free = [&taken](const Address4&, std::uint16_t port_be) {
    return !taken.contains(port_be);
  };
  const auto choose = [&](std::uint8_t host, std::uint32_t flow) {
    return pool.choose(NatQuery<Address4>{{10, 1, 0, host}, 0, 1, true, flow}, 1024, all, is_free);
  };
  for (std::uint32_t flow = 0; flow < 250; ++flow) {
    const auto choice = choose(7, flow);
    ASSERT_EQ(choice.result, NatResult::kChosen);
    taken.insert(choice.port_be);
  }
  EXPECT_EQ(taken.size(), 250U);
  EXPECT_EQ(choose(7, 999).result, NatResult::kBlockExhausted);
  EXPECT_EQ(choose(9, 999).result, NatResult::kChosen) << "its neighbor has ports of its own";
}

TEST(NatBlock, WantsABlockForEachSource) {
  EXPECT_THAT(faults_of(text_with("'any'", kBlocks)),
              HasSubstr("nat.source: is any, and each of it would need a block"));
  EXPECT_THAT(faults_of(text_with("'10.0.0.0/22'", kBlocks)),
              HasSubstr("nat.block_ports: there are 512 blocks for 1024 inside addresses; at most "
                        "125 ports a block, more addresses, or fewer sources"));
  EXPECT_THAT(
      faults_of(text_with("'fd00:1::/64'", "addresses = ['fd00:2::8']\nblock_ports = 1000")),
      HasSubstr("64 blocks for 4294967296 inside addresses"));
  EXPECT_THAT(faults_of(text_with("'10.1.0.0/24', '10.1.0.64/26'", kBlocks)),
              HasSubstr("nat.source: 10.1.0.64/26 overlaps 10.1.0.0/24; each inside address once"));
  EXPECT_THAT(faults_of(text_with("'10.1.0.0/24'", "addresses = ['10.2.0.8']\nblock_ports = 3")),
              HasSubstr("3 ports are fewer than the partitions"));
}

TEST(NatBlock, IsToldToThePeerAndToTheOperator) {
  const auto digest = [](std::string_view text) {
    for (const HelloItem& item : hello_items(parse_config(text, "t"))) {
      if (item.name == "nat_contents") return item.value;
    }
    return std::uint64_t{0};
  };
  const std::string text = text_with("'10.1.0.0/24'", kBlocks);
  EXPECT_NE(digest(text), digest(replaced(text, "block_ports = 250", "block_ports = 125")));
  EXPECT_EQ(digest(kConfigText), digest(replaced(kConfigText, "[ha2]", "block_ports = 0\n[ha2]")));
  EXPECT_THAT(summary(parse_config(text, "t")),
              HasSubstr(", 250 ports for each of 256 inside addresses (there are 512 blocks)\n"));
}

TEST(NatBlock, SharesItsPortsWithNoOtherRule) {
  const std::string text = text_with("'10.1.0.0/24'", kBlocks);
  const std::string other =
      "[[nat]]\nname='b'\nfrom=['trust']\nto=['untrust']\naddresses=['10.2.0.9']\n";
  EXPECT_THAT(faults_of(text + other),
              HasSubstr("nat.block_ports: nat rule \"b\" hides others behind the same ports"));
  EXPECT_EQ(faults_of(text + other + "ports='1024-1499'\n"), "");
}

}  // namespace
}  // namespace twinplane::dataplane
