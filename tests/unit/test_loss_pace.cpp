// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "ha2/loss_pace.hpp"
#include "ha2/owner_stream.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::ha2 {
namespace {

constexpr std::uint64_t kSlowestNs = 16 * LossPace::kFirstNs;

// Frames that go one by one, each answered before the next.
struct Sender {
  LossPace pace{kSlowestNs};
  std::uint64_t next_seq = 1;

  void answer(bool is_lost) {
    ++next_seq;
    pace.note_answer(next_seq - 1, is_lost, next_seq);
  }

  void answer_sample(std::uint32_t lost_count) {
    for (std::uint32_t i = 0; i < LossPace::kSampleFrames; ++i) answer(i < lost_count);
  }
};

TEST(LossPace, HoldsNothingBackAtFirst) {
  const LossPace pace(kSlowestNs);
  EXPECT_EQ(pace.interval_ns(), 0U);
  EXPECT_TRUE(pace.may_send(0));
}

TEST(LossPace, DoublesWhereMoreThanThreeQuartersAreLostUpToTheSlowest) {
  Sender sender;
  sender.answer_sample(6);
  EXPECT_EQ(sender.pace.interval_ns(), 0U);
  for (std::uint64_t ns = LossPace::kFirstNs; ns <= kSlowestNs; ns *= 2) {
    sender.answer_sample(7);
    EXPECT_EQ(sender.pace.interval_ns(), ns);
  }
  sender.answer_sample(8);
  EXPECT_EQ(sender.pace.interval_ns(), kSlowestNs);
}

TEST(LossPace, HalvesWhereAtMostHalfAreLostDownToNone) {
  Sender sender;
  sender.answer_sample(8);
  sender.answer_sample(8);
  sender.answer_sample(5);
  EXPECT_EQ(sender.pace.interval_ns(), 2 * LossPace::kFirstNs);
  sender.answer_sample(4);
  EXPECT_EQ(sender.pace.interval_ns(), LossPace::kFirstNs);
  sender.answer_sample(0);
  EXPECT_EQ(sender.pace.interval_ns(), 0U);
}

TEST(LossPace, AWholeWindowLostIsOneSample) {
  LossPace pace(kSlowestNs);
  for (std::uint64_t seq = 1; seq <= 256; ++seq) pace.note_answer(seq, true, 257);
  EXPECT_EQ(pace.interval_ns(), LossPace::kFirstNs);
}

TEST(LossPace, KeepsTheIntervalOnTheWholeHoweverLongATurnTakes) {
  for (const std::uint64_t turn_ns : {500U, 5'000U, 40'000U}) {
    Sender sender;
    sender.answer_sample(8);
    sender.answer_sample(8);
    std::uint32_t sent_count = 0;
    for (std::uint64_t now_ns = 1'000'000; now_ns < 9'000'000; now_ns += turn_ns)
      for (; sender.pace.may_send(now_ns); ++sent_count) sender.pace.note_sent(now_ns);
    const std::uint64_t due_count = 8'000'000 / sender.pace.interval_ns();
    EXPECT_GE(sent_count + 10, due_count) << turn_ns;
    EXPECT_LE(sent_count, due_count + 10) << turn_ns;
  }
}

TEST(LossPace, MakesUpForOneTurnAndNotForAPause) {
  Sender sender;
  sender.answer_sample(8);
  std::uint32_t sent_count = 0;
  for (; sender.pace.may_send(1'000'000'000); ++sent_count) sender.pace.note_sent(1'000'000'000);
  EXPECT_LT(sent_count, 20U);
}

TEST(LossPace, LosingTwoInFiveByChanceHoldsHardlyAnythingBack) {
  Sender sender;
  tests::Prng prng(1);
  std::uint32_t slow_count = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    sender.answer(prng.chance(400));
    slow_count += sender.pace.interval_ns() != 0 ? 1 : 0;
  }
  EXPECT_LT(slow_count, 2'000U);
  EXPECT_GT(slow_count, 0U) << "else the test draws no bad samples";
}

// A sender with a window over a link that passes a frame each link_ns and keeps a few waiting; what
// becomes of a frame is known a round trip later.
struct Squeezed {
  std::uint64_t sent_per_s;
  std::uint64_t arrived_per_s;
};

Squeezed squeeze(std::uint64_t link_ns, std::uint64_t queue_frames) {
  constexpr std::uint64_t kTripNs = 200'000;
  constexpr std::uint64_t kEndNs = 8'000'000'000;
  constexpr std::size_t kWindowFrames = 256;

  struct Frame {
    std::uint64_t answered_ns;
    bool is_lost;
  };

  LossPace pace(StreamConfig{}.slowest_ns);
  std::deque<Frame> window;
  std::uint64_t next_seq = 1;
  std::uint64_t busy_until_ns = 0;
  Squeezed counts{};
  for (std::uint64_t now_ns = 0; now_ns < kEndNs; now_ns += 10'000) {
    for (; !window.empty() && window.front().answered_ns <= now_ns; window.pop_front())
      pace.note_answer(next_seq - window.size(), window.front().is_lost, next_seq);
    while (window.size() < kWindowFrames && pace.may_send(now_ns)) {
      pace.note_sent(now_ns);
      const std::uint64_t leaves_ns = std::max(now_ns, busy_until_ns);
      const bool is_lost = leaves_ns - now_ns > link_ns * queue_frames;
      if (!is_lost) busy_until_ns = leaves_ns + link_ns;
      window.push_back({std::max(now_ns, busy_until_ns) + kTripNs, is_lost});
      ++next_seq;
      if (now_ns < kEndNs / 2) continue;  // until it has found its pace
      ++counts.sent_per_s;
      counts.arrived_per_s += is_lost ? 0 : 1;
    }
  }
  return {counts.sent_per_s / 4, counts.arrived_per_s / 4};
}

TEST(LossPace, UsesASqueezedLinkToTheFullAndOffersItLittleMore) {
  for (const std::uint64_t link_per_s : {100U, 564U, 3'333U, 8'000U, 20'000U, 80'000U})
    for (const std::uint64_t queue_frames : {1U, 4U, 16U, 64U}) {
      const Squeezed counts = squeeze(1'000'000'000U / link_per_s, queue_frames);
      EXPECT_GE(counts.arrived_per_s, link_per_s * 9 / 10) << link_per_s << ' ' << queue_frames;
      // Behind a long queue answers come late, and it goes further than it should.
      const std::uint64_t times_max = queue_frames == 64 ? 7 : 5;
      EXPECT_LE(counts.sent_per_s, link_per_s * times_max) << link_per_s << ' ' << queue_frames;
    }
}

TEST(LossPace, NoSlowestIsNoPace) {
  LossPace pace(0);
  for (std::uint64_t seq = 1; seq <= 64; ++seq) pace.note_answer(seq, true, seq + 1);
  EXPECT_TRUE(pace.may_send(0));
}

}  // namespace
}  // namespace twinplane::ha2
