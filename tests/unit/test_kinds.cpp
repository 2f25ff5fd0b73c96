// SPDX-License-Identifier: BSD-3-Clause
// Every kind of table over a stream: what the matrix says, in either mode; that each bit that
// travels is compared; what patches and refreshes say; what is counted.
#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "tables/session_shift.hpp"
#include "tests/support/plain_bodies.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::BodyOf;
using tables::KindSet;
using tables::PlainEntry;
using tables::TableKind;
using tests::body_of;
using tests::StreamEnds;

tests::BoxShape shape_with(KindSet kinds) {
  tests::BoxShape shape = tests::small_shape();
  tables::for_each_kind([&](auto kind) {
    if (!tables::is_session(kind)) shape.limits.plain(kind) = 64;
  });
  shape.kinds = kinds;
  return shape;
}

tests::BoxShape shape_with_all() { return shape_with(kept_kinds(HaMode::kActivePassive)); }

template <class Body>
typename Body::Key first_key(std::uint32_t number) {
  return tables::PlainTraits<Body>::key(body_of<Body>(number), tables::Side::kClient);
}

// An entry of each kind at the owner.
void create_all(StreamEnds& ends) {
  tables::for_each_kind([&](auto kind) {
    auto& table = ends.partition().template table<kind()>();
    if constexpr (tables::is_session(kind())) {
      using Address = typename tables::TableOf<kind()>::Address;
      ASSERT_EQ(table.create(tests::make_session<Address>(1, true), 0).status,
                tables::InsertStatus::kInserted);
    } else {
      ASSERT_EQ(table.create(body_of<BodyOf<kind()>>(1), 0).status,
                tables::InsertStatus::kInserted);
    }
  });
}

// Calls test(KindConstant) for each plain kind that is kept equal.
template <class Test>
void for_each_plain(Test&& test) {
  tables::for_each_kind([&](auto kind) {
    if constexpr (!tables::is_session(kind()))
      if (row_of(kind()).is_kept(HaMode::kActivePassive)) {
        SCOPED_TRACE(std::string(tables::name_of(kind)));
        test(kind);
      }
  });
}

// Until every range has its verdict and what differed is mended.
void verify(StreamEnds& ends) {
  ends.stream().start_verify();
  for (int i = 0; i < 40 && ends.stream().verification().is_running; ++i) ends.exchange();
  ends.settle();
}

template <TableKind kKind>
struct Both {
  explicit Both(StreamEnds& ends)
      : owned(ends.partition().table<kKind>()),
        mirrored(ends.mirrored_partition().table<kKind>().slots()) {}

  bool is_equal(std::uint32_t slot) const {
    return image_of(owned.slots().entry(slot)) == image_of(mirrored.entry(slot));
  }

  tables::TableOf<kKind>& owned;
  typename tables::TableOf<kKind>::Slots& mirrored;
};

// ---- the matrix ---------------------------------------------------------------------------------

TEST(Kinds, AreKeptEqualAsTheMatrixSaysInEitherMode) {
  for (const HaMode mode : {HaMode::kActivePassive, HaMode::kActiveActive}) {
    StreamEnds ends(shape_with(kept_kinds(mode)));
    create_all(ends);
    ends.settle();
    for (const SyncRow& row : kSyncMatrix) {
      const std::uint32_t expected = row.is_kept(mode) ? 1U : 0U;
      EXPECT_EQ(ends.partition().live_count(row.kind), 1U) << tables::name_of(row.kind);
      EXPECT_EQ(ends.mirrored_partition().live_count(row.kind), expected)
          << tables::name_of(row.kind) << (mode == HaMode::kActivePassive ? " A/P" : " A/A");
    }
  }
}

TEST(Kinds, OfTheMatrixAreThoseOfTheReference) {
  using enum TableKind;
  EXPECT_EQ(kept_kinds(HaMode::kActivePassive),
            (KindSet{kSession4, kSession6, kArp, kNd, kMac, kMulticast4, kMulticast6, kVirtualMac,
                     kSecurityAssociation, kSctp, kSequenceShift, kIpsecSequence, kExpectation,
                     kReturnMac}));
  EXPECT_EQ(kept_kinds(HaMode::kActiveActive),
            (KindSet{kSession4, kSession6, kVirtualMac, kSecurityAssociation, kSequenceShift,
                     kIpsecSequence, kExpectation, kReturnMac}));
}

