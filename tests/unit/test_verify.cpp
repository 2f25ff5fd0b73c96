// SPDX-License-Identifier: BSD-3-Clause
// Digests in the stream: verification on request, the audit, the comparison at a stream's
// beginning.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "ha2/difference.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::Address4;
using tables::Address6;
using tables::SessionOf;
using tables::TableKind;
using tests::Frame;
using tests::Prng;
using tests::StreamEnds;

tests::BoxShape shape_of(std::uint32_t slot_count) {
  tests::BoxShape shape = tests::small_shape();
  shape.limits.session4 = {slot_count, 2};
  shape.limits.session6 = {64, 2};
  return shape;
}

void verify(StreamEnds& ends) {
  ends.stream().start_verify();
  for (int i = 0; i < 50 && ends.stream().verification().is_running; ++i)
    ends.wait(1'000'000), ends.exchange();
  ASSERT_FALSE(ends.stream().verification().is_running);
  ends.settle();
}

TEST(Verify, FindsEqualTablesEqual) {
  StreamEnds ends;
  for (std::uint32_t number = 0; number < 40; ++number) ends.create(number, number % 3 == 0);
  ends.settle();
  verify(ends);
  const auto verification = ends.stream().verification();
  EXPECT_GT(verification.range_count, 0U);
  EXPECT_EQ(verification.equal_count, verification.range_count);
}

// What an earlier stream had found equal says nothing of this one; nor does a request while there
// is no peer.
TEST(Verify, EndsWithItsStream) {
  for (const bool is_new_stream : {true, false}) {
    StreamEnds ends;
    ends.create(1);
    ends.settle();
    verify(ends);
    ASSERT_TRUE(ends.stream().verification().is_told());
    if (is_new_stream) {
      ends.begin({8, 1}, true);
    } else {
      ends.stream().stop();
      ends.stream().start_verify();
    }
    EXPECT_FALSE(ends.stream().verification().is_told());
    EXPECT_EQ(ends.stream().verification().range_count, 0U);
  }
}

TEST(Verify, AsksAgainWhereItsFrameWasLost) {
  StreamEnds ends;
  ends.create(1);
  ends.settle();
  ends.stream().start_verify();
  ASSERT_FALSE(ends.poll_owner().empty());  // lost
  for (int i = 0; i < 20; ++i) ends.wait(1'000'000), ends.exchange();
  EXPECT_FALSE(ends.stream().verification().is_running);
  EXPECT_EQ(ends.stream().verification().different_count, 0U);
}

TEST(Verify, TakesALostChangeForNoDifference) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  ends.settle();
  ends.advance(slot);
  ASSERT_FALSE(ends.flush_owner().empty());  // lost
  ends.stream().start_verify();
  for (int i = 0; i < 20; ++i) ends.wait(1'000'000), ends.exchange();
  EXPECT_FALSE(ends.stream().verification().is_running);
  EXPECT_EQ(ends.stream().verification().different_count, 0U);
  EXPECT_EQ(ends.owner_count(Counter::kRangesDifferent), 0U);
  EXPECT_TRUE(ends.is_equal(slot));
}

// The fields of an entry that travel, as they lie in it.
struct Field {
  std::size_t offset;
  std::size_t bytes;
  unsigned bits;  // of each byte group, those that count
  const char* name;
};

