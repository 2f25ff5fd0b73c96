// SPDX-License-Identifier: BSD-3-Clause
// Which of two boxes is active, and when that changes.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ha2/pair.hpp"
#include "tests/support/pair_fixture.hpp"

namespace twinplane::ha2 {
namespace {

TEST_F(Boxes, TheHigherPriorityBecomesActiveAndTheyShareOneStream) {
  start_both();
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_EQ(role(1), Role::kPassive);
  EXPECT_TRUE(pair(0).assignment().has_peer);
  EXPECT_EQ(pair(0).assignment().name.session, pair(1).assignment().name.session);
  EXPECT_EQ(pair(0).assignment().name.term, pair(1).assignment().name.term);
  EXPECT_EQ(pair(0).assignment().holding, Holding::kOwner);
  EXPECT_EQ(pair(1).assignment().holding, Holding::kMirror);
}

TEST_F(Boxes, ABoxAloneBecomesActiveAfterItsHold) {
  start(0, config(0));
  run(900);
  EXPECT_EQ(role(0), Role::kInitial);
  run(200);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_FALSE(pair(0).assignment().has_peer);
}

TEST_F(Boxes, ThePassiveTakesOverAfterThreeSilentIntervalsUnderAHigherTerm) {
  start_both();
  const std::uint32_t term = pair(0).term();
  kill(0);
  run(19);  // it was heard at most one interval before
  EXPECT_EQ(role(1), Role::kPassive) << "too early";
  run(12);
  EXPECT_EQ(role(1), Role::kActive);
  EXPECT_GT(pair(1).term(), term);
  EXPECT_GT(pair(1).takeover().detected_ns, pair(1).takeover().last_heard_ns);
}

TEST_F(Boxes, SilenceOnHa2AloneIsNeverATakeover) {
  start_both();
  const StreamName name = pair(0).assignment().name;
  cut(Path::kHa2, true);
  run(5000);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_EQ(role(1), Role::kPassive);
  cut(Path::kHa2, false);
  run(200);
  EXPECT_EQ(pair(0).assignment().name.session, name.session) << "a flap keeps the stream";
  EXPECT_EQ(pair(1).assignment().name.term, name.term);
}

TEST_F(Boxes, SilenceOnHa1AloneIsNeverATakeover) {
  start_both();
  cut(Path::kHa1, true);
  run(5000);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_EQ(role(1), Role::kPassive);
}

TEST_F(Boxes, ASplitHealsWithOneActiveUnderOneTerm) {
  start_both();
  cut(Path::kHa2, true);
  cut(Path::kHa1, true);
  run(200);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_EQ(role(1), Role::kActive) << "without a witness both go on";
  cut(Path::kHa2, false);
  cut(Path::kHa1, false);
  run(200);
  EXPECT_NE(role(0), role(1));
  EXPECT_EQ(role(1), Role::kActive) << "the higher term stays";
  EXPECT_EQ(pair(0).assignment().name.term, pair(1).assignment().name.term);
}

// Neighbors may have been drawn to the peer: each of these is a reason to announce once more.
TEST_F(Boxes, ThePeerGivesWayAndTheAddressesAreAnnouncedAgain) {
  start_both();
  cut(Path::kHa2, true);
  cut(Path::kHa1, true);
  run(200);
  ASSERT_EQ(role(1), Role::kActive);
  const std::uint32_t before = pair(1).reannounce_count();
  cut(Path::kHa2, false);
  cut(Path::kHa1, false);
  run(200);
  EXPECT_GT(pair(1).reannounce_count(), before);
}

TEST_F(Boxes, APeerThatGaveWayBeforeItWasHeardIsAReasonAsWell) {
  start_both();
  cut(Path::kHa2, true);
  cut(Path::kHa1, true);
  kill(1);
  run(100);
  start(1, config(1));
  run(1500);
  ASSERT_EQ(role(1), Role::kActive) << "alone behind the cut";
  const std::uint32_t before = pair(0).reannounce_count();
  for (Wire& wire : boxes_[0].out) wire.is_cut = false;  // it hears first
  run(20);
  ASSERT_EQ(role(1), Role::kPassive);
  for (Wire& wire : boxes_[1].out) wire.is_cut = false;
  run(20);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_GT(pair(0).reannounce_count(), before);
}

TEST_F(Boxes, APeerThatWasActiveOnlyBehindACutIsAReasonAsWell) {
  start(0, config(0));
  start(1, config(1));
  run(100);  // they have heard each other, and neither is active yet
  ASSERT_EQ(role(0), Role::kInitial);
  cut(Path::kHa2, true);
  cut(Path::kHa1, true);
  run(1500);
  ASSERT_EQ(role(0), Role::kActive);
  ASSERT_EQ(role(1), Role::kActive);
  const std::uint32_t before = pair(0).reannounce_count();
  for (Wire& wire : boxes_[0].out) wire.is_cut = false;  // the better one is heard first
  run(20);
  ASSERT_EQ(role(1), Role::kPassive);
  for (Wire& wire : boxes_[1].out) wire.is_cut = false;
  run(20);
  EXPECT_GT(pair(0).reannounce_count(), before);
}

TEST_F(Boxes, APeerThatStartsAnewIsAReasonHoweverQuickItWas) {
  start_both();
  const std::uint32_t before = pair(0).reannounce_count();
  kill(1);
  start(1, config(1));
  run(25);
  EXPECT_GT(pair(0).reannounce_count(), before);
}

TEST_F(Boxes, APairAtRestAnnouncesNothingAgain) {
  start_both();
  const std::uint32_t before = pair(0).reannounce_count();
  run(5000);
  EXPECT_EQ(pair(0).reannounce_count(), before);
}

TEST_F(Boxes, ABoxThatStoodStillDoesNotCountItsOwnPauseAsSilence) {
  start_both();
  run(500, 1);  // the passive one is frozen, its peer is not
  boxes_[0].out[0].frames.clear();
  boxes_[0].out[1].frames.clear();  // and what was sent meanwhile is lost
  run(5);
  EXPECT_EQ(role(1), Role::kPassive);
  EXPECT_EQ(role(0), Role::kActive);
}

TEST_F(Boxes, AnActiveThatStartsAnewFindsItsPeerActive) {
  start_both();
  const std::uint32_t session = pair(1).assignment().name.session;
  kill(0);
  start(0, config(0));  // at once: within the detection time
  run(1500);
  EXPECT_EQ(role(1), Role::kActive);
  EXPECT_EQ(role(0), Role::kPassive);
  EXPECT_NE(pair(1).assignment().name.session, session) << "a new life is a new stream";
  EXPECT_TRUE(pair(1).assignment().has_peer);
}

// What the old life of the peer had counted is no term of the new one: the passive box would wait
// under it for ever.
TEST_F(Boxes, ThePassiveFollowsANewLifeOfItsPeerDownToALowerTerm) {
  start_both();
  cut(Path::kHa2, true);
  cut(Path::kHa1, true);
  run(100);
  cut(Path::kHa2, false);
  cut(Path::kHa1, false);
  run(100);
  kill(1);
  run(100);
  ASSERT_EQ(role(0), Role::kActive);
  ASSERT_GT(pair(0).term(), 1U);
  pair(0).leave();
  for (Wire& wire : boxes_[0].out) wire.frames.clear();
  start(1, config(1));
  run(50);
  ASSERT_EQ(role(1), Role::kInitial) << "it has heard of that term, from a box that leaves";
  kill(0);
  start(0, config(0));
  run(1500);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_EQ(role(1), Role::kPassive);
  EXPECT_EQ(pair(0).assignment().name, pair(1).assignment().name);
}

TEST_F(Boxes, AMirrorThatSleptThroughTheRestartOfItsPeerTakesOver) {
  start_both();
  kill(0);
  run(100);
  start(0, config(0));
  run(1500);
  ASSERT_EQ(role(0), Role::kPassive);
  ASSERT_GT(pair(0).term(), 1U);
  kill(1);
  start(1, config(1));
  run(1500, 0);  // the mirror is frozen, and the new life becomes active alone
  ASSERT_EQ(role(1), Role::kActive);
  ASSERT_LT(pair(1).term(), pair(0).term());
  run(1500);
  EXPECT_EQ(role(0), Role::kActive) << "the higher term has the sessions";
  EXPECT_EQ(role(1), Role::kPassive);
  EXPECT_EQ(pair(0).assignment().name, pair(1).assignment().name);
}

TEST_F(Boxes, TwoThatWereActiveUnheardNeverOwnOneStreamBoth) {
  cut(Path::kHa2, true);
  cut(Path::kHa1, true);
  start(0, config(0));
  start(1, config(1));
  run(1500);
  ASSERT_EQ(role(0), Role::kActive);
  ASSERT_EQ(role(1), Role::kActive);
  ASSERT_EQ(pair(0).term(), pair(1).term());
  cut(Path::kHa2, false);
  are_keepalives_lost_ = true;  // so that they pair before one gives way
  run(500);
  ASSERT_TRUE(pair(0).is_paired());
  ASSERT_TRUE(pair(1).is_paired());
  EXPECT_FALSE(pair(0).assignment().has_peer);
  EXPECT_FALSE(pair(1).assignment().has_peer);
  are_keepalives_lost_ = false;
  run(100);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_TRUE(pair(0).assignment().has_peer);
  EXPECT_TRUE(pair(1).assignment().has_peer);
}

TEST_F(Boxes, AnActiveThatLeavesIsFollowedAtItsNextKeepalive) {
  start_both();
  pair(0).leave();
  run(12);
  EXPECT_EQ(role(1), Role::kActive);
}

TEST_F(Boxes, TheLastTermThereIsDoesNotWrap) {
  start_both();
  const Decoded decoded = decode(boxes_[0].out[0].last_sent);
  std::vector<std::byte> alive(boxes_[0].out[0].last_sent);
  ASSERT_EQ(decoded.frame.header.type, static_cast<std::uint8_t>(FrameType::kKeepalive));
  std::memset(alive.data() + sizeof(FrameHeader) + offsetof(KeepaliveBody, term), 0xFF, 4);
  seal(alive);
  pair(1).on_frame(Path::kHa2, decode(alive).frame, now_ns_);
  run(1, 0);
  EXPECT_EQ(pair(1).term(), 0xFFFFFFFFU);
  kill(0);
  run(100);
  EXPECT_EQ(role(1), Role::kActive);
  EXPECT_EQ(pair(1).term(), 0xFFFFFFFFU);
}

}  // namespace
}  // namespace twinplane::ha2
