// SPDX-License-Identifier: BSD-3-Clause
// Each fault alone, under a clock of the test's own. Needs DPDK's EAL, which it starts without huge
// pages, devices or privileges, with 64 MiB of memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "dataplane/link_faults.hpp"
#include "dataplane/packet_pool.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStart = 5'000'000'000;
constexpr std::uint16_t kFrameBytes = 100;

// Numbers of frames, in the order in which they left.
using Left = std::vector<std::uint32_t>;

class LinkFaultsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::array<std::string, 11> words{
        "test_link_faults", "--no-huge", "--no-pci", "--no-shconf", "-m",   "64",
        "--no-telemetry",   "-l",        "0",        "--log-level", "error"};
    std::array<char*, words.size()> pointers{};
    for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
    ASSERT_GE(rte_eal_init(static_cast<int>(pointers.size()), pointers.data()), 0);
  }

  static void TearDownTestSuite() { rte_eal_cleanup(); }

  void TearDown() override {
    faults_.reset();
    EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U) << "a buffer was not given back";
  }

  void make(FaultsConfig config, std::uint16_t sender = 0) {
    config.delay_max_ms = std::max(config.delay_max_ms, config.delay_ms);
    faults_ = std::make_unique<LinkFaults>(config, std::uint8_t{0}, sender, kStart);
  }

  // Numbered frames of zeros, `gap_ns` apart, from `now_`.
  void send(std::uint32_t count, std::uint64_t gap_ns = 0) {
    for (std::uint32_t i = 0; i < count; ++i, now_ += gap_ns) {
      rte_mbuf* const packet = rte_pktmbuf_alloc(pool_.get());
      ASSERT_NE(packet, nullptr);
      std::memset(rte_pktmbuf_append(packet, kFrameBytes), 0, kFrameBytes);
      std::memcpy(rte_pktmbuf_mtod(packet, void*), &number_, sizeof number_);
      ++number_;
      if (!faults_->take(packet, now_)) leave(packet);
      release();
    }
  }

  void release() {
    std::array<rte_mbuf*, 8> out;
    while (true) {
      const std::uint16_t count = faults_->release(out, now_);
      for (std::uint16_t i = 0; i < count; ++i) leave(out[i]);
      if (count < out.size()) return;
    }
  }

  void leave(rte_mbuf* packet) {
    std::uint32_t number = 0;
    std::memcpy(&number, rte_pktmbuf_mtod(packet, void*), sizeof number);
    left_.push_back(number);
    const auto* const bytes = rte_pktmbuf_mtod(packet, const std::uint8_t*);
    for (std::size_t i = sizeof number; i < packet->data_len; ++i) {
      (i < 14 ? ethernet_bits_ : damaged_bits_) += std::popcount(bytes[i]);
    }
    rte_pktmbuf_free(packet);
  }

  std::uint64_t count(LinkFault fault) const { return faults_->count(fault); }

  PacketPool pool_{"packets", {4095, 128}};
  std::unique_ptr<LinkFaults> faults_;
  std::uint64_t now_ = kStart;
  std::uint32_t number_ = 0;
  int damaged_bits_ = 0;
  int ethernet_bits_ = 0;
  Left left_;
};