TEST(Kinds, ThatAreSwitchedOffNeverLeaveTheBox) {
  for_each_plain([](auto kind) {
    KindSet kinds = kept_kinds(HaMode::kActivePassive);
    kinds.remove(kind);
    StreamEnds ends(shape_with(kinds));
    create_all(ends);
    ends.settle();
    EXPECT_EQ(ends.mirrored_partition().live_count(kind), 0U);
    EXPECT_EQ(ends.owner().counters().get(kind, KindCounter::kWholesSent), 0U);
    EXPECT_EQ(ends.mirrored_partition().live_count(TableKind::kSession4), 1U);
  });
}

TEST(Kinds, OfWhichNoneIsKeptMakeAStreamThatIsDoneAtOnce) {
  for (const bool does_mirror_hold_tables : {false, true}) {
    StreamEnds ends(shape_with(KindSet{}));
    create_all(ends);
    ends.begin({8, 1}, does_mirror_hold_tables);
    EXPECT_TRUE(ends.stream().is_bulk_done());
    ends.settle();
    EXPECT_TRUE(ends.stream().is_quiet());
    EXPECT_EQ(ends.owner_count(Counter::kFramesSent), 0U);
    ends.stream().start_verify();
    ends.settle();
    EXPECT_TRUE(ends.stream().verification().is_told());
  }
}

TEST(Kinds, ThatTheMirrorDoesNotKeepArePassedOver) {
  StreamEnds ends(shape_with({TableKind::kSession4}));
  const PlainEntry<tables::ArpBody> entry{
      body_of<tables::ArpBody>(1), {}, {1, 0, tables::kLive}, 0};
  ends.to_the_mirror(
      tests::data_frame(ends.name(), 1, 1, wire_kind(TableKind::kArp, Operation::kFull),
                        std::vector<PlainWhole<tables::ArpBody>>{wire_whole(entry, 3, 0)}));
  EXPECT_EQ(ends.mirrored_partition().live_count(TableKind::kArp), 0U);
  EXPECT_EQ(ends.mirror_count(Counter::kKindOffRecords), 1U);
  EXPECT_EQ(ends.mirror().counters().get(TableKind::kArp, KindCounter::kIgnoredOff), 1U);
  EXPECT_EQ(ends.mirror_stream().passed_seq(), 1U);
}

// ---- what travels -------------------------------------------------------------------------------

// ha2/PROTOCOL.md section 4.8.
TEST(Kinds, StandOnTheWireAsTheSpecificationSays) {
  PlainEntry<tables::ArpBody> entry{};
  entry.body.key = {{10, 1, 0, 2}, 1, {}};
  entry.body.mac = {2, 0, 0, 0, 0, 7};
  entry.body.reach = static_cast<std::uint8_t>(tables::NeighborReach::kReachable);
  entry.head.generation = 1;
  const auto whole = std::bit_cast<std::array<std::uint8_t, 24>>(wire_whole(entry, 3, 2));
  constexpr std::array<std::uint8_t, 24> kGolden{3, 0, 0, 4, 0, 2, 0, 0, 10, 1, 0, 2,
                                                 1, 0, 0, 0, 2, 0, 0, 0, 0,  7, 1, 0};
  EXPECT_EQ(whole, kGolden);
  const auto bytes_of = [](TableKind kind, Operation operation) {
    return unsigned{record_bytes_of(wire_kind(kind, operation))};
  };

  struct Sizes {
    TableKind kind;
    unsigned whole;
    unsigned patch;
    unsigned refresh;
  };

  for (const Sizes& sizes :
       {Sizes{TableKind::kArp, 24, 7, 0}, Sizes{TableKind::kNd, 36, 7, 0},
        Sizes{TableKind::kMac, 24, 0, 0}, Sizes{TableKind::kMulticast4, 40, 29, 0},
        Sizes{TableKind::kMulticast6, 64, 29, 0}, Sizes{TableKind::kVirtualMac, 36, 7, 0},
        Sizes{TableKind::kSecurityAssociation, 224, 6, 21}, Sizes{TableKind::kSctp, 164, 17, 0},
        Sizes{TableKind::kSequenceShift, 40, 0, 0}, Sizes{TableKind::kIpsecSequence, 64, 29, 21},
        Sizes{TableKind::kExpectation, 92, 6, 0}, Sizes{TableKind::kReturnMac, 28, 0, 0}}) {
    EXPECT_EQ(bytes_of(sizes.kind, Operation::kFull), sizes.whole) << tables::name_of(sizes.kind);
    EXPECT_EQ(bytes_of(sizes.kind, Operation::kState), sizes.patch) << tables::name_of(sizes.kind);
    EXPECT_EQ(bytes_of(sizes.kind, Operation::kWindow), sizes.refresh)
        << tables::name_of(sizes.kind);
    EXPECT_EQ(bytes_of(sizes.kind, Operation::kBrief), 0U);
  }
  EXPECT_EQ(kFrameBytesNeeded, 293U);
}