template <class Address>
std::vector<Field> replicated_fields() {
  using Session = SessionOf<Address>;
  constexpr std::size_t kEnds = sizeof(tables::KeyEnds<Address>);
  constexpr std::size_t kState = offsetof(Session, state);
  return {{offsetof(Session, client_side), kEnds, 0xFF, "client_side"},
          {offsetof(Session, protocol), 1, 0xFF, "protocol"},
          {offsetof(Session, vsys), 1, 0xFF, "vsys"},
          {offsetof(Session, flags), 1,
           tables::kReplicatedFlags & ~(tables::kLive | tables::kTranslated), "flags"},
          {offsetof(Session, flags), 1, tables::kLive, "presence"},
          {offsetof(Session, flags), 1, tables::kTranslated, "server_side"},
          {offsetof(Session, server_side), kEnds, 0xFF, "server_side"},
          {kState + offsetof(tables::SessionState, generation), 2, 0xFF, "generation"},
          {kState + offsetof(tables::SessionState, tcp_ranks), 1, 0xFF, "tcp_ranks"},
          {kState + offsetof(tables::SessionState, timeout_class), 1, 0xFF, "timeout_class"},
          {kState + offsetof(tables::SessionState, qos_class), 1, 0xFF, "qos_class"},
          {kState + offsetof(tables::SessionState, ingress_role), 1, 0xFF, "ingress_role"},
          {kState + offsetof(tables::SessionState, egress_role), 1, 0xFF, "egress_role"},
          {kState + offsetof(tables::SessionState, rule), 2, 0xFF, "rule"},
          {kState + offsetof(tables::SessionState, application), 2, 0xFF, "application"}};
}

std::string names_of(const Difference& found) {
  std::string names;
  for (unsigned i = 0; i < 16; ++i)
    if ((found.fields >> i & 1U) != 0)
      names +=
          std::string(image_field_name(static_cast<tables::TableKind>(found.range.table), i)) + " ";
  return names;
}

// Every bit of every field that travels, turned over at the mirror, is found, named and mended.
template <class Address>
void plant_everywhere() {
  StreamEnds ends;
  auto& owned = ends.partition().sessions<Address>();
  auto& slots = ends.mirrored_partition().sessions<Address>().slots();
  std::uint32_t slot = 0;
  for (std::uint32_t number = 0; number < 20; ++number)
    slot = owned.create(tests::make_session<Address>(number, true), 0).slot;
  ends.settle();
  const std::uint64_t key_count = slots.index().key_count();
  Difference found;
  for (const Field& field : replicated_fields<Address>()) {
    for (std::size_t bit = 0; bit < 8 * field.bytes; ++bit) {
      if ((field.bits >> (bit % 8) & 1U) == 0) continue;
      auto* const bytes =
          reinterpret_cast<std::uint8_t*>(&slots.changeable(slot)) + field.offset + bit / 8;
      *bytes = static_cast<std::uint8_t>(*bytes ^ 1U << (bit % 8));
      verify(ends);
      const std::string what = std::string(field.name) + " bit " + std::to_string(bit);
      ASSERT_EQ(ends.stream().verification().different_count, 1U) << what;
      ASSERT_TRUE(image_of(slots.entry(slot)) == image_of(owned.slots().entry(slot))) << what;
      ASSERT_EQ(slots.index().key_count(), key_count) << what;
      ASSERT_EQ(slots.live_count(), 20U) << what;
      ASSERT_TRUE(ends.owner().differences().try_take(found)) << what;
      EXPECT_EQ(found.range.slots.first_slot, slot) << what;
      EXPECT_EQ(found.range.slots.slot_count, 1U) << what;
      EXPECT_EQ(found.round, CheckRound::kVerify) << what;
      ASSERT_TRUE(ends.mirror().differences().try_take(found)) << what;
      EXPECT_TRUE(found.is_at_mirror);
      EXPECT_EQ(found.range.slots.first_slot, slot) << what;
      EXPECT_NE(names_of(found).find(field.name), std::string::npos)
          << what << ": " << names_of(found);
    }
  }
  EXPECT_FALSE(ends.owner().differences().try_take(found));
  EXPECT_FALSE(ends.mirror().differences().try_take(found));
}

TEST(Verify, FindsAndMendsEverySingleBitOfASession4) { plant_everywhere<Address4>(); }

TEST(Verify, FindsAndMendsEverySingleBitOfASession6) { plant_everywhere<Address6>(); }

TEST(Verify, FindsAnEmptySlotThatLooksFull) {
  StreamEnds ends;
  ends.settle();
  ends.mirrored().slots().changeable(9).flags ^= tables::kLive;
  verify(ends);
  EXPECT_EQ(ends.stream().verification().different_count, 1U);
  EXPECT_EQ(ends.mirrored().slots().entry(9).flags & tables::kLive, 0);
}

