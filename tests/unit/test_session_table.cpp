// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>

#include "tables/session_table.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using tests::make_session;

InBlock<SessionTable4> table_of(std::uint32_t slot_count,
                                FullPolicy when_full = FullPolicy::kRefuse) {
  SessionPolicy policy;
  policy.when_full = when_full;
  return InBlock<SessionTable4>(SlotLimits{slot_count, 2}, HashSeed{5}, policy);
}

Session4 half_open(std::uint32_t number) { return make_session<Address4>(number); }

Session4 established(std::uint32_t number) {
  Session4 session = make_session<Address4>(number);
  session.state.timeout_class = static_cast<std::uint8_t>(TimeoutClass::kTcpEstablished);
  return session;
}

bool has(SessionTable4& table, std::uint32_t number) {
  return table.slots().find(key_of(half_open(number), Side::kClient)).slot != kNoSlot;
}

TEST(SessionTable, RefusesANewSessionWhenFullAndCountsIt) {
  auto table = table_of(4);
  for (std::uint32_t number = 0; number < 4; ++number)
    ASSERT_EQ(table->create(half_open(number), 0).status, InsertStatus::kInserted);
  EXPECT_EQ(table->create(half_open(4), 0).status, InsertStatus::kFull);
  EXPECT_EQ(table->counters().created, 4U);
  EXPECT_EQ(table->counters().refused_full, 1U);
  for (std::uint32_t number = 0; number < 4; ++number) EXPECT_TRUE(has(*table, number));
}

TEST(SessionTable, GivesUpTheOldestHalfOpenSessionWhenThatIsThePolicy) {
  auto table = table_of(3, FullPolicy::kEvictHalfOpen);
  static_cast<void>(table->create(established(0), 0));
  static_cast<void>(table->create(half_open(1), 0));
  static_cast<void>(table->create(half_open(2), 0));
  EXPECT_EQ(table->create(half_open(3), 0).status, InsertStatus::kInserted);
  EXPECT_TRUE(has(*table, 0));
  EXPECT_FALSE(has(*table, 1));
  EXPECT_TRUE(has(*table, 2));
  EXPECT_TRUE(has(*table, 3));
  EXPECT_EQ(table->counters().evicted_half_open, 1U);
}

TEST(SessionTable, NeverGivesUpASessionThatWasHalfOpenAndIsEstablished) {
  auto table = table_of(2, FullPolicy::kEvictHalfOpen);
  for (std::uint32_t number = 0; number < 2; ++number) {
    const InsertResult result = table->create(half_open(number), 0);
    table->slots().changeable(result.slot).state.timeout_class =
        static_cast<std::uint8_t>(TimeoutClass::kTcpEstablished);
  }
  EXPECT_EQ(table->create(half_open(2), 0).status, InsertStatus::kFull);
  EXPECT_EQ(table->counters().evicted_half_open, 0U);
}

TEST(SessionTable, NeverGivesUpASlotsNextSessionForItsLastOne) {
  auto table = table_of(1, FullPolicy::kEvictHalfOpen);
  table->end(table->create(half_open(0), 0).slot);
  static_cast<void>(table->create(established(1), 0));
  EXPECT_EQ(table->create(half_open(2), 0).status, InsertStatus::kFull);
  EXPECT_TRUE(has(*table, 1));
}

TEST(SessionTable, LivesThroughASynFloodOfManyTimesItsSize) {
  auto table = table_of(16, FullPolicy::kEvictHalfOpen);
  static_cast<void>(table->create(established(0), 0));
  for (std::uint32_t number = 1; number < 1000; ++number)
    ASSERT_EQ(table->create(half_open(number), 0).status, InsertStatus::kInserted);
  EXPECT_TRUE(has(*table, 0));
  for (std::uint32_t number = 985; number < 1000; ++number) EXPECT_TRUE(has(*table, number));
}

