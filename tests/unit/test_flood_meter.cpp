// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <utility>

#include "dataplane/flood_meter.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tables/tcp_track.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kStartNs = 100 * kRateWindowNs;
constexpr FloodThresholds kThresholds{
    .alarm_per_s = 5'000, .activate_per_s = 10'000, .maximum_per_s = 20'000};

struct Fates {
  std::array<std::uint64_t, 4> counts{};

  std::uint64_t of(FloodAction action) const { return counts[static_cast<std::size_t>(action)]; }
};

// An even flow for one second, from now_ns on.
Fates run_second(FloodMeter& meter, std::uint64_t rate_per_s, std::uint64_t& now_ns,
                 tests::Prng& prng) {
  Fates fates;
  for (std::uint64_t i = 0; i < rate_per_s; ++i) {
    const std::uint64_t at_ns = now_ns + i * kRateWindowNs / rate_per_s;
    const auto random = static_cast<std::uint32_t>(prng.next());
    ++fates.counts[static_cast<std::size_t>(meter.note(at_ns, random))];
  }
  now_ns += kRateWindowNs;
  return fates;
}

// The third second of an even flow: until a whole window lies behind it, it rises from nothing.
Fates fates_at(std::uint64_t rate_per_s, const FloodThresholds& thresholds) {
  FloodMeter meter(thresholds);
  tests::Prng prng(rate_per_s);
  std::uint64_t now_ns = kStartNs + 123'456'789;
  for (int i = 0; i < 2; ++i) static_cast<void>(run_second(meter, rate_per_s, now_ns, prng));
  return run_second(meter, rate_per_s, now_ns, prng);
}

TEST(FloodMeter, PassesEverythingUpToTheActivateRate) {
  EXPECT_EQ(fates_at(10'000, kThresholds).of(FloodAction::kPass), 10'000U);
}

TEST(FloodMeter, DropsAShareThatRisesEvenlyFromActivateToMaximum) {
  for (const std::uint64_t tenths : {1U, 3U, 5U, 7U, 9U}) {
    const std::uint64_t rate = 10'000 + tenths * 1'000;
    const Fates fates = fates_at(rate, kThresholds);
    EXPECT_NEAR(static_cast<double>(fates.of(FloodAction::kDropAtRandom)),
                static_cast<double>(rate * tenths) / 10, 300.0)
        << rate;
    EXPECT_EQ(fates.of(FloodAction::kDropAll), 0U);
  }
}

TEST(FloodMeter, DropsEverythingAboveTheMaximum) {
  EXPECT_EQ(fates_at(21'000, kThresholds).of(FloodAction::kDropAll), 21'000U);
  EXPECT_EQ(fates_at(1'000'000, kThresholds).of(FloodAction::kDropAll), 1'000'000U);
}

TEST(FloodMeter, TheShareIsExactAtItsEnds) {
  constexpr FloodThresholds kNarrow{.alarm_per_s = 0, .activate_per_s = 1, .maximum_per_s = 3};
  FloodMeter lucky(kNarrow);
  FloodMeter unlucky(kNarrow);
  EXPECT_EQ(lucky.note(kStartNs, 0xFFFF'FFFF), FloodAction::kPass);
  EXPECT_EQ(unlucky.note(kStartNs, 0), FloodAction::kPass);
  EXPECT_EQ(lucky.note(kStartNs, 0x8000'0000), FloodAction::kPass) << "half way, the upper half";
  EXPECT_EQ(unlucky.note(kStartNs, 0x7FFF'FFFF), FloodAction::kDropAtRandom);
  EXPECT_EQ(lucky.note(kStartNs, 0xFFFF'FFFF), FloodAction::kDropAtRandom) << "all of the way";
  EXPECT_EQ(lucky.note(kStartNs, 0xFFFF'FFFF), FloodAction::kDropAll);
}

TEST(FloodMeter, WithoutAWayBetweenThemMaximumFollowsActivate) {
  FloodMeter meter({.alarm_per_s = 0, .activate_per_s = 2, .maximum_per_s = 2});
  EXPECT_EQ(meter.note(kStartNs, 0), FloodAction::kPass);
  EXPECT_EQ(meter.note(kStartNs, 0), FloodAction::kPass);
  EXPECT_EQ(meter.note(kStartNs, 0), FloodAction::kDropAll);
}

TEST(FloodMeter, AnswersWithCookiesInsteadOfDroppingAtRandom) {
  FloodThresholds thresholds = kThresholds;
  thresholds.has_cookies = true;
  EXPECT_EQ(fates_at(9'000, thresholds).of(FloodAction::kPass), 9'000U);
  EXPECT_EQ(fates_at(15'000, thresholds).of(FloodAction::kAnswerWithCookie), 15'000U);
  EXPECT_EQ(fates_at(25'000, thresholds).of(FloodAction::kDropAll), 25'000U);
}

TEST(FloodMeter, ABurstIsNotForgottenWhenItsSecondEnds) {
  FloodMeter meter({.alarm_per_s = 0, .activate_per_s = 100, .maximum_per_s = 100});
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(meter.note(kStartNs + kRateWindowNs - 1, 0), FloodAction::kPass);
  EXPECT_EQ(meter.note(kStartNs + kRateWindowNs, 0), FloodAction::kDropAll);
  EXPECT_EQ(meter.note(kStartNs + kRateWindowNs + kRateWindowNs / 2, 0), FloodAction::kPass);
}

TEST(FloodMeter, TellsItsLevelAndFallsQuiet) {
  FloodMeter meter(kThresholds);
  tests::Prng prng(1);
  std::uint64_t now_ns = kStartNs;
  EXPECT_EQ(level_of(kThresholds, meter.rate_per_s(now_ns)), FloodLevel::kQuiet);
  for (const auto& [rate, level] :
       {std::pair{5'000, FloodLevel::kQuiet}, std::pair{6'000, FloodLevel::kAlarm},
        std::pair{11'000, FloodLevel::kActive}, std::pair{30'000, FloodLevel::kMaximum}}) {
    static_cast<void>(run_second(meter, static_cast<std::uint64_t>(rate), now_ns, prng));
    EXPECT_EQ(level_of(kThresholds, meter.rate_per_s(now_ns)), level) << rate;
    EXPECT_EQ(meter.rate_per_s(now_ns), static_cast<std::uint32_t>(rate));
  }
  EXPECT_EQ(level_of(kThresholds, meter.rate_per_s(now_ns + kRateWindowNs)), FloodLevel::kQuiet);
}

TEST(FloodMeter, TimeThatGoesBackStartsAnew) {
  FloodMeter meter({.alarm_per_s = 0, .activate_per_s = 2, .maximum_per_s = 2});
  for (int i = 0; i < 3; ++i) static_cast<void>(meter.note(kStartNs, 0));
  EXPECT_EQ(meter.note(kStartNs - 5 * kRateWindowNs, 0), FloodAction::kPass);
}

TEST(FloodMeters, AZonesKindsAreMeteredApart) {
  ZoneFloodThresholds metered{};
  metered.fill({.alarm_per_s = 0, .activate_per_s = 1, .maximum_per_s = 1});
  metered[static_cast<std::size_t>(FloodKind::kUdp)] = {};
  const std::array zones{metered, metered, ZoneFloodThresholds{}};
  FloodMeters meters(zones);
  EXPECT_EQ(meters.note(1, FloodKind::kSyn, kStartNs, 0), FloodAction::kPass);
  EXPECT_EQ(meters.note(1, FloodKind::kSyn, kStartNs, 0), FloodAction::kDropAll);
  EXPECT_EQ(meters.note(0, FloodKind::kSyn, kStartNs, 0), FloodAction::kPass);
  EXPECT_EQ(meters.note(1, FloodKind::kOther, kStartNs, 0), FloodAction::kPass);
  EXPECT_EQ(meters.meter(1, FloodKind::kSyn).rate_per_s(kStartNs), 2U);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(meters.note(1, FloodKind::kUdp, kStartNs, 0), FloodAction::kPass) << "not metered";
    EXPECT_EQ(meters.note(2, FloodKind::kSyn, kStartNs, 0), FloodAction::kPass) << "not metered";
  }
}

TEST(FloodKindOf, ATcpPacketIsOfAKindOnlyWhenItOpens) {
  using tables::kTcpAck, tables::kTcpSyn;
  EXPECT_EQ(flood_kind_of(kProtocolTcp, kTcpSyn), FloodKind::kSyn);
  EXPECT_EQ(flood_kind_of(kProtocolTcp, kTcpSyn | kTcpAck), std::nullopt);
  EXPECT_EQ(flood_kind_of(kProtocolTcp, kTcpAck), std::nullopt);
  EXPECT_EQ(flood_kind_of(kProtocolTcp, 0), std::nullopt);
  EXPECT_EQ(flood_kind_of(kProtocolUdp, 0), FloodKind::kUdp);
  EXPECT_EQ(flood_kind_of(kProtocolIcmp, 0), FloodKind::kIcmp);
  EXPECT_EQ(flood_kind_of(kProtocolIcmp6, 0), FloodKind::kIcmp6);
  EXPECT_EQ(flood_kind_of(47, 0), FloodKind::kOther);
}

TEST(FloodMeterDeathTest, RefusesThresholdsOutOfOrder) {
  EXPECT_DEATH(FloodMeter({.alarm_per_s = 0, .activate_per_s = 2, .maximum_per_s = 1}),
               "CHECK failed");
  EXPECT_DEATH(FloodMeter({.alarm_per_s = 0, .activate_per_s = 0, .maximum_per_s = 1U << 31U}),
               "CHECK failed");
}

}  // namespace
}  // namespace twinplane::dataplane
