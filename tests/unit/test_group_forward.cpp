// SPDX-License-Identifier: BSD-3-Clause
// Where packets to groups go, one at a time. Needs DPDK's EAL, which the fixture starts.
#include <gtest/gtest.h>

#include "dataplane/destination_nat.hpp"
#include "dataplane/group_forward.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tests/support/forward_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tables::MulticastState;
using tests::Bytes;
using tests::Ip4;
using tests::Ip6;
using tests::kInside;
using tests::kOutside;

constexpr std::uint8_t kDmz = 2, kSpare = 3;
constexpr Address4 kGroup{239, 1, 1, 1};
constexpr Address4 kSender{10, 2, 0, 1};
constexpr Address6 kGroup6{0xFF, 0x1E, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr Address6 kSender6{0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// Two more ports: dmz in a zone of its own, spare in trust. From untrust streams may go to trust;
// to dmz only those to port 5004.
constexpr std::string_view kMore = R"([[port]]
name = "dmz"
device = "net_ring3"
zone = "dmz"
addresses = ["10.3.0.254/24"]
[[port]]
name = "spare"
device = "net_ring4"
zone = "trust"
addresses = ["10.4.0.254/24"]
[[rule]]
name = "to-dmz"
from = ["untrust"]
to = ["dmz"]
protocol = "udp"
ports = ["5004"]
action = "allow"
[[rule]]
name = "to-trust"
from = ["untrust"]
to = ["trust"]
action = "allow"
[tables]
partitions = 1
)";

class GroupForward : public tests::ForwardFixture {
 protected:
  void SetUp() override {
    make(parse_config(std::string(tests::kConfigText) + std::string(kMore), "t"));
    group_forwarder_.emplace(
        ForwardContext{config_, *rules_in_use_, *routes_, *nat_, *destinations_}, groups_,
        tables::HashSeed{5});
  }

  // A frame to the group's link address.
  static PacketView view_of(Bytes frame, bool is_group_frame = true) {
    frame[0] = std::byte{is_group_frame ? std::uint8_t{1} : std::uint8_t{0}};
    PacketView view;
    EXPECT_EQ(parse(frame, view), ParseResult::kOk);
    EXPECT_TRUE(GroupForwarder::concerns(view));
    return view;
  }

  static Bytes to(const Address4& group = kGroup, const Address4& source = kSender,
                  unsigned port = 5004, unsigned ttl = 8) {
    return tests::frame4({.source = source, .target = group, .protocol = 17, .ttl = ttl},
                         tests::udp_segment(40000, port));
  }

  GroupVerdict judge(const Bytes& frame, std::uint8_t ingress = kOutside) {
    return group_forwarder_->judge(view_of(frame), ingress);
  }

  GroupDrop drop_of(const Bytes& frame, std::uint8_t ingress = kOutside) {
    return judge(frame, ingress).drop;
  }

  void want(const Address4& group, tables::PortSet egress) {
    static_cast<void>(groups_.insert({.group = mapped(group)}, {.egress = egress}));
  }

  std::uint32_t flows(tables::PortSet egress, std::uint8_t ingress = kOutside,
                      MulticastState state = MulticastState::kForwarding) {
    return groups_.insert({.source = mapped(kSender), .group = mapped(kGroup)},
                          {.egress = egress, .ingress = ingress, .state = state});
  }

  GroupRouteTable groups_{64, {7}};
  std::optional<GroupForwarder> group_forwarder_;
};

constexpr tables::PortSet bits(std::initializer_list<std::uint8_t> ports) {
  tables::PortSet set = 0;
  for (const std::uint8_t port : ports) set |= tables::PortSet{1} << port;
  return set;
}

TEST_F(GroupForward, SendsAStreamByItsRouteIfItComesFromWhereItDoes) {
  const std::uint32_t place = flows(bits({kInside, kDmz}));
  const GroupVerdict verdict = judge(to());
  EXPECT_EQ(verdict.drop, GroupDrop::kNone);
  EXPECT_FALSE(verdict.begins);
  EXPECT_EQ(verdict.place, place);
  EXPECT_EQ(verdict.egress, bits({kInside, kDmz}));
  EXPECT_EQ(drop_of(to(), kInside), GroupDrop::kWrongIngress);
}

TEST_F(GroupForward, RemembersNothingThatOtherRulesHaveSaid) {
  flows(bits({kInside}));
  EXPECT_EQ(judge(to()).egress, bits({kInside}));
  const Config denying =
      parse_config(tests::replaced(std::string(tests::kConfigText) + std::string(kMore),
                                   "to = [\"trust\"]\naction = \"allow\"",
                                   "to = [\"trust\"]\naction = \"drop\""),
                   "t");
  const RuleSet rules(denying);
  rules_in_use_->exchange(rules, nullptr);
  EXPECT_EQ(drop_of(to()), GroupDrop::kRule);
  rules_in_use_->exchange(*rules_, nullptr);
  EXPECT_EQ(judge(to()).egress, bits({kInside}));
}

TEST_F(GroupForward, LeavesBeginningsToTheHomeWorkerWhereSomebodyListens) {
  EXPECT_EQ(drop_of(to()), GroupDrop::kNoListener);
  want(kGroup, bits({kInside, kOutside}));
  const GroupVerdict verdict = judge(to());
  EXPECT_EQ(verdict.drop, GroupDrop::kNone);
  EXPECT_TRUE(verdict.begins);
  EXPECT_EQ(verdict.egress, bits({kInside}));
  // Somebody has named the source, and no packet came yet.
  flows(bits({kSpare}), tables::kAnyPort, MulticastState::kMembership);
  EXPECT_TRUE(judge(to()).begins);
  EXPECT_EQ(judge(to()).egress, bits({kSpare}));
}

TEST_F(GroupForward, KnowsNobodyWhereOnlyTheSendersOwnLinkListens) {
  want(kGroup, bits({kOutside}));
  EXPECT_EQ(drop_of(to()), GroupDrop::kNoListener);
}

TEST_F(GroupForward, RefusesSourcesThatAreNotBehindThePort) {
  want(kGroup, bits({kInside, kDmz}));
  EXPECT_EQ(drop_of(to(kGroup, {10, 1, 0, 7})), GroupDrop::kWrongIngress) << "of trust";
  EXPECT_EQ(drop_of(to(kGroup, {10, 2, 0, 254})), GroupDrop::kWrongIngress) << "the box's own";
  EXPECT_EQ(drop_of(to(kGroup, {198, 51, 100, 1})), GroupDrop::kNone) << "by the default route";
  EXPECT_EQ(drop_of(to(kGroup, {198, 51, 100, 1}), kDmz), GroupDrop::kWrongIngress);
}

TEST_F(GroupForward, LetsAStreamMoveToThePortThatItsRouteHasNow) {
  flows(bits({kSpare}), kInside);
  const GroupVerdict verdict = judge(to());
  EXPECT_EQ(verdict.drop, GroupDrop::kNone);
  EXPECT_TRUE(verdict.begins);
}

TEST_F(GroupForward, CountsAsPrunedWhatIsKnownAndNobodyWants) {
  flows(0, kOutside, MulticastState::kPruned);
  EXPECT_EQ(drop_of(to()), GroupDrop::kPruned);
}

TEST_F(GroupForward, AsksTheRulesForEachZoneThatAStreamWouldGoTo) {
  flows(bits({kInside, kDmz, kSpare}));
  const GroupVerdict other = judge(to(kGroup, kSender, 9));
  EXPECT_EQ(other.drop, GroupDrop::kNone);
  EXPECT_EQ(other.egress, bits({kInside, kSpare}));
  EXPECT_EQ(other.withheld_by_rule, 1);
  EXPECT_EQ(judge(to()).egress, bits({kInside, kDmz, kSpare})) << "another port, another answer";
  EXPECT_EQ(judge(to(kGroup, kSender, 9)).egress, bits({kInside, kSpare})) << "the same again";
  groups_.update(
      groups_.find({.source = mapped(kSender), .group = mapped(kGroup)}),
      {.egress = bits({kDmz}), .ingress = kOutside, .state = MulticastState::kForwarding});
  EXPECT_EQ(drop_of(to(kGroup, kSender, 9)), GroupDrop::kRule);
  EXPECT_EQ(drop_of(to()), GroupDrop::kNone);
}

TEST_F(GroupForward, AsksNobodyToBeginWhatRulesRefuse) {
  want(kGroup, bits({kDmz}));
  const GroupVerdict verdict = judge(to(kGroup, {10, 1, 0, 7}), kInside);
  EXPECT_EQ(verdict.drop, GroupDrop::kRule);
}

TEST_F(GroupForward, KeepsInsideWhatNatWouldHide) {
  want(kGroup, bits({kOutside}));
  const GroupVerdict hidden = judge(to(kGroup, {10, 1, 0, 7}), kInside);
  EXPECT_EQ(hidden.drop, GroupDrop::kTranslated);
  EXPECT_EQ(hidden.withheld_by_nat, 1);
  EXPECT_EQ(drop_of(to(kGroup, {10, 4, 0, 7}), kSpare), GroupDrop::kNone) << "no rule hides it";
}

TEST_F(GroupForward, RemembersMoreFlowsThanItHasPlacesFor) {
  flows(bits({kInside, kDmz}));
  for (int round = 0; round < 2; ++round)
    for (unsigned port = 1; port < 3000; ++port)
      ASSERT_EQ(judge(to(kGroup, kSender, port)).egress,
                port == 5004 ? bits({kInside, kDmz}) : bits({kInside}));
}

TEST_F(GroupForward, NeverForwardsWhatBelongsToALinkOrIsNoStream) {
  EXPECT_EQ(drop_of(to({224, 0, 0, 251})), GroupDrop::kLinkScope);
  EXPECT_EQ(drop_of(to({224, 0, 1, 1})), GroupDrop::kNoListener);
  EXPECT_EQ(drop_of(to(kGroup, {169, 254, 1, 1})), GroupDrop::kBadSource);
  EXPECT_EQ(drop_of(to(kGroup, kSender, 5004, 1)), GroupDrop::kTtlExceeded);
  EXPECT_EQ(drop_of(tests::frame4({.source = kSender, .target = kGroup},
                                  tests::tcp_segment(1, 2, tests::kSyn))),
            GroupDrop::kBadProtocol);
  EXPECT_EQ(group_forwarder_->judge(view_of(to(), false), kOutside).drop,
            GroupDrop::kNotGroupFrame);
  Address6 link = kGroup6;
  link[1] = 0x12;
  const auto to6 = [](const Address6& group) {
    return tests::frame6({.source = kSender6, .target = group, .protocol = 17, .hop_limit = 8},
                         tests::udp_segment(40000, 5004));
  };
  EXPECT_EQ(drop_of(to6(link)), GroupDrop::kLinkScope);
  EXPECT_EQ(drop_of(to6(kGroup6)), GroupDrop::kNoListener);
}

TEST_F(GroupForward, ForwardsIp6AsIp4) {
  static_cast<void>(groups_.insert({.group = kGroup6}, {.egress = bits({kInside})}));
  const Bytes frame =
      tests::frame6({.source = kSender6, .target = kGroup6, .protocol = 17, .hop_limit = 8},
                    tests::udp_segment(40000, 5004));
  const GroupVerdict verdict = judge(frame);
  EXPECT_EQ(verdict.drop, GroupDrop::kNone);
  EXPECT_TRUE(verdict.begins);
  EXPECT_EQ(verdict.egress, bits({kInside}));
}

TEST_F(GroupForward, LeavesBroadcastsAndSingleHostsToOthers) {
  PacketView view;
  ASSERT_EQ(parse(to({255, 255, 255, 255}), view), ParseResult::kOk);
  EXPECT_FALSE(GroupForwarder::concerns(view));
  ASSERT_EQ(parse(to({10, 1, 0, 7}), view), ParseResult::kOk);
  EXPECT_FALSE(GroupForwarder::concerns(view));
}

}  // namespace
}  // namespace twinplane::dataplane
