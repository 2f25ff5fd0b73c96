// SPDX-License-Identifier: BSD-3-Clause
// What the owner writes of groups stands in the home partition and is what its workers read; what
// the stream puts into a mirror's is what the mirror's workers read.
#include <gtest/gtest.h>

#include "dataplane/group_replica.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::kAnyPort;
using tables::Multicast4Body;
using tables::MulticastState;
using tables::PortSet;

constexpr std::uint32_t kNow = 100;

GroupRouteKey star(std::uint8_t number = 1) { return {.group = mapped({239, 0, 0, number})}; }

GroupRouteKey stream(char letter, std::uint8_t number = 1) {
  GroupRouteKey key = star(number);
  key.source = mapped({10, 2, 0, static_cast<std::uint8_t>(letter - 'a' + 1)});
  return key;
}

GroupRouteKey stream6() {
  GroupRouteKey key;
  key.source[0] = 0xFD;
  key.group[0] = 0xFF;
  key.group[1] = 0x0E;
  return key;
}

tables::PartitionLimits limits(std::uint32_t slots) {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kMulticast4) = limits.plain(tables::TableKind::kMulticast6) =
      slots;
  return limits;
}

// A box's part of it: four ports.
struct Side {
  explicit Side(std::uint32_t slots) : partition(limits(slots), tables::HashSeed{3}) {}

  tests::InBlock<tables::Partition> partition;
  GroupRouteTable routes{128, {7}};
  GroupReplica replica{*partition, routes, 4, tables::HashSeed{9}};

  // Egress, ingress and state as the workers see them: "{0,2} from 1", "{} pruned", "none".
  std::string seen(const GroupRouteKey& key) const {
    GroupRoute route;
    if (routes.try_lookup(key, route) == GroupRouteTable::kNoPlace) return "none";
    std::string text = "{";
    for (int port = 0; port < 64; ++port)
      if ((route.egress >> port & 1U) != 0)
        text += (text.size() > 1 ? "," : "") + std::to_string(port);
    text += "}";
    if (route.ingress != kAnyPort) text += " from " + std::to_string(route.ingress);
    if (route.state == MulticastState::kPruned) text += " pruned";
    return text;
  }
};

class GroupReplicaTest : public ::testing::Test {
 protected:
  auto& slots4() { return there_.partition->slots<tables::TableKind::kMulticast4>(); }

  void arrive(std::uint32_t slot, const GroupRouteKey& key, PortSet egress, PortSet blocked = 0,
              std::uint8_t ingress = kAnyPort, MulticastState state = MulticastState::kMembership) {
    tables::PlainEntry<Multicast4Body> entry{};
    entry.body = {.key = {v4_of(key.source), v4_of(key.group), key.domain, key.vlan},
                  .ingress = ingress,
                  .state = static_cast<std::uint8_t>(state),
                  .zero = {},
                  .egress = egress,
                  .blocked = blocked};
    entry.head = {1, 0, tables::kLive};
    slots4().put(slot, entry);
  }

  void depart(std::uint32_t slot) { slots4().empty(slot); }

  Side here_{32};   // owns
  Side there_{32};  // mirrors
};

TEST_F(GroupReplicaTest, WritesDownWhoListensAndForgetsWhoIsGone) {
  EXPECT_TRUE(here_.replica.set_wanted(star(), 0b101, 0, kNow));
  EXPECT_TRUE(here_.replica.set_wanted(stream('a'), 0b010, 0, kNow));
  EXPECT_TRUE(here_.replica.set_wanted(stream6(), 0b001, 0, kNow));
  EXPECT_EQ(here_.seen(star()), "{0,2}");
  EXPECT_EQ(here_.seen(stream('a')), "{0,1,2}");
  EXPECT_EQ(here_.seen(stream6()), "{0}");
  GroupFacts facts;
  ASSERT_TRUE(here_.replica.try_facts(here_.replica.find(stream('a')), facts));
  EXPECT_EQ(facts.key, stream('a'));
  EXPECT_EQ(facts.egress, 0b010U);
  EXPECT_FALSE(facts.is_stream());
  EXPECT_TRUE(here_.replica.set_wanted(star(), 0, 0, kNow));
  EXPECT_EQ(here_.seen(star()), "none");
  EXPECT_EQ(here_.seen(stream('a')), "{1}");
  EXPECT_TRUE(here_.replica.set_wanted(stream('a'), 0, 0, kNow));
  EXPECT_TRUE(here_.replica.set_wanted(stream6(), 0, 0, kNow));
  EXPECT_EQ(here_.partition->live_count(), 0U);
  EXPECT_EQ(here_.routes.live_count(), 0U);
}

