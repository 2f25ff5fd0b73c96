// SPDX-License-Identifier: BSD-3-Clause
// Floods from a packet's admission to the block list and back: the workers' part and the home
// worker's.
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/admission.hpp"
#include "dataplane/block_list.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1000 * kMs;
constexpr std::uint64_t kStart = 1000 * kSecond;
constexpr std::uint8_t kTrust = 0;
constexpr std::uint8_t kUntrust = 1;
constexpr std::string_view kProtection = R"([[zone_protection]]
zone = "untrust"
syn = { activate = 100, maximum = 200 }
udp = { activate = 1000, maximum = 1000 }
source_rate = 400
block_seconds = 5
exempt = ["10.2.0.0/24", "fd00:2::/64"]
)";

PacketView packet(std::uint8_t protocol, const tables::Address4& source) {
  PacketView view;
  view.kind = PacketKind::kIp4;
  view.protocol = protocol;
  view.source4.address = source;
  view.tcp.flags = kTcpSyn;
  return view;
}

PacketView udp_of(std::uint8_t number) { return packet(kProtocolUdp, {10, 9, 0, number}); }

tables::PartitionLimits limits(const Config& config) {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kDosBlock) = block_slots(config);
  return limits;
}

class AdmissionTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kWorkers = 2;

  // A second of packets of one source, alternating between so many workers; the home worker polls
  // as often as it does.
  std::size_t let_in(const PacketView& view, std::uint32_t count, std::uint64_t now_ns,
                     std::size_t workers = kWorkers, std::uint8_t zone = kUntrust) {
    std::size_t passed = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t at_ns = now_ns + i * (kSecond / count);
      Admission& worker = workers_[i % workers];
      if (worker.is_blocked(view, zone)) continue;
      passed += worker.judge(view, zone, at_ns) == FloodAction::kPass ? 1U : 0U;
      exchange(at_ns);
      list_.poll(at_ns);
    }
    return passed;
  }

  void exchange(std::uint64_t now_ns) {
    for (Admission& worker : workers_) worker.exchange_rates(now_ns);
  }

  auto& table() { return partition_->table<tables::TableKind::kDosBlock>(); }

  std::uint64_t packets(FloodKind kind, Gauge FloodGauges::*gauge = &FloodGauges::packets) {
    std::uint64_t total = 0;
    for (const auto& desk : shared_.desks)
      total += (desk->gauges[static_cast<std::size_t>(kind)].*gauge).get();
    return total;
  }

  Config config_ = parse_config(std::string(tests::kConfigText) + std::string(kProtection), "t");
  DosShared shared_{config_, kWorkers, tables::HashSeed{1}, SipKey{}};
  std::vector<Admission> workers_ = [this] {
    std::vector<Admission> workers;
    for (std::size_t i = 0; i < kWorkers; ++i)
      workers.emplace_back(config_, shared_, i, tables::HashSeed{i + 2});
    return workers;
  }();
  tests::InBlock<tables::Partition> partition_{limits(config_), tables::HashSeed{3}};
  BlockList list_{config_, *partition_, shared_, tables::HashSeed{4}};
};

TEST_F(AdmissionTest, WhatIsNotProtectedPasses) {
  EXPECT_EQ(let_in(udp_of(1), 5000, kStart, 2, kTrust), 5000U);
  EXPECT_EQ(packets(FloodKind::kUdp), 0U);
  EXPECT_EQ(table().slots().live_count(), 0U);
}

TEST_F(AdmissionTest, AZonesRateIsThatOfAllWorkersTogether) {
  const PacketView syn = packet(kProtocolTcp, {10, 2, 0, 9});
  // 90/s at each of the two is 180/s of the zone: between activate and maximum.
  let_in(syn, 180, kStart);
  const std::size_t passed = let_in(syn, 180, kStart + kSecond);
  EXPECT_LT(passed, 90U);
  EXPECT_GT(passed, 5U);
  EXPECT_EQ(packets(FloodKind::kSyn), 360U);
  EXPECT_GT(packets(FloodKind::kSyn, &FloodGauges::dropped_at_random), 90U);
  EXPECT_EQ(packets(FloodKind::kSyn, &FloodGauges::dropped_at_maximum), 0U);
  let_in(syn, 600, kStart + 2 * kSecond);
  EXPECT_GT(packets(FloodKind::kSyn, &FloodGauges::dropped_at_maximum), 200U);
}

TEST_F(AdmissionTest, ASourceAboveItsRateIsBlockedInItsZoneAndOthersAreNot) {
  const std::size_t passed = let_in(udp_of(1), 900, kStart);
  EXPECT_GT(passed, 400U) << "never below the threshold";
  EXPECT_LE(passed, 400U + 100U + 2) << "and at most a quarter above it";
  EXPECT_TRUE(workers_[0].is_blocked(udp_of(1), kUntrust));
  EXPECT_TRUE(workers_[1].is_blocked(udp_of(1), kUntrust));
  EXPECT_FALSE(workers_[0].is_blocked(udp_of(1), kTrust));
  EXPECT_FALSE(workers_[0].is_blocked(udp_of(2), kUntrust));
  ASSERT_EQ(table().slots().live_count(), 1U);
  tables::DosBlockBody::Key key{mapped_address({10, 9, 0, 1}), kUntrust, {}};
  const auto& entry = table().slots().entry(table().slots().find(key).slot);
  EXPECT_EQ(entry.body.flood, static_cast<std::uint8_t>(FloodKind::kUdp));
  EXPECT_TRUE(entry.body.is_sound());
}

