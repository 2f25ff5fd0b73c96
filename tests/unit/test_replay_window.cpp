// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tables/packet_rate.hpp"
#include "tables/replay_window.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint64_t kLast32 = 0xFFFF'FFFF;
constexpr std::uint64_t kLast64 = ~std::uint64_t{0};

// What section 3.4.3 says, with every number ever accepted remembered.
struct Oracle {
  std::uint32_t width;
  std::set<std::uint64_t> accepted;

  std::uint64_t top() const { return accepted.empty() ? 0 : *accepted.rbegin(); }

  ReplayVerdict verdict(std::uint64_t sequence) const {
    if (sequence == 0) return ReplayVerdict::kNoNumber;
    if (sequence + width <= top()) return ReplayVerdict::kTooOld;
    return accepted.contains(sequence) ? ReplayVerdict::kSeen : ReplayVerdict::kNew;
  }
};

// Every sequence of `left` more arrivals out of [0, 3 * kWidth + 2). What is refused changes
// nothing, so only what is accepted leads on. Returns how many windows were looked at.
template <std::uint32_t kWidth>
std::uint64_t expect_all_arrivals(const ReplayWindow<kWidth>& window, const Oracle& oracle,
                                  int left) {
  std::uint64_t looked_at = 1;
  for (std::uint64_t sequence = 0; sequence < 3 * kWidth + 2; ++sequence) {
    ReplayWindow<kWidth> next = window;
    const ReplayVerdict expected = oracle.verdict(sequence);
    EXPECT_EQ(replay_check(window, sequence), expected) << sequence << " at " << window.top;
    EXPECT_EQ(replay_advance(next, sequence), expected);
    if (expected == ReplayVerdict::kNew) {
      Oracle told = oracle;
      told.accepted.insert(sequence);
      EXPECT_EQ(next.top, told.top());
      if (left > 1) looked_at += expect_all_arrivals(next, told, left - 1);
    } else {
      EXPECT_EQ(next, window);
    }
    if (testing::Test::HasFailure()) break;
  }
  return looked_at;
}

