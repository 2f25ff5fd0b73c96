// SPDX-License-Identifier: BSD-3-Clause
// Addresses learned, moved, aged and held by the box that owns them, shown to its workers, and
// taken from the peer by the other.
#include <gtest/gtest.h>

#include "dataplane/mac_learner.hpp"
#include "tests/support/bridge_text.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::MacBody;
using tests::bridge_config;
using tests::kLeft;
using tests::kMiddle;
using tests::kRight;

MacKey station(std::uint8_t number, std::uint16_t vlan = 0) {
  return mac_key({2, 0, 0, 0, 0, number}, vlan, 0);
}

tables::PartitionLimits limits() {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kMac) = 64;
  return limits;
}

struct Scene {
  explicit Scene(const Config& from = bridge_config(), bool is_active = true) : config(from) {
    if (is_active) learner.set_active(true, now_ms);
  }

  auto& macs() { return home->table<tables::TableKind::kMac>(); }

  void hear(const MacKey& key, std::uint8_t port, std::uint16_t worker = 0) {
    EXPECT_TRUE(bridging.events(worker).try_put({key, port}));
    learner.poll(now_ms);
  }

  void pass(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end;) {
      now_ms += std::min<std::uint64_t>(500, end - now_ms);
      learner.poll(now_ms);
    }
  }

  // A frame of it came in at a worker.
  void see(const MacKey& key, std::uint16_t worker = 1) {
    MacFound found{};
    ASSERT_TRUE(bridging.table.try_lookup(key, found));
    bridging.see(worker, found.place, static_cast<std::uint32_t>(now_ms / 1000));
  }

  int port_of(const MacKey& key) {
    MacFound found{};
    return bridging.table.try_lookup(key, found) ? found.port : -1;
  }

  bool is_held(const MacKey& key) {
    MacFound found{};
    return bridging.table.try_lookup(key, found) && found.is_held();
  }

  const MacBody& replicated(const MacKey& key) {
    const std::uint32_t slot = macs().slots().find(key).slot;
    EXPECT_NE(slot, tables::kNoSlot);
    return macs().slots().entry(slot).body;
  }

  // As the stream does at a mirror.
  void arrive(std::uint32_t slot, const MacKey& key, std::uint8_t port, std::uint8_t flags = 0) {
    tables::PlainEntry<MacBody> entry{};
    entry.body.key = key;
    entry.body.port = port;
    entry.body.flags = flags;
    entry.head = {1, 0, tables::kLive};
    entry.since_s = static_cast<std::uint32_t>(now_ms / 1000);
    macs().slots().put(slot, entry);
  }

  const MacStats& stats() { return bridging.mac_stats(0); }

  Config config;
  Bridging bridging{config, 2, {3}};
  tests::InBlock<tables::Partition> home{limits(), tables::HashSeed{5}};
  tests::FakeLink link;
  MacLearner learner{bridging, *home, link};
  std::uint64_t now_ms = 1'000'000;
};

TEST(MacLearner, LearnsWhereAStationIs) {
  Scene scene;
  scene.hear(station(1, 10), kMiddle, 1);
  EXPECT_EQ(scene.port_of(station(1, 10)), kMiddle);
  EXPECT_EQ(scene.port_of(station(1)), -1);
  EXPECT_EQ(scene.replicated(station(1, 10)).port, kMiddle);
  EXPECT_EQ(scene.stats().entries.get(), 1U);
  scene.hear(station(1, 10), kMiddle);
  EXPECT_EQ(scene.stats().learned.get(), 1U);
  EXPECT_EQ(scene.stats().moved.get(), 0U);
}

TEST(MacLearner, FollowsAStationThatMoves) {
  Scene scene;
  scene.hear(station(1), kLeft);
  const std::uint32_t slot = scene.macs().slots().find(station(1)).slot;
  static_cast<void>(scene.macs().slots().take_marks(slot));
  scene.hear(station(1), kRight);
  EXPECT_EQ(scene.port_of(station(1)), kRight);
  EXPECT_EQ(scene.replicated(station(1)).move_count, 1);
  EXPECT_EQ(scene.macs().slots().take_marks(slot), tables::kMarkWhole) << "the peer is told";
  EXPECT_EQ(scene.stats().entries.get(), 1U);
}