// The same.
TEST(Kinds, SayASequenceShiftInTheseBytes) {
  PlainEntry<tables::SequenceShiftBody> entry{};
  entry.body.key = {3, 2, 0, 0};
  entry.body.ways = {tables::ShiftWay{0, 0x1000, 27, 31}, tables::ShiftWay{0x70000000, 0, 0, 0}};
  entry.head.generation = 1;
  ASSERT_TRUE(entry.body.is_sound());
  constexpr std::array<std::uint8_t, 40> kGolden{
      5, 0,    0, 4, 0,    0, 0,    0, 3, 0, 0, 0,    2, 0, 0, 0, 0, 0, 0, 0,
      0, 0x10, 0, 0, 0x1B, 0, 0x1F, 0, 0, 0, 0, 0x70, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ((std::bit_cast<std::array<std::uint8_t, 40>>(wire_whole(entry, 5, 0))), kGolden);
  EXPECT_EQ(wire_kind(TableKind::kSequenceShift, Operation::kFull), 0xB2);
}

// The same.
TEST(Kinds, SayAReturnPathInTheseBytes) {
  PlainEntry<tables::ReturnMacBody> entry{};
  entry.body.key = {3, 1, {}};
  entry.body.generation = 0x102;
  entry.body.mac = {2, 0, 0, 0, 0, 7};
  entry.body.port = 5;
  entry.head.generation = 1;
  ASSERT_TRUE(entry.body.is_sound());
  constexpr std::array<std::uint8_t, 28> kGolden{6, 0, 0, 4, 0, 2, 0, 0, 3, 0, 0, 0, 1, 0,
                                                 0, 0, 2, 1, 2, 0, 0, 0, 0, 7, 5, 0, 0, 0};
  EXPECT_EQ((std::bit_cast<std::array<std::uint8_t, 28>>(wire_whole(entry, 6, 2))), kGolden);
  EXPECT_EQ(wire_kind(TableKind::kReturnMac, Operation::kFull), 0xE2);
}

TEST(Kinds, KeepThatASessionHasAReturnPathAndFollowIt) {
  StreamEnds ends(shape_with_all());
  ends.settle();
  auto& owner = ends.partition();
  auto session = tests::make_session<tables::Address4>(1);
  session.flags |= tables::kReturned;
  const std::uint32_t slot = owner.session4().create(session, 0).slot;
  const tables::ReturnPath one{{2, 0, 0, 0, 0, 1}, 1}, other{{2, 0, 0, 0, 0, 2}, 2};
  ASSERT_TRUE(tables::try_give_return<tables::Address4>(owner, slot, one, 0));
  ends.settle();
  const auto& mirror = ends.mirrored_partition();
  EXPECT_EQ(mirror.session4().slots().entry(slot).flags, session.flags);
  const auto path_at_the_mirror = [&] {
    const std::uint32_t at = tables::return_slot_of<tables::Address4>(mirror, slot);
    EXPECT_NE(at, tables::kNoSlot) << "found through the mirror's own session";
    return tables::return_path_at(mirror, at);
  };
  EXPECT_EQ(path_at_the_mirror(), one);
  ASSERT_TRUE(tables::try_follow(owner.table<TableKind::kReturnMac>(),
                                 tables::return_slot_of<tables::Address4>(owner, slot), other, 9));
  ends.settle();
  EXPECT_EQ(path_at_the_mirror(), other);
  ASSERT_EQ(tables::try_shift<tables::Address4>(owner, slot, tables::kFromServer, 9, 9000),
            tables::ShiftStatus::kDone);
  ends.settle();
  EXPECT_EQ(path_at_the_mirror(), other) << "under the session's next generation";
}

TEST(Kinds, KeepThatASessionHasAShift) {
  StreamEnds ends(shape_with_all());
  ends.settle();
  auto& sessions = ends.partition().session4();
  auto session = tests::make_session<tables::Address4>(1);
  session.flags |= tables::kShifted;
  const std::uint32_t born = sessions.create(session, 0).slot;
  const std::uint32_t made =
      sessions.create(tests::make_session<tables::Address4>(2, true), 0).slot;
  ends.settle();
  const auto flags_at = [&](std::uint32_t slot) {
    return ends.mirrored_partition().session4().slots().entry(slot).flags;
  };
  EXPECT_EQ(flags_at(born), session.flags);
  EXPECT_EQ(flags_at(made) & tables::kShifted, 0);
  ASSERT_EQ(tables::try_shift<tables::Address4>(ends.partition(), made, tables::kFromServer, 9, 0),
            tables::ShiftStatus::kDone);
  ends.settle();
  EXPECT_EQ(flags_at(made), sessions.slots().entry(made).flags);
  const std::uint32_t shift =
      tables::shift_slot_of<tables::Address4>(ends.mirrored_partition(), made);
  ASSERT_NE(shift, tables::kNoSlot) << "found through the mirror's own session";
  EXPECT_EQ(ends.mirrored_partition()
                .slots<TableKind::kSequenceShift>()
                .entry(shift)
                .body.ways[tables::kFromServer]
                .base,
            9U);
}

TEST(Kinds, OfEverySortComeChangeAndGoAtTheMirror) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    StreamEnds ends(shape_with_all());
    Both<kind()> both(ends);
    const std::uint32_t slot = both.owned.create(body_of<Body>(7, 1), 1).slot;
    ends.settle();
    ASSERT_TRUE(both.is_equal(slot));
    EXPECT_EQ(both.mirrored.find(first_key<Body>(7)).slot, slot);
    both.owned.change(slot, [](Body& body) { body = body_of<Body>(7, 2); });
    ends.settle();
    ASSERT_TRUE(both.is_equal(slot));
    EXPECT_EQ(both.mirrored.live_count(), 1U);
    both.owned.end(slot);
    ends.settle();
    EXPECT_EQ(both.mirrored.live_count(), 0U);
    EXPECT_EQ(both.mirrored.find(first_key<Body>(7)).slot, tables::kNoSlot);
  });
}

