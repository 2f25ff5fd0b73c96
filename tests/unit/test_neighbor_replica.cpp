// SPDX-License-Identifier: BSD-3-Clause
// What a resolver finds out stands in the home partition, and what the peer's stream puts there is
// found by the workers.
#include <gtest/gtest.h>

#include "dataplane/neighbor_replica.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::ArpBody;
using tables::NeighborReach;

constexpr MacAddress kMac{2, 0, 0, 0, 0, 1};
constexpr MacAddress kOtherMac{2, 0, 0, 0, 0, 2};

NeighborKey host4(std::uint8_t number) {
  return NeighborKey::of(1, tables::Address4{10, 1, 0, number});
}

NeighborKey host6(std::uint8_t number) {
  tables::Address6 address{0xFD};
  address[15] = number;
  return NeighborKey::of(1, address);
}

tables::PartitionLimits limits() {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kArp) = limits.plain(tables::TableKind::kNd) = 16;
  return limits;
}

class NeighborReplicaTest : public ::testing::Test {
 protected:
  auto& arp() { return partition_->table<tables::TableKind::kArp>(); }

  bool is_known(const NeighborKey& key, const MacAddress& wanted) const {
    MacAddress mac;
    return table_.try_lookup(key, mac) && mac == wanted;
  }

  // As the stream does at a mirror.
  void arrive(std::uint32_t slot, std::uint8_t number, const MacAddress& mac,
              NeighborReach reach = NeighborReach::kReachable) {
    tables::PlainEntry<ArpBody> entry{};
    entry.body.key = {{10, 1, 0, number}, 1, {}};
    entry.body.mac = mac;
    entry.body.reach = static_cast<std::uint8_t>(reach);
    entry.head = {1, 0, tables::kLive};
    arp().slots().put(slot, entry);
  }

  tests::InBlock<tables::Partition> partition_{limits(), tables::HashSeed{3}};
  NeighborTable table_{16, {7}};
  NeighborReplica replica_{*partition_, table_, 8};
};

TEST_F(NeighborReplicaTest, WritesDownWhatIsKnownAndForgetsWhatIsGone) {
  replica_.on_known({host4(1), kMac, NeighborState::kReachable}, 5'000);
  replica_.on_known({host6(1), kMac, NeighborState::kStale}, 5'000);
  ASSERT_EQ(arp().slots().live_count(), 1U);
  const auto& entry = arp().slots().entry(arp().slots().find({{10, 1, 0, 1}, 1, {}}).slot);
  EXPECT_EQ(entry.body.mac, kMac);
  EXPECT_EQ(entry.body.reach, static_cast<std::uint8_t>(NeighborReach::kReachable));
  EXPECT_EQ(entry.since_s, 5U);
  EXPECT_EQ((*partition_).live_count(tables::TableKind::kNd), 1U);
  replica_.on_gone(host4(1));
  replica_.on_gone(host6(1));
  EXPECT_EQ((*partition_).live_count(), 0U);
}

TEST_F(NeighborReplicaTest, SaysAChangeOfStateAloneAsAPatchAndOfTheMacAsAWhole) {
  replica_.on_known({host4(1), kMac, NeighborState::kReachable}, 1'000);
  const std::uint32_t slot = arp().slots().find({{10, 1, 0, 1}, 1, {}}).slot;
  static_cast<void>(arp().slots().take_marks(slot));
  replica_.on_known({host4(1), kMac, NeighborState::kReachable}, 2'000);
  EXPECT_EQ(arp().slots().take_marks(slot), 0) << "a confirmation alone is no news";
  replica_.on_known({host4(1), kMac, NeighborState::kStale}, 2'000);
  EXPECT_EQ(arp().slots().take_marks(slot), tables::kMarkState);
  replica_.on_known({host4(1), kOtherMac, NeighborState::kReachable}, 2'000);
  EXPECT_EQ(arp().slots().take_marks(slot), tables::kMarkWhole);
  EXPECT_EQ(arp().counters().created, 1U);
}

TEST_F(NeighborReplicaTest, ShowsTheWorkersWhatTheStreamHasBrought) {
  arrive(3, 1, kMac);
  EXPECT_FALSE(is_known(host4(1), kMac)) << "before it was polled";
  EXPECT_EQ(replica_.poll(), 1U);
  EXPECT_TRUE(is_known(host4(1), kMac));
  arrive(3, 1, kOtherMac, NeighborReach::kStale);
  replica_.poll();
  EXPECT_TRUE(is_known(host4(1), kOtherMac));
  EXPECT_EQ(table_.entry(table_.find(host4(1))).state, NeighborState::kStale);
  arp().slots().empty(3);
  replica_.poll();
  EXPECT_EQ(table_.live_count(), 0U);
  EXPECT_EQ(replica_.poll(), 0U);
}

TEST_F(NeighborReplicaTest, KeepsANeighborThatHasMovedToAnotherSlot) {
  arrive(3, 1, kMac);
  replica_.poll();
  arrive(5, 1, kMac);  // the same key: slot 3 is displaced
  replica_.poll();
  EXPECT_TRUE(is_known(host4(1), kMac));
  EXPECT_EQ(table_.live_count(), 1U);
  arrive(3, 2, kOtherMac);
  replica_.poll();
  EXPECT_TRUE(is_known(host4(1), kMac));
  EXPECT_TRUE(is_known(host4(2), kOtherMac));
}

TEST_F(NeighborReplicaTest, ForgetsItsOwnNeighborsThatTheNewOwnerDoesNotHave) {
  static_cast<void>(table_.insert(host4(1), NeighborState::kReachable, kMac));
  replica_.on_known({host4(1), kMac, NeighborState::kReachable}, 1'000);
  // The roles change: the new owner states the slot as empty.
  arp().slots().empty(arp().slots().find({{10, 1, 0, 1}, 1, {}}).slot);
  replica_.poll();
  EXPECT_EQ(table_.live_count(), 0U);
}

TEST_F(NeighborReplicaTest, CountsWhomTheWorkersTableHasNoRoomFor) {
  for (std::uint8_t number = 1; number <= 16; ++number)
    ASSERT_NE(table_.insert(host6(number), NeighborState::kReachable, kMac),
              NeighborTable::kNoSlot);
  arrive(0, 1, kMac);
  replica_.poll();
  EXPECT_EQ(replica_.unshown_count(), 1U);
}

TEST_F(NeighborReplicaTest, BelievesThePeerNoPortThatThereIsNot) {
  for (const std::uint8_t port : std::initializer_list<std::uint8_t>{8, 200, 255}) {
    tables::PlainEntry<ArpBody> entry{};
    entry.head.flags = tables::kLive;
    entry.body.key = {{10, 1, 0, 1}, port, {}};
    arp().slots().put(3, entry);
    replica_.poll();
  }
  EXPECT_EQ(table_.live_count(), 0U);
  EXPECT_EQ(replica_.unshown_count(), 3U);
  arrive(3, 1, kMac);
  replica_.poll();
  EXPECT_TRUE(is_known(host4(1), kMac));
}

TEST_F(NeighborReplicaTest, CountsWhatFindsNoRoomForThePeer) {
  for (std::uint8_t number = 1; number <= 20; ++number)
    replica_.on_known({host4(number), kMac, NeighborState::kReachable}, 1'000);
  EXPECT_EQ(arp().slots().live_count(), 16U);
  EXPECT_EQ(arp().counters().refused_full, 4U);
}

}  // namespace
}  // namespace twinplane::dataplane
