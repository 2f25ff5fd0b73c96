// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>

#include "ha2/replica.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::TableKind;
using tests::data_frame;
using tests::Frame;
using tests::StreamEnds;

// A link that copies into memory it has, and loses every seventh frame.
class FixedLink final : public Link {
 public:
  std::span<std::byte> try_frame() noexcept override { return room_; }

  void send(std::size_t frame_bytes, std::uint16_t) noexcept override {
    if (++sent_ % 7 == 0 || count_ == kFrames) return;
    std::memcpy(frames_[count_].data(), room_.data(), frame_bytes);
    bytes_[count_++] = frame_bytes;
  }

  void deliver(Replica& to, std::uint64_t now_ns) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      const auto bytes = std::span<const std::byte>(frames_[i]).first(bytes_[i]);
      const Decoded decoded = decode(bytes);
      if (decoded.error == DecodeError::kNone) to.on_frame(decoded.frame, bytes, now_ns);
    }
    count_ = 0;
  }

 private:
  static constexpr std::size_t kFrames = 64;
  std::array<std::byte, 1500> room_{};
  std::array<std::array<std::byte, 1500>, kFrames> frames_{};
  std::array<std::size_t, kFrames> bytes_{};
  std::size_t count_ = 0;
  unsigned sent_ = 0;
};

Frame frame_of(StreamName name, std::uint64_t seq = 1, std::uint16_t partition = 0,
               FrameType type = FrameType::kData) {
  EmptySlot empty;
  empty.slot.set(0);
  Frame frame = data_frame<EmptySlot>(name, seq, 1,
                                      wire_kind(TableKind::kSession4, Operation::kEmpty), {empty});
  FrameHeader header = tests::header_of(frame);
  header.partition.set(partition);
  header.type = static_cast<std::uint8_t>(type);
  if (type != FrameType::kData) {
    header.section_count.set(0);
    frame.resize(kFrameBytesMin);
  }
  std::memcpy(frame.data(), &header, sizeof header);
  seal(frame);
  return frame;
}

TEST(Replica, RefusesFramesOfAnotherPartition) {
  StreamEnds ends;
  ends.to_the_mirror(frame_of(ends.name(), 1, 5));
  EXPECT_EQ(ends.mirror_count(Counter::kDropPartition), 1U);
}

TEST(Replica, RefusesFramesOfAnotherSession) {
  StreamEnds ends;
  ends.to_the_mirror(frame_of({8, 1}));
  EXPECT_EQ(ends.mirror_count(Counter::kDropSession), 1U);
}

TEST(Replica, RefusesFramesOfAnOlderAndOfALaterTermApart) {
  StreamEnds ends;
  ends.begin({7, 5});
  ends.to_the_mirror(frame_of({7, 4}));
  EXPECT_EQ(ends.mirror_count(Counter::kDropOldTerm), 1U);
  ends.to_the_mirror(frame_of({7, 6}));
  EXPECT_EQ(ends.mirror_count(Counter::kDropFutureTerm), 1U);
  EXPECT_EQ(ends.mirror_stream().passed_seq(), 0U);
}

TEST(Replica, RefusesDataAsAnOwnerAndAStatusAsAMirror) {
  StreamEnds ends;
  ends.to_the_owner(frame_of(ends.name()));
  EXPECT_EQ(ends.owner_count(Counter::kDropRole), 1U);
  ends.to_the_mirror(frame_of(ends.name(), 1, 0, FrameType::kStatus));
  EXPECT_EQ(ends.mirror_count(Counter::kDropRole), 1U);
}

TEST(Replica, RefusesEverythingBeforeItHasARole) {
  tests::Box box(tests::small_shape());
  StreamEnds::hand(box.replica(), frame_of({0, 0}), 1);
  EXPECT_EQ(box.replica().counters().get(Counter::kDropSession), 1U);
}

TEST(Replica, BeginsAStreamAnewWhenItsNameChanges) {
  StreamEnds ends;
  ends.create(1);
  ends.settle();
  EXPECT_TRUE(ends.stream().is_bulk_done());
  ends.begin({9, 2});
  EXPECT_FALSE(ends.stream().is_bulk_done());
  EXPECT_EQ(ends.stream().next_seq(), 1U);
  ends.settle();
  EXPECT_TRUE(ends.stream().is_bulk_done());
}

TEST(Replica, GoesOnWithItsStreamWhenToldTheSameAgain) {
  StreamEnds ends;
  ends.create(1);
  ends.settle();
  const std::uint64_t next_seq = ends.stream().next_seq();
  ends.begin(ends.name());
  EXPECT_TRUE(ends.stream().is_bulk_done());
  EXPECT_EQ(ends.stream().next_seq(), next_seq);
}

TEST(Replica, AMirrorThatTakesOverOwnsWhatItMirrored) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1, true);
  ends.settle();
  Assignment assignment = ends.mirror().assignment();
  assignment.holding = Holding::kOwner;
  assignment.has_peer = false;
  assignment.name.term = 2;
  ends.mirror().assume(assignment);
  auto& slots = ends.mirrored().slots();
  const auto session = tests::make_session<tables::Address4>(1, true);
  EXPECT_EQ(slots.find(tables::key_of(session, tables::Side::kServer)).slot, slot);
  slots.erase(slot);
  EXPECT_EQ(ends.mirrored().create(session, 0).status, tables::InsertStatus::kInserted);
}

TEST(Replica, NothingOnThePacketPathAllocatesOrThrows) {
  static_assert(noexcept(std::declval<Replica&>().poll(0, std::declval<Link&>())));
  static_assert(noexcept(std::declval<Replica&>().on_frame({}, {}, 0)));
  static_assert(noexcept(std::declval<Replica&>().assume({})));
  static_assert(noexcept(decode({})));

  StreamEnds ends;
  const auto to_mirror = std::make_unique<FixedLink>();
  const auto to_owner = std::make_unique<FixedLink>();
  const std::uint64_t before = tests::allocation_count();
  std::uint64_t now_ns = 1'000'000'000;
  for (std::uint32_t round = 0; round < 5000; ++round) {
    now_ns += 100'000;
    const auto session = tests::make_session<tables::Address4>(round % 100, round % 2 == 0);
    const auto slot =
        ends.sessions().slots().find(tables::key_of(session, tables::Side::kClient)).slot;
    if (slot == tables::kNoSlot)
      static_cast<void>(ends.sessions().create(session, 0));
    else if (round % 3 == 0)
      ends.sessions().end(slot);
    else
      ends.advance(slot);
    if (round % 1000 == 999) ends.stream().start_verify();
    if (round == 2500) ends.begin({11, 2});
    ends.owner().poll(now_ns, *to_mirror);
    to_mirror->deliver(ends.mirror(), now_ns);
    ends.mirror().poll(now_ns, *to_owner);
    to_owner->deliver(ends.owner(), now_ns);
  }
  EXPECT_EQ(tests::allocation_count(), before);
  EXPECT_GT(ends.mirror_count(Counter::kFramesLost), 100U);
  EXPECT_GT(ends.mirror_count(Counter::kRecordsApplied), 1000U);
}

}  // namespace
}  // namespace twinplane::ha2