TEST(MacLearner, HoldsWhoMovesTooOftenAndForgivesInTheEnd) {
  Scene scene(bridge_config("move_limit = 3\nmove_window_s = 10\nmove_hold_s = 5"));
  scene.hear(station(1), kLeft);
  for (const std::uint8_t port : {kRight, kLeft, kRight}) scene.hear(station(1), port);
  EXPECT_FALSE(scene.is_held(station(1)));
  scene.hear(station(1), kLeft);
  EXPECT_TRUE(scene.is_held(station(1)));
  EXPECT_EQ(scene.replicated(station(1)).flags, tables::kIsHeld);
  EXPECT_EQ(scene.stats().held.get(), 1U);
  scene.hear(station(1), kRight);
  EXPECT_TRUE(scene.is_held(station(1))) << "no news of it count";
  scene.pass(3500);
  EXPECT_TRUE(scene.is_held(station(1)));
  scene.pass(3000);
  EXPECT_EQ(scene.port_of(station(1)), -1);
  EXPECT_EQ(scene.stats().released.get(), 1U);
  EXPECT_EQ(scene.stats().entries.get(), 0U);
  scene.hear(station(1), kRight);
  EXPECT_EQ(scene.port_of(station(1)), kRight);
}

TEST(MacLearner, DoesNotMindMovesThatTakeTheirTime) {
  Scene scene(bridge_config("move_limit = 3\nmove_window_s = 10\naging_s = 300"));
  scene.hear(station(1), kLeft);
  for (int i = 0; i < 20; ++i) {
    scene.hear(station(1), i % 2 == 0 ? kRight : kLeft);
    scene.pass(4000);
  }
  EXPECT_FALSE(scene.is_held(station(1)));
  EXPECT_EQ(scene.stats().moved.get(), 20U);
}

TEST(MacLearner, HoldsNobodyInAWire) {
  Scene scene(tests::wire_config());
  scene.hear(station(1), kLeft);
  for (int i = 0; i < 20; ++i) scene.hear(station(1), i % 2 == 0 ? kRight : kLeft);
  EXPECT_FALSE(scene.is_held(station(1)));
}