TEST(SessionTable, EndsASessionWhenItsClassHasTimedOut) {
  auto table = table_of(64);
  const InsertResult opening = table->create(half_open(0), 1000);
  static_cast<void>(table->create(established(1), 1000));
  EXPECT_EQ(table->expire(1000 + 19'999, 64), 0U);
  EXPECT_EQ(table->expire(1000 + 20'000, 64), 1U);
  EXPECT_FALSE(has(*table, 0));
  EXPECT_TRUE(has(*table, 1));
  EXPECT_EQ(table->counters().expired, 1U);
  EXPECT_TRUE(table->slots().changes().contains(opening.slot));
}

TEST(SessionTable, APacketStartsTheTimeAnew) {
  auto table = table_of(64);
  const InsertResult result = table->create(half_open(0), 0);
  table->touch(result.slot, 15'000);
  EXPECT_EQ(table->expire(20'000, 64), 0U);
  EXPECT_EQ(table->expire(35'000, 64), 1U);
}

TEST(SessionTable, GivesWhatItTookOverAWholeTimeoutAndSpreadsTheEnds) {
  auto table = table_of(256);
  for (std::uint32_t number = 0; number < 256; ++number)
    table->slots().put(number, established(number));
  table->expire(1000, 256);
  EXPECT_EQ(table->counters().expired, 0U);
  EXPECT_EQ(table->counters().graced, 256U);
  std::set<std::uint32_t> deadlines;
  for (std::uint32_t slot = 0; slot < 256; ++slot) {
    const std::uint32_t deadline = table->slots().deadline_ms(slot);
    EXPECT_GE(deadline, 1000 + 3'600'000U);
    EXPECT_LE(deadline, 1000 + 3'960'000U);
    deadlines.insert(deadline);
  }
  EXPECT_GT(deadlines.size(), 200U);
  table->expire(2000, 256);
  EXPECT_EQ(table->counters().graced, 256U);
}

TEST(SessionTable, GivesGraceAlsoWhereTheBoxHadOwnedTheSlotBefore) {
  auto table = table_of(64);
  const InsertResult result = table->create(established(0), 0);
  // The peer takes over, states the same session, and dies an hour and more later.
  Session4 stated = established(0);
  stated.state.generation = table->slots().entry(result.slot).state.generation;
  table->slots().put(result.slot, stated);
  table->expire(5'000'000, 64);
  EXPECT_TRUE(has(*table, 0));
  EXPECT_EQ(table->counters().graced, 1U);
}

TEST(SessionTable, EndsWhatHadNoTimeLeftWhileNobodyLooked) {
  auto table = table_of(200);
  const std::uint32_t opening_ms = SessionPolicy{}.timeouts_ms[0];
  static_cast<void>(table->create(half_open(0), 0));
  for (std::uint32_t number = 1; number < 150; ++number)
    static_cast<void>(table->create(number % 2 == 0 ? half_open(number) : established(number), 0));
  EXPECT_EQ(table->end_idle(opening_ms - 1), 0U);
  EXPECT_EQ(table->end_idle(opening_ms), 75U);
  EXPECT_EQ(table->counters().expired, 75U);
  for (std::uint32_t number = 0; number < 150; ++number)
    EXPECT_EQ(has(*table, number), number % 2 == 1) << number;
}

TEST(SessionTable, MayGiveUpAHalfOpenSessionThatItTookOver) {
  auto table = table_of(2, FullPolicy::kEvictHalfOpen);
  table->slots().put(0, half_open(0));
  table->slots().put(1, established(1));
  EXPECT_EQ(table->create(half_open(2), 0).status, InsertStatus::kFull);
  table->expire(1000, 64);
  EXPECT_EQ(table->create(half_open(2), 0).status, InsertStatus::kInserted);
  EXPECT_FALSE(has(*table, 0));
}

Session4 young(const Session4& session) {
  Session4 made = session;
  made.flags |= kYoung | kLocalOnly;
  return made;
}

TEST(SessionTable, AYoungSessionIsSyncedByThePacketThatFindsItOldEnough) {
  auto table = table_of(4);
  const std::uint32_t slot = table->create(young(half_open(1)), 0).slot;
  table->touch_young(slot, 1000, 1);
  EXPECT_NE(table->slots().entry(slot).flags & kLocalOnly, 0);
  static_cast<void>(table->slots().take_marks(slot));
  table->touch_young(slot, 2000, 0);
  EXPECT_EQ(table->slots().entry(slot).flags & (kLocalOnly | kYoung), 0);
  EXPECT_NE(table->slots().entry(slot).state.marks & kMarkWhole, 0);
  EXPECT_EQ(table->counters().opened_young, 1U);
  EXPECT_EQ(table->counters().came_of_age, 1U);
}

TEST(SessionTable, AnOpenTcpConnectionComesOfAgeWithoutAPacket) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(young(established(1)), 0).slot;
  table->touch_young(slot, 1000, 4000);
  table->expire(4999, 64);
  EXPECT_NE(table->slots().entry(slot).flags & kYoung, 0);
  table->expire(5000, 64);
  EXPECT_TRUE(has(*table, 1));
  EXPECT_EQ(table->slots().entry(slot).flags & (kLocalOnly | kYoung), 0);
  EXPECT_EQ(table->slots().deadline_ms(slot), 5000U + 3'600'000U);
}

TEST(SessionTable, AYoungSessionThatIsNoOpenConnectionEndsUnsynced) {
  auto table = table_of(64);
  static_cast<void>(table->create(young(half_open(1)), 0));
  table->expire(20'000, 64);
  EXPECT_FALSE(has(*table, 1));
  EXPECT_EQ(table->counters().came_of_age, 0U);
}

TEST(SessionTable, ADecryptedSessionStaysOnItsBoxForGood) {
  auto table = table_of(4);
  const std::uint32_t slot = table->create(established(1), 0).slot;
  static_cast<void>(table->slots().take_marks(slot));
  table->mark_decrypted(slot, 1000);
  table->mark_decrypted(slot, 1000);
  EXPECT_NE(table->slots().entry(slot).flags & kLocalOnly, 0);
  EXPECT_NE(table->slots().entry(slot).state.marks & kMarkWhole, 0);
  EXPECT_EQ(table->counters().decrypted, 1U);
  EXPECT_TRUE(has(*table, 1));
}

TEST(SessionTable, AnOpenConnectionThatIsDecryptedIsYoungNoMoreAndHasItsWholeTime) {
  auto table = table_of(64);
  const std::uint32_t slot = table->create(young(established(1)), 0).slot;
  table->touch_young(slot, 1000, 4000);
  table->mark_decrypted(slot, 2000);
  EXPECT_EQ(table->slots().deadline_ms(slot), 2000U + 3'600'000U);
}

TEST(SessionTable, WhatIsHalfOpenMayBeEvictedUnderItsNewGenerationToo) {
  auto table = table_of(1, FullPolicy::kEvictHalfOpen);
  table->renew(table->create(half_open(0), 0).slot);
  EXPECT_EQ(table->create(half_open(1), 0).status, InsertStatus::kInserted);
}

TEST(SessionTable, OtherRulesPutASessionUnderANewGenerationAndOnlyIfSomethingChanges) {
  auto table = table_of(4);
  const std::uint32_t slot = table->create(established(1), 0).slot;
  const Session4 before = table->slots().entry(slot);
  EXPECT_FALSE(table->reassign(slot, before.state.rule, 0));
  EXPECT_EQ(table->slots().entry(slot).state.generation, before.state.generation);
  EXPECT_TRUE(table->reassign(slot, before.state.rule, kLocalOnly));
  EXPECT_NE(table->slots().entry(slot).flags & kLocalOnly, 0);
  EXPECT_EQ(table->slots().entry(slot).state.generation, before.state.generation + 1);
  EXPECT_TRUE(table->reassign(slot, 77, 0));
  EXPECT_EQ(table->slots().entry(slot).flags & kLocalOnly, 0);
  EXPECT_EQ(table->slots().entry(slot).state.rule, 77);
}

}  // namespace
}  // namespace twinplane::tables
