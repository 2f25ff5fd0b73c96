// SPDX-License-Identifier: BSD-3-Clause
// Two boxes on the same links: what hosts say to the one is where the other's packets go when it
// has to take over, with nothing said anew. Messages are bytes, the stream is slots put as it puts
// them.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "dataplane/group_numbers.hpp"
#include "dataplane/groups.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/group_fixture.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::MulticastState;
using tables::TableKind;
using tests::Bytes;
using tests::GroupLinkFake;
using tests::igmp_frame;
using tests::igmp_message;
using tests::mld_frame;
using tests::report_message;

constexpr std::uint8_t kInside = 0, kOutside = 1;
constexpr int kIsExclude = 2, kToInclude = 3, kToExclude = 4, kAllow = 5;
constexpr const char* kGroup = "239.1.1.1";
constexpr const char* kGroup6 = "ff1e::1";

tables::PartitionLimits limits() {
  tables::PartitionLimits limits;
  limits.plain(TableKind::kMulticast4) = limits.plain(TableKind::kMulticast6) = 512;
  return limits;
}

GroupRouteKey star(const char* group) { return {.group = tests::group_address(group)}; }

GroupRouteKey stream(const char* source, const char* group) {
  return {.source = tests::group_address(source), .group = tests::group_address(group)};
}

Config config_with(std::string_view more) {
  return parse_config(std::string(tests::kConfigText) +
                          "[tables]\nmulticast_slots=512\n[multicast]\nenabled=true\n"
                          "last_member_interval_ms=500\nstreams_per_zone=500\n"
                          "new_streams_per_s=10000\n" +
                          std::string(more),
                      "t");
}

struct Box {
  explicit Box(const Config& its_config) : Box(its_config, group_ports(its_config)) {}

  Box(const Config& its_config, const std::vector<GroupPort>& ports)
      : config(its_config), groups(config, ports, *partition, shared, link, tables::HashSeed{5}) {}

  bool hear(const Bytes& frame, std::uint64_t now_ms, std::size_t port_index = kInside) {
    PacketView view;
    if (!Groups::concerns(parse(frame, view), view)) return false;
    groups.on_packet(frame, view, port_index, now_ms);
    return true;
  }

  // The ports that packets of the stream would leave by; nothing at all for a key without route.
  std::optional<tables::PortSet> route(const GroupRouteKey& key) const {
    GroupRoute found;
    if (shared.routes.try_lookup(key, found) == GroupRouteTable::kNoPlace) return {};
    return found.egress;
  }

  void poll(std::uint64_t from_ms, std::uint64_t to_ms) {
    for (std::uint64_t at = from_ms; at <= to_ms; ++at) groups.poll(at);
  }

  Config config;
  tests::InBlock<tables::Partition> partition{limits(), tables::HashSeed{3}};
  GroupShared shared{config, 1, tables::HashSeed{7}};
  GroupLinkFake link;
  Groups groups;
};

// What the stream does: every slot of the one is stated to the other.
template <TableKind kKind>
void state_slots(Box& from, Box& to) {
  const auto& slots = from.partition->slots<kKind>();
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    if (slots.live().is_live(slot)) {
      auto entry = slots.entry(slot);
      tables::PlainTraits<tables::BodyOf<kKind>>::forget_life(entry);
      to.partition->slots<kKind>().put(slot, entry);
    } else {
      to.partition->slots<kKind>().empty(slot);
    }
  }
}

class GroupsTest : public ::testing::Test {
 protected:
  void SetUp() override { make(""); }

  void make(std::string_view more) {
    here_.emplace(config_with(more));
    there_.emplace(config_with(more));
    here_->groups.set_active(true, now_ms_);
    settle(*here_);
  }

  void settle(Box& box, std::uint64_t ms = 200) {
    box.poll(now_ms_ + 1, now_ms_ + ms);
    now_ms_ += ms;
  }

  void mirror() {
    state_slots<TableKind::kMulticast4>(*here_, *there_);
    state_slots<TableKind::kMulticast6>(*here_, *there_);
    settle(*there_, 1);
  }

  void report(Box& box, const std::vector<tests::Record>& records, const char* host = "10.1.0.7",
              std::size_t port = kInside) {
    ASSERT_TRUE(box.hear(igmp_frame(host, "224.0.0.22", report_message(kIgmpReport3, records)),
                         now_ms_, port));
  }

