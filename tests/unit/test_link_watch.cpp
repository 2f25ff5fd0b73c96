// SPDX-License-Identifier: BSD-3-Clause
// Links that come and go, of DPDK's ring devices. Needs DPDK's EAL, which it starts without huge
// pages or privileges, with 128 MiB of memory.
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/link_watch.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kTurnNs = 100'000'000;

class LinkWatchTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::array<std::string, 13> words{"test_link_watch",
                                      "--no-huge",
                                      "--no-pci",
                                      "--no-shconf",
                                      "--no-telemetry",
                                      "-m",
                                      "128",
                                      "-l",
                                      "0",
                                      "--log-level",
                                      "error",
                                      "--vdev=net_ring0",
                                      "--vdev=net_ring1"};
    std::array<char*, words.size()> pointers{};
    for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
    ASSERT_GE(rte_eal_init(static_cast<int>(pointers.size()), pointers.data()), 0);
  }

  static void TearDownTestSuite() { rte_eal_cleanup(); }

  LinkWatchTest()
      : config_(
            parse_config(tests::replaced(tests::kConfigText, "addresses = [\"10.2.0.254/24\"",
                                         "symmetric_return = true\naddresses = [\"10.2.0.254/24\""),
                         "t")) {
    for (const PortConfig& port : config_.ports)
      ports_.push_back(std::make_unique<Port>(PortSetup{.device = port.device,
                                                        .mtu_bytes = 1500,
                                                        .worker_count = 1,
                                                        .partition_count = 1,
                                                        .wants_rss = false},
                                              pool_));
    returns_.emplace(config_);
    watch_.emplace(config_, ports_, *returns_);
  }

  void poll_after(std::uint64_t ns) { watch_->poll(now_ns_ += ns); }

  PacketPool pool_{"packets", {4096, 2048}};
  Config config_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::optional<ReturnPaths> returns_;
  std::optional<LinkWatch> watch_;
  std::uint64_t now_ns_ = 1'000'000'000;
};

TEST_F(LinkWatchTest, TellsTheReturnPathsOfLinksThatComeAndGo) {
  poll_after(0);
  EXPECT_TRUE(returns_->is_up(1));
  ASSERT_EQ(rte_eth_dev_set_link_down(ports_[1]->dpdk_port()), 0);
  ASSERT_EQ(rte_eth_dev_set_link_down(ports_[0]->dpdk_port()), 0);
  poll_after(kTurnNs / 2);
  EXPECT_TRUE(returns_->is_up(1)) << "asked ten times a second";
  poll_after(kTurnNs / 2);
  EXPECT_FALSE(returns_->is_up(1));
  EXPECT_TRUE(returns_->is_up(0)) << "nobody asks of a port whose sessions go by the routes";
  ASSERT_EQ(rte_eth_dev_set_link_up(ports_[1]->dpdk_port()), 0);
  poll_after(kTurnNs);
  EXPECT_TRUE(returns_->is_up(1));
}

}  // namespace
}  // namespace twinplane::dataplane
