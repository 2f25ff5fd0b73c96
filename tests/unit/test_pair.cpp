// SPDX-License-Identifier: BSD-3-Clause
// Two Pair machines over links that can be cut one by one, on one virtual clock: who is active, and
// whom they believe.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "ha2/pair.hpp"

namespace twinplane::ha2 {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

// One direction of one path.
class Wire final : public Link {
 public:
  std::span<std::byte> try_frame() noexcept override { return room_; }

  void send(std::size_t frame_bytes, std::uint16_t /*partition*/) noexcept override {
    if (is_cut) return;
    frames.emplace_back(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(frame_bytes));
    last_sent = frames.back();
  }

  bool is_cut = false;
  std::deque<std::vector<std::byte>> frames;
  std::vector<std::byte> last_sent;

 private:
  std::array<std::byte, 1500> room_{};
};

struct Box {
  std::optional<Pair> pair;
  std::array<Wire, kPathCount> out;  // by path
};

class Boxes : public testing::Test {
 protected:
  PairConfig config(std::uint8_t id) {
    PairConfig config;
    config.box_id = id;
    config.priority = static_cast<std::uint8_t>(id == 0 ? 100 : 50);
    config.items = {{"partitions", 4, true}, {"mtu", 1500, false}};
    return config;
  }

  void start(std::size_t id, PairConfig config) {
    ++boot_id_;
    boxes_[id].pair.emplace(std::move(config), boot_id_, boot_id_ * 77);
    for (Wire& wire : boxes_[id].out) wire.frames.clear();
  }

  void start_both() {
    start(0, config(0));
    start(1, config(1));
    run(1500);
  }

  void kill(std::size_t id) { boxes_[id].pair.reset(); }

  // `frozen`: a box that does not run, as under SIGSTOP.
  void run(std::uint64_t ms, std::optional<std::size_t> frozen = {}) {
    for (std::uint64_t i = 0; i < ms; ++i) {
      now_ns_ += kMs;
      for (std::size_t id = 0; id < 2; ++id) {
        if (!boxes_[id].pair || frozen == id) continue;
        deliver(1 - id, id);
        boxes_[id].pair->poll(now_ns_, boxes_[id].out[0], boxes_[id].out[1]);
      }
    }
  }

  void deliver(std::size_t from, std::size_t to) {
    for (std::size_t path = 0; path < kPathCount; ++path) {
      std::deque<std::vector<std::byte>>& frames = boxes_[from].out[path].frames;
      while (!frames.empty()) {
        const Decoded decoded = decode(frames.front());
        ASSERT_EQ(decoded.error, DecodeError::kNone);
        const auto type = static_cast<FrameType>(decoded.frame.header.type);
        if (are_keepalives_lost_ && type == FrameType::kKeepalive) {
          frames.pop_front();
          continue;
        }
        boxes_[to].pair->on_frame(static_cast<Path>(path), decoded.frame, now_ns_);
        frames.pop_front();
      }
    }
  }

  void cut(Path path, bool is_cut) {
    for (Box& box : boxes_) box.out[static_cast<std::size_t>(path)].is_cut = is_cut;
  }

  Pair& pair(std::size_t id) { return *boxes_[id].pair; }

  Role role(std::size_t id) { return pair(id).role(); }

  std::uint64_t now_ns_ = 1'000 * kMs;
  std::uint64_t boot_id_ = 1000;
  bool are_keepalives_lost_ = false;
  std::array<Box, 2> boxes_;
};

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

TEST_F(Boxes, TwoThatStartEmptyAreToldAll) {
  start_both();
  EXPECT_FALSE(pair(0).assignment().peer_holds_tables);
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

TEST_F(Boxes, ADifferenceThatMustNotBeIsRefusedOnBothSidesWithItsNameAndValues) {
  PairConfig other = config(1);
  other.items[0].value = 8;
  start(0, config(0));
  start(1, other);
  run(1500);
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
  start(0, config(0));
  start(1, other);
  run(1500);
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
  start(0, config(0));
  start(1, other);
  run(1500);
  EXPECT_TRUE(pair(0).assignment().has_peer);
  EXPECT_TRUE(pair(1).assignment().has_peer);
}

TEST_F(Boxes, ANameFromTheLinkIsMadePrintable) {
  PairConfig other = config(1);
  other.items[0].name = "\x1B[2Jbell\a";
  start(0, config(0));
  start(1, other);
  run(1500);
  EXPECT_EQ(pair(0).refusal_text().find('\x1B'), std::string::npos);
  EXPECT_NE(pair(0).refusal_text().find("?[2Jbell?"), std::string::npos) << pair(0).refusal_text();
}

TEST_F(Boxes, ADifferenceThatMayBeIsNotRefused) {
  PairConfig other = config(1);
  other.items[1].value = 9000;
  start(0, config(0));
  start(1, other);
  run(1500);
  EXPECT_TRUE(pair(0).assignment().has_peer);
}

TEST_F(Boxes, TheSmallerFrameSizeIsUsedAndTheDifferenceSaid) {
  PairConfig other = config(1);
  other.frame_bytes_max = 1000;
  start(0, config(0));
  start(1, other);
  run(1500);
  EXPECT_EQ(pair(0).assignment().frame_bytes, 1000);
  EXPECT_EQ(pair(1).assignment().frame_bytes, 1000);
  EXPECT_NE(pair(0).mtu_note().find("1000"), std::string::npos);
}

TEST_F(Boxes, APeerWhoseFramesCannotCarryARecordIsNotBelieved) {
  PairConfig other = config(1);
  other.frame_bytes_max = 100;
  start(0, config(0));
  start(1, other);
  run(1500);
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

TEST_F(Boxes, AnOldHelloDoesNotBringAnOldLifeBack) {
  start_both();
  boxes_[1].out[0].last_sent.clear();
  // The last hello of the peer's first life, kept by somebody on the link.
  std::vector<std::byte> old_hello;
  for (int ms = 0; ms < 1500 && old_hello.empty(); ++ms) {
    run(1);
    const std::vector<std::byte>& sent = boxes_[1].out[0].last_sent;
    if (!sent.empty() &&
        decode(sent).frame.header.type == static_cast<std::uint8_t>(FrameType::kHello))
      old_hello = sent;
  }
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
  PairConfig older = config(0);
  PairConfig newer = config(1);
  older.kept = {true, true, 5};
  newer.kept = {true, false, 6};
  start(0, older);
  start(1, newer);
  run(3000);
  EXPECT_EQ(role(0), Role::kPassive);
  EXPECT_EQ(role(1), Role::kActive);
  EXPECT_GT(pair(1).term(), 6U);
}

TEST_F(Boxes, OfTwoThatKeptTheirTablesOfOneTermTheOneThatWasActiveGoesFirst) {
  PairConfig mirror = config(0);
  PairConfig owner = config(1);
  mirror.kept = {true, false, 5};
  owner.kept = {true, true, 5};
  start(0, mirror);
  start(1, owner);
  run(3000);
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