TEST(Kinds, KeepTheAgeOfAnEntryWithinASecond) {
  StreamEnds ends(shape_with_all());
  Both<TableKind::kArp> both(ends);
  ends.settle();
  const auto now_s = static_cast<std::uint32_t>(ends.now_ns / 1'000'000'000U);
  const std::uint32_t slot = both.owned.create(body_of<tables::ArpBody>(1), now_s - 100).slot;
  ends.settle();
  EXPECT_NEAR(both.mirrored.entry(slot).since_s, now_s - 100, 1);
}

TEST(Kinds, OfWhichAnEntryIsLocalOnlyAreStatedAsEmpty) {
  for_each_plain([](auto kind) {
    StreamEnds ends(shape_with_all());
    Both<kind()> both(ends);
    static_cast<void>(both.owned.create(body_of<BodyOf<kind()>>(7), 1, true));
    ends.settle();
    EXPECT_EQ(both.owned.slots().live_count(), 1U);
    EXPECT_EQ(both.mirrored.live_count(), 0U);
  });
}

TEST(Kinds, WithAPatchSayNoMoreThanThat) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    if constexpr (tables::HasPatch<Body>) {
      StreamEnds ends(shape_with_all());
      Both<kind()> both(ends);
      ends.settle();
      const std::uint32_t slot = both.owned.create(body_of<Body>(7, 1), 1).slot;
      ends.settle();
      both.owned.patch(slot, body_of<Body>(7, 2).patch());
      ends.settle();
      ASSERT_TRUE(both.is_equal(slot));
      EXPECT_EQ(ends.owner().counters().get(kind, KindCounter::kPatchesSent), 1U);
      EXPECT_EQ(ends.owner().counters().get(kind, KindCounter::kWholesSent), 1U);
      EXPECT_EQ(ends.mirror().counters().get(kind, KindCounter::kPatchesApplied), 1U);
    }
  });
}

