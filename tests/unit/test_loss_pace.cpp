// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "ha2/loss_pace.hpp"
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

TEST(LossPace, KeepsTheIntervalBetweenFrames) {
  Sender sender;
  sender.answer_sample(8);
  sender.pace.note_sent(1'000'000);
  EXPECT_FALSE(sender.pace.may_send(1'000'000 + LossPace::kFirstNs - 1));
  EXPECT_TRUE(sender.pace.may_send(1'000'000 + LossPace::kFirstNs));
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

// It offers a link two to four times what that passes.
TEST(LossPace, FindsThePaceOfALinkThatDropsWhatItCannotCarry) {
  constexpr std::uint64_t kLinkNs = 300'000;  // a frame
  Sender sender;
  std::uint64_t now_ns = 0;
  std::uint64_t free_ns = 0;
  std::uint32_t sent_count = 0;
  for (; now_ns < 1'000'000'000; now_ns += 5'000) {
    if (!sender.pace.may_send(now_ns)) continue;
    sender.pace.note_sent(now_ns);
    const bool is_lost = now_ns < free_ns;
    if (!is_lost) free_ns = now_ns + kLinkNs;
    sent_count += now_ns > 100'000'000 ? 1 : 0;
    sender.answer(is_lost);
  }
  EXPECT_GT(sent_count, 900'000'000 / kLinkNs);
  EXPECT_LT(sent_count, 4.5 * 900'000'000 / kLinkNs);
}

TEST(LossPace, NoSlowestIsNoPace) {
  LossPace pace(0);
  for (std::uint64_t seq = 1; seq <= 64; ++seq) pace.note_answer(seq, true, seq + 1);
  EXPECT_TRUE(pace.may_send(0));
}

}  // namespace
}  // namespace twinplane::ha2
