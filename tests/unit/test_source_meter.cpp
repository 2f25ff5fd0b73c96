// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "dataplane/source_meter.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kStartNs = 1000 * kRateWindowNs;
constexpr tables::HashSeed kSeed{7};

tables::Address6 source_of(std::uint32_t number) {
  return mapped_address(
      {static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U),
       static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)});
}

std::uint32_t rate_of(SourceMeter& meter, const tables::Address6& source, std::uint8_t zone,
                      std::uint64_t now_ns) {
  return sliding_rate(meter.note(source, zone, now_ns), now_ns);
}

std::uint32_t note_many(SourceMeter& meter, std::uint32_t number, int count, std::uint64_t now_ns) {
  std::uint32_t rate = 0;
  for (int i = 0; i < count; ++i) rate = rate_of(meter, source_of(number), 0, now_ns);
  return rate;
}

TEST(SourceMeter, CountsASourceExactlyWhileThereIsRoom) {
  SourceMeter meter(1, kSeed);
  for (std::uint32_t number = 0; number < SourceMeter::kWays; ++number)
    EXPECT_EQ(note_many(meter, number, 50 + static_cast<int>(number), kStartNs), 50 + number);
}

TEST(SourceMeter, ForgetsWithTheSecond) {
  SourceMeter meter(1, kSeed);
  EXPECT_EQ(note_many(meter, 1, 1000, kStartNs), 1000U);
  EXPECT_EQ(note_many(meter, 1, 1, kStartNs + kRateWindowNs), 1001U);
  EXPECT_EQ(note_many(meter, 1, 1, kStartNs + kRateWindowNs * 5 / 4), 752U);
  EXPECT_EQ(note_many(meter, 1, 1, kStartNs + 9 * kRateWindowNs), 1U);
}

TEST(SourceMeter, ZonesAreApart) {
  SourceMeter meter(1, kSeed);
  EXPECT_EQ(rate_of(meter, source_of(1), 3, kStartNs), 1U);
  EXPECT_EQ(rate_of(meter, source_of(1), 4, kStartNs), 1U);
  EXPECT_EQ(rate_of(meter, source_of(1), 3, kStartNs), 2U);
}

TEST(SourceMeter, AnIp4SourceIsNotTheIp6SourceWithItsBytes) {
  SourceMeter meter(1, kSeed);
  tables::Address6 unmapped = source_of(0x0A000001);
  unmapped[10] = unmapped[11] = 0;
  EXPECT_EQ(rate_of(meter, source_of(0x0A000001), 0, kStartNs), 1U);
  EXPECT_EQ(rate_of(meter, unmapped, 0, kStartNs), 1U);
}

TEST(SourceMeter, AnAddressOfZerosIsASourceLikeAnyOther) {
  SourceMeter meter(1, kSeed);
  EXPECT_EQ(rate_of(meter, {}, 0, 0), 1U);
  EXPECT_EQ(rate_of(meter, {}, 0, 0), 2U);
}

TEST(SourceMeter, NeverSaysMoreThanASourceSent) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    tests::Prng prng(seed);
    SourceMeter meter(2, kSeed);
    std::map<std::uint32_t, std::map<std::uint64_t, std::uint32_t>> sent;
    std::uint64_t now_ns = kStartNs;
    for (int i = 0; i < 20'000; ++i) {
      now_ns += prng.below(400'000);
      // A few loud ones, and many more than there are places.
      const std::uint32_t number = prng.chance(600) ? prng.below(3) : prng.below(200);
      const std::uint64_t window = rate_window(now_ns);
      const std::uint32_t in_both = ++sent[number][window] + sent[number][window - 1];
      ASSERT_LE(rate_of(meter, source_of(number), 0, now_ns), in_both) << "seed " << seed;
    }
  }
}

// 30,000 packets a second, three in ten of one source, the others of a source each.
TEST(SourceMeter, NamesTheLoudSourceAmongAnyNumberOfMadeUpOnes) {
  SourceMeter meter(1, kSeed);
  tests::Prng prng(1);
  constexpr std::uint32_t kLoud = 0xC0A80001;
  constexpr std::uint32_t kPerS = 30'000;
  std::uint32_t loud_rate = 0;
  std::uint32_t others_max = 0;
  for (std::uint32_t i = 0; i < 4 * kPerS; ++i) {
    const std::uint64_t now_ns = kStartNs + i * (kRateWindowNs / kPerS);
    if (prng.chance(300))
      loud_rate = rate_of(meter, source_of(kLoud), 0, now_ns);
    else
      others_max = std::max(others_max, rate_of(meter, source_of(i), 0, now_ns));
  }
  EXPECT_GT(loud_rate, 8'700U);
  EXPECT_LT(loud_rate, 9'300U);
  EXPECT_EQ(others_max, 1U);
}

TEST(SourceMeter, NamesNobodyInAFloodWhereNobodyIsLoud) {
  SourceMeter meter(64, kSeed);
  for (std::uint32_t i = 0; i < 1'000'000; ++i)
    ASSERT_EQ(rate_of(meter, source_of(i), 0, kStartNs + i), 1U);
}

TEST(SourceMeter, ListsTheLoudestFirst) {
  SourceMeter meter(16, kSeed);
  const std::array<std::uint32_t, 6> rates{30, 10, 60, 20, 50, 40};
  for (std::uint32_t number = 0; number < rates.size(); ++number)
    note_many(meter, number, static_cast<int>(rates[number]), kStartNs);
  std::array<SourceRate, 4> loudest{};
  ASSERT_EQ(meter.loudest(loudest, kStartNs), 4U);
  for (std::size_t i = 0; i < loudest.size(); ++i) EXPECT_EQ(loudest[i].per_s, 60 - 10 * i);
  EXPECT_EQ(loudest[0].source, source_of(2));
  std::array<SourceRate, 10> all{};
  EXPECT_EQ(meter.loudest(all, kStartNs), rates.size());
  EXPECT_EQ(meter.loudest(all, kStartNs + 2 * kRateWindowNs), 0U);
  EXPECT_EQ(meter.loudest({}, kStartNs), 0U);
}

TEST(SourceMeterDeathTest, RefusesSetsThatAreNoPowerOfTwo) {
  EXPECT_DEATH(SourceMeter(0, kSeed), "CHECK failed");
  EXPECT_DEATH(SourceMeter(3, kSeed), "CHECK failed");
}

}  // namespace
}  // namespace twinplane::dataplane
