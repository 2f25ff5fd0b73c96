// SPDX-License-Identifier: BSD-3-Clause
// The arithmetic of a shift, and its life beside the session's.
#include <gtest/gtest.h>

#include "tables/session_shift.hpp"
#include "tables/tcp_track.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using tests::make_session;

// 20 bytes from 1000 on became 26, in a direction whose numbers were 7 more already.
constexpr ShiftWay kLonger{7, 1000, 20, 26};
constexpr ShiftWay kShorter{7, 1000, 26, 20};
// The replaced text lies where the numbers wrap.
constexpr ShiftWay kWrapping{0, 0xFFFF'FFF8U, 20, 26};

TEST(SequenceShift, MovesWhatIsBehindTheTextByItsGrowth) {
  EXPECT_EQ(sent_on_number(kLonger, 900), 907U);
  EXPECT_EQ(sent_on_number(kLonger, 1000), 1007U);
  EXPECT_EQ(sent_on_number(kLonger, 1020), 1033U);
  EXPECT_EQ(sent_on_number(kShorter, 1026), 1027U);
  EXPECT_EQ(sent_on_number(kWrapping, 0xFFFF'FFF8U), 0xFFFF'FFF8U);
  EXPECT_EQ(sent_on_number(kWrapping, 12), 18U);
}

TEST(SequenceShift, OfOneBaseMovesEveryNumberByIt) {
  constexpr ShiftWay kBase{0x8000'0000U, 0, 0, 0};
  for (const std::uint32_t number : {0U, 1U, 0x7FFF'FFFFU, 0x8000'0000U, 0xFFFF'FFFFU}) {
    EXPECT_EQ(sent_on_number(kBase, number), number + 0x8000'0000U);
    EXPECT_EQ(own_number(kBase, number + 0x8000'0000U), number);
  }
}

// Whatever the receiver has acknowledged, its sender reads no more than that as its own.
TEST(SequenceShift, ReadsBackWhatItSentOn) {
  for (const ShiftWay& way : {kLonger, kShorter, kWrapping}) {
    const std::uint32_t start = way.position - 100;
    for (std::uint32_t own = start; own != way.position + 1; ++own)
      EXPECT_EQ(own_number(way, sent_on_number(way, own)), own);
    for (std::uint32_t own = way.position + way.old_bytes; own != way.position + 200; ++own)
      EXPECT_EQ(own_number(way, sent_on_number(way, own)), own);
  }
}

TEST(SequenceShift, ReadsAPartOfTheReplacementAsNothingOfTheText) {
  for (const ShiftWay& way : {kLonger, kShorter, kWrapping}) {
    const std::uint32_t first = way.base + way.position;
    for (std::uint32_t sent_on = first + 1; sent_on != first + way.new_bytes; ++sent_on) {
      EXPECT_EQ(own_number(way, sent_on, ShiftEdge::kUpTo), way.position);
      EXPECT_EQ(own_number(way, sent_on, ShiftEdge::kFrom), way.position + way.old_bytes);
      EXPECT_FALSE(settles(way, sent_on));
    }
    EXPECT_TRUE(settles(way, first + way.new_bytes));
    EXPECT_FALSE(settles(way, first - 1));
  }
}

TEST(SequenceShift, KnowsTheSegmentsThatHoldAPartOfTheText) {
  EXPECT_FALSE(cuts_text(kLonger, 990, 10)) << "before it";
  EXPECT_TRUE(cuts_text(kLonger, 990, 11));
  EXPECT_TRUE(cuts_text(kLonger, 1000, 19));
  EXPECT_FALSE(cuts_text(kLonger, 1000, 20)) << "all of it";
  EXPECT_FALSE(cuts_text(kLonger, 900, 500));
  EXPECT_TRUE(cuts_text(kLonger, 1001, 19));
  EXPECT_TRUE(cuts_text(kLonger, 1019, 100));
  EXPECT_FALSE(cuts_text(kLonger, 1020, 100)) << "behind it";
  EXPECT_FALSE(cuts_text(kLonger, 1005, 0)) << "an acknowledgement alone";
  EXPECT_TRUE(cuts_text(kWrapping, 0, 12));
  EXPECT_FALSE(cuts_text(kWrapping, 12, 12));
  EXPECT_FALSE(cuts_text(ShiftWay{}, 0, 1400));
}

TEST(SequenceShift, HoldsForEverythingOnceItIsSettled) {
  for (const ShiftWay& way : {kLonger, kShorter, kWrapping}) {
    const ShiftWay after = settled(way);
    for (std::uint32_t own = way.position + way.old_bytes; own != way.position + 100; ++own)
      EXPECT_EQ(sent_on_number(after, own), sent_on_number(way, own));
  }
}

// ---- beside the session -------------------------------------------------------------------------

template <class Address>
struct Stage {
  static PartitionLimits limits(std::uint32_t shift_slots) {
    PartitionLimits limits;
    limits.session4 = limits.session6 = {64, 2};
    limits.plain(TableKind::kSequenceShift) = shift_slots;
    return limits;
  }

  explicit Stage(std::uint32_t shift_slots = 64) : partition(limits(shift_slots), HashSeed{4}) {}

  std::uint32_t open(std::uint32_t number, bool is_local_only = false) {
    auto session = make_session<Address>(number);
    if (is_local_only) session.flags |= kLocalOnly;
    return partition->template sessions<Address>().create(session, 1000).slot;
  }

  auto& session(std::uint32_t slot) {
    return partition->template sessions<Address>().slots().changeable(slot);
  }

  const auto& shifts() { return partition->template slots<TableKind::kSequenceShift>(); }

  const SequenceShiftBody& shift_of(std::uint32_t slot) {
    return shifts().entry(shift_slot_of<Address>(*partition, slot)).body;
  }

  InBlock<Partition> partition;
};

template <class Address>
class SessionShift : public testing::Test {};

using Addresses = testing::Types<Address4, Address6>;
TYPED_TEST_SUITE(SessionShift, Addresses);

TYPED_TEST(SessionShift, IsFoundThroughTheSessionThatHasIt) {
  Stage<TypeParam> stage;
  const std::uint32_t one = stage.open(1), other = stage.open(2);
  const auto generation = stage.session(one).state.generation;
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, one, kFromServer, 500, 1000),
            ShiftStatus::kDone);
  EXPECT_EQ(stage.shift_of(one).ways[kFromServer], (ShiftWay{500, 0, 0, 0}));
  EXPECT_EQ(stage.shift_of(one).ways[kFromClient], ShiftWay{});
  EXPECT_TRUE(stage.shift_of(one).is_sound());
  EXPECT_EQ(stage.session(one).state.generation, generation + 1) << "no patch says that it has one";
  EXPECT_EQ(shift_slot_of<TypeParam>(*stage.partition, other), kNoSlot);
}

TYPED_TEST(SessionShift, KeepsOneTextAtATimeUntilItIsAcknowledged) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  auto& table = stage.partition->template table<TableKind::kSequenceShift>();
  const ReplacedText first{kFromClient, 1000, 20, 26}, second{kFromClient, 1100, 20, 22};
  const auto replace = [&](const ReplacedText& text) {
    return try_replace<TypeParam>(*stage.partition, slot, text, 1000);
  };
  ASSERT_EQ(replace(first), ShiftStatus::kDone);
  const auto generation = stage.session(slot).state.generation;
  EXPECT_EQ(replace(first), ShiftStatus::kDone) << "the segment came again";
  EXPECT_EQ(replace(second), ShiftStatus::kUnsettled);
  EXPECT_EQ(replace({kFromServer, 77, 10, 12}), ShiftStatus::kDone) << "the other direction";
  const std::uint32_t shift = shift_slot_of<TypeParam>(*stage.partition, slot);
  settle(table, shift, kFromClient, 1025);
  EXPECT_EQ(replace(second), ShiftStatus::kUnsettled);
  settle(table, shift, kFromClient, 1026);
  EXPECT_EQ(stage.shift_of(slot).ways[kFromClient], (ShiftWay{6, 0, 0, 0}));
  ASSERT_EQ(replace(second), ShiftStatus::kDone);
  EXPECT_EQ(sent_on_number(stage.shift_of(slot).ways[kFromClient], 1120), 1128U);
  EXPECT_EQ(stage.session(slot).state.generation, generation) << "it had its flag already";
}

TYPED_TEST(SessionShift, StandsOnTopOfAFirstNumberOfTheBoxesOwn) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 500, 1), ShiftStatus::kDone);
  ASSERT_EQ(try_replace<TypeParam>(*stage.partition, slot, {kFromServer, 10, 4, 6}, 1),
            ShiftStatus::kDone);
  EXPECT_EQ(sent_on_number(stage.shift_of(slot).ways[kFromServer], 10), 510U);
  EXPECT_EQ(sent_on_number(stage.shift_of(slot).ways[kFromServer], 14), 516U);
}

TYPED_TEST(SessionShift, IsRefusedWhereThereIsNoRoomAndLeavesTheSessionAsItWas) {
  for (const std::uint32_t room : {0U, 64U}) {
    Stage<TypeParam> stage(room);
    auto& table = stage.partition->template table<TableKind::kSequenceShift>();
    for (std::uint32_t i = 0; i < room; ++i)
      ASSERT_EQ(table.create({{900 + i, 1, 0, 0}, {}}, 0).status, InsertStatus::kInserted);
    const std::uint32_t slot = stage.open(1);
    EXPECT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1),
              ShiftStatus::kNoRoom);
    EXPECT_EQ(try_replace<TypeParam>(*stage.partition, slot, {kFromClient, 1, 2, 3}, 1),
              ShiftStatus::kNoRoom);
    EXPECT_EQ(stage.session(slot).flags & kShifted, 0);
  }
}