TEST(Kinds, WithASecondKeyAreFoundByTheirNewKeysAloneAfterAChangeOfKeys) {
  using tables::Side;
  using Traits = tables::PlainTraits<tables::SctpBody>;
  StreamEnds ends(shape_with_all());
  Both<TableKind::kSctp> both(ends);
  const auto opening = body_of<tables::SctpBody>(3);
  const auto open = body_of<tables::SctpBody>(4);
  const std::uint32_t slot = both.owned.create(opening, 1).slot;
  ends.settle();
  ASSERT_EQ(both.owned.rekey(slot, open).status, tables::RekeyStatus::kRekeyed);
  ends.settle();
  ASSERT_TRUE(both.is_equal(slot));
  EXPECT_EQ(both.mirrored.find(Traits::key(open, Side::kClient)).slot, slot);
  EXPECT_EQ(both.mirrored.find(Traits::key(open, Side::kServer)).slot, slot);
  EXPECT_EQ(both.mirrored.find(Traits::key(opening, Side::kClient)).slot, tables::kNoSlot);
  EXPECT_EQ(both.mirrored.index().key_count(), 2U);
}

// The mirror hears of the new holder alone: what the old one holds there is past, and so it goes.
TEST(Kinds, WithASecondKeyLetAnotherSlotHaveAKeyThatTheyLeft) {
  StreamEnds ends(shape_with_all());
  Both<TableKind::kSctp> both(ends);
  const std::uint32_t first = both.owned.create(body_of<tables::SctpBody>(4), 1).slot;
  ends.settle();
  ASSERT_EQ(both.owned.rekey(first, body_of<tables::SctpBody>(5)).status,
            tables::RekeyStatus::kRekeyed);
  ASSERT_EQ(ends.flush_owner().size(), 1U) << "lost";
  const std::uint32_t second = both.owned.create(body_of<tables::SctpBody>(4), 1).slot;
  ends.settle();
  EXPECT_TRUE(both.is_equal(first));
  EXPECT_TRUE(both.is_equal(second));
  EXPECT_EQ(both.mirrored.index().key_count(), 4U);
}

TEST(Kinds, IgnoreAPatchWhoseBaseIsNotThere) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    if constexpr (tables::HasPatch<Body>) {
      StreamEnds ends(shape_with_all());
      Both<kind()> both(ends);
      const std::uint32_t slot = both.owned.create(body_of<Body>(7, 1), 1).slot;
      ends.settle();
      const auto before = image_of(both.mirrored.entry(slot));
      // the whole is lost, the patch arrives
      both.owned.change(slot, [](Body& body) { body = body_of<Body>(7, 2); });
      ASSERT_EQ(ends.flush_owner().size(), 1U);
      both.owned.patch(slot, body_of<Body>(7, 3).patch());
      for (const tests::Frame& frame : ends.flush_owner()) ends.to_the_mirror(frame);
      ends.wait(1'000'000);
      const auto answers = ends.poll_mirror();
      EXPECT_TRUE(image_of(both.mirrored.entry(slot)) == before);
      EXPECT_EQ(ends.mirror().counters().get(kind, KindCounter::kIgnoredGeneration), 1U);
      for (const tests::Frame& frame : answers) ends.to_the_owner(frame);
      ends.settle();
      EXPECT_TRUE(both.is_equal(slot));
      EXPECT_EQ(ends.owner().counters().get(kind, KindCounter::kRepairsMarked), 1U);
    }
  });
}