TEST(ReplayWindow, AgreesWithASetOnEverySequenceOfArrivalsInNarrowWindows) {
  EXPECT_EQ(expect_all_arrivals<1>({}, {1, {}}, 4), 15U) << "rising, out of four";
  EXPECT_GT(expect_all_arrivals<2>({}, {2, {}}, 7), 150U);
  EXPECT_GT(expect_all_arrivals<3>({}, {3, {}}, 8), 5'000U);
  EXPECT_GT(expect_all_arrivals<4>({}, {4, {}}, 7), 50'000U);
}

template <std::uint32_t kWidth>
void expect_random_arrivals(std::uint64_t seed) {
  tests::Prng prng(seed);
  ReplayWindow<kWidth> window{};
  Oracle oracle{kWidth, {}};
  for (int i = 0; i < 20'000; ++i) {
    // Mostly around the top, at times a leap, which may be longer than the window.
    const std::uint64_t back = prng.below(kWidth + kWidth / 8);
    const std::uint64_t ahead = prng.chance(20) ? prng.below(2 * kWidth) : prng.below(3);
    const std::uint64_t reached = window.top + ahead;
    const std::uint64_t sequence = prng.coin() || reached < back ? reached : reached - back;
    const ReplayVerdict expected = oracle.verdict(sequence);
    ASSERT_EQ(replay_advance(window, sequence), expected) << "width " << kWidth << " step " << i;
    if (expected == ReplayVerdict::kNew) oracle.accepted.insert(sequence);
  }
}

TEST(ReplayWindow, AgreesWithASetOnRandomArrivalsInRealWidths) {
  expect_random_arrivals<64>(1);
  expect_random_arrivals<100>(2);
  expect_random_arrivals<128>(3);
  expect_random_arrivals<kReplayWidthOfLine>(4);
  expect_random_arrivals<1000>(5);
  expect_random_arrivals<1024>(6);
}

TEST(ReplayWindow, ACopyInOneBurstPassesTheCheckButDoesNotAdvance) {
  ReplayWindow<64> window{};
  EXPECT_EQ(replay_check(window, 9), ReplayVerdict::kNew);
  EXPECT_EQ(replay_check(window, 9), ReplayVerdict::kNew);
  EXPECT_EQ(replay_advance(window, 9), ReplayVerdict::kNew);
  EXPECT_EQ(replay_advance(window, 9), ReplayVerdict::kSeen);
}

TEST(ReplayWindow, CountsOnOver32BitsWithEsn) {
  ReplayWindow<64> window{};
  ASSERT_EQ(replay_advance(window, kLast32 - 2), ReplayVerdict::kNew);
  for (std::uint64_t meant = kLast32 - 1; meant < kLast32 + 200; ++meant) {
    const auto wire = static_cast<std::uint32_t>(meant);
    ASSERT_EQ(replay_sequence(window, wire, SequenceSpace::k64), meant);
    ASSERT_EQ(replay_advance(window, meant), ReplayVerdict::kNew);
  }
  ASSERT_EQ(replay_sequence(window, 0xFFFF'FFFF, SequenceSpace::k64), kLast32 + (1ULL << 32U))
      << "too far back to be meant";
}

TEST(ReplayWindow, AWireNumberOf32BitsIsTheNumberWithoutEsn) {
  ReplayWindow<64> window{};
  ASSERT_EQ(replay_advance(window, kLast32), ReplayVerdict::kNew);
  EXPECT_EQ(replay_sequence(window, 3, SequenceSpace::k32), 3U);
  EXPECT_EQ(replay_check(window, 3), ReplayVerdict::kTooOld) << "it must not begin anew";
}

TEST(ReplayWindow, TakesTheVeryLastNumbers) {
  ReplayWindow<64> window{};
  EXPECT_EQ(replay_advance(window, kLast64), ReplayVerdict::kNew);
  EXPECT_EQ(replay_advance(window, kLast64), ReplayVerdict::kSeen);
  EXPECT_EQ(replay_advance(window, kLast64 - 63), ReplayVerdict::kNew);
  EXPECT_EQ(replay_advance(window, kLast64 - 64), ReplayVerdict::kTooOld);
}

// Every window of three numbers that some arrivals out of [1, 7] leave behind.
std::vector<ReplayWindow<3>> small_windows() {
  std::vector<ReplayWindow<3>> windows;
  for (unsigned arrivals = 0; arrivals < 128; ++arrivals) {
    ReplayWindow<3> window{};
    for (unsigned i = 0; i < 7; ++i)
      if ((arrivals >> i & 1U) != 0) static_cast<void>(replay_advance(window, i + 1));
    windows.push_back(window);
  }
  return windows;
}

bool accepts(const ReplayWindow<3>& window, std::uint64_t sequence) {
  return replay_check(window, sequence) == ReplayVerdict::kNew;
}

ReplayWindow<3> merged(ReplayWindow<3> window, const ReplayWindow<3>& other) {
  replay_merge(window, other);
  return window;
}

TEST(ReplayWindow, AMergeAcceptsExactlyWhatBothAccept) {
  const std::vector<ReplayWindow<3>> windows = small_windows();
  for (const auto& one : windows) {
    ASSERT_EQ(merged(one, one), one);
    for (const auto& other : windows) {
      const ReplayWindow<3> both = merged(one, other);
      ASSERT_EQ(both, merged(other, one));
      ASSERT_EQ(both, merged(both, other)) << "told twice";
      for (std::uint64_t sequence = 1; sequence < 12; ++sequence)
        ASSERT_EQ(accepts(both, sequence), accepts(one, sequence) && accepts(other, sequence));
    }
  }
}

TEST(ReplayWindow, MergesMayComeInAnyOrder) {
  const std::vector<ReplayWindow<3>> windows = small_windows();
  for (const auto& one : windows)
    for (const auto& other : windows)
      for (const auto& third : windows)
        ASSERT_EQ(merged(merged(one, other), third), merged(one, merged(other, third)));
}

TEST(ReplayWindow, ATopWithoutItsWindowClosesEverythingBelow) {
  for (const ReplayWindow<3>& window : small_windows()) {
    for (std::uint64_t top = 0; top < 12; ++top) {
      ReplayWindow<3> closed = window;
      replay_close(closed, top);
      ASSERT_EQ(closed.top, std::max(top, window.top));
      for (std::uint64_t sequence = 1; sequence < 16; ++sequence)
        ASSERT_EQ(accepts(closed, sequence), sequence > top && accepts(window, sequence));
    }
  }
}

TEST(ReplayWindow, AJumpRefusesWhatTheOldBoxMayHaveAccepted) {
  for (const ReplayWindow<3>& window : small_windows()) {
    for (std::uint64_t packets = 0; packets < 8; ++packets) {
      ReplayWindow<3> jumped = window;
      ASSERT_EQ(replay_jump(jumped, packets, SequenceSpace::k64), ReplayJump::kMoved);
      for (std::uint64_t sequence = 0; sequence < 24; ++sequence)
        ASSERT_EQ(accepts(jumped, sequence), sequence > window.top + packets);
    }
  }
}

// The old box accepts in any order, the copy has its state of some moment, merged or as a top
// alone; then it takes over and is offered all packets again.
TEST(ReplayWindow, NoPacketIsAcceptedByBothBoxesTogether) {
  constexpr std::uint32_t kWidth = 64;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    tests::Prng prng(seed);
    ReplayWindow<kWidth> old_box{};
    ReplayWindow<kWidth> copy{};
    std::set<std::uint64_t> accepted;
    std::uint64_t highest = 0;
    constexpr std::uint32_t kRatePerS = 10'000;
    const std::uint64_t stale_ns = prng.below(20) * 1'000'000ULL;
    const std::uint64_t packets = packets_within(kRatePerS, stale_ns);
    const auto run = [&](std::uint64_t count) {
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t ahead = highest + 1;  // one number a packet: no faster than the rate
        const std::uint64_t back = prng.chance(300) ? prng.below(kWidth) : 0;
        const std::uint64_t sequence = ahead > back ? ahead - back : ahead;
        if (replay_advance(old_box, sequence) == ReplayVerdict::kNew) accepted.insert(sequence);
        highest = std::max(highest, sequence);
      }
    };
    for (std::uint32_t said = prng.below(4); said > 0; --said) {
      run(prng.below(200));
      if (prng.coin())
        replay_merge(copy, old_box);
      else
        replay_close(copy, old_box.top);
    }
    const std::uint64_t told = old_box.top;
    replay_close(copy, told);
    run(packets);
    ASSERT_EQ(replay_jump(copy, packets, SequenceSpace::k64), ReplayJump::kMoved);
    for (const std::uint64_t sequence : accepted)
      ASSERT_NE(replay_check(copy, sequence), ReplayVerdict::kNew) << sequence << " seed " << seed;
    ASSERT_EQ(replay_check(copy, told + packets + 1), ReplayVerdict::kNew);
  }
}

TEST(ReplayWindow, AJumpOverTheEdgeOf32BitsGoesOnWithEsnAndEndsWithoutIt) {
  ReplayWindow<64> window{};
  ASSERT_EQ(replay_advance(window, kLast32 - 10), ReplayVerdict::kNew);
  ReplayWindow<64> extended = window;
  EXPECT_EQ(replay_jump(extended, 100, SequenceSpace::k64), ReplayJump::kMoved);
  EXPECT_EQ(extended.top, kLast32 + 90);
  EXPECT_EQ(replay_sequence(extended, 90, SequenceSpace::k64), kLast32 + 91);
  EXPECT_EQ(replay_check(extended, kLast32 + 91), ReplayVerdict::kNew);

  for (const std::uint64_t packets : {10ULL, 11ULL, 100ULL}) {
    ReplayWindow<64> ended = window;
    EXPECT_EQ(replay_jump(ended, packets, SequenceSpace::k32), ReplayJump::kNeedsNewSa);
    EXPECT_EQ(ended.top, kLast32);
    EXPECT_EQ(replay_check(ended, kLast32), ReplayVerdict::kSeen);
  }
  EXPECT_EQ(replay_jump(window, 9, SequenceSpace::k32), ReplayJump::kMoved);
  EXPECT_EQ(replay_check(window, kLast32), ReplayVerdict::kNew) << "one number is left";
}

TEST(ReplayWindow, AJumpTooFarMovesAllTheSameAndAsksForANewSa) {
  ReplayWindow<64> window{};
  EXPECT_EQ(replay_jump(window, kSequenceJumpMax, SequenceSpace::k64), ReplayJump::kMoved);
  EXPECT_EQ(replay_jump(window, kSequenceJumpMax + 1, SequenceSpace::k64), ReplayJump::kNeedsNewSa);
  EXPECT_EQ(window.top, 2 * kSequenceJumpMax + 1);
  EXPECT_EQ(replay_jump(window, kLast64, SequenceSpace::k64), ReplayJump::kNeedsNewSa);
  EXPECT_EQ(window.top, kLast64);
  EXPECT_EQ(replay_check(window, kLast64), ReplayVerdict::kSeen);
}

}  // namespace
}  // namespace twinplane::tables
