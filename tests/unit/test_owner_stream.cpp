// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "ha2/owner_stream.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::TableKind;
using tests::BoxShape;
using tests::count_of;
using tests::Frame;
using tests::header_of;
using tests::small_shape;
using tests::StreamEnds;
using tests::type_of;

constexpr std::uint64_t kFlushNs = 50'000;

BoxShape shape_of(std::uint16_t window_frames, std::uint16_t frame_bytes = 1500) {
  BoxShape shape = small_shape();
  shape.stream.window_frames = window_frames;
  shape.stream.frame_bytes_max = frame_bytes;
  return shape;
}

Frame status_of(StreamEnds& ends, std::uint64_t passed_seq, std::uint64_t first_seq,
                const std::vector<std::uint8_t>& lost) {
  FrameHeader header{};
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(FrameType::kStatus);
  header.session.set(ends.name().session);
  header.term.set(ends.name().term);
  header.seq.set(passed_seq);
  header.floor_distance.set(1);
  StatusBody status{};
  status.first_seq.set(first_seq);
  status.lost_bytes.set(static_cast<std::uint16_t>(lost.size()));
  Frame frame(sizeof header + sizeof status + lost.size() + sizeof(Checksum));
  std::memcpy(frame.data(), &header, sizeof header);
  std::memcpy(frame.data() + sizeof header, &status, sizeof status);
  if (!lost.empty())
    std::memcpy(frame.data() + sizeof header + sizeof status, lost.data(), lost.size());
  seal(frame);
  return frame;
}

TEST(OwnerStream, BulkStatesEverySlotFullAndEmptyAlike) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  ends.settle();
  EXPECT_TRUE(ends.stream().is_bulk_done());
  EXPECT_TRUE(ends.is_equal(slot));
  EXPECT_EQ(ends.stream().bulk_stated_slots(), 128U);
}

TEST(OwnerStream, BulkEmptiesWhatOnlyTheMirrorHolds) {
  StreamEnds ends;
  ends.mirrored().slots().put(9, tests::make_session<tables::Address4>(5));
  ends.settle();
  EXPECT_EQ(ends.mirrored().slots().live_count(), 0U);
}

TEST(OwnerStream, S1AChangeAfterTheFrameWasBuiltIsSentAgain) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  const auto first = ends.poll_owner();
  ends.advance(slot);
  for (const Frame& frame : first) ends.to_the_mirror(frame);
  EXPECT_FALSE(ends.is_equal(slot));
  EXPECT_TRUE(ends.sessions().slots().changes().contains(slot));
  ends.settle();
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(OwnerStream, S2NeverGivesASeqToTwoFrames) {
  StreamEnds ends;
  std::uint64_t last_seq = 0;
  for (int round = 0; round < 50; ++round) {
    if (round % 5 == 0) ends.create(static_cast<std::uint32_t>(round));
    ends.wait(2'000'000);
    for (const Frame& frame : ends.poll_owner()) {
      if (type_of(frame) != FrameType::kData) continue;
      EXPECT_EQ(header_of(frame).seq.get(), last_seq + 1);
      last_seq = header_of(frame).seq.get();
      if (round % 3 != 0) ends.to_the_mirror(frame);
    }
    ends.wait(1'000'000);
    for (const Frame& frame : ends.poll_mirror()) ends.to_the_owner(frame);
  }
  EXPECT_GT(last_seq, 5U);
}

TEST(OwnerStream, S5StatesEverySlotOfALostFrameWhole) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  ends.settle();
  ends.advance(slot);
  const auto lost = ends.poll_owner();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(count_of(lost[0], Operation::kState), 1U);
  ends.to_the_owner(
      status_of(ends, header_of(lost[0]).seq.get(), header_of(lost[0]).seq.get(), {1}));
  EXPECT_EQ(ends.stream().in_flight_count(), 0U);
  const auto repair = ends.poll_owner();
  ASSERT_EQ(repair.size(), 1U);
  EXPECT_EQ(count_of(repair[0], Operation::kBrief), 1U);
  EXPECT_EQ(ends.owner_count(Counter::kRepairsMarked), 1U);
}

