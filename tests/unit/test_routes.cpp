// SPDX-License-Identifier: BSD-3-Clause
// Needs DPDK's EAL, which it starts without huge pages, devices or privileges, with 160 MiB of
// memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <stdexcept>

#include "dataplane/routes.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

class Routes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::array<std::string, 11> words{
        "test_routes", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m",
        "160",         "-l",        "0",        "--log-level", "error"};
    std::array<char*, words.size()> pointers{};
    for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
    ASSERT_GE(rte_eal_init(static_cast<int>(pointers.size()), pointers.data()), 0);
  }

  static void TearDownTestSuite() { rte_eal_cleanup(); }

  static RouteTable table_of(const Config& config) { return RouteTable(config, "test", -1); }

  static Config config_plus(std::string_view more) {
    return parse_config(std::string(tests::kConfigText) + std::string(more), "t");
  }
};

tables::Address4 four(const char* text) { return parse_address(text)->v4(); }

tables::Address6 six(const char* text) { return parse_address(text)->v6(); }

TEST_F(Routes, SendsToTheLinkOfAConnectedPrefix) {
  const RouteTable table = table_of(config_plus(""));
  EXPECT_EQ(table.lookup(four("10.1.0.7")),
            (RouteResult4{RouteKind::kConnected, 0, four("10.1.0.7")}));
  EXPECT_EQ(table.lookup(four("10.2.0.7")),
            (RouteResult4{RouteKind::kConnected, 1, four("10.2.0.7")}));
  EXPECT_EQ(table.lookup(six("fd00:1::7")),
            (RouteResult6{RouteKind::kConnected, 0, six("fd00:1::7")}));
}

TEST_F(Routes, KeepsWhatIsForTheBoxItself) {
  const Config config =
      parse_config(tests::replaced(tests::kConfigText, "addresses = [\"10.2.0.254\"]",
                                   "addresses = [\"10.2.0.77\"]"),
                   "t");
  const RouteTable table = table_of(config);
  EXPECT_EQ(table.lookup(four("10.1.0.254")),
            (RouteResult4{RouteKind::kLocal, 0, four("10.1.0.254")}));
  EXPECT_EQ(table.lookup(four("10.2.0.77")),
            (RouteResult4{RouteKind::kLocal, 1, four("10.2.0.77")}))
      << "a NAT address";
  EXPECT_EQ(table.lookup(six("fd00:2::fe")),
            (RouteResult6{RouteKind::kLocal, 1, six("fd00:2::fe")}));
  EXPECT_EQ(table.lookup(six("fd00:2::ff")).kind, RouteKind::kConnected);
}

TEST_F(Routes, FallsBackToTheDefaultRouteOrToNone) {
  const RouteTable table = table_of(config_plus(""));
  EXPECT_EQ(table.lookup(four("8.8.8.8")), (RouteResult4{RouteKind::kVia, 1, four("10.2.0.1")}));
  EXPECT_EQ(table.lookup(six("2001:db8::1")), RouteResult6{}) << "no IPv6 default route";
}

TEST_F(Routes, TakesTheLongestMatch) {
  const RouteTable table = table_of(
      config_plus("[[route]]\nprefix='172.16.0.0/12'\nvia='10.1.0.1'\nport='inside'\n"
                  "[[route]]\nprefix='172.16.5.0/24'\nvia='10.2.0.2'\nport='outside'\n"
                  "[[route]]\nprefix='172.16.5.128/25'\nvia='10.2.0.3'\nport='outside'\n"
                  "[[route]]\nprefix='172.16.5.129/32'\nvia='10.2.0.4'\nport='outside'\n"
                  "[[route]]\nprefix='::/0'\nvia='fe80::1'\nport='outside'\n"
                  "[[route]]\nprefix='2001:db8::/32'\nvia='fd00:1::1'\nport='inside'\n"
                  "[[route]]\nprefix='2001:db8::42/128'\nvia='fd00:2::1'\nport='outside'\n"));
  EXPECT_EQ(table.lookup(four("172.31.255.255")).next_hop, four("10.1.0.1"));
  EXPECT_EQ(table.lookup(four("172.16.5.1")).next_hop, four("10.2.0.2"));
  EXPECT_EQ(table.lookup(four("172.16.5.128")).next_hop, four("10.2.0.3"));
  EXPECT_EQ(table.lookup(four("172.16.5.129")).next_hop, four("10.2.0.4"));
  EXPECT_EQ(table.lookup(four("172.32.0.0")).next_hop, four("10.2.0.1"));
  EXPECT_EQ(table.lookup(six("2001:db8::41")),
            (RouteResult6{RouteKind::kVia, 0, six("fd00:1::1")}));
  EXPECT_EQ(table.lookup(six("2001:db8::42")),
            (RouteResult6{RouteKind::kVia, 1, six("fd00:2::1")}));
  EXPECT_EQ(table.lookup(six("2001:db9::")), (RouteResult6{RouteKind::kVia, 1, six("fe80::1")}));
}

TEST_F(Routes, NeverForwardsLinkLocalAddresses) {
  const RouteTable table =
      table_of(config_plus("[[route]]\nprefix='::/0'\nvia='fe80::1'\nport='outside'\n"));
  EXPECT_EQ(table.lookup(six("fe80::2")).kind, RouteKind::kNone);
}

TEST_F(Routes, TakesNoTableForAFamilyThatNoPortHas) {
  const Config config = parse_config(
      "[box]\nname='x'\nid=0\n[[port]]\nname='a'\ndevice='net_ring0'\nzone='z'\naddresses=['10.0.0."
      "1/24']\n[ha]\nenabled=false\n",
      "t");
  const RouteTable first(config, "first", -1);
  // A second table of 64 MiB fits, which it would not if either had taken one for IPv6 as well.
  const RouteTable second(config, "second", -1);
  EXPECT_EQ(first.lookup(six("fd00::1")), RouteResult6{});
  EXPECT_EQ(second.lookup(four("10.0.0.9")).kind, RouteKind::kConnected);
}

TEST_F(Routes, HoldsAsManyRoutesAsAConfigMay) {
  std::string more;
  for (std::size_t i = 1; i < kRoutesMax; ++i) {
    const std::string number = std::to_string(i % 256);
    const std::string block = std::to_string(i / 256);
    if (i % 2 == 0) {
      more += "[[route]]\nprefix='172.16." + number + "." + std::to_string(i / 256 * 16) +
              "/28'\nvia='10.2.0.1'\nport='outside'\n";
    } else {
      more += "[[route]]\nprefix='2001:db8:" + block + ":" + number +
              "::/64'\nvia='fd00:2::1'\nport='outside'\n";
    }
  }
  const RouteTable table = table_of(config_plus(more));
  EXPECT_EQ(table.lookup(four("172.16.254.63")).next_hop, four("10.2.0.1"));
  EXPECT_EQ(table.lookup(six("2001:db8:3:255::1")).next_hop, six("fd00:2::1"));
}

TEST_F(Routes, SaysHowToMendAShortageOfMemory) {
  const Config config = config_plus("");
  const RouteTable table = table_of(config);
  try {
    const RouteTable second(config, "second", -1);
    FAIL() << "two tables of both families do not fit";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("raise eal.memory_mib"));
  }
}

}  // namespace
}  // namespace twinplane::dataplane
