// SPDX-License-Identifier: BSD-3-Clause
// What sessions announce: in the table, on the board, and from there to whoever comes first.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "dataplane/expectations.hpp"
#include "tests/support/plain_bodies.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::ExpectationBody;
using tables::ExpectationState;
using tables::TableKind;
using tests::InBlock;

ExpectationBody body(std::uint32_t number) {
  ExpectationBody made = tests::body_of<ExpectationBody>(number);
  made.state = ExpectationState::kWaiting;
  return made;
}

class ExpectationsTest : public testing::Test {
 protected:
  static tables::PartitionLimits limits() {
    tables::PartitionLimits limits;
    limits.session4 = limits.session6 = {64, 2};
    limits.plain(TableKind::kExpectation) = 64;
    return limits;
  }

  bool expect(const ExpectationBody& wanted) {
    return expectations_.try_expect(*partition_, wanted, false, now_ms_);
  }

  void pass(std::uint32_t ms) {
    now_ms_ += ms;
    expectations_.expire(*partition_, now_ms_, 64);
  }

  std::uint64_t count(ExpectationCounter counter) { return expectations_.get(counter); }

  auto& slots() { return partition_->slots<TableKind::kExpectation>(); }

  std::uint32_t now_ms_ = 1000;
  Expectations expectations_{64, 30'000, tables::HashSeed{9}};
  InBlock<tables::Partition> partition_{limits(), tables::HashSeed{4}};
};

TEST_F(ExpectationsTest, AreSeenByWhoeverLooks) {
  EXPECT_FALSE(expectations_.board().may_have_any());
  ASSERT_TRUE(expect(body(1)));
  EXPECT_TRUE(expectations_.board().may_have_any());
  const auto seen = expectations_.board().try_find(body(1).flow);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->body.real_address, body(1).real_address);
  EXPECT_FALSE(seen->is_local_only);
  EXPECT_FALSE(expectations_.board().try_find(body(2).flow));
  const auto* const of = Expectations::try_of(*partition_, body(1).session);
  ASSERT_NE(of, nullptr);
  EXPECT_EQ(of->flow, body(1).flow);
}