TEST(OwnerStream, S5WalksAgainOverALostRunOfEmptySlots) {
  StreamEnds ends;
  for (std::uint32_t slot = 0; slot < 64; ++slot)
    ends.mirrored().slots().put(slot, tests::make_session<tables::Address4>(slot));
  ASSERT_FALSE(ends.poll_owner().empty());  // lost, runs and all
  ends.settle();
  EXPECT_TRUE(ends.stream().is_bulk_done());
  EXPECT_EQ(ends.mirrored().slots().live_count(), 0U);
}

TEST(OwnerStream, AWholeCarriesTheWindowEdgesThatAPatchHadTold) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  auto& state = ends.sessions().slots().changeable(slot).state;
  state.edge[0] = state.edge[1] = state.edge_max[0] = state.edge_max[1] = 5000;
  ends.sessions().slots().mark(slot, tables::kMarkWindow);
  ends.settle();
  EXPECT_EQ(ends.mirrored().slots().entry(slot).state.edge[1], 5000U);
  ends.sessions().slots().mark(slot, tables::kMarkWhole);  // as a repair does
  ends.settle();
  EXPECT_EQ(ends.mirrored().slots().entry(slot).state.edge[1], 5000U);
}

TEST(OwnerStream, S7CarriesTheLowestSeqNotAnsweredAsItsFloor) {
  StreamEnds ends;
  ends.settle();
  const std::uint64_t answered = ends.stream().next_seq() - 1;
  for (std::uint32_t i = 0; i < 3; ++i) {
    ends.create(10 + i);
    const auto frames = ends.flush_owner();
    ASSERT_EQ(frames.size(), 1U);
    const FrameHeader header = header_of(frames[0]);
    EXPECT_EQ(header.seq.get() - header.floor_distance.get(), answered);
  }
}

TEST(OwnerStream, S8HeartbeatsFlowWhileTheWindowIsFullAndTakeNoPlaceInIt) {
  StreamEnds ends(shape_of(4));
  ends.settle();
  for (std::uint32_t i = 0; i < 10; ++i) {
    ends.create(i);
    ends.poll_owner();
    ends.wait(kFlushNs);
    ends.poll_owner();
  }
  EXPECT_EQ(ends.stream().in_flight_count(), 4U);
  EXPECT_GT(ends.owner_count(Counter::kNoWindow), 0U);
  const std::uint64_t last_seq = ends.stream().next_seq() - 1;
  ends.wait(1'000'000);
  const auto frames = ends.poll_owner();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(type_of(frames[0]), FrameType::kHeartbeat);
  EXPECT_EQ(header_of(frames[0]).seq.get(), last_seq);
  EXPECT_EQ(ends.stream().in_flight_count(), 4U);
  ends.settle();
  EXPECT_EQ(ends.mirrored().slots().live_count(), 10U);
}

