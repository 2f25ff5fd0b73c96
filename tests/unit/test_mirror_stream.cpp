// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "ha2/mirror_stream.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::TableKind;
using tests::BoxShape;
using tests::data_frame;
using tests::Frame;
using tests::header_of;
using tests::small_shape;
using tests::StreamEnds;

constexpr std::uint64_t kReorderNs = 100'000;
// The first one, after a millisecond, went out while the frames were made, and nobody answered.
constexpr std::uint64_t kNextHeartbeatNs = 2'000'000;

// One data frame for each of `count` new sessions, none handed over.
std::vector<Frame> frames_of(StreamEnds& ends, std::uint32_t count) {
  std::vector<Frame> frames;
  for (std::uint32_t number = 0; number < count; ++number) {
    ends.create(1000 + number);
    for (Frame& frame : ends.flush_owner()) frames.push_back(std::move(frame));
  }
  return frames;
}

StatusBody body_of(const Frame& status) {
  StatusBody body;
  std::memcpy(&body, status.data() + sizeof(FrameHeader), sizeof body);
  return body;
}

bool says_lost(const Frame& status, std::uint64_t seq) {
  const std::uint64_t bit = seq - body_of(status).first_seq.get();
  const std::size_t at = sizeof(FrameHeader) + sizeof(StatusBody) + bit / 8;
  return (std::to_integer<unsigned>(status[at]) >> (bit % 8) & 1U) != 0;
}

Frame empty_frame(const StreamEnds& ends, std::uint64_t seq, std::uint32_t floor_distance,
                  std::uint32_t slot = 0) {
  EmptySlot empty;
  empty.slot.set(slot);
  return data_frame<EmptySlot>(ends.name(), seq, floor_distance,
                               wire_kind(TableKind::kSession4, Operation::kEmpty), {empty});
}

TEST(MirrorStream, S3HoldsAFrameThatCameEarlyAndAppliesItInItsTurn) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 3);
  const std::uint64_t passed = ends.mirror_stream().passed_seq();
  ends.to_the_mirror(frames[2]);
  ends.to_the_mirror(frames[1]);
  EXPECT_EQ(ends.mirror_stream().passed_seq(), passed);
  EXPECT_EQ(ends.mirrored().slots().live_count(), 0U);
  ends.to_the_mirror(frames[0]);
  EXPECT_EQ(ends.mirror_stream().passed_seq(), passed + 3);
  EXPECT_EQ(ends.mirrored().slots().live_count(), 3U);
  EXPECT_EQ(ends.mirror_count(Counter::kFramesHeld), 2U);
  EXPECT_EQ(ends.mirror_count(Counter::kFramesLost), 0U);
}

TEST(MirrorStream, S3GivesAGapUpAfterTheReorderTimeAndNotBefore) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 2);
  ends.to_the_mirror(frames[1]);
  ends.wait(kReorderNs - 1);
  EXPECT_TRUE(ends.poll_mirror().empty());
  EXPECT_TRUE(ends.mirror_stream().has_gap());
  ends.wait(1);
  const auto status = ends.poll_mirror();
  ASSERT_EQ(status.size(), 1U);
  EXPECT_TRUE(says_lost(status[0], header_of(frames[0]).seq.get()));
  EXPECT_FALSE(says_lost(status[0], header_of(frames[1]).seq.get()));
  EXPECT_EQ(ends.mirrored().slots().live_count(), 1U);
}

TEST(MirrorStream, S3DropsAFrameThatComesAfterItWasPassedOver) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 2);
  ends.to_the_mirror(frames[1]);
  ends.wait(kReorderNs);
  ends.poll_mirror();
  ends.to_the_mirror(frames[0]);
  EXPECT_EQ(ends.mirrored().slots().live_count(), 1U);
  EXPECT_EQ(ends.mirror_count(Counter::kDropDuplicate), 1U);
}

TEST(MirrorStream, DropsACopyOfAFrameThatItHasOrHolds) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 3);
  ends.to_the_mirror(frames[0]);
  ends.to_the_mirror(frames[0]);
  ends.to_the_mirror(frames[2]);
  ends.to_the_mirror(frames[2]);
  EXPECT_EQ(ends.mirror_count(Counter::kDropDuplicate), 2U);
}

TEST(MirrorStream, AHeartbeatShowsALossThatNoLaterFrameDoes) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 1);
  ends.wait(kNextHeartbeatNs);
  const auto heartbeat = ends.poll_owner();
  ASSERT_EQ(heartbeat.size(), 1U);
  ends.to_the_mirror(heartbeat[0]);
  ends.wait(kReorderNs);
  const auto status = ends.poll_mirror();
  ASSERT_EQ(status.size(), 1U);
  EXPECT_TRUE(says_lost(status[0], header_of(frames[0]).seq.get()));
}

