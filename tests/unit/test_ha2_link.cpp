// SPDX-License-Identifier: BSD-3-Clause
// Frames on their way through a relay ring. Needs DPDK's EAL, which it starts without huge pages,
// devices or privileges, with 64 MiB of memory.
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <string>

#include "dataplane/ha2_link.hpp"

namespace twinplane::dataplane {
namespace {

class Ha2LinkTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::array<std::string, 11> words{"test_ha2_link",
                                      "--no-huge",
                                      "--no-pci",
                                      "--no-shconf",
                                      "--no-telemetry",
                                      "-m",
                                      "64",
                                      "-l",
                                      "0",
                                      "--log-level",
                                      "error"};
    std::array<char*, words.size()> pointers{};
    for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
    ASSERT_GE(rte_eal_init(static_cast<int>(pointers.size()), pointers.data()), 0);
  }

  static void TearDownTestSuite() { rte_eal_cleanup(); }

  std::uint16_t take_all() {
    std::array<rte_mbuf*, 64> packets;
    const std::uint16_t count = ring_.take(packets.data(), packets.size());
    rte_pktmbuf_free_bulk(packets.data(), count);
    return count;
  }

  // As many frames of 100 bytes, then a flush.
  void send(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_GE(link_.try_frame().size(), 100U);
      link_.send(100, 0);
    }
    link_.flush();
  }

  static constexpr std::uint32_t kRingPlaces = 8;  // of which DPDK uses all but one

  PacketPool pool_{"packets", {256, 2048}};
  HandoffRing ring_{"relay", kRingPlaces};
  ha2::EncapConfig encap_;
  PeerMac peer_mac_{ha2::EncapConfig{}.peer_mac};
  Ha2Link link_{nullptr, 1, &ring_, pool_, encap_, peer_mac_, 1500};
};

TEST_F(Ha2LinkTest, PutsFramesIntoTheRelayRing) {
  send(5);
  EXPECT_EQ(take_all(), 5);
  EXPECT_EQ(link_.dropped_count(), 0U);
}

TEST_F(Ha2LinkTest, CountsWhatTheRelayRingDoesNotTakeAndGivesTheBuffersBack) {
  send(20);
  EXPECT_EQ(link_.dropped_count(), 20U - (kRingPlaces - 1));
  EXPECT_EQ(take_all(), kRingPlaces - 1);
  send(3);
  EXPECT_EQ(take_all(), 3) << "the next ones go as before";
  EXPECT_EQ(link_.dropped_count(), 20U - (kRingPlaces - 1));
  EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