TEST_F(ExpectationsTest, LetOneSessionInAndRememberWhatWasSaid) {
  ASSERT_TRUE(expect(body(1)));
  const auto seen = expectations_.board().try_find(body(1).flow);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(expectations_.board().try_claim(*seen));
  EXPECT_FALSE(expectations_.board().try_claim(*seen));
  EXPECT_FALSE(expectations_.board().try_find(body(1).flow)) << "at once, for every core";
  pass(1);
  EXPECT_FALSE(expectations_.board().may_have_any());
  ASSERT_EQ(slots().live_count(), 1U);
  EXPECT_EQ(Expectations::try_of(*partition_, body(1).session)->state, ExpectationState::kUsed);
  EXPECT_EQ(count(ExpectationCounter::kOpened), 1U);
  pass(30'000);
  EXPECT_EQ(slots().live_count(), 0U);
  EXPECT_EQ(count(ExpectationCounter::kExpired), 0U);
}

TEST_F(ExpectationsTest, EndWhenNobodyComes) {
  ASSERT_TRUE(expect(body(1)));
  pass(29'999);
  EXPECT_TRUE(expectations_.board().try_find(body(1).flow));
  pass(1);
  EXPECT_FALSE(expectations_.board().may_have_any());
  EXPECT_EQ(slots().live_count(), 0U);
  EXPECT_EQ(count(ExpectationCounter::kExpired), 1U);
}

TEST_F(ExpectationsTest, OfOneSessionGiveWayToItsNext) {
  ASSERT_TRUE(expect(body(1)));
  const auto seen = expectations_.board().try_find(body(1).flow);
  ExpectationBody next = body(2);
  next.session = body(1).session;
  ASSERT_TRUE(expect(next));
  EXPECT_FALSE(expectations_.board().try_find(body(1).flow));
  EXPECT_FALSE(expectations_.board().try_claim(*seen)) << "what was seen before is over";
  EXPECT_TRUE(expectations_.board().try_find(next.flow));
  EXPECT_EQ(slots().live_count(), 1U);
  EXPECT_EQ(expectations_.board().count(), 1U);
  EXPECT_EQ(count(ExpectationCounter::kReplaced), 1U);
}

TEST_F(ExpectationsTest, OfOneFlowAreTheLatersUnlessAnotherPartitionHasIt) {
  ASSERT_TRUE(expect(body(1)));
  ExpectationBody other = body(2);
  other.flow = body(1).flow;
  ASSERT_TRUE(expect(other));
  EXPECT_EQ(slots().live_count(), 1U);
  EXPECT_EQ(count(ExpectationCounter::kDisplaced), 1U);
  InBlock<tables::Partition> elsewhere(limits(), tables::HashSeed{5});
  EXPECT_FALSE(expectations_.try_expect(*elsewhere, body(1), false, now_ms_));
  EXPECT_EQ(count(ExpectationCounter::kRefusedBoard), 1U);
}

TEST_F(ExpectationsTest, OfOneFlowInTwoPartitionsAreEachItsOwn) {
  ASSERT_TRUE(expect(body(1)));
  ASSERT_TRUE(expectations_.board().try_claim(*expectations_.board().try_find(body(1).flow)));
  InBlock<tables::Partition> elsewhere(limits(), tables::HashSeed{5});
  ASSERT_TRUE(expectations_.try_expect(*elsewhere, body(1), false, now_ms_)) << "that one is used";
  expectations_.expire(*elsewhere, now_ms_, 64);
  EXPECT_TRUE(expectations_.board().try_find(body(1).flow)) << "nobody has claimed this one";
  expectations_.expire(*partition_, now_ms_, 64);
  EXPECT_TRUE(expectations_.board().try_find(body(1).flow)) << "only the first is off the board";
  EXPECT_EQ(expectations_.board().count(), 1U);
  expectations_.hide(*partition_);
  EXPECT_EQ(expectations_.board().count(), 1U) << "not its own";
  expectations_.hide(*elsewhere);
}

TEST_F(ExpectationsTest, AreRefusedWhenTheTableIsFull) {
  for (std::uint32_t number = 0; number < 64; ++number) ASSERT_TRUE(expect(body(number)));
  EXPECT_FALSE(expect(body(64)));
  EXPECT_EQ(count(ExpectationCounter::kRefusedFull), 1U);
  EXPECT_EQ(expectations_.board().count(), 64U);
  pass(30'000);
  EXPECT_EQ(expectations_.board().count(), 0U);
  EXPECT_TRUE(expect(body(64)));
}

// A mirror's stand in its table alone, until it takes over; then they get a whole time.
TEST_F(ExpectationsTest, OfThePeerAreShownByWhoTakesOver) {
  tables::PlainEntry<ExpectationBody> waiting{}, used{};
  waiting.body = body(1);
  used.body = body(2);
  used.body.state = ExpectationState::kUsed;
  waiting.head = used.head = {1, 0, tables::kLive};
  slots().put(3, waiting);
  slots().put(4, used);
  EXPECT_FALSE(expectations_.board().may_have_any());
  expectations_.show(*partition_);
  EXPECT_TRUE(expectations_.board().try_find(body(1).flow));
  EXPECT_FALSE(expectations_.board().try_find(body(2).flow));
  pass(0);
  pass(29'999);
  EXPECT_TRUE(expectations_.board().try_find(body(1).flow));
  expectations_.hide(*partition_);
  EXPECT_FALSE(expectations_.board().may_have_any());
}

// Cores that own different partitions put, take and claim at once; one claim is granted each time.
TEST_F(ExpectationsTest, AreClaimedOnceByManyCores) {
  constexpr std::uint32_t kRounds = 200;
  std::atomic<std::uint32_t> granted{0};
  std::atomic<std::uint32_t> round{0};
  std::atomic<bool> is_over{false};
  ExpectationBoard& board = expectations_.board();
  const std::uint64_t here = 1;
  const std::uint64_t elsewhere = 2;
  std::vector<std::thread> claimers;
  claimers.reserve(2);
  for (int i = 0; i < 2; ++i)
    claimers.emplace_back([&] {
      while (!is_over.load())
        if (const auto seen = board.try_find(body(1).flow); seen && board.try_claim(*seen))
          ++granted;
    });
  std::thread other([&] {
    while (!is_over.load())
      if (board.put(&elsewhere, body(2), false)) board.take(&elsewhere, body(2).flow);
  });
  for (; round < kRounds; ++round) {
    ASSERT_TRUE(board.put(&here, body(1), false));
    while (!board.is_claimed(&here, body(1).flow)) std::this_thread::yield();
    board.take(&here, body(1).flow);
  }
  is_over = true;
  for (std::thread& claimer : claimers) claimer.join();
  other.join();
  EXPECT_EQ(granted.load(), kRounds);
  EXPECT_EQ(board.count(), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
