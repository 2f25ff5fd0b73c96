// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "ha2/receipt.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::TableKind;
using tests::Frame;
using tests::header_of;
using tests::StreamEnds;

bool asks(const Frame& frame) {
  return (header_of(frame).floor_distance.get() & kAnswerAtOnce) != 0;
}

Receipt ask(StreamEnds& ends, std::uint32_t slot) {
  return ends.stream().ask_receipt(TableKind::kSession4, slot);
}

TEST(Receipt, ComesWithTheAnswerAndNotBefore) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  Receipt receipt = ask(ends, slot);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  const auto frames = ends.poll_owner();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  ends.to_the_mirror(frames[0]);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kReceived);
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(Receipt, TheFrameThatSaysItIsAnsweredInTheSameTurnAndNoOtherIs) {
  StreamEnds ends;
  ends.settle();
  ends.create(1);
  const auto unasked = ends.poll_owner();
  ASSERT_EQ(unasked.size(), 1U);
  EXPECT_FALSE(asks(unasked[0]));
  ends.to_the_mirror(unasked[0]);
  EXPECT_TRUE(ends.poll_mirror().empty());
  const std::uint32_t slot = ends.create(2);
  Receipt receipt = ask(ends, slot);
  const auto asked = ends.poll_owner();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_TRUE(asks(asked[0]));
  EXPECT_EQ(floor_distance_of(header_of(asked[0])), 2U);
  ends.to_the_mirror(asked[0]);
  const auto status = ends.poll_mirror();
  ASSERT_EQ(status.size(), 1U);
  ends.to_the_owner(status[0]);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kReceived);
}

TEST(Receipt, AFrameThatWaitedForAnEarlierOneIsAnsweredAtOnceToo) {
  StreamEnds ends;
  ends.settle();
  ends.create(1);
  const auto first = ends.poll_owner();
  const std::uint32_t slot = ends.create(2);
  ask(ends, slot);
  const auto second = ends.poll_owner();
  ASSERT_EQ(second.size(), 1U);
  ends.to_the_mirror(second[0]);
  EXPECT_TRUE(ends.poll_mirror().empty());
  ends.to_the_mirror(first.at(0));
  EXPECT_EQ(ends.poll_mirror().size(), 1U);
}

TEST(Receipt, WhatIsAskedForWaitsForNoFlushTime) {
  StreamEnds ends;
  ends.settle();
  ends.create(1);
  ends.poll_owner();  // unanswered: what follows waits for the flush time
  const std::uint32_t slot = ends.create(2);
  EXPECT_TRUE(ends.poll_owner().empty());
  ask(ends, slot);
  EXPECT_EQ(ends.poll_owner().size(), 1U);
}

TEST(Receipt, ALostFrameMeansToWaitForItsRepair) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  Receipt receipt = ask(ends, slot);
  ASSERT_EQ(ends.poll_owner().size(), 1U);  // lost
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  ends.create(2);
  for (const Frame& frame : ends.flush_owner()) ends.to_the_mirror(frame);
  ends.wait(100'000);
  for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
  // Everything sent is answered, and the mirror has not got it.
  EXPECT_EQ(ends.stream().in_flight_count(), 0U);
  EXPECT_FALSE(ends.is_equal(slot));
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  const auto repair = ends.poll_owner();
  ASSERT_EQ(repair.size(), 1U);
  EXPECT_TRUE(asks(repair[0]));
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  ends.to_the_mirror(repair[0]);
  for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kReceived);
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(Receipt, APatchWhoseBaseWasLostIsNotReceivedByBeingAnswered) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  ASSERT_EQ(ends.poll_owner().size(), 1U);  // the whole: lost
  ends.advance(slot);
  Receipt receipt = ask(ends, slot);
  const auto patch = ends.poll_owner();
  ASSERT_EQ(patch.size(), 1U);
  ends.to_the_mirror(patch[0]);
  ends.wait(100'000);
  for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
  const auto repair = ends.poll_owner();
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  ASSERT_EQ(repair.size(), 1U);
  ends.to_the_mirror(repair[0]);
  ends.wait(100'000);
  for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kReceived);
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(Receipt, ComesToWhoLooksLessOftenThanTheWindowGoesRound) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  const std::uint32_t other = ends.create(2);
  Receipt receipt = ask(ends, slot);
  std::vector<Frame> last = ends.poll_owner();
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  for (int frame = 0; frame < 32; ++frame) {  // a window has 16
    for (const Frame& sent : last) ends.to_the_mirror(sent);
    ends.wait(100'000);
    for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
    ends.advance(other);
    last = ends.flush_owner();
    ASSERT_EQ(last.size(), 1U);
  }
  ASSERT_EQ(ends.stream().in_flight_count(), 1U);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kReceived);
}

TEST(Receipt, IsGoneWhenTheSlotHoldsAnotherEntryOrNone) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  Receipt receipt = ask(ends, slot);
  ends.sessions().slots().erase(slot);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kGone);
  std::uint32_t number = 100;
  for (; !ends.sessions().slots().live().is_live(slot); ++number) ends.create(number);
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kGone);
}

TEST(Receipt, SaysThatNobodyWillAnswer) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  Receipt receipt = ask(ends, slot);
  ends.stream().stop();
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kNoPeer);
}

TEST(Receipt, IsWaitedForInTheNextStreamToo) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  Receipt receipt = ask(ends, slot);
  ends.begin({8, 1});  // a mirror that has started anew: nothing is dirty, all lies ahead
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kWaiting);
  ends.settle();
  EXPECT_EQ(ends.stream().look_at(receipt), ReceiptState::kReceived);
  EXPECT_TRUE(ends.is_equal(slot));
}

}  // namespace
}  // namespace twinplane::ha2
