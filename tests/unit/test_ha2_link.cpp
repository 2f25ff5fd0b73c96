// SPDX-License-Identifier: BSD-3-Clause
// Frames on their way through a relay ring. Needs DPDK's EAL, which it starts without huge pages,
// devices or privileges, with 64 MiB of memory.
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <cstring>
#include <string>

#include "dataplane/clock.hpp"
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

// Each frame there once, and in a stall none, be it so many; relayed ones are left alone.
TEST_F(Ha2LinkTest, DoesFaultsToItsOwnFramesAlone) {
  FaultsConfig config;
  config.enabled = true;
  config.loss_percent = 100;
  auto faults = std::make_unique<LinkFaults>(config, std::uint8_t{0}, std::uint16_t{0}, 0);
  LinkFaults& done = *faults;
  Ha2Link lossy(nullptr, 1, &ring_, pool_, encap_, peer_mac_, 1500, std::move(faults));
  for (int i = 0; i < 40; ++i) {
    ASSERT_FALSE(lossy.try_frame().empty());
    lossy.send(100, 0);
  }
  lossy.flush();
  EXPECT_EQ(take_all(), 0);
  EXPECT_EQ(done.count(LinkFault::kLost), 40U);
  std::array<rte_mbuf*, 2> relayed{rte_pktmbuf_alloc(pool_.get()), rte_pktmbuf_alloc(pool_.get())};
  lossy.pass_on(relayed);
  EXPECT_EQ(take_all(), 2);
  done.set_on(false);
  ASSERT_FALSE(lossy.try_frame().empty());
  lossy.send(100, 0);
  lossy.flush();
  EXPECT_EQ(take_all(), 1);
  EXPECT_EQ(lossy.dropped_count(), 0U);
  EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U);
}

TEST_F(Ha2LinkTest, SendsHeldFramesAtALaterFlushInBurstsOfAnySize) {
  FaultsConfig config;
  config.enabled = true;
  config.delay_ms = config.delay_max_ms = 1;
  HandoffRing wide("wide", 256);
  Ha2Link late(nullptr, 1, &wide, pool_, encap_, peer_mac_, 1500,
               std::make_unique<LinkFaults>(config, std::uint8_t{0}, std::uint16_t{0}, now_ns()));
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(late.try_frame().empty());
    late.send(100, 0);
  }
  std::array<rte_mbuf*, 128> packets;
  std::uint16_t count = 0;
  while (count < 100) {
    late.flush();
    count = static_cast<std::uint16_t>(
        count +
        wide.take(packets.data() + count, static_cast<std::uint16_t>(packets.size() - count)));
  }
  EXPECT_EQ(count, 100) << "each once";
  late.flush();
  EXPECT_EQ(wide.take(packets.data(), 1), 0);
  rte_pktmbuf_free_bulk(packets.data(), count);
}

// The stall ends with everything held that can be: what comes next waits for it, and is not lost.
TEST_F(Ha2LinkTest, SendsWhatAStallHeldBeforeWhatComesNext) {
  constexpr std::uint16_t kSent = LinkFaults::kHeldMax + 40;
  FaultsConfig config;
  config.enabled = true;
  config.stall_ms = 3'599'000;
  config.stall_every_s = 3600;
  // It began, by the clock, half an hour ago.
  auto faults = std::make_unique<LinkFaults>(config, std::uint8_t{0}, std::uint16_t{0},
                                             now_ns() - 1'800'000'000'000);
  LinkFaults& done = *faults;
  PacketPool pool("many", {2047, 128 + 2048});
  HandoffRing wide("wide", 2048);
  Ha2Link stalled(nullptr, 1, &wide, pool, encap_, peer_mac_, 1500, std::move(faults));
  const auto send_until = [&stalled](std::uint16_t end, std::uint16_t number) {
    for (; number != end; ++number) {
      const std::span<std::byte> frame = stalled.try_frame();
      ASSERT_FALSE(frame.empty());
      std::memcpy(frame.data(), &number, sizeof number);
      stalled.send(100, 0);
    }
    stalled.flush();
  };
  send_until(LinkFaults::kHeldMax, 0);
  std::array<rte_mbuf*, kSent> packets;
  EXPECT_EQ(wide.take(packets.data(), kSent), 0);
  done.set_on(false);  // which ends it
  send_until(kSent, LinkFaults::kHeldMax);
  const std::uint16_t count = wide.take(packets.data(), kSent);
  EXPECT_EQ(count, kSent);
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint16_t number = 0;
    std::memcpy(&number, rte_pktmbuf_mtod_offset(packets[i], void*, ha2::encap_bytes(encap_)),
                sizeof number);
    ASSERT_EQ(number, i);
  }
  rte_pktmbuf_free_bulk(packets.data(), count);
}

}  // namespace
}  // namespace twinplane::dataplane