TEST_F(GroupReplicaTest, SendsAStreamWhereTheGroupIsWantedButNotBackNorWhereItsSourceIsBlocked) {
  here_.replica.set_wanted(star(), 0b1111, 0, kNow);
  here_.replica.set_wanted(stream('a'), 0, 0b0100, kNow);
  EXPECT_NE(here_.replica.open_stream(stream('a'), 1, kNow), GroupReplica::kNoSlot);
  EXPECT_NE(here_.replica.open_stream(stream('b'), 0, kNow), GroupReplica::kNoSlot);
  EXPECT_EQ(here_.seen(stream('a')), "{0,3} from 1");
  EXPECT_EQ(here_.seen(stream('b')), "{1,2,3} from 0");
}

TEST_F(GroupReplicaTest, PrunesStreamsThatNobodyWantsAnyMoreAndGoesOnWhenSomebodyDoes) {
  here_.replica.set_wanted(star(), 0b0101, 0, kNow);
  here_.replica.open_stream(stream('a'), 1, kNow);
  here_.replica.open_stream(stream('b'), 0, kNow);
  here_.replica.set_wanted(star(), 0b0001, 0, kNow);
  EXPECT_EQ(here_.seen(stream('a')), "{0} from 1");
  EXPECT_EQ(here_.seen(stream('b')), "{} from 0 pruned") << "only its own port listens";
  here_.replica.set_wanted(star(), 0, 0, kNow);
  EXPECT_EQ(here_.seen(stream('a')), "{} from 1 pruned");
  here_.replica.set_wanted(stream('a'), 0b1000, 0, kNow);
  EXPECT_EQ(here_.seen(stream('a')), "{3} from 1");
  EXPECT_EQ(here_.seen(stream('b')), "{} from 0 pruned");
}

TEST_F(GroupReplicaTest, KeepsWhatMembershipSaysWhenAStreamEnds) {
  here_.replica.set_wanted(star(), 0b0001, 0, kNow);
  here_.replica.set_wanted(stream('a'), 0b0100, 0, kNow);
  const std::uint32_t named = here_.replica.open_stream(stream('a'), 1, kNow);
  const std::uint32_t unnamed = here_.replica.open_stream(stream('b'), 1, kNow);
  here_.replica.end_stream(named);
  here_.replica.end_stream(unnamed);
  EXPECT_EQ(here_.seen(stream('a')), "{0,2}");
  EXPECT_EQ(here_.seen(stream('b')), "none");
}

TEST_F(GroupReplicaTest, RefusesWhatFindsNoRoom) {
  Side small(2);
  EXPECT_TRUE(small.replica.set_wanted(star(1), 1, 0, kNow));
  EXPECT_TRUE(small.replica.set_wanted(star(2), 1, 0, kNow));
  EXPECT_FALSE(small.replica.set_wanted(star(3), 1, 0, kNow));
  EXPECT_EQ(small.replica.open_stream(stream('a'), 1, kNow), GroupReplica::kNoSlot);
  EXPECT_TRUE(small.replica.set_wanted(stream6(), 1, 0, kNow)) << "the other family has its own";
}