TEST(MirrorStream, AHeartbeatBringsAStatusThatWasLostAgain) {
  StreamEnds ends;
  ends.settle();
  for (const Frame& frame : frames_of(ends, 1)) ends.to_the_mirror(frame);
  ends.wait(kNextHeartbeatNs);
  ASSERT_EQ(ends.poll_mirror().size(), 1U);  // lost
  for (const Frame& frame : ends.poll_owner()) ends.to_the_mirror(frame);
  const auto status = ends.poll_mirror();
  ASSERT_EQ(status.size(), 1U);
  ends.to_the_owner(status[0]);
  EXPECT_TRUE(ends.stream().is_quiet());
}

// A heartbeat told of seq 100; then frame 50 comes, too far ahead to be held.
TEST(MirrorStream, GivesUpNoFurtherThanTheFrameThatShowsTheGap) {
  BoxShape shape = small_shape();
  shape.stream.window_frames = 128;
  StreamEnds ends(shape);
  Frame heartbeat = empty_frame(ends, 100, 100);
  FrameHeader header = header_of(heartbeat);
  header.type = static_cast<std::uint8_t>(FrameType::kHeartbeat);
  header.section_count.set(0);
  heartbeat.resize(kFrameBytesMin);
  std::memcpy(heartbeat.data(), &header, sizeof header);
  seal(heartbeat);
  ends.to_the_mirror(heartbeat);
  ends.to_the_mirror(empty_frame(ends, 50, 50));
  EXPECT_EQ(ends.mirror_stream().passed_seq(), 50U - ReorderBuffer::kPlaces);
  EXPECT_TRUE(ends.mirror_stream().has_gap());
  EXPECT_EQ(ends.mirror_count(Counter::kFramesHeld), 1U);
  ends.wait(kReorderNs);
  ends.poll_mirror();
  EXPECT_EQ(ends.mirror_stream().passed_seq(), 50U);
}

TEST(MirrorStream, S4AnswersAtAQuarterOfTheWindow) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 4);
  for (std::size_t i = 0; i < 3; ++i) ends.to_the_mirror(frames[i]);
  EXPECT_TRUE(ends.poll_mirror().empty());
  ends.to_the_mirror(frames[3]);
  EXPECT_EQ(ends.poll_mirror().size(), 1U);
}