TEST(Kinds, WithARefreshTakeItAlongAndDoNotCompareIt) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    if constexpr (tables::HasRefresh<Body>) {
      StreamEnds ends(shape_with_all());
      Both<kind()> both(ends);
      const std::uint32_t slot = both.owned.create(body_of<Body>(7, 1), 1).slot;
      ends.settle();
      auto& refresh = both.owned.slots().changeable(slot).refresh;
      std::memset(&refresh, 5, sizeof refresh);
      EXPECT_TRUE(both.is_equal(slot)) << "a refresh is not compared";
      both.owned.slots().mark(slot, tables::kMarkWindow);
      ends.settle();
      EXPECT_EQ(std::memcmp(&both.mirrored.entry(slot).refresh, &refresh, sizeof refresh), 0);
      both.owned.change(slot, [](Body& body) { body = body_of<Body>(7, 2); });
      ends.settle();
      EXPECT_EQ(std::memcmp(&both.mirrored.entry(slot).refresh, &refresh, sizeof refresh), 0)
          << "a whole has wiped it";
    }
  });
}

TEST(Kinds, RefuseAFrameWithABodyThatNoBoxWrites) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    StreamEnds ends(shape_with_all());
    PlainEntry<Body> entry{};
    entry.body = body_of<Body>(1);
    // a byte that must be zero, or a state that does not exist, whichever the kind has
    bool is_refused = false;
    for (std::size_t at = 0; at < sizeof(Body) && !is_refused; ++at) {
      PlainEntry<Body> bad = entry;
      reinterpret_cast<std::uint8_t*>(&bad.body)[at] = 0xFE;
      if (bad.body.is_sound()) continue;
      is_refused = true;
      ends.to_the_mirror(tests::data_frame(
          ends.name(), 1, 1, wire_kind(kind, Operation::kFull),
          std::vector<PlainWhole<Body>>{wire_whole(entry, 2, 0), wire_whole(bad, 3, 0)}));
    }
    ASSERT_TRUE(is_refused) << "every body is sound";
    EXPECT_EQ(ends.mirrored_partition().live_count(kind), 0U) << "a part of it was applied";
    EXPECT_EQ(ends.mirror_count(Counter::kDropRecord), 1U);
    EXPECT_EQ(ends.mirror().counters().get(kind, KindCounter::kRefused), 1U);
  });
}

TEST(Kinds, RefuseASlotThatIsNotThere) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    StreamEnds ends(shape_with_all());
    PlainEntry<Body> entry{};
    entry.body = body_of<Body>(1);
    ends.to_the_mirror(tests::data_frame(ends.name(), 1, 1, wire_kind(kind, Operation::kFull),
                                         std::vector<PlainWhole<Body>>{wire_whole(entry, 64, 0)}));
    EXPECT_EQ(ends.mirror_count(Counter::kDropRecord), 1U);
  });
}

TEST(Kinds, WithoutSlotsRefuseEveryRecord) {
  StreamEnds ends;  // sessions alone
  for_each_plain([&](auto kind) {
    EmptySlot empty{};
    const std::uint64_t before = ends.mirror_count(Counter::kDropRecord);
    ends.to_the_mirror(tests::data_frame(ends.name(), 1, 1, wire_kind(kind, Operation::kEmpty),
                                         std::vector<EmptySlot>{empty}));
    EXPECT_EQ(ends.mirror_count(Counter::kDropRecord), before + 1);
  });
}

// ---- verification -------------------------------------------------------------------------------