// Where most frames are lost they go one by one, in growing intervals, heartbeats with them; when
// they arrive again they go as fast as before.
TEST(OwnerStream, IsHeldBackWhileMostFramesAreLost) {
  StreamEnds ends(shape_of(64));
  ends.settle();
  const auto mark_all = [&ends] {
    for (std::uint32_t slot = 0; slot < 64; ++slot)
      ends.sessions().slots().mark(slot, tables::kMarkWhole);
  };
  std::uint32_t sent_count = 0;
  const auto run = [&](std::uint32_t arriving_one_in, std::uint64_t duration_ns) {
    const std::uint64_t end_ns = ends.now_ns + duration_ns;
    for (sent_count = 0; ends.now_ns < end_ns; ends.wait(50'000)) {
      mark_all();
      for (const auto& frame : ends.poll_owner())
        if (sent_count++ % arriving_one_in == 0) ends.to_the_mirror(frame);
      for (const auto& frame : ends.poll_mirror()) ends.to_the_owner(frame);
    }
  };
  run(1, 100'000'000);
  const std::uint32_t usual_count = sent_count;
  EXPECT_EQ(ends.stream().pace_ns(), 0U);
  run(10, 1'000'000'000);
  run(10, 100'000'000);
  EXPECT_GT(ends.stream().pace_ns(), 1'000'000U);
  EXPECT_LT(sent_count, usual_count / 20);
  EXPECT_GT(ends.owner_count(Counter::kPaced), 0U);
  run(1, 1'000'000'000);
  EXPECT_EQ(ends.stream().pace_ns(), 0U);
  run(1, 100'000'000);
  EXPECT_GE(sent_count, usual_count * 9 / 10);
}

TEST(OwnerStream, S8IsSilentWhenEverythingIsAnswered) {
  StreamEnds ends;
  ends.settle();
  ends.wait(1'000'000'000);
  EXPECT_TRUE(ends.poll_owner().empty());
}

TEST(OwnerStream, S9WithoutABufferASlotStaysDirty) {
  StreamEnds ends;
  ends.settle();
  const std::uint32_t slot = ends.create(1);
  ends.to_mirror.has_buffer = false;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(ends.poll_owner().empty());
  EXPECT_TRUE(ends.sessions().slots().changes().contains(slot));
  EXPECT_GT(ends.owner_count(Counter::kNoBuffer), 0U);
  ends.to_mirror.has_buffer = true;
  ends.settle();
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(OwnerStream, S10TheWalkGoesOnWhileLiveChangesFillEveryFrame) {
  for (const std::uint16_t frame_bytes :
       {kFrameBytesNeeded, std::uint16_t{200}, std::uint16_t{576}}) {
    StreamEnds ends(shape_of(16, frame_bytes));
    for (std::uint32_t number = 0; number < 64; ++number) ends.create(number, number % 2 == 0);
    for (int round = 0; round < 2000 && !ends.stream().is_bulk_done(); ++round) {
      for (std::uint32_t slot = 0; slot < 64; ++slot)
        ends.sessions().slots().mark(slot, tables::kMarkWhole);
      ends.exchange();
    }
    EXPECT_TRUE(ends.stream().is_bulk_done()) << frame_bytes;
  }
}

TEST(OwnerStream, S11SendsAtOnceWhenTheLinkWasIdle) {
  StreamEnds ends;
  ends.settle();
  ends.create(1);
  EXPECT_EQ(ends.poll_owner().size(), 1U);
}

TEST(OwnerStream, S11GathersForTheFlushTimeWhileFramesAreUnderWay) {
  StreamEnds ends;
  ends.settle();
  ends.create(1);
  ASSERT_EQ(ends.poll_owner().size(), 1U);
  ends.create(2);
  EXPECT_TRUE(ends.poll_owner().empty());
  ends.create(3);
  ends.wait(kFlushNs - 1);
  EXPECT_TRUE(ends.poll_owner().empty());
  ends.wait(1);
  const auto frames = ends.poll_owner();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(count_of(frames[0], Operation::kBrief), 2U);
}

TEST(OwnerStream, ASlotThatChangesOftenIsSentOnce) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  ends.settle();
  for (int i = 0; i < 100; ++i) ends.advance(slot);
  const auto frames = ends.poll_owner();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(count_of(frames[0], Operation::kState), 1U);
}

TEST(OwnerStream, S12PatchesNothingBeforeTheBulkIsDone) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  const auto bulk = ends.poll_owner();
  ASSERT_FALSE(bulk.empty());
  ends.advance(slot);
  const auto frames = ends.flush_owner();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(count_of(frames[0], Operation::kState), 0U);
  EXPECT_EQ(count_of(frames[0], Operation::kBrief), 1U);
  ends.settle();
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(OwnerStream, S12BulkIsNotDoneWhileARepairOfItIsOwed) {
  StreamEnds ends;
  const std::uint32_t slot = ends.create(1);
  ASSERT_EQ(ends.poll_owner().size(), 1U);  // the whole walk, lost
  ends.create(2);
  for (const Frame& frame : ends.flush_owner()) ends.to_the_mirror(frame);
  ends.wait(1'000'000);
  for (const Frame& status : ends.poll_mirror()) ends.to_the_owner(status);
  EXPECT_EQ(ends.stream().in_flight_count(), 0U);
  EXPECT_EQ(ends.owner_count(Counter::kFramesReportedLost), 1U);
  EXPECT_FALSE(ends.stream().is_bulk_done());
  ASSERT_FALSE(ends.poll_owner().empty());  // the repair, lost as well
  EXPECT_FALSE(ends.stream().is_bulk_done());
  ends.settle();
  EXPECT_TRUE(ends.stream().is_bulk_done());
  EXPECT_TRUE(ends.is_equal(slot));
}

TEST(OwnerStream, ALocalSessionIsStatedAsAnEmptySlot) {
  StreamEnds ends;
  auto session = tests::make_session<tables::Address4>(1);
  session.flags |= tables::kLocalOnly;
  static_cast<void>(ends.sessions().create(session, 0));
  ends.settle();
  EXPECT_EQ(ends.mirrored().slots().live_count(), 0U);
}

TEST(OwnerStream, AStatusOfSeqsNeverSentIsRefused) {
  StreamEnds ends;
  ends.poll_owner();
  ends.to_the_owner(status_of(ends, ends.stream().next_seq(), 1, {0}));
  ends.to_the_owner(status_of(ends, 1, 0, {0}));
  ends.to_the_owner(status_of(ends, 1, 2, {0}));
  EXPECT_EQ(ends.owner_count(Counter::kDropSeqRange), 3U);
  EXPECT_EQ(ends.owner_count(Counter::kStatusReceived), 0U);
}

TEST(OwnerStream, AStatusThatDoesNotTellOfEverySeqItPassesIsRefused) {
  StreamEnds ends;
  ends.poll_owner();
  ends.to_the_owner(status_of(ends, 1, 1, {}));
  EXPECT_EQ(ends.owner_count(Counter::kDropBody), 1U);
  EXPECT_GT(ends.stream().in_flight_count(), 0U);
}

TEST(OwnerStream, AnOldStatusThatComesLateChangesNothing) {
  StreamEnds ends;
  ends.poll_owner();
  ends.create(1);
  ends.flush_owner();
  const std::uint64_t last_seq = ends.stream().next_seq() - 1;
  ASSERT_GE(last_seq, 2U);
  ends.to_the_owner(status_of(ends, last_seq, 1, {0}));
  EXPECT_EQ(ends.stream().in_flight_count(), 0U);
  ends.to_the_owner(status_of(ends, 1, 1, {1}));
  EXPECT_EQ(ends.stream().in_flight_count(), 0U);
  EXPECT_EQ(ends.owner_count(Counter::kFramesReportedLost), 0U);
}

TEST(OwnerStream, SaysHowOldTheOldestUnansweredChangeIs) {
  StreamEnds ends;
  ends.settle();
  EXPECT_EQ(ends.stream().lag_ns(ends.now_ns), 0U);
  ends.create(1);
  ends.poll_owner();
  ends.wait(700'000);
  EXPECT_EQ(ends.stream().lag_ns(ends.now_ns), 700'000U);
  EXPECT_EQ(ends.stream().at_risk_count(), 1U);
  ends.settle();
  EXPECT_EQ(ends.stream().lag_ns(ends.now_ns), 0U);
  EXPECT_EQ(ends.stream().at_risk_count(), 0U);
}

}  // namespace
}  // namespace twinplane::ha2