TEST(Verify, StatesARangeAsItIsWhereMuchDiffers) {
  StreamEnds ends(shape_of(8192));
  for (std::uint32_t number = 0; number < 8000; ++number) ends.create(number);
  ends.settle();
  for (std::uint32_t slot = 0; slot < 8000; ++slot)
    ends.mirrored().slots().changeable(slot).state.rule ^= 1U;
  verify(ends);
  EXPECT_EQ(ends.stream().verification().different_count, 32U);
  EXPECT_GT(ends.owner_count(Counter::kRangesRestated), 0U);
  for (std::uint32_t slot = 0; slot < 8000; ++slot) ASSERT_TRUE(ends.is_equal(slot));
}

TEST(Verify, CountsWhatItsLogHasNoPlaceFor) {
  StreamEnds ends(shape_of(8192));
  ends.settle();
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t slot = 0; slot < 8192; slot += 256)  // one in each of 32 ranges
      ends.mirrored().slots().changeable(slot).flags ^= tables::kLive;
    verify(ends);
    ASSERT_EQ(ends.stream().verification().different_count, 32U);
  }
  for (DifferenceLog* log : {&ends.owner().differences(), &ends.mirror().differences()}) {
    std::uint64_t taken = 0;
    for (Difference found; log->try_take(found);) ++taken;
    EXPECT_EQ(taken, 64U);
    EXPECT_EQ(log->refused_count(), 32U);
  }
}

// ---- the audit ----------------------------------------------------------------------------------

constexpr std::uint64_t kCycleNs = 1'000'000'000;

tests::BoxShape audited_shape() {
  tests::BoxShape shape = shape_of(4096);
  shape.stream.audit_cycle_ns = kCycleNs;
  return shape;
}

void run_for(StreamEnds& ends, std::uint64_t ns) {
  for (std::uint64_t past = 0; past < ns; past += 2'000'000) ends.wait(1'000'000), ends.exchange();
}

TEST(Audit, GoesOverEveryRangeOnceACycleWithoutBeingAsked) {
  StreamEnds ends(audited_shape());
  for (std::uint32_t number = 0; number < 100; ++number) ends.create(number);
  ends.settle();
  run_for(ends, kCycleNs / 2);
  const std::uint32_t half_way = ends.stream().audit().running.told_count();
  EXPECT_GT(half_way, 4U);
  EXPECT_LT(half_way, 13U);
  run_for(ends, kCycleNs * 6 / 10);
  EXPECT_EQ(ends.stream().audit().done_count, 1U);
  EXPECT_EQ(ends.stream().audit().last.equal_count, 17U);  // 4096 / 256 and one of the other table
  EXPECT_FALSE(ends.stream().verification().is_running);
}

TEST(Audit, MendsWhatDiffersWithinItsCycle) {
  StreamEnds ends(audited_shape());
  const std::uint32_t slot = ends.create(1);
  ends.settle();
  run_for(ends, kCycleNs);
  ends.mirrored().slots().changeable(slot).state.application ^= 4U;
  run_for(ends, kCycleNs * 11 / 10);
  EXPECT_TRUE(ends.is_equal(slot));
  EXPECT_EQ(ends.owner_count(Counter::kRangesDifferent), 1U);
  Difference found;
  ASSERT_TRUE(ends.owner().differences().try_take(found));
  EXPECT_EQ(found.round, CheckRound::kAudit);
}

std::uint64_t g_cost_ns = 0;  // each look seems to cost a millisecond

std::uint64_t costly_clock() noexcept { return g_cost_ns += 1'000'000; }

TEST(Audit, WaitsWhileItsShareOfTheCoreIsUsedUp) {
  tests::BoxShape shape = audited_shape();
  shape.stream.cost_clock = costly_clock;
  shape.stream.audit_core_ppm = 1'000;  // which a look uses up for a second
  StreamEnds ends(shape);
  ends.settle();
  run_for(ends, kCycleNs);
  EXPECT_EQ(ends.stream().audit().done_count, 0U);
  EXPECT_GT(ends.stream().audit().running.told_count(), 0U);
  EXPECT_LT(ends.stream().audit().running.told_count(), 13U);
}