TEST_F(AdmissionTest, ASourceOfOneWorkerIsBlockedFromTheSameRateOn) {
  const std::size_t passed = let_in(udp_of(1), 900, kStart, 1);
  EXPECT_GT(passed, 400U);
  EXPECT_LE(passed, 400U + 50U + 1) << "reports come in eighths of the threshold";
}

TEST_F(AdmissionTest, ASourceBelowItsRateIsNeverBlocked) {
  for (std::uint64_t second = 0; second < 5; ++second)
    EXPECT_EQ(let_in(udp_of(1), 395, kStart + second * kSecond), 395U);
  EXPECT_EQ(table().slots().live_count(), 0U);
}

TEST_F(AdmissionTest, ExemptSourcesAreNotBlocked) {
  const PacketView exempt = packet(kProtocolUdp, {10, 2, 0, 200});
  EXPECT_EQ(let_in(exempt, 900, kStart), 900U);
  PacketView exempt6;
  exempt6.kind = PacketKind::kIp6;
  exempt6.protocol = kProtocolUdp;
  exempt6.source6.address = {0xFD, 0, 0, 2, 0, 0, 0, 9};
  let_in(exempt6, 900, kStart + 3 * kSecond);
  EXPECT_EQ(table().slots().live_count(), 1U) << "not of fd00:2::/64";
  exempt6.source6.address = {0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 1};
  let_in(exempt6, 900, kStart + 20 * kSecond);
  EXPECT_FALSE(workers_[0].is_blocked(exempt6, kUntrust));
}

TEST_F(AdmissionTest, ABlockEndsInItsTimeWhateverTheSourceDoes) {
  let_in(udp_of(1), 900, kStart);
  ASSERT_TRUE(workers_[0].is_blocked(udp_of(1), kUntrust));
  for (std::uint64_t ms = 0; ms < 4'900; ms += 10) {
    list_.poll(kStart + ms * kMs);
    EXPECT_EQ(let_in(udp_of(1), 1, kStart + ms * kMs), 0U);
  }
  list_.poll(kStart + 6'000 * kMs);
  EXPECT_FALSE(workers_[0].is_blocked(udp_of(1), kUntrust));
  EXPECT_TRUE(shared_.blocked.is_empty());
  EXPECT_EQ(table().slots().live_count(), 0U);
  EXPECT_EQ(table().counters().expired, 1U);
}

TEST_F(AdmissionTest, AReportThatComesLateMakesNoBlockLonger) {
  let_in(udp_of(1), 900, kStart);
  const tables::DosBlockBody::Key key{mapped_address({10, 9, 0, 1}), kUntrust, {}};
  const std::uint32_t slot = table().slots().find(key).slot;
  const std::uint32_t deadline = table().slots().deadline_ms(slot);
  ASSERT_TRUE(shared_.desks[0]->reports.try_put({key.source, 0, FloodKind::kSyn, 1000}));
  list_.poll(kStart + kSecond);
  EXPECT_EQ(table().slots().deadline_ms(slot), deadline);
}

TEST_F(AdmissionTest, ABoxThatForwardsNoMoreBlocksNobody) {
  let_in(udp_of(1), 900, kStart);
  let_in(udp_of(2), 900, kStart + 2 * kSecond);
  ASSERT_EQ(shared_.blocked.count(), 2U);
  list_.clear();
  EXPECT_TRUE(shared_.blocked.is_empty());
  EXPECT_EQ(table().slots().live_count(), 0U);
}

TEST_F(AdmissionTest, AFullListRefusesAndCounts) {
  for (std::uint32_t i = 0; i < config_.tables.dos_block_slots + 1; ++i) {
    tables::DosBlockBody body{};
    body.key.source =
        mapped_address({1, 2, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)});
    static_cast<void>(table().create(body, 0));
  }
  const std::uint64_t refused = table().counters().refused_full;
  let_in(udp_of(1), 900, kStart);
  EXPECT_GT(table().counters().refused_full, refused);
  EXPECT_FALSE(workers_[0].is_blocked(udp_of(1), kUntrust));
}

TEST_F(AdmissionTest, AFullRingOfReportsRefusesAndCounts) {
  for (std::size_t i = 0; i < SourceReportRing::kPlaces; ++i)
    ASSERT_TRUE(shared_.desks[0]->reports.try_put({}));
  for (std::uint32_t i = 0; i < 100; ++i)
    static_cast<void>(workers_[0].judge(udp_of(1), kUntrust, kStart));
  EXPECT_EQ(shared_.desks[0]->reports_refused.get(), 2U);
}

TEST(ClearDesk, AnswersNothingWhenTheHomeWorkerDoesNotComeBy) {
  ClearDesk desk;
  EXPECT_FALSE(desk.try_ask(std::nullopt));
  std::uint32_t asked = 0;
  desk.serve([&](const auto&) { return ++asked; });
  desk.serve([&](const auto&) { return ++asked; });
  EXPECT_EQ(asked, 1U) << "a request is served once";
}

TEST(ClearDesk, CarriesARequestAndItsAnswer) {
  ClearDesk desk;
  const tables::Address6 source = mapped_address({10, 0, 0, 1});
  std::atomic<bool> is_stopping{false};
  std::thread home([&] {
    while (!is_stopping.load())
      desk.serve([&](const auto& asked) { return asked == source ? 1U : 7U; });
  });
  EXPECT_EQ(desk.try_ask(source), 1U);
  EXPECT_EQ(desk.try_ask(std::nullopt), 7U);
  is_stopping.store(true);
  home.join();
}

}  // namespace
}  // namespace twinplane::dataplane
