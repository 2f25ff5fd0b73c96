// SPDX-License-Identifier: BSD-3-Clause
// The life of a return path beside its session.
#include <gtest/gtest.h>

#include "tables/session_return.hpp"
#include "tables/session_shift.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using tests::make_session;

constexpr ReturnPath kOne{{2, 0, 0, 0, 0, 1}, 1};
constexpr ReturnPath kOther{{2, 0, 0, 0, 0, 2}, 3};

template <class Address>
struct Stage {
  static PartitionLimits limits(std::uint32_t return_slots) {
    PartitionLimits limits;
    limits.session4 = limits.session6 = {64, 2};
    limits.plain(TableKind::kReturnMac) = return_slots;
    limits.plain(TableKind::kSequenceShift) = 64;
    return limits;
  }

  explicit Stage(std::uint32_t return_slots = 64) : partition(limits(return_slots), HashSeed{4}) {}

  std::uint32_t open(std::uint32_t number, std::uint16_t more_flags = 0) {
    auto session = make_session<Address>(number);
    session.flags = static_cast<std::uint16_t>(session.flags | kReturned | more_flags);
    return partition->template sessions<Address>().create(session, 1000).slot;
  }

  bool give(std::uint32_t slot, const ReturnPath& path = kOne) {
    return try_give_return<Address>(*partition, slot, path, 1000);
  }

  auto& session(std::uint32_t slot) {
    return partition->template sessions<Address>().slots().changeable(slot);
  }

  void end(std::uint32_t slot) { partition->template sessions<Address>().end(slot); }

  std::uint32_t at(std::uint32_t slot) { return return_slot_of<Address>(*partition, slot); }

  ReturnPath path_of(std::uint32_t slot) { return return_path_at(*partition, at(slot)); }

  auto& table() { return partition->template table<TableKind::kReturnMac>(); }

  const auto& paths() { return partition->template slots<TableKind::kReturnMac>(); }

  InBlock<Partition> partition;
};

template <class Address>
class SessionReturn : public testing::Test {};

using Addresses = testing::Types<Address4, Address6>;
TYPED_TEST_SUITE(SessionReturn, Addresses);

TYPED_TEST(SessionReturn, IsFoundThroughTheSessionThatHasIt) {
  Stage<TypeParam> stage;
  const std::uint32_t one = stage.open(1), other = stage.open(2);
  const std::uint32_t none =
      stage.partition->template sessions<TypeParam>().create(make_session<TypeParam>(3), 1).slot;
  ASSERT_TRUE(stage.give(one));
  ASSERT_TRUE(stage.give(other, kOther));
  EXPECT_EQ(stage.path_of(one), kOne);
  EXPECT_EQ(stage.path_of(other), kOther);
  EXPECT_EQ(stage.at(none), kNoSlot);
  EXPECT_TRUE(stage.paths().entry(stage.at(one)).body.is_sound());
}

TYPED_TEST(SessionReturn, IsRefusedWhereThereIsNoRoomAndTheSessionGoesOnWithout) {
  for (const std::uint32_t room : {0U, 1U}) {
    Stage<TypeParam> stage(room);
    for (std::uint32_t i = 0; i < room; ++i) ASSERT_TRUE(stage.give(stage.open(1)));
    const std::uint32_t slot = stage.open(2);
    const auto generation = stage.session(slot).state.generation;
    EXPECT_FALSE(stage.give(slot));
    EXPECT_EQ(stage.session(slot).flags & kReturned, 0);
    EXPECT_EQ(stage.session(slot).state.generation, generation);
    EXPECT_EQ(stage.at(slot), kNoSlot);
  }
}

TYPED_TEST(SessionReturn, OfASessionBeforeInTheSlotIsNotTakenForTheNextOnes) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_TRUE(stage.give(slot));
  stage.end(slot);
  for (std::uint32_t other = stage.open(2); other != slot; other = stage.open(2)) stage.end(other);
  EXPECT_EQ(stage.at(slot), kNoSlot) << "a mirror that did not hear of the new path";
  ASSERT_TRUE(stage.give(slot, kOther));
  EXPECT_EQ(stage.path_of(slot), kOther);
  EXPECT_EQ(stage.paths().live_count(), 1U);
}

TYPED_TEST(SessionReturn, StaysTheSessionsWhenThatGetsASequenceShift) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_TRUE(stage.give(slot));
  const auto generation = stage.session(slot).state.generation;
  ASSERT_EQ(try_shift<TypeParam>(*stage.partition, slot, kFromServer, 5, 1000), ShiftStatus::kDone);
  ASSERT_NE(stage.session(slot).state.generation, generation);
  ASSERT_NE(stage.at(slot), kNoSlot);
  EXPECT_EQ(stage.path_of(slot), kOne);
}

TYPED_TEST(SessionReturn, StaysTheSessionsWhenThatIsAnotherRules) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_TRUE(stage.give(slot));
  const auto generation = stage.session(slot).state.generation;
  ASSERT_TRUE(reassign<TypeParam>(*stage.partition, slot, 77, kLocalOnly));
  ASSERT_NE(stage.session(slot).state.generation, generation);
  ASSERT_NE(stage.at(slot), kNoSlot);
  EXPECT_EQ(stage.path_of(slot), kOne);
  EXPECT_NE(stage.paths().entry(stage.at(slot)).head.flags & kLocalOnly, 0) << "as that rule says";
}