TEST(MirrorStream, S4AnswersASingleFrameAtTheDeadline) {
  StreamEnds ends;
  ends.settle();
  ends.to_the_mirror(frames_of(ends, 1)[0]);
  ends.wait(99'999);
  EXPECT_TRUE(ends.poll_mirror().empty());
  ends.wait(1);
  EXPECT_EQ(ends.poll_mirror().size(), 1U);
  ends.wait(1'000'000);
  EXPECT_TRUE(ends.poll_mirror().empty());
}

TEST(MirrorStream, S4SaysALossAgainUntilTheFloorHasRisenAboveIt) {
  StreamEnds ends;
  ends.settle();
  const auto frames = frames_of(ends, 3);
  const std::uint64_t lost_seq = header_of(frames[0]).seq.get();
  ends.to_the_mirror(frames[1]);
  ends.wait(kReorderNs);
  ASSERT_TRUE(says_lost(ends.poll_mirror().at(0), lost_seq));  // this status is lost
  ends.to_the_mirror(frames[2]);
  ends.wait(kReorderNs);
  const auto again = ends.poll_mirror();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(says_lost(again[0], lost_seq));
  ends.to_the_owner(again[0]);
  ends.exchange();
  ends.create(1);
  for (const Frame& frame : ends.poll_owner()) ends.to_the_mirror(frame);
  ends.wait(kReorderNs);
  const auto later = ends.poll_mirror();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_GT(body_of(later[0]).first_seq.get(), lost_seq);
}

TEST(MirrorStream, AStatusThatDoesNotFitIsToldInParts) {
  BoxShape shape = small_shape();
  shape.stream.window_frames = 4096;
  shape.stream.frame_bytes_max = frame_bytes_needed({TableKind::kSession4, TableKind::kSession6});
  StreamEnds ends(shape);
  for (std::uint64_t seq = 1; seq <= 1000; ++seq)
    ends.to_the_mirror(empty_frame(ends, seq, static_cast<std::uint32_t>(seq)));
  ends.wait(100'000);
  const auto status = ends.poll_mirror();
  ASSERT_EQ(status.size(), 1U);
  EXPECT_LE(status[0].size(), shape.stream.frame_bytes_max);
  EXPECT_LT(header_of(status[0]).seq.get(), 1000U);
  EXPECT_GT(header_of(status[0]).seq.get(), 300U);
}

TEST(MirrorStream, S6SkipsAPatchOfAnotherGenerationAndCountsIt) {
  StreamEnds ends;
  ends.settle();
  auto session = tests::make_session<tables::Address4>(1);
  session.state.generation = 5;
  ends.mirrored().slots().put(3, session);
  StatePatch patch{};
  patch.name.set(3, 6);
  patch.state = 0x40;
  const std::uint64_t seq = ends.mirror_stream().passed_seq() + 1;
  ends.to_the_mirror(data_frame<StatePatch>(
      ends.name(), seq, 1, wire_kind(TableKind::kSession4, Operation::kState), {patch}));
  EXPECT_EQ(ends.mirror_count(Counter::kPatchOtherGeneration), 1U);
  EXPECT_EQ(ends.mirrored().slots().entry(3).flags & tables::kReplySeen, 0);
  patch.name.set(3, 5);
  ends.to_the_mirror(data_frame<StatePatch>(
      ends.name(), seq + 1, 1, wire_kind(TableKind::kSession4, Operation::kState), {patch}));
  EXPECT_NE(ends.mirrored().slots().entry(3).flags & tables::kReplySeen, 0);
}

TEST(MirrorStream, S6SkipsAPatchOfAnEmptySlot) {
  StreamEnds ends;
  ends.settle();
  StatePatch patch{};
  patch.name.set(3, 0);
  ends.to_the_mirror(data_frame<StatePatch>(ends.name(), ends.mirror_stream().passed_seq() + 1, 1,
                                            wire_kind(TableKind::kSession4, Operation::kState),
                                            {patch}));
  EXPECT_EQ(ends.mirror_count(Counter::kPatchOtherGeneration), 1U);
  EXPECT_EQ(ends.mirrored().slots().live_count(), 0U);
}

TEST(MirrorStream, RefusesAFrameWhoseSeqAndFloorCannotBe) {
  StreamEnds ends;
  ends.to_the_mirror(empty_frame(ends, 0, 1));
  ends.to_the_mirror(empty_frame(ends, 1, 0));
  ends.to_the_mirror(empty_frame(ends, 1, 2));
  ends.to_the_mirror(empty_frame(ends, 5000, kWindowFramesMax + 1));
  EXPECT_EQ(ends.mirror_count(Counter::kDropSeqRange), 4U);
  ends.to_the_mirror(empty_frame(ends, 9, 2));  // a floor of 8 where nothing was answered
  EXPECT_EQ(ends.mirror_count(Counter::kDropFloor), 1U);
  EXPECT_EQ(ends.mirror_count(Counter::kFramesReceived), 0U);
}

TEST(MirrorStream, RefusesAFrameWithASlotThatDoesNotExistAndAppliesNoneOfIt) {
  StreamEnds ends;
  auto session = tests::make_session<tables::Address4>(1);
  ends.mirrored().slots().put(3, session);
  EmptySlot good;
  good.slot.set(3);
  EmptySlot bad;
  bad.slot.set(64);
  ends.to_the_mirror(data_frame<EmptySlot>(
      ends.name(), 1, 1, wire_kind(TableKind::kSession4, Operation::kEmpty), {good, bad}));
  EXPECT_EQ(ends.mirror_count(Counter::kDropRecord), 1U);
  EXPECT_EQ(ends.mirrored().slots().live_count(), 1U);
  EXPECT_EQ(ends.mirror_stream().passed_seq(), 0U);
}

TEST(MirrorStream, SkipsRecordsOfAKindItDoesNotKnowAndCountsThem) {
  StreamEnds ends;
  ends.to_the_mirror(data_frame<EmptySlot>(ends.name(), 1, 1, 0xF3, {EmptySlot{}, EmptySlot{}}));
  EXPECT_EQ(ends.mirror_count(Counter::kUnknownKindRecords), 2U);
  EXPECT_EQ(ends.mirror_stream().passed_seq(), 1U);
}

TEST(MirrorStream, JudgesADigestWhileALossIsOpenButCountsNoDifference) {
  StreamEnds ends;
  ends.settle();
  const std::uint64_t seq = ends.mirror_stream().passed_seq() + 1;
  DigestRange digest{};
  digest.id.set(1);
  digest.slot_count.set(64);
  digest.round = static_cast<std::uint8_t>(CheckRound::kVerify);
  digest.digest.set(77);
  const auto kind = wire_kind(TableKind::kSession4, Operation::kDigest);
  ends.to_the_mirror(data_frame<DigestRange>(ends.name(), seq + 1, 2, kind, {digest}));
  ends.wait(kReorderNs);
  const auto status = ends.poll_mirror();
  ASSERT_EQ(status.size(), 1U);
  EXPECT_EQ(body_of(status[0]).verdicts[0] & 3U, static_cast<unsigned>(Verdict::kDifferent));
  EXPECT_EQ(ends.mirror_count(Counter::kDigestsDifferent), 0U);
  EXPECT_EQ(ends.mirror_count(Counter::kDigestsUntold), 1U);
}

}  // namespace
}  // namespace twinplane::ha2