TEST_F(GroupReplicaTest, ShowsAMirrorsWorkersWhatArrivesInAnyOrder) {
  arrive(5, stream('a'), 0, 0b0100, 1, MulticastState::kForwarding);
  EXPECT_EQ(there_.replica.poll(), 1U);
  EXPECT_EQ(there_.seen(stream('a')), "{} from 1");
  arrive(2, star(), 0b1101);
  there_.replica.poll();
  EXPECT_EQ(there_.seen(stream('a')), "{0,3} from 1");
  depart(2);
  there_.replica.poll();
  EXPECT_EQ(there_.seen(stream('a')), "{} from 1");
  EXPECT_EQ(there_.seen(star()), "none");
  depart(5);
  there_.replica.poll();
  EXPECT_EQ(there_.routes.live_count(), 0U);
}

TEST_F(GroupReplicaTest, FollowsAKeyThatMovesToAnotherSlotAndASlotThatTakesAnotherKey) {
  arrive(5, star(), 0b0001);
  arrive(6, stream('a'), 0b1000, 0, 1, MulticastState::kForwarding);
  there_.replica.poll();
  // All in one poll: the group is in slot 7 now, and 5 holds another's.
  depart(5);
  arrive(7, star(), 0b0100);
  arrive(5, star(2), 0b0001);
  there_.replica.poll();
  EXPECT_EQ(there_.seen(star()), "{2}");
  EXPECT_EQ(there_.seen(star(2)), "{0}");
  EXPECT_EQ(there_.seen(stream('a')), "{2,3} from 1");
  EXPECT_EQ(there_.routes.live_count(), 3U);
}

TEST_F(GroupReplicaTest, LeavesOutPortsThatThisBoxDoesNotHave) {
  arrive(5, star(), ~PortSet{0}, 0, 200);
  there_.replica.poll();
  EXPECT_EQ(there_.seen(star()), "{0,1,2,3} from 200");
}

TEST_F(GroupReplicaTest, ShowsBothBoxesTheSameWhateverHappens) {
  // Random changes at the owner, its slots stated to the mirror a few at a time.
  std::uint32_t seed = 1;
  const auto draw = [&seed](std::uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
  };
  auto& from = here_.partition->slots<tables::TableKind::kMulticast4>();
  for (int round = 0; round < 3000; ++round) {
    const GroupRouteKey key =
        stream(static_cast<char>('a' + draw(4)), static_cast<std::uint8_t>(1 + draw(3)));
    switch (draw(4)) {
      case 0:
        here_.replica.set_wanted(key.star(), draw(16), 0, kNow);
        break;
      case 1:
        here_.replica.set_wanted(key, draw(16), draw(16), kNow);
        break;
      case 2:
        here_.replica.open_stream(key, static_cast<std::uint8_t>(draw(4)), kNow);
        break;
      default:
        if (const std::uint32_t slot = here_.replica.find(key); slot != GroupReplica::kNoSlot)
          here_.replica.end_stream(slot);
    }
    if (draw(3) != 0) continue;
    while (!from.changes().empty()) {
      const std::uint32_t slot = from.changes().pop();
      from.take_marks(slot);
      if (from.live().is_live(slot)) {
        auto entry = from.entry(slot);
        tables::PlainTraits<Multicast4Body>::forget_life(entry);
        slots4().put(slot, entry);
      } else {
        slots4().empty(slot);
      }
    }
    there_.replica.poll();
    for (char letter = 'a'; letter <= 'd'; ++letter) {
      for (std::uint8_t group = 1; group <= 3; ++group) {
        ASSERT_EQ(here_.seen(stream(letter, group)), there_.seen(stream(letter, group))) << round;
        ASSERT_EQ(here_.seen(star(group)), there_.seen(star(group))) << round;
      }
    }
    ASSERT_EQ(here_.routes.live_count(), here_.partition->live_count());
    ASSERT_EQ(there_.routes.live_count(), there_.partition->live_count());
  }
}

}  // namespace
}  // namespace twinplane::dataplane