TYPED_TEST(SessionReturn, FollowsItsNeighborOnceASecond) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_TRUE(stage.give(slot));
  const std::uint32_t at = stage.at(slot);
  EXPECT_FALSE(try_follow(stage.table(), at, kOther, 1)) << "made within this second";
  EXPECT_EQ(stage.path_of(slot), kOne);
  const auto generation = stage.paths().entry(at).head.generation;
  EXPECT_TRUE(try_follow(stage.table(), at, kOther, 2));
  EXPECT_EQ(stage.path_of(slot), kOther);
  EXPECT_NE(stage.paths().entry(at).head.generation, generation) << "the mirror is told";
  EXPECT_FALSE(try_follow(stage.table(), at, kOne, 2));
  EXPECT_EQ(stage.path_of(slot), kOther);
  EXPECT_TRUE(try_follow(stage.table(), at, kOne, 3));
}

TYPED_TEST(SessionReturn, NeverLeavesABoxThatTheSessionMayNotLeave) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1, kLocalOnly);
  ASSERT_TRUE(stage.give(slot));
  EXPECT_EQ(stage.paths().entry(stage.at(slot)).head.flags & kLocalOnly, kLocalOnly);
}

TYPED_TEST(SessionReturn, LeavesTheBoxWhenTheSessionMay) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1, kLocalOnly | kYoung);
  ASSERT_TRUE(stage.give(slot));
  const auto is_local = [&] {
    return (stage.paths().entry(stage.at(slot)).head.flags & kLocalOnly) != 0;
  };
  expire_returns(*stage.partition, 2000, 64);
  EXPECT_TRUE(is_local());
  auto& sessions = stage.partition->template sessions<TypeParam>();
  touch_young<TypeParam>(*stage.partition, slot, 3000, 0);
  EXPECT_FALSE(is_local()) << "it has come of age";
  EXPECT_NE(stage.paths().entry(stage.at(slot)).head.marks & kMarkWhole, 0) << "the peer is told";
  sessions.mark_decrypted(slot, 3000);
  expire_returns(*stage.partition, 4000, 64);
  EXPECT_TRUE(is_local());
}

TYPED_TEST(SessionReturn, EndsAfterItsSessionAndNotBefore) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  ASSERT_TRUE(stage.give(slot));
  for (std::uint32_t now_ms = 2000; now_ms < 60'000; now_ms += 1000)
    expire_returns(*stage.partition, now_ms, 64);
  EXPECT_EQ(stage.path_of(slot), kOne);
  stage.end(slot);
  expire_returns(*stage.partition, 60'000, 64);
  EXPECT_EQ(stage.paths().live_count(), 0U);
}

// A box that takes over ages paths that it has never given a deadline.
TYPED_TEST(SessionReturn, OfAnotherBoxIsAgedToo) {
  Stage<TypeParam> stage;
  const std::uint32_t slot = stage.open(1);
  PlainEntry<ReturnMacBody> entry{};
  entry.body.key = return_key<TypeParam>(slot);
  entry.body.generation = stage.session(slot).state.generation;
  entry.body.mac = kOther.mac;
  entry.body.port = kOther.port;
  entry.head = {1, 0, kLive};
  stage.table().slots().put(7, entry);
  EXPECT_EQ(stage.path_of(slot), kOther);
  expire_returns(*stage.partition, 5000, 64);
  expire_returns(*stage.partition, 6000, 64);
  EXPECT_EQ(stage.paths().live_count(), 1U);
  stage.end(slot);
  expire_returns(*stage.partition, 7000, 64);
  EXPECT_EQ(stage.paths().live_count(), 0U);
}

TEST(ReturnMacBody, IsSoundOnlyAsABoxWouldWriteIt) {
  ReturnMacBody sound{};
  sound.key = {5, 1, {}};
  sound.mac = kOne.mac;
  ASSERT_TRUE(sound.is_sound());
  const auto is_sound_after = [&sound](auto&& change) {
    ReturnMacBody body = sound;
    change(body);
    return body.is_sound();
  };
  EXPECT_FALSE(is_sound_after([](ReturnMacBody& body) { body.mac = {}; }));
  EXPECT_FALSE(is_sound_after([](ReturnMacBody& body) { body.mac[0] |= 1U; })) << "a group";
  EXPECT_FALSE(is_sound_after([](ReturnMacBody& body) { body.port = 64; }));
  EXPECT_FALSE(is_sound_after([](ReturnMacBody& body) { body.key.table = 2; }));
  EXPECT_FALSE(is_sound_after([](ReturnMacBody& body) { body.key.slot = 0xFFFF'FFFF; }));
  EXPECT_FALSE(is_sound_after([](ReturnMacBody& body) { body.generation = 0x4000; }));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(is_sound_after([i](ReturnMacBody& body) { body.key.zero[i] = 1; }));
    EXPECT_FALSE(is_sound_after([i](ReturnMacBody& body) { body.zero[i] = 1; }));
  }
}

}  // namespace
}  // namespace twinplane::tables
