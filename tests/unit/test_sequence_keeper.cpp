// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::ReplayVerdict;
using tables::SequenceOutcome;
using tables::TableKind;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kPatienceNs = 100 * kMs;
constexpr std::uint32_t kSize = 64;
constexpr tables::IpsecSequenceBody::Key kOut{{0x20}, 0x100, 50, {}};
constexpr tables::IpsecSequenceBody::Key kIn{{0x20}, 0x101, 50, {}};

tests::BoxShape shape() {
  tests::BoxShape shape = tests::small_shape();
  shape.limits.plain(TableKind::kIpsecSequence) = 64;
  shape.sequences = SequenceLimits{};
  shape.sequences->grant = {.size_min = kSize, .size_max = 1024, .patience_ns = kPatienceNs};
  return shape;
}

// Two boxes; east owns at first. Frames pass while `has_link`.
struct Keepers : testing::Test {
  Keepers() { assume(east, Holding::kOwner), assume(west, Holding::kMirror); }

  void assume(tests::Box& box, Holding holding, bool has_peer = true) {
    Assignment assignment;
    assignment.holding = holding;
    assignment.has_peer = has_peer;
    assignment.name = {7, term};
    assignment.frame_bytes = 1500;
    box.assume(assignment, now_ns);
  }

  void pass(tests::Box& from, tests::Box& to, bool is_passed) {
    tests::KeptLink link;
    if (from.keeper() != nullptr) from.keeper()->poll(now_ns);
    from.replica().poll(now_ns, link);
    for (const tests::Frame& frame : link.take())
      if (is_passed && !(loses_data && is_data(frame)))
        tests::StreamEnds::hand(to.replica(), frame, now_ns);
  }

  static bool is_data(const tests::Frame& frame) {
    return static_cast<FrameType>(decode(frame).frame.header.type) == FrameType::kData;
  }

  void run(std::uint64_t ns) {
    for (const std::uint64_t end_ns = now_ns + ns; now_ns < end_ns; now_ns += kMs) {
      pass(east, west, has_way_there);
      pass(west, east, has_way_back);
    }
  }

  // East is gone; west has noticed after that time.
  void west_takes_over(std::uint64_t after_ns) {
    now_ns += after_ns;
    west.keeper()->poll(now_ns);
    ++term;
    assume(west, Holding::kOwner, false);
  }

  std::uint32_t open(const tables::IpsecSequenceBody::Key& key, std::uint8_t flags) {
    return east.keeper()->open(key, flags, now_ns).slot;
  }

  SequenceKeeper& there() { return *west.keeper(); }

  SequenceStatus of_west(std::uint32_t slot) { return there().status(slot, now_ns); }

  std::uint32_t term = 1;
  std::uint64_t now_ns = 1'000 * kMs;
  bool has_way_there = true;
  bool has_way_back = true;
  bool loses_data = false;
  tests::Box east{shape()};
  tests::Box west{shape()};
};

TEST_F(Keepers, AskForMoreBeforeWhatWasGrantedIsUsed) {
  const std::uint32_t slot = open(kOut, 0);
  std::uint64_t used = 0;
  for (int i = 0; i < 100; ++i) {
    const auto run_of = east.keeper()->take(slot, 20, now_ns);
    ASSERT_EQ(run_of.outcome, SequenceOutcome::kTaken);
    ASSERT_EQ(run_of.first, used + 1);
    used += run_of.count;
    run(3 * kMs);
    ASSERT_FALSE(east.keeper()->status(slot, now_ns).is_ungranted);
  }
}

TEST_F(Keepers, WaitAsLongAsTheMirrorIsHeardAndGoOnWhenItIsNot) {
  const std::uint32_t slot = open(kOut, 0);
  run(50 * kMs);
  has_way_back = false;
  ASSERT_EQ(east.keeper()->take(slot, kSize, now_ns).count, kSize);
  EXPECT_EQ(east.keeper()->take(slot, 1, now_ns).outcome, SequenceOutcome::kAwaitsGrant);
  run(kPatienceNs - kMs);
  EXPECT_EQ(east.keeper()->take(slot, 1, now_ns).outcome, SequenceOutcome::kAwaitsGrant);
  run(2 * kMs);
  EXPECT_EQ(east.keeper()->take(slot, 1, now_ns).outcome, SequenceOutcome::kTaken);
  EXPECT_TRUE(east.keeper()->status(slot, now_ns).is_ungranted);
  has_way_back = true;
  run(50 * kMs);
  EXPECT_FALSE(east.keeper()->status(slot, now_ns).is_ungranted) << "the mirror knows all again";
}

TEST_F(Keepers, WaitForAMirrorThatIsHeardHoweverLongItDoesNotGetTheQuestion) {
  const std::uint32_t slot = open(kOut, 0);
  run(50 * kMs);
  loses_data = true;  // heartbeats pass, and are answered
  ASSERT_EQ(east.keeper()->take(slot, kSize, now_ns).count, kSize);
  for (int i = 0; i < 4; ++i) {
    run(kPatienceNs / 2);
    ASSERT_EQ(east.keeper()->take(slot, 1, now_ns).outcome, SequenceOutcome::kAwaitsGrant);
  }
  loses_data = false;
  run(50 * kMs);
  EXPECT_EQ(east.keeper()->take(slot, 1, now_ns).outcome, SequenceOutcome::kTaken);
  EXPECT_FALSE(east.keeper()->status(slot, now_ns).is_ungranted);
}