TEST(Audit, ARequestGoesFirstAndTheAuditGoesOnAfterwards) {
  StreamEnds ends(audited_shape());
  ends.settle();
  run_for(ends, kCycleNs / 2);
  verify(ends);
  EXPECT_EQ(ends.stream().verification().equal_count, 17U);
  run_for(ends, 2 * kCycleNs);
  EXPECT_GE(ends.stream().audit().done_count, 1U);
  EXPECT_EQ(ends.stream().verification().equal_count, 17U);
}

// ---- the comparison -----------------------------------------------------------------------------

TEST(Compare, ANewStreamToAMirrorThatHoldsItsTablesSendsWhatDiffers) {
  StreamEnds ends(shape_of(8192));
  for (std::uint32_t number = 0; number < 8000; ++number) ends.create(number);
  ends.settle();
  for (std::uint32_t slot = 0; slot < 8000; slot += 100) ends.advance(slot);
  const std::uint64_t bytes = ends.owner_count(Counter::kBytesSent);
  const std::uint64_t wholes = ends.owner_count(Counter::kWholesSent);
  ends.begin({8, 1}, true);
  ends.settle();
  EXPECT_TRUE(ends.stream().is_bulk_done());
  EXPECT_EQ(ends.owner_count(Counter::kWholesSent) - wholes, 80U);
  EXPECT_LT(ends.owner_count(Counter::kBytesSent) - bytes, 80 * sizeof(Brief4) * 3 / 2);
  EXPECT_EQ(ends.owner_count(Counter::kRangesOutdated), 0U);  // all of it was known to differ
  for (std::uint32_t slot = 0; slot < 8000; ++slot) ASSERT_TRUE(ends.is_equal(slot));
}

TEST(Compare, FindsWhatNobodyMarked) {
  StreamEnds ends(shape_of(8192));
  for (std::uint32_t number = 0; number < 8000; ++number) ends.create(number);
  ends.settle();
  ends.mirrored().slots().empty(4711);
  ends.mirrored().slots().changeable(17).state.rule ^= 1U;
  ends.begin({8, 1}, true);
  ends.settle();
  EXPECT_TRUE(ends.is_equal(4711));
  EXPECT_TRUE(ends.is_equal(17));
  EXPECT_EQ(ends.owner_count(Counter::kRangesOutdated), 2U);
  EXPECT_EQ(ends.owner_count(Counter::kRangesDifferent), 0U);  // no wonder
  Difference found;
  EXPECT_FALSE(ends.owner().differences().try_take(found));
}

TEST(Compare, WhatWasInFlightBeforeIsNews) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  ends.settle();
  ends.advance(slot);
  ASSERT_FALSE(ends.flush_owner().empty());  // never arrives
  ends.begin({8, 1}, true);
  ends.settle();
  EXPECT_TRUE(ends.is_equal(slot));
  EXPECT_EQ(ends.owner_count(Counter::kRangesOutdated), 0U);
}

// A range that differs and holds a change that was lost may differ for that. A comparison asks for
// it three times, then for its parts; a slot of which that is so is stated.
TEST(RangeChecks, GoIntoWhatIsInDoubtAgainAndAgain) {
  for (const CheckRound round : {CheckRound::kCompare, CheckRound::kVerify}) {
    RangeChecks checks({256, 0});
    checks.begin(round, 256);
    std::vector<std::uint32_t> asked;   // slots of each range
    std::vector<std::uint32_t> stated;  // slots to state
    for (std::uint32_t seq = 1; seq <= 10; ++seq) {
      const CheckRange range = checks.next();
      asked.push_back(range.slots.slot_count);
      checks.note_stated(seq, seq);
      checks.doubt(range.table, {range.slots.first_slot, 1}, seq - 1);
      checks.judge(
          seq, [](std::uint32_t) { return Verdict::kDifferent; },
          [&](const CheckRange& differs) { stated.push_back(differs.slots.slot_count); });
    }
    using List = std::vector<std::uint32_t>;
    const bool is_compare = round == CheckRound::kCompare;
    EXPECT_EQ(asked, is_compare ? List({256, 256, 256, 16, 16, 16, 1, 1, 1, 1}) : List(10, 256));
    EXPECT_EQ(stated, is_compare ? List({1}) : List());
  }
}