TEST(MacLearner, ForgetsWhoIsSilentAndKeepsWhoIsNot) {
  Scene scene(bridge_config("aging_s = 20"));
  scene.hear(station(1), kLeft);
  scene.hear(station(2), kLeft);
  for (int i = 0; i < 6; ++i) {
    scene.pass(5000);
    scene.see(station(2));
  }
  EXPECT_EQ(scene.port_of(station(1)), -1);
  EXPECT_EQ(scene.port_of(station(2)), kLeft);
  EXPECT_EQ(scene.stats().aged.get(), 1U);
  EXPECT_EQ(scene.macs().slots().live_count(), 1U) << "the peer forgets it too";
  scene.pass(22'000);
  EXPECT_EQ(scene.port_of(station(2)), -1);
}

TEST(MacLearner, KeepsStaticAddressesWhereTheyAre) {
  Scene scene(
      bridge_config("aging_s = 10\n[[bridge.mac]]\nmac = \"02:00:00:00:00:01\"\nport = \"right\""));
  EXPECT_EQ(scene.port_of(station(1)), kRight);
  EXPECT_EQ(scene.replicated(station(1)).flags, tables::kIsStatic);
  scene.hear(station(1), kLeft);
  scene.pass(60'000);
  EXPECT_EQ(scene.port_of(station(1)), kRight);
}

TEST(MacLearner, KeepsToTheLimitsOfDomainAndPort) {
  Scene scene(bridge_config("address_limit = 6\nport_address_limit = 4"));
  for (std::uint8_t i = 0; i < 10; ++i) scene.hear(station(i), kLeft);
  EXPECT_EQ(scene.stats().entries.get(), 4U);
  EXPECT_EQ(scene.stats().refused_limit.get(), 6U);
  EXPECT_TRUE(scene.bridging.is_full(0, kLeft));
  EXPECT_FALSE(scene.bridging.is_full(0, kRight));
  for (std::uint8_t i = 20; i < 30; ++i) scene.hear(station(i), kRight);
  EXPECT_EQ(scene.stats().entries.get(), 6U);
  EXPECT_TRUE(scene.bridging.is_full(0, kRight));
  scene.hear(station(20), kLeft);
  EXPECT_EQ(scene.port_of(station(20)), kRight) << "a full port takes nobody's address away";
  EXPECT_EQ(scene.stats().entries.get(), 6U);
  EXPECT_EQ(scene.stats().moved.get(), 0U);
}

TEST(MacLearner, CountsWhatFindsNoSlot) {
  Scene scene;
  for (std::uint8_t i = 0; i < 100; ++i) scene.hear(station(i), kLeft);
  EXPECT_EQ(scene.stats().entries.get(), 64U);
  EXPECT_EQ(scene.stats().refused_limit.get(), 36U);
}

TEST(MacLearner, LearnsNothingWhilePassive) {
  Scene scene(bridge_config(), false);
  scene.hear(station(1), kLeft);
  EXPECT_EQ(scene.port_of(station(1)), -1);
  EXPECT_EQ(scene.macs().slots().live_count(), 0U);
  EXPECT_TRUE(scene.link.sent.empty());
}

TEST(MacLearner, ShowsWorkersWhatThePeerHasLearned) {
  Scene scene(bridge_config(), false);
  scene.arrive(3, station(1), kLeft);
  scene.arrive(4, station(2), kRight);
  scene.learner.poll(scene.now_ms);
  EXPECT_EQ(scene.port_of(station(1)), kLeft);
  EXPECT_EQ(scene.stats().entries.get(), 2U);
  scene.arrive(3, station(1), kMiddle);
  scene.macs().slots().empty(4);
  scene.learner.poll(scene.now_ms);
  EXPECT_EQ(scene.port_of(station(1)), kMiddle);
  EXPECT_EQ(scene.port_of(station(2)), -1);
  // One goes to another slot, and the slot to another one, whatever the order of the news.
  scene.arrive(5, station(1), kRight);
  scene.arrive(3, station(9), kLeft);
  scene.learner.poll(scene.now_ms);
  EXPECT_EQ(scene.port_of(station(1)), kRight);
  EXPECT_EQ(scene.port_of(station(9)), kLeft);
  EXPECT_EQ(scene.stats().entries.get(), 2U);
}

TEST(MacLearner, BelievesThePeerNothingThatCannotBe) {
  Scene scene(bridge_config(), false);
  scene.arrive(1, mac_key({2, 0, 0, 0, 0, 1}, 0, 7), kLeft);
  scene.arrive(2, station(2), 200);
  scene.arrive(3, station(3), 17);
  scene.arrive(4, station(4), 32 + kLeft);
  scene.learner.poll(scene.now_ms);
  EXPECT_EQ(scene.stats().entries.get(), 0U);
  EXPECT_EQ(scene.stats().refused_peer.get(), 4U);
  scene.learner.set_active(true, scene.now_ms);
  EXPECT_TRUE(scene.link.sent.empty());
  scene.pass(5000);
  EXPECT_EQ(scene.macs().slots().live_count(), 0U) << "whoever owns them forgets them";
}

TEST(MacLearner, GivesEachAWholeTimeAtATakeover) {
  Scene scene(bridge_config("aging_s = 100\nmove_hold_s = 50"), false);
  for (std::uint8_t i = 0; i < 60; ++i) scene.arrive(i, station(i), kLeft);
  scene.arrive(60, station(60), kLeft, tables::kIsHeld);
  scene.pass(40'000);
  scene.learner.set_active(true, scene.now_ms);
  EXPECT_EQ(scene.port_of(station(59)), kLeft);
  scene.pass(12'000);
  EXPECT_EQ(scene.port_of(station(60)), -1) << "held as long as the old owner said";
  scene.pass(87'000);
  EXPECT_EQ(scene.stats().entries.get(), 60U);
  scene.pass(6000);
  EXPECT_LT(scene.stats().entries.get(), 50U) << "they end one after the other";
  EXPECT_GT(scene.stats().entries.get(), 10U);
  scene.pass(8000);
  EXPECT_EQ(scene.stats().entries.get(), 0U);
}

TEST(MacLearner, DoesNotEndAllAtOnceWhenABoxBecomesActiveAgain) {
  Scene scene(bridge_config("aging_s = 20"));
  scene.hear(station(1), kLeft);
  scene.learner.set_active(false, scene.now_ms);
  scene.pass(100'000);
  scene.learner.set_active(true, scene.now_ms);
  scene.pass(15'000);
  EXPECT_EQ(scene.port_of(station(1)), kLeft);
}

}  // namespace
}  // namespace twinplane::dataplane