  void report6(Box& box, const std::vector<tests::Record>& records) {
    ASSERT_TRUE(
        box.hear(mld_frame("fe80::7", "ff02::16", report_message(kMldReport2, records)), now_ms_));
  }

  std::uint64_t now_ms_ = 1000;
  std::optional<Box> here_;
  std::optional<Box> there_;
};

TEST_F(GroupsTest, MakeRoutesOfWhatHostsOfEveryVersionSay) {
  report(*here_, {{kIsExclude, kGroup}});
  report6(*here_, {{kIsExclude, kGroup6}});
  report(*here_, {{kAllow, "232.1.1.1", {"10.2.0.1"}}});
  ASSERT_TRUE(
      here_->hear(igmp_frame("10.2.0.9", "239.2.2.2", igmp_message(kIgmpReport2, 0, "239.2.2.2")),
                  now_ms_, kOutside));
  EXPECT_EQ(here_->route(star(kGroup)), 1U);
  EXPECT_EQ(here_->route(star(kGroup6)), 1U);
  EXPECT_EQ(here_->route(stream("10.2.0.1", "232.1.1.1")), 1U);
  EXPECT_EQ(here_->route(star("239.2.2.2")), 2U);
  EXPECT_FALSE(here_->route(star("232.1.1.1")));
}

TEST_F(GroupsTest, WriteNothingWhilePassive) {
  report(*there_, {{kIsExclude, kGroup}});
  EXPECT_FALSE(there_->route(star(kGroup)));
  settle(*there_, 1000);
  EXPECT_TRUE(there_->link.sent.empty()) << "and ask nothing";
  EXPECT_EQ(there_->partition->live_count(), 0U);
}

TEST_F(GroupsTest, GoOnServingAtATakeoverWithNothingSaidAnew) {
  report(*here_, {{kIsExclude, kGroup}, {kAllow, "232.1.1.1", {"10.2.0.1", "10.2.0.2"}}});
  report(*here_, {{kToExclude, "239.3.3.3", {"10.2.0.1"}}});
  report6(*here_, {{kIsExclude, kGroup6}});
  EXPECT_EQ(here_->groups.begin_stream(stream("10.2.0.1", kGroup), kOutside, now_ms_),
            GroupDrop::kNone);
  mirror();
  EXPECT_EQ(there_->route(stream("10.2.0.1", kGroup)), 1U) << "before anything else";
  there_->groups.set_active(true, now_ms_);
  settle(*there_, 2000);
  EXPECT_EQ(there_->groups.counters().get(GroupCounter::kReportsHeard), 0U);
  EXPECT_EQ(there_->groups.counters().get(GroupCounter::kEntriesRefused), 0U);
  EXPECT_EQ(there_->route(star(kGroup)), 1U);
  EXPECT_EQ(there_->route(star(kGroup6)), 1U);
  EXPECT_EQ(there_->route(stream("10.2.0.1", kGroup)), 1U);
  EXPECT_EQ(there_->route(stream("10.2.0.2", "232.1.1.1")), 1U);
  EXPECT_EQ(there_->route(stream("10.2.0.1", "239.3.3.3")), 0U) << "blocked";
  EXPECT_EQ(there_->route(star("239.3.3.3")), 1U);
  EXPECT_EQ(there_->partition->live_count(), here_->partition->live_count());
  EXPECT_FALSE(there_->link.sent.empty()) << "it asks who is still there";

  // Who only ever spoke to the other box is understood when it leaves.
  report(*there_, {{kToInclude, kGroup}});
  EXPECT_EQ(there_->route(star(kGroup)), 1U);
  settle(*there_, 1100);
  EXPECT_FALSE(there_->route(star(kGroup)));
  EXPECT_EQ(there_->route(stream("10.2.0.1", kGroup)), 0U) << "known, and pruned";
}