TYPED_TEST(SessionShift, ThatWasLostAtATakeoverIsNotMadeUp) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1), ShiftStatus::kDone);
  stage.partition->template table<TableKind::kSequenceShift>().end(
      shift_slot_of<TypeParam>(*stage.partition, slot));
  EXPECT_EQ(try_replace<TypeParam>(*stage.partition, slot, {kFromClient, 1, 2, 3}, 1),
            ShiftStatus::kLost);
}

TYPED_TEST(SessionShift, NeverLeavesABoxThatTheSessionMayNotLeave) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1, true);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1), ShiftStatus::kDone);
  const auto& entry = stage.shifts().entry(shift_slot_of<TypeParam>(*stage.partition, slot));
  EXPECT_EQ(entry.head.flags & kLocalOnly, kLocalOnly);
}

TYPED_TEST(SessionShift, LeavesTheBoxWhenTheSessionHasComeOfAge) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1, true);
  stage.session(slot).flags |= kYoung;
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1000), ShiftStatus::kDone);
  const auto& entry = stage.shifts().entry(shift_slot_of<TypeParam>(*stage.partition, slot));
  expire_shifts(*stage.partition, 2000, 64);
  EXPECT_NE(entry.head.flags & kLocalOnly, 0);
  touch_young<TypeParam>(*stage.partition, slot, 3000, 0);
  EXPECT_EQ(entry.head.flags & kLocalOnly, 0) << "with it, and not at the next look";
  EXPECT_NE(entry.head.marks & kMarkWhole, 0) << "the peer is told";
}