// Two frames in five are lost, and slots change all over the table: something is lost anew all the
// time, and the comparison does not wait for that.
TEST(Compare, EndsWhereManyFramesAreLostAndSlotsChangeAllTheTime) {
  StreamEnds ends(shape_of(8192));
  Prng prng(1);
  for (std::uint32_t number = 0; number < 8000; ++number) ends.create(number);
  ends.settle();
  std::vector<Frame> under_way;  // for a round
  ends.begin({8, 1}, true);
  for (int i = 0; i < 400 && !ends.stream().is_bulk_done(); ++i) {
    for (std::uint32_t change = 0; change < 200; ++change) {
      const std::uint32_t slot = prng.below(8000);
      ends.sessions().slots().changeable(slot).flags ^= tables::kReplySeen;
      ends.sessions().slots().mark(slot, tables::kMarkState);
    }
    for (const auto& frame : under_way)
      if (!prng.chance(400)) ends.to_the_mirror(frame);
    under_way = ends.poll_owner();
    ends.wait(1'000'000);
    for (const auto& frame : ends.poll_mirror()) ends.to_the_owner(frame);
  }
  EXPECT_TRUE(ends.stream().is_bulk_done());
  ends.settle();
  for (std::uint32_t slot = 0; slot < 8000; ++slot) ASSERT_TRUE(ends.is_equal(slot));
}

// What the mirror kept to itself while it was the owner is no part of what it mirrors.
TEST(Compare, EmptiesWhatTheMirrorHadForItself) {
  StreamEnds ends;
  ends.create(1);
  ends.settle();
  auto session = tests::make_session<Address4>(2);
  session.flags |= tables::kLocalOnly;
  const std::uint32_t slot = ends.mirrored().create(session, 0).slot;
  ends.begin({8, 1}, true);
  ends.settle();
  EXPECT_EQ(ends.mirrored().slots().live_count(), 1U);
  EXPECT_EQ(ends.mirrored().slots().entry(slot).flags & tables::kLive, 0U);
}

TEST(Compare, AMirrorThatStartedEmptyIsToldAll) {
  StreamEnds ends;
  for (std::uint32_t number = 0; number < 40; ++number) ends.create(number);
  ends.settle();
  const std::uint64_t wholes = ends.owner_count(Counter::kWholesSent);
  ends.begin({8, 1}, false);
  ends.settle();
  EXPECT_EQ(ends.owner_count(Counter::kWholesSent) - wholes, 40U);
}

TEST(Compare, ATermOfTheSameSessionComparesWhateverThePeerHeldAtItsStart) {
  StreamEnds ends;
  for (std::uint32_t number = 0; number < 40; ++number) ends.create(number);
  ends.settle();
  const std::uint64_t wholes = ends.owner_count(Counter::kWholesSent);
  ends.begin({7, 2}, false);
  ends.settle();
  EXPECT_EQ(ends.owner_count(Counter::kWholesSent), wholes);
  EXPECT_TRUE(ends.stream().is_bulk_done());
}

TEST(Compare, ShowsHowFarItIs) {
  StreamEnds ends(shape_of(65536));
  ends.settle();
  ends.begin({8, 1}, true);
  EXPECT_EQ(ends.stream().bulk_stated_slots(), 0U);
  ends.exchange();
  EXPECT_GT(ends.stream().bulk_stated_slots(), 0U);
  EXPECT_LT(ends.stream().bulk_stated_slots(), ends.stream().bulk_total_slots());
  ends.settle();
  EXPECT_EQ(ends.stream().bulk_stated_slots(), ends.stream().bulk_total_slots());
}

}  // namespace
}  // namespace twinplane::ha2
