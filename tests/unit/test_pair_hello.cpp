// SPDX-License-Identifier: BSD-3-Clause
// Whom a box believes, what it holds against a peer, and whose tables count.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ha2/pair.hpp"
#include "tests/support/pair_fixture.hpp"

namespace twinplane::ha2 {
namespace {

TEST_F(Boxes, TwoThatStartEmptyAreToldAll) {
  start_both();
  EXPECT_FALSE(pair(0).assignment().peer_holds_tables);
}

// Rules, of which one box has others first.
TEST_F(Boxes, AreToldWhatDiffersAndNeedNotBeEqualAsOftenAsItChanges) {
  for (std::uint8_t id = 0; id < 2; ++id) {
    PairConfig own = config(id);
    own.items.push_back({"rule_contents", 1, false});
    start(id, own);
  }
  run(1500);
  ASSERT_TRUE(pair(0).is_paired());
  EXPECT_FALSE(pair(0).is_different("rule_contents"));
  const std::uint32_t term = pair(0).term();
  pair(1).set_item("rule_contents", 2);
  run(100);
  EXPECT_TRUE(pair(0).is_different("rule_contents")) << "it is told at once";
  run(1500);
  EXPECT_TRUE(pair(1).is_different("rule_contents"));
  EXPECT_TRUE(pair(0).is_paired() && pair(1).is_paired());
  EXPECT_EQ(pair(0).term(), term);
  EXPECT_FALSE(pair(0).is_different("no such item"));
  pair(0).set_item("rule_contents", 2);
  run(1500);
  EXPECT_FALSE(pair(0).is_different("rule_contents") || pair(1).is_different("rule_contents"));
}

TEST_F(Boxes, APeerThatComesBackEmptyIsToldAll) {
  start_both();
  kill(1);
  start(1, config(1));
  run(1500);
  ASSERT_TRUE(pair(0).assignment().has_peer);
  EXPECT_FALSE(pair(0).assignment().peer_holds_tables);
}

TEST_F(Boxes, APeerThatComesBackWithItsTablesIsComparedWith) {
  start_both();
  kill(1);
  PairConfig kept = config(1);
  kept.kept.are_there = true;
  start(1, kept);
  run(1500);
  ASSERT_TRUE(pair(0).assignment().has_peer);
  EXPECT_TRUE(pair(0).assignment().peer_holds_tables);
}

TEST_F(Boxes, TheActiveThatComesBackWithItsTablesIsComparedWithByWhoTookOver) {
  start_both();
  kill(0);
  run(200);
  PairConfig kept = config(0);
  kept.kept.are_there = true;
  start(0, kept);
  run(1500);
  ASSERT_EQ(role(1), Role::kActive);
  EXPECT_TRUE(pair(1).assignment().peer_holds_tables);
}

TEST_F(Boxes, TablesThatHaveNothingToDoWithThisBoxAreToldAnew) {
  PairConfig kept = config(1);
  kept.kept.are_there = true;
  start(0, config(0));
  run(1500);  // active alone, with sessions of its own
  start(1, kept);
  run(1500);
  ASSERT_EQ(role(0), Role::kActive);
  EXPECT_FALSE(pair(0).assignment().peer_holds_tables);
}

TEST_F(Boxes, OfTwoThatStartTogetherTheOneThatKeptItsTablesGoesFirst) {
  PairConfig kept = config(1);
  kept.kept.are_there = true;
  start(0, config(0));
  start(1, kept);
  run(1500);
  EXPECT_EQ(role(1), Role::kActive);
  EXPECT_EQ(role(0), Role::kPassive);
}

TEST_F(Boxes, ADifferenceThatMustNotBeIsRefusedOnBothSidesWithItsNameAndValues) {
  PairConfig other = config(1);
  other.items[0].value = 8;
  meet(other);
  for (const std::size_t id : {0U, 1U}) {
    EXPECT_TRUE(pair(id).is_refused());
    EXPECT_FALSE(pair(id).assignment().has_peer);
    EXPECT_NE(pair(id).refusal_text().find("partitions"), std::string::npos)
        << pair(id).refusal_text();
    EXPECT_NE(pair(id).refusal_text().find('8'), std::string::npos) << pair(id).refusal_text();
  }
  EXPECT_NE(role(0), role(1)) << "a refused pair still has one active";
}

TEST_F(Boxes, AnItemThatThePeerDoesNotKnowIsRefused) {
  PairConfig other = config(1);
  other.items.erase(other.items.begin());
  meet(other);
  for (const std::size_t id : {0U, 1U}) {
    EXPECT_TRUE(pair(id).is_refused());
    EXPECT_FALSE(pair(id).assignment().has_peer);
    EXPECT_NE(pair(id).refusal_text().find("partitions"), std::string::npos)
        << "the reason, on both: " << pair(id).refusal_text();
  }
}

TEST_F(Boxes, AnItemThatOnlyThePeerHasAndThatMayDifferIsNotRefused) {
  PairConfig other = config(1);
  other.items.push_back({"new", 1, false});
  meet(other);
  EXPECT_TRUE(pair(0).assignment().has_peer);
  EXPECT_TRUE(pair(1).assignment().has_peer);
}

TEST_F(Boxes, ANameFromTheLinkIsMadePrintable) {
  PairConfig other = config(1);
  other.items[0].name = "\x1B[2Jbell\a";
  meet(other);
  EXPECT_EQ(pair(0).refusal_text().find('\x1B'), std::string::npos);
  EXPECT_NE(pair(0).refusal_text().find("?[2Jbell?"), std::string::npos) << pair(0).refusal_text();
}

TEST_F(Boxes, ADifferenceThatMayBeIsNotRefused) {
  PairConfig other = config(1);
  other.items[1].value = 9000;
  meet(other);
  EXPECT_TRUE(pair(0).assignment().has_peer);
}

TEST_F(Boxes, TheSmallerFrameSizeIsUsedAndTheDifferenceSaid) {
  PairConfig other = config(1);
  other.frame_bytes_max = 1000;
  meet(other);
  EXPECT_EQ(pair(0).assignment().frame_bytes, 1000);
  EXPECT_EQ(pair(1).assignment().frame_bytes, 1000);
  EXPECT_NE(pair(0).mtu_note().find("1000"), std::string::npos);
}

TEST_F(Boxes, APeerWhoseFramesCannotCarryARecordIsNotBelieved) {
  PairConfig other = config(1);
  other.frame_bytes_max = 100;
  meet(other);
  EXPECT_FALSE(pair(0).assignment().has_peer);
  EXPECT_GT(pair(0).bad_frame_count(), 0U);
}

TEST_F(Boxes, TwoBoxesWithOneIdAreTold) {
  start(0, config(0));
  start(1, config(0));
  run(300);
  EXPECT_TRUE(pair(0).is_refused());
  EXPECT_NE(pair(0).refusal_text().find("box.id"), std::string::npos);
}

// The next hello that box 1 sends, as somebody on the link has it.
class HelloTaken : public Boxes {
 protected:
  std::vector<std::byte> next_hello() {
    boxes_[1].out[0].last_sent.clear();
    for (int ms = 0; ms < 1500; ++ms) {
      run(1);
      const std::vector<std::byte>& sent = boxes_[1].out[0].last_sent;
      if (!sent.empty() &&
          decode(sent).frame.header.type == static_cast<std::uint8_t>(FrameType::kHello))
        return sent;
    }
    ADD_FAILURE() << "no hello was sent";
    return {};
  }
};

TEST_F(HelloTaken, AForgedHelloOfTheBelievedLifeChangesNothingOfWhatWasAgreed) {
  start_both();
  std::vector<std::byte> forged = next_hello();
  const Assignment agreed = pair(0).assignment();
  ASSERT_TRUE(agreed.has_peer);
  std::byte* const body = forged.data() + sizeof(FrameHeader);
  HelloBody hello;
  std::memcpy(&hello, body, sizeof hello);
  hello.kinds.set(1);
  hello.mtu_bytes.set(1000);
  hello.holds_tables = 1;
  std::memcpy(body, &hello, sizeof hello);
  seal(forged);
  pair(0).on_frame(Path::kHa2, decode(forged).frame, now_ns_);
  EXPECT_EQ(pair(0).assignment(), agreed);
  EXPECT_EQ(pair(0).peer_kinds(), config(1).kinds);
  EXPECT_EQ(pair(0).mtu_note(), "");
  EXPECT_EQ(pair(0).bad_frame_count(), 0U) << "it was a hello like any other";
}

TEST_F(HelloTaken, AnOldHelloDoesNotBringAnOldLifeBack) {
  start_both();
  const std::vector<std::byte> old_hello = next_hello();
  ASSERT_FALSE(old_hello.empty());
  kill(1);
  run(100);
  start(1, config(1));
  run(1500);
  const StreamName name = pair(0).assignment().name;
  ASSERT_TRUE(pair(0).assignment().has_peer);
  pair(0).on_frame(Path::kHa2, decode(old_hello).frame, now_ns_);
  run(300);
  EXPECT_EQ(pair(0).assignment().name.session, name.session);
  EXPECT_TRUE(pair(0).assignment().has_peer);
}

// Both boxes start with tables that they have kept: whose are newer, not whose priority is higher.
TEST_F(Boxes, OfTwoThatKeptTheirTablesTheOneOfTheLaterTermGoesFirst) {
  start_both_with({true, true, 5}, {true, false, 6});
  EXPECT_EQ(role(0), Role::kPassive);
  EXPECT_EQ(role(1), Role::kActive);
  EXPECT_GT(pair(1).term(), 6U);
}

TEST_F(Boxes, OfTwoThatKeptTheirTablesOfOneTermTheOneThatWasActiveGoesFirst) {
  start_both_with({true, false, 5}, {true, true, 5});
  EXPECT_EQ(role(0), Role::kPassive);
  EXPECT_EQ(role(1), Role::kActive);
}

TEST_F(Boxes, KeptTablesOfALaterTermDoNotUnseatAnActiveBox) {
  start(0, config(0));
  run(3000);
  ASSERT_EQ(role(0), Role::kActive);
  PairConfig kept = config(1);
  kept.kept = {true, true, 50};
  start(1, kept);
  run(3000);
  EXPECT_EQ(role(0), Role::kActive);
  EXPECT_EQ(role(1), Role::kPassive);
}

TEST_F(Boxes, AKeepaliveOfALifeThatIsOverIsNotHeard) {
  start_both();
  pair(0).leave();
  run(50);
  const std::vector<std::byte> old = boxes_[0].out[1].last_sent;
  kill(0);
  run(50);
  start(0, config(0));
  run(3000);
  ASSERT_EQ(role(1), Role::kActive);
  ASSERT_TRUE(pair(1).is_paired());
  const std::uint32_t announced = pair(1).reannounce_count();
  boxes_[0].out[1].frames.push_back(old);
  run(100);
  EXPECT_EQ(pair(1).reannounce_count(), announced);
  EXPECT_EQ(role(1), Role::kActive);
}

}  // namespace
}  // namespace twinplane::ha2