TEST(Kinds, AreComparedInEverySingleBitOfTheirBodies) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    StreamEnds ends(shape_with_all());
    Both<kind()> both(ends);
    std::uint32_t slot = 0;
    for (std::uint32_t number = 0; number < 20; ++number)
      slot = both.owned.create(body_of<Body>(number), 0).slot;
    ends.settle();
    const std::uint64_t key_count = both.mirrored.index().key_count();
    Difference found;
    for (std::size_t bit = 0; bit < 8 * sizeof(Body); ++bit) {
      auto& byte = reinterpret_cast<std::uint8_t*>(&both.mirrored.changeable(slot).body)[bit / 8];
      byte = static_cast<std::uint8_t>(byte ^ 1U << (bit % 8));
      verify(ends);
      ASSERT_EQ(ends.stream().verification().different_count, 1U) << "bit " << bit;
      ASSERT_TRUE(both.is_equal(slot)) << "bit " << bit;
      ASSERT_EQ(both.mirrored.index().key_count(), key_count) << "bit " << bit;
      ASSERT_TRUE(ends.owner().differences().try_take(found)) << "bit " << bit;
      ASSERT_TRUE(ends.mirror().differences().try_take(found)) << "bit " << bit;
      EXPECT_EQ(found.range.table, tables::index_of(kind)) << "bit " << bit;
      std::string names;
      for (unsigned i = 0; i < 16; ++i)
        if ((found.fields >> i & 1U) != 0) names += std::string(image_field_name(kind, i)) + " ";
      std::string expected = "reserved";
      for (const tables::FieldPlace& field : Body::fields())
        if (bit / 8 >= field.offset && bit / 8 < field.offset + field.bytes) expected = field.name;
      EXPECT_EQ(names, expected + " ") << "bit " << bit;
    }
  });
}

TEST(Kinds, AreComparedInGenerationAndPresence) {
  for_each_plain([](auto kind) {
    StreamEnds ends(shape_with_all());
    Both<kind()> both(ends);
    const std::uint32_t slot = both.owned.create(body_of<BodyOf<kind()>>(3), 0).slot;
    ends.settle();
    const auto damage = [&](auto&& change) {
      change(both.mirrored.changeable(slot).head);
      verify(ends);
      EXPECT_EQ(ends.stream().verification().different_count, 1U);
      EXPECT_TRUE(both.is_equal(slot));
    };
    damage([](tables::SlotHead& head) { head.generation ^= 1U; });
    damage([](tables::SlotHead& head) { head.flags ^= tables::kLive; });
    damage([](tables::SlotHead& head) { head.flags ^= tables::kLocalOnly; });
  });
}

// ---- counters -----------------------------------------------------------------------------------

TEST(Kinds, AreCountedEachByItself) {
  for_each_plain([](auto kind) {
    using Body = BodyOf<kind()>;
    StreamEnds ends(shape_with_all());
    Both<kind()> both(ends);
    ends.settle();
    std::uint32_t slot = 0;
    for (std::uint32_t number = 0; number < 5; ++number)
      slot = both.owned.create(body_of<Body>(number), 0).slot;
    ends.settle();
    both.owned.end(slot);
    ends.settle();
    const Counters& sent = ends.owner().counters();
    const Counters& applied = ends.mirror().counters();
    EXPECT_EQ(sent.get(kind, KindCounter::kWholesSent), 5U);
    EXPECT_EQ(applied.get(kind, KindCounter::kWholesReceived), 5U);
    EXPECT_EQ(applied.get(kind, KindCounter::kWholesApplied), 5U);
    // one run at the beginning, one slot
    EXPECT_EQ(sent.get(kind, KindCounter::kEmptiesSent), 2U);
    EXPECT_EQ(applied.get(kind, KindCounter::kEmptiesReceived), 2U);
    EXPECT_EQ(applied.get(kind, KindCounter::kEmptiesApplied), 2U);
    tables::for_each_kind([&](auto other) {
      if (other() == kind()) return;
      EXPECT_EQ(sent.get(other, KindCounter::kWholesSent), 0U);
      EXPECT_EQ(applied.get(other, KindCounter::kWholesApplied), 0U);
    });
    EXPECT_EQ(both.owned.counters().created, 5U);
    EXPECT_EQ(both.owned.counters().ended, 1U);
    EXPECT_EQ(both.owned.slots().high_water(), 5U);
    EXPECT_EQ(both.mirrored.high_water(), 5U);
  });
}

TEST(Kinds, CountWhatFoundNoRoom) {
  for_each_plain([](auto kind) {
    StreamEnds ends(shape_with_all());
    Both<kind()> both(ends);
    for (std::uint32_t number = 0; number < 70; ++number)
      static_cast<void>(both.owned.create(body_of<BodyOf<kind()>>(number), 0));
    EXPECT_EQ(both.owned.slots().live_count(), 64U);
    EXPECT_EQ(both.owned.counters().refused_full, 6U);
  });
}

}  // namespace
}  // namespace twinplane::ha2
