// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "ha2/core_share.hpp"

namespace twinplane::ha2 {
namespace {

std::uint64_t g_now_ns;

std::uint64_t now_ns() noexcept { return g_now_ns; }

// Of `duration_ns`, in turns of turn_ns, what a task takes that always wants to go on for step_ns.
std::uint64_t taken_ns(std::uint32_t ppm, std::uint64_t turn_ns, std::uint64_t step_ns,
                       std::uint64_t duration_ns) {
  g_now_ns = 1'000'000;
  const std::uint64_t end_ns = g_now_ns + duration_ns;
  std::uint64_t taken = 0;
  for (CoreShare share(now_ns, ppm); g_now_ns < end_ns; g_now_ns += turn_ns) {
    share.accrue(g_now_ns);
    if (!share.is_left()) continue;
    taken += step_ns;
    share.spend([&] {
      g_now_ns += step_ns;
      return true;
    });
  }
  return taken;
}

TEST(CoreShare, GivesTheShareAndNoMoreHoweverShortTheTurns) {
  for (const std::uint32_t ppm : {100U, 2'000U, 10'000U, 250'000U})
    for (const std::uint64_t turn_ns : {100U, 400U, 7'000U, 50'000U}) {
      constexpr std::uint64_t kDurationNs = 2'000'000'000;
      const double taken =
          static_cast<double>(taken_ns(ppm, turn_ns, 5'000, kDurationNs)) / kDurationNs;
      const double wanted = ppm / 1e6;
      // What was kept at the start, a step that goes over, and turns that come too seldom.
      EXPECT_LE(taken, wanted * 1.1 + 0.0002) << ppm << " ppm, turns of " << turn_ns;
      EXPECT_GE(taken, std::min(wanted * 0.9, 0.8 * 5'000 / (5'000.0 + double(turn_ns))))
          << ppm << " ppm, turns of " << turn_ns;
    }
}

TEST(CoreShare, IsNoBoundWithoutAClockOrAsTheWhole) {
  CoreShare without(nullptr, 1);
  CoreShare whole(now_ns, CoreShare::kWhole);
  for (CoreShare* share : {&without, &whole})
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(share->is_left());
      share->spend([] {
        g_now_ns += 1'000'000;
        return true;
      });
    }
}

}  // namespace
}  // namespace twinplane::ha2