TEST_F(Keepers, GoOnAboveTheCeilingWhenTheOwnerDies) {
  const std::uint32_t slot = open(kOut, 0);
  static_cast<void>(east.keeper()->take(slot, 10, now_ns));
  run(200 * kMs);
  west_takes_over(30 * kMs);
  EXPECT_EQ(of_west(slot).result, SequenceResult::kAbove);
  EXPECT_EQ(of_west(slot).jump, 0U);
  EXPECT_EQ(there().take(slot, 1, now_ns).first, kSize + 1);
}

TEST_F(Keepers, StayWithThatForAnSaThatWasIdleForAnHour) {
  const std::uint32_t slot = open(kOut, 0);
  run(100 * kMs);
  const std::uint64_t before = east.replica().counters().get(Counter::kRecordsSent);
  run(10'000 * kMs);
  EXPECT_LE(east.replica().counters().get(Counter::kRecordsSent) - before, 400U)
      << "one pledge in 25 ms";
  west_takes_over(30 * kMs);
  EXPECT_EQ(of_west(slot).result, SequenceResult::kAbove);
}

TEST_F(Keepers, JumpByWholePatiencesWhenNothingWasAnsweredForLong) {
  const std::uint32_t slot = open(kOut, 0);
  run(200 * kMs);
  has_way_there = has_way_back = false;
  std::uint64_t used = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto run_of = east.keeper()->take(slot, 40, now_ns);
    if (run_of.count != 0) used = run_of.first + run_of.count - 1;
    run(kMs);
  }
  EXPECT_GT(used, 8 * kSize);
  west_takes_over(0);
  EXPECT_EQ(of_west(slot).result, SequenceResult::kJumped);
  EXPECT_GT(there().take(slot, 1, now_ns).first, used);
}

// Status frames are lost: the mirror hears of an owner that hears nothing.
TEST_F(Keepers, DoNotTakeWhatTheyHearForWhatTheOwnerHears) {
  const std::uint32_t slot = open(kOut, 0);
  run(200 * kMs);
  has_way_back = false;
  std::uint64_t used = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto run_of = east.keeper()->take(slot, 40, now_ns);
    if (run_of.count != 0) used = run_of.first + run_of.count - 1;
    run(kMs);
  }
  west_takes_over(0);
  EXPECT_GT(there().take(slot, 1, now_ns).first, used);
}

TEST_F(Keepers, SealWhatAnOwnerNeverPledged) {
  const std::uint32_t slot = open(kOut, 0);
  has_way_back = false;
  run(20 * kMs);
  ASSERT_NE(there().find(kOut), tables::kNoSlot);
  west_takes_over(10 * kMs);
  EXPECT_EQ(of_west(slot).result, SequenceResult::kNewSaOnly);
  EXPECT_EQ(there().take(slot, 1, now_ns).outcome, SequenceOutcome::kExhausted);
}

TEST_F(Keepers, SealWhatWasOwnedUnderATermThatTheyMissed) {
  const std::uint32_t slot = open(kOut, 0);
  run(100 * kMs);
  term += 2;
  assume(east, Holding::kOwner);
  EXPECT_EQ(east.keeper()->status(slot, now_ns).result, SequenceResult::kNewSaOnly);
}

TEST_F(Keepers, AcceptEachPacketOnceAcrossATakeover) {
  const std::uint32_t slot = open(kIn, tables::kSequenceInbound);
  std::uint64_t sent = 0;
  for (int i = 0; i < 500; ++i) {  // 10 a millisecond
    for (int n = 0; n < 10; ++n) {
      ++sent;
      ASSERT_EQ(east.keeper()->check(slot, static_cast<std::uint32_t>(sent)).verdict,
                ReplayVerdict::kNew);
      ASSERT_EQ(east.keeper()->accept(slot, sent, now_ns), ReplayVerdict::kNew);
    }
    run(kMs);
  }
  EXPECT_EQ(east.keeper()->accept(slot, sent, now_ns), ReplayVerdict::kSeen);
  west_takes_over(30 * kMs);
  for (std::uint64_t number = 1; number <= sent; ++number)
    ASSERT_NE(there().check(slot, static_cast<std::uint32_t>(number)).verdict, ReplayVerdict::kNew)
        << number;
  EXPECT_EQ(of_west(slot).result, SequenceResult::kJumped);
  EXPECT_LT(of_west(slot).used, sent + 5'000) << "half a second of packets is refused";
  const auto next = static_cast<std::uint32_t>(of_west(slot).used + 1);
  EXPECT_EQ(there().check(slot, next).verdict, ReplayVerdict::kNew);
}

TEST_F(Keepers, LeaveAnIdleWindowWhereItIs) {
  const std::uint32_t slot = open(kIn, tables::kSequenceInbound);
  for (std::uint64_t number = 1; number <= 100; ++number) {
    ASSERT_EQ(east.keeper()->accept(slot, number, now_ns), ReplayVerdict::kNew);
    run(kMs);
  }
  run(3'000 * kMs);  // the rate is forgotten
  west_takes_over(30 * kMs);
  EXPECT_EQ(of_west(slot).used, 100U);
  EXPECT_EQ(there().check(slot, 101).verdict, ReplayVerdict::kNew);
}

TEST_F(Keepers, OfABoxThatIsAloneWaitForNobody) {
  east.keeper()->set_alone(true);
  assume(east, Holding::kOwner, false);
  const std::uint32_t slot = open(kOut, 0);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(east.keeper()->take(slot, kSize / 2, now_ns).count, kSize / 2);
}

TEST_F(Keepers, EndAnSaAndItsNumbers) {
  const std::uint32_t slot = open(kOut, 0);
  run(100 * kMs);
  east.keeper()->close(slot);
  run(100 * kMs);
  EXPECT_EQ(there().find(kOut), tables::kNoSlot);
}

}  // namespace
}  // namespace twinplane::ha2