TYPED_TEST(SessionShift, LeavesTheBoxWithAnOpenConnectionThatNoPacketSaw) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1, true);
  stage.session(slot).flags |= kYoung;
  stage.session(slot).state.timeout_class =
      static_cast<std::uint8_t>(TimeoutClass::kTcpEstablished);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1000), ShiftStatus::kDone);
  const auto& entry = stage.shifts().entry(shift_slot_of<TypeParam>(*stage.partition, slot));
  touch_young<TypeParam>(*stage.partition, slot, 1000, 500);
  expire_sessions<TypeParam>(*stage.partition, 1499, 64);
  EXPECT_NE(entry.head.flags & kLocalOnly, 0);
  expire_sessions<TypeParam>(*stage.partition, 1500, 64);
  EXPECT_EQ(entry.head.flags & kLocalOnly, 0);
}

TYPED_TEST(SessionShift, EndsAfterItsSessionAndNotBefore) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1000), ShiftStatus::kDone);
  for (std::uint32_t now_ms = 2000; now_ms < 60'000; now_ms += 1000)
    expire_shifts(*stage.partition, now_ms, 64);
  EXPECT_EQ(stage.shifts().live_count(), 1U);
  stage.partition->template sessions<TypeParam>().end(slot);
  expire_shifts(*stage.partition, 60'000, 64);
  EXPECT_EQ(stage.shifts().live_count(), 0U);
}

// A box that takes over ages shifts that it has never given a deadline.
TYPED_TEST(SessionShift, OfAnotherBoxIsAgedToo) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  auto& table = stage.partition->template table<TableKind::kSequenceShift>();
  stage.session(slot).flags |= kShifted;
  PlainEntry<SequenceShiftBody> entry{};
  entry.body.key = shift_key(stage.session(slot), slot);
  entry.head = {1, 0, kLive};
  table.slots().put(7, entry);
  expire_shifts(*stage.partition, 5000, 64);
  expire_shifts(*stage.partition, 6000, 64);
  EXPECT_EQ(stage.shifts().live_count(), 1U);
  stage.partition->template sessions<TypeParam>().end(slot);
  expire_shifts(*stage.partition, 7000, 64);
  EXPECT_EQ(stage.shifts().live_count(), 0U);
}

TYPED_TEST(SessionShift, OfThatNameBeforeGivesWay) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1), ShiftStatus::kDone);
  // The slot's generation has gone round, and nobody has looked for shifts without a session.
  auto& session = stage.session(slot);
  session.flags = static_cast<std::uint16_t>(session.flags & ~kShifted);
  session.state.generation = static_cast<std::uint16_t>(session.state.generation - 1);
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromClient, 6, 1), ShiftStatus::kDone);
  EXPECT_EQ(stage.shift_of(slot).ways[kFromClient].base, 6U);
  EXPECT_EQ(stage.shift_of(slot).ways[kFromServer].base, 0U);
  EXPECT_EQ(stage.shifts().live_count(), 1U);
}

}  // namespace
}  // namespace twinplane::tables