TEST_F(GroupsTest, ForgetWhoDoesNotAnswerAfterATakeover) {
  report(*here_, {{kIsExclude, kGroup}, {kIsExclude, "239.4.4.4"}});
  mirror();
  there_->groups.set_active(true, now_ms_);
  settle(*there_, 100'000);
  report(*there_, {{kIsExclude, "239.4.4.4"}});
  settle(*there_, 159'000);
  EXPECT_EQ(there_->route(star(kGroup)), 1U);
  settle(*there_, 2000);
  EXPECT_FALSE(there_->route(star(kGroup)));
  EXPECT_EQ(there_->route(star("239.4.4.4")), 1U);
}

TEST_F(GroupsTest, JoinWhatTheNewBoxAloneHasHeard) {
  report(*there_, {{kIsExclude, kGroup}});
  report(*here_, {{kIsExclude, "239.4.4.4"}});
  mirror();
  there_->groups.set_active(true, now_ms_);
  settle(*there_, 200);
  EXPECT_EQ(there_->route(star(kGroup)), 1U);
  EXPECT_EQ(there_->route(star("239.4.4.4")), 1U);
}

TEST_F(GroupsTest, TakeReportsThatComeWhileEntriesArePutBack) {
  report(*here_, {{kIsExclude, kGroup}});
  mirror();
  there_->groups.set_active(true, now_ms_);
  report(*there_, {{kIsExclude, "239.4.4.4"}});
  settle(*there_, 200);
  EXPECT_EQ(there_->route(star("239.4.4.4")), 1U);
  EXPECT_EQ(there_->route(star(kGroup)), 1U);
}

TEST_F(GroupsTest, TryAgainWhatOnceFoundNoRoom) {
  for (int i = 0; i < 500; ++i) {
    const std::string source = "10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    ASSERT_EQ(here_->groups.begin_stream(stream(source.c_str(), "239.8.8.8"), kOutside, now_ms_),
              GroupDrop::kNone);
  }
  for (int i = 0; i < 128; ++i)
    report(*here_, {{kIsExclude, ("239.7.7." + std::to_string(i)).c_str()}});
  EXPECT_GT(here_->groups.counters().get(GroupCounter::kNoRoom), 0U);
  EXPECT_FALSE(here_->route(star("239.7.7.127")));
  settle(*here_, 225'000);  // the streams end for want of packets
  EXPECT_EQ(here_->route(star("239.7.7.127")), 1U);
}

TEST_F(GroupsTest, ServeStaticGroupsWhoeverIsActive) {
  make(
      "[[multicast.group]]\ngroup='239.5.5.5'\nport='outside'\n"
      "[[multicast.group]]\ngroup='232.5.5.5'\nsource='10.1.0.7'\nport='outside'\n");
  EXPECT_EQ(here_->route(star("239.5.5.5")), 2U);
  EXPECT_EQ(here_->route(stream("10.1.0.7", "232.5.5.5")), 2U);
  report(*here_, {{kIsExclude, "239.5.5.5"}});
  EXPECT_EQ(here_->route(star("239.5.5.5")), 3U);
  report(*here_, {{kToInclude, "239.5.5.5"}});
  settle(*here_, 1100);
  EXPECT_EQ(here_->route(star("239.5.5.5")), 2U);
  mirror();
  there_->groups.set_active(true, now_ms_);
  settle(*there_, 300'000);
  EXPECT_EQ(there_->route(star("239.5.5.5")), 2U) << "long after what was put back has ended";
}

TEST_F(GroupsTest, IgnoreSendersThatAreNotOfTheLinkAndCountWhatIsNotUnderstood) {
  report(*here_, {{kIsExclude, kGroup}}, "10.9.9.9");
  EXPECT_FALSE(here_->route(star(kGroup)));
  EXPECT_EQ(here_->groups.counters().get(GroupCounter::kIgnoredOffLink), 1U);
  const Bytes query = igmp_frame("9.9.9.9", "224.0.0.1", igmp_message(kIgmpQuery, 100, "0.0.0.0"));
  ASSERT_TRUE(here_->hear(query, now_ms_));
  EXPECT_EQ(here_->groups.counters().get(GroupCounter::kQuerierLost), 0U);
  Bytes broken = igmp_frame("10.1.0.7", "224.0.0.22", report_message(kIgmpReport3, {}));
  broken.back() ^= std::byte{1};
  ASSERT_TRUE(here_->hear(broken, now_ms_));
  EXPECT_EQ(here_->groups.fault_count(GroupFault::kBadChecksum), 1U);
}

TEST_F(GroupsTest, HearWhoHasNoAddressYet) {
  report(*here_, {{kIsExclude, kGroup}}, "0.0.0.0");
  EXPECT_EQ(here_->route(star(kGroup)), 1U);
}

TEST_F(GroupsTest, LeaveOtherPacketsAlone) {
  PacketView view;
  const Bytes udp =
      tests::frame4({.source = {10, 1, 0, 7}, .target = {239, 1, 1, 1}, .protocol = 17},
                    tests::udp_segment(1, 2));
  EXPECT_FALSE(Groups::concerns(parse(udp, view), view));
  const Bytes single =
      tests::frame4({.source = {10, 1, 0, 7}, .target = {10, 2, 0, 1}, .protocol = 2}, Bytes(8));
  EXPECT_FALSE(Groups::concerns(parse(single, view), view)) << "IGMP from host to host";
  const Bytes echo =
      tests::frame6({.source = tests::kClient6, .target = tests::kServer6, .protocol = 58},
                    tests::icmp_message(128, 0, 1));
  EXPECT_FALSE(Groups::concerns(parse(echo, view), view));
}

TEST_F(GroupsTest, KeepWhatIsLearnedOnBridgedPortsUnderTheirDomain) {
  std::vector<GroupPort> ports = group_ports(here_->config);
  for (GroupPort& port : ports) port.role = GroupPortRole::kSnoop;
  ports[kOutside].domain = 5;
  Box box(here_->config, ports);
  box.groups.set_active(true, now_ms_);
  settle(box);
  report(box, {{kIsExclude, kGroup}});
  report(box, {{kIsExclude, kGroup}, {kAllow, "232.1.1.1", {"10.1.0.7"}}}, "10.2.0.9", kOutside);
  const auto wanted = [&](GroupRouteKey key, std::uint16_t domain) {
    key.domain = domain;
    return box.shared.routes.wanted_ports(key);
  };
  EXPECT_EQ(wanted(stream("10.1.0.8", kGroup), 0), 1U);
  EXPECT_EQ(wanted(stream("10.1.0.8", kGroup), 5), 2U);
  EXPECT_EQ(wanted(stream("10.1.0.7", "232.1.1.1"), 5), 2U);
  EXPECT_EQ(wanted(stream("10.1.0.8", "232.1.1.1"), 5), 0U);
  report(box, {{kToInclude, kGroup}}, "10.2.0.9", kOutside);
  settle(box, 300'000);
  EXPECT_EQ(wanted(stream("10.1.0.8", kGroup), 5), 0U);
  EXPECT_EQ(box.partition->live_count(), 0U) << "nobody has spoken for a whole interval";
}

TEST_F(GroupsTest, RefuseToTakeBackWhatNoBoxCanHaveWritten) {
  auto& slots = there_->partition->slots<TableKind::kMulticast4>();
  const auto arrive = [&](std::uint32_t slot, const tables::Address4& source,
                          const tables::Address4& group, std::uint8_t ingress) {
    tables::PlainEntry<tables::Multicast4Body> entry{};
    entry.body = {.key = {source, group, static_cast<std::uint16_t>(slot), 9},
                  .ingress = ingress,
                  .state = 1,
                  .zero = {},
                  .egress = ~tables::PortSet{0},
                  .blocked = ~tables::PortSet{0}};
    entry.head = {1, 0, tables::kLive};
    slots.put(slot, entry);
  };
  arrive(0, {}, {239, 1, 1, 1}, 3);
  arrive(1, {239, 9, 9, 9}, {239, 1, 1, 1}, 255);
  arrive(2, {10, 2, 0, 1}, {224, 0, 0, 5}, 63);
  arrive(3, {127, 0, 0, 1}, {239, 1, 1, 1}, 64);
  settle(*there_);
  there_->groups.set_active(true, now_ms_);
  settle(*there_, 20'000);
  EXPECT_EQ(there_->groups.counters().get(GroupCounter::kEntriesRefused), 6U);
  EXPECT_EQ(there_->route(star(kGroup)), 3U) << "of what could be, the ports that are there";
  EXPECT_EQ(there_->partition->live_count(), 1U) << "the rest is gone";
}

TEST_F(GroupsTest, ShowWhoAsksOnEachPort) {
  EXPECT_EQ(here_->shared.queriers.get(kInside, GroupFamily::kIp4),
            tests::group_address("10.1.0.254"));
  const Bytes query = igmp_frame("10.1.0.1", "224.0.0.1", igmp_message(kIgmpQuery, 100, "0.0.0.0"));
  ASSERT_TRUE(here_->hear(query, now_ms_));
  settle(*here_);
  EXPECT_EQ(here_->shared.queriers.get(kInside, GroupFamily::kIp4),
            tests::group_address("10.1.0.1"));
  EXPECT_EQ(here_->shared.queriers.get(kOutside, GroupFamily::kIp4),
            tests::group_address("10.2.0.254"));
}

}  // namespace
}  // namespace twinplane::dataplane