TEST_F(LinkFaultsTest, LosesAsManyAsAreAskedForAndCountsThem) {
  make({.enabled = true, .loss_percent = 5});
  send(20'000);
  EXPECT_NEAR(static_cast<double>(count(LinkFault::kLost)), 1000, 150);  // five deviations
  EXPECT_EQ(left_.size(), 20'000 - count(LinkFault::kLost));
  EXPECT_EQ(count(LinkFault::kFrames), 20'000U);
  EXPECT_TRUE(std::is_sorted(left_.begin(), left_.end()));
}

TEST_F(LinkFaultsTest, LosesInRunsOfTheLengthAskedFor) {
  make({.enabled = true, .burst_percent = 1, .burst_frames = 10});
  send(20'000);
  std::uint32_t expected = 0;
  std::vector<std::uint32_t> gaps;
  for (const std::uint32_t number : left_) {
    if (number != expected) gaps.push_back(number - expected);
    expected = number + 1;
  }
  // a run may follow a run at once
  for (const std::uint32_t gap : gaps) EXPECT_EQ(gap % 10, 0U);
  EXPECT_NEAR(static_cast<double>(gaps.size()), 180, 60);
  EXPECT_EQ(left_.size() + count(LinkFault::kLostInBurst) + number_ - 20'000, 20'000U);
}

TEST_F(LinkFaultsTest, DrawsTheSameFatesFromTheSameSeedAlone) {
  const auto fates = [this](std::uint64_t seed, std::uint16_t sender) {
    make({.enabled = true, .seed = seed, .loss_percent = 50}, sender);
    number_ = 0;
    left_.clear();
    send(200);
    return left_;
  };
  const Left first = fates(1, 0);
  EXPECT_EQ(first, fates(1, 0));
  EXPECT_NE(first, fates(2, 0));
  EXPECT_NE(first, fates(1, 1)) << "each core draws fates of its own";
}

TEST_F(LinkFaultsTest, DelaysAndKeepsTheOrder) {
  make({.enabled = true, .delay_ms = 2, .delay_max_ms = 4});
  send(100, kMs / 10);
  // The first left when it was sent to 2..4 ms ago; later ones never before it.
  EXPECT_GE(left_.size(), 50U);
  EXPECT_LE(left_.size(), 81U);
  EXPECT_TRUE(std::is_sorted(left_.begin(), left_.end()));
  now_ += 4 * kMs;
  release();
  EXPECT_EQ(left_.size(), 100U);
  EXPECT_EQ(count(LinkFault::kDelayed), 100U);
}

TEST_F(LinkFaultsTest, HoldsAFrameToTheNanosecond) {
  make({.enabled = true, .delay_ms = 2});
  send(1);
  now_ = kStart + 2 * kMs - 1;
  release();
  EXPECT_EQ(left_.size(), 0U);
  now_ = kStart + 2 * kMs;
  release();
  EXPECT_EQ(left_.size(), 1U);
}

TEST_F(LinkFaultsTest, LetsOthersOvertakeTheReordered) {
  make({.enabled = true, .reorder_percent = 10});
  send(1000, LinkFaults::kReorderMinNs / 4);
  now_ += LinkFaults::kReorderMaxNs;
  release();
  EXPECT_EQ(left_.size(), 1000U) << "none is lost";
  std::uint32_t overtaken = 0, highest = 0;
  for (const std::uint32_t number : left_) {
    overtaken += number < highest ? 1U : 0U;
    highest = std::max(highest, number);
  }
  EXPECT_EQ(overtaken, count(LinkFault::kReordered));
  EXPECT_NEAR(static_cast<double>(overtaken), 100, 48);
}

TEST_F(LinkFaultsTest, SendsSomeTwice) {
  make({.enabled = true, .duplicate_percent = 10});
  send(1000, 10'000);
  now_ += LinkFaults::kReorderMaxNs;
  release();
  EXPECT_EQ(left_.size(), 1000 + count(LinkFault::kDuplicated));
  EXPECT_NEAR(static_cast<double>(count(LinkFault::kDuplicated)), 100, 48);
  std::sort(left_.begin(), left_.end());
  left_.erase(std::unique(left_.begin(), left_.end()), left_.end());
  EXPECT_EQ(left_.size(), 1000U) << "each left once at least";
}

TEST_F(LinkFaultsTest, FlipsAFewBitsBehindTheEthernetHeader) {
  make({.enabled = true, .corrupt_percent = 10});
  send(1000);
  EXPECT_EQ(left_.size(), 1000U);
  const auto damaged = static_cast<int>(count(LinkFault::kCorrupted));
  EXPECT_NEAR(damaged, 100, 48);
  EXPECT_GT(damaged_bits_, damaged);
  EXPECT_LE(damaged_bits_, 4 * damaged);
  EXPECT_EQ(ethernet_bits_, 0);
}

TEST_F(LinkFaultsTest, StallsAtTheEndOfEachPeriod) {
  make({.enabled = true, .stall_ms = 200, .stall_every_s = 1});
  send(800, kMs);
  EXPECT_EQ(left_.size(), 800U) << "the stall has not begun";
  send(200, kMs);
  EXPECT_EQ(left_.size(), 800U) << "nothing leaves";
  EXPECT_EQ(count(LinkFault::kStalled), 200U);
  send(1);
  EXPECT_EQ(left_.size(), 1001U) << "everything leaves, with the first after it";
  EXPECT_TRUE(std::is_sorted(left_.begin(), left_.end())) << "and behind what was held";
  now_ = kStart + 1800 * kMs;
  send(1);
  EXPECT_EQ(left_.size(), 1001U) << "the next one";
}

TEST_F(LinkFaultsTest, HoldsSoManyInAStallAndLosesTheRest) {
  make({.enabled = true, .stall_ms = 999, .stall_every_s = 1});
  now_ = kStart + 500 * kMs;
  send(LinkFaults::kHeldMax + 100);
  EXPECT_EQ(count(LinkFault::kQueueFull), 100U);
  now_ = kStart + 1000 * kMs;
  release();
  EXPECT_EQ(left_.size(), LinkFaults::kHeldMax);
  EXPECT_TRUE(std::is_sorted(left_.begin(), left_.end()));
}

TEST_F(LinkFaultsTest, LosesWhatItHasNoRoomForRatherThanLetItOvertake) {
  make({.enabled = true, .duplicate_percent = 100, .delay_ms = 5});
  send(LinkFaults::kHeldMax);  // each with its copy: half of them fill it
  EXPECT_EQ(left_.size(), 0U);
  EXPECT_EQ(count(LinkFault::kQueueFull), LinkFaults::kHeldMax / 2);
  EXPECT_EQ(count(LinkFault::kNotHeld), LinkFaults::kHeldMax / 2) << "copies not made";
  now_ += 6 * kMs;
  release();
  EXPECT_EQ(left_.size(), LinkFaults::kHeldMax);
}

TEST_F(LinkFaultsTest, LetsGoAtOnceTheReorderedThatItHasNoRoomFor) {
  make({.enabled = true, .reorder_percent = 100});
  send(LinkFaults::kHeldMax + 10);
  EXPECT_EQ(left_.size(), 10U) << "nothing is held that has an order to keep";
  EXPECT_EQ(count(LinkFault::kNotHeld), 10U);
  now_ += LinkFaults::kReorderMaxNs;
  release();
  EXPECT_EQ(left_.size(), LinkFaults::kHeldMax + 10);
}

TEST_F(LinkFaultsTest, DropsWhatIsAboveTheRate) {
  make({.enabled = true, .rate_frames_per_s = 1000});
  send(10'000, kMs / 10);  // ten times as many, for a second
  EXPECT_NEAR(static_cast<double>(left_.size()), 1010, 2) << "the rate, and one burst";
  EXPECT_EQ(left_.size() + count(LinkFault::kQueueFull), 10'000U);
}

TEST_F(LinkFaultsTest, DoesNothingWhileSwitchedOff) {
  make({.enabled = true, .loss_percent = 100, .stall_ms = 999, .stall_every_s = 1});
  faults_->set_on(false);
  now_ = kStart + 500 * kMs;
  send(100);
  EXPECT_EQ(left_.size(), 100U);
  faults_->set_on(true);
  send(100);
  EXPECT_EQ(left_.size(), 100U);
  EXPECT_EQ(count(LinkFault::kLost), 100U);
}

TEST_F(LinkFaultsTest, ReleasesAStallWhenSwitchedOff) {
  make({.enabled = true, .stall_ms = 999, .stall_every_s = 1});
  now_ = kStart + 500 * kMs;
  send(10);
  EXPECT_EQ(left_.size(), 0U);
  faults_->set_on(false);
  release();
  EXPECT_EQ(left_.size(), 10U);
}

TEST_F(LinkFaultsTest, KeepsTheOrderWhenADelayIsSwitchedOff) {
  make({.enabled = true, .delay_ms = 5});
  send(10);
  EXPECT_EQ(left_.size(), 0U);
  faults_->set_on(false);
  send(10);
  EXPECT_EQ(left_.size(), 20U);
  EXPECT_TRUE(std::is_sorted(left_.begin(), left_.end()));
}

TEST_F(LinkFaultsTest, GivesBackWhatItHoldsAtItsEnd) {
  make({.enabled = true, .duplicate_percent = 50, .delay_ms = 10});
  send(100);
}  // TearDown counts

TEST(LinkFaultsMake, MakesNoneUnlessEnabled) {
  Config config;
  config.faults.loss_percent = 50;
  EXPECT_EQ(LinkFaults::try_make(config, 0), nullptr);
  config.faults.enabled = true;
  EXPECT_NE(LinkFaults::try_make(config, 0), nullptr);
}

}  // namespace
}  // namespace twinplane::dataplane
