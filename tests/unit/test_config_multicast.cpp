// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_hello.hpp"
#include "dataplane/config_summary.hpp"
#include "dataplane/groups.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using tests::faults_of;
using tests::kConfigText;

// kConfigText and, from line 34 on, the section.
std::string plus(std::string_view more) {
  return std::string(kConfigText) + "[multicast]\n" + std::string(more) + "\n";
}

Config with(std::string_view more) { return parse_config(plus(more), "t"); }

TEST(ConfigMulticast, IsOffUnlessItIsSwitchedOn) {
  EXPECT_FALSE(parse_config(kConfigText, "t").multicast.enabled);
  EXPECT_FALSE(with("igmp_version=2").multicast.enabled);
  EXPECT_THAT(summary(parse_config(kConfigText, "t")), HasSubstr("multicast: off"));
}

TEST(ConfigMulticast, AsksOnAllPortsThatDoNotOnlyListen) {
  EXPECT_EQ(with("enabled=true").multicast.query_ports, 0b11U);
  const Config config = with("enabled=true\nlisten=['outside']");
  EXPECT_EQ(config.multicast.query_ports, 0b01U);
  EXPECT_EQ(config.multicast.listen_ports, 0b10U);
  EXPECT_EQ(with("enabled=true\nquery=['any']").multicast.query_ports, 0b11U);
  EXPECT_EQ(with("enabled=true\nquery=[]").multicast.ports(), 0U);
  EXPECT_THAT(summary(config), HasSubstr("asks who listens on inside (IGMP 3, MLD 2) every 125 s, "
                                         "listens on outside"));
}

TEST(ConfigMulticast, MakesRolesOfThePorts) {
  const std::vector<GroupPort> ports = group_ports(with("enabled=true\nlisten=['outside']"));
  EXPECT_EQ(ports.at(0).role, GroupPortRole::kRouter);
  EXPECT_EQ(ports[0].own4, mapped({10, 1, 0, 254}));
  EXPECT_EQ(ports[0].own6, link_local_of(ports[0].mac));
  EXPECT_EQ(ports.at(1).role, GroupPortRole::kRouter);
  EXPECT_EQ(ports[1].own4, kNoAddress) << "it never asks";
  EXPECT_EQ(group_ports(with("enabled=true\nquery=['inside']"))[1].role, GroupPortRole::kOff);
}

TEST(ConfigMulticast, NamesMldsVersionsByIgmps) {
  const GroupOptions options = group_options(with("enabled=true\nigmp_version=2\nmld_version=1"));
  EXPECT_EQ(options.version4, GroupVersion::k2);
  EXPECT_EQ(options.version6, GroupVersion::k2);
  EXPECT_EQ(group_options(with("enabled=true")).version6, GroupVersion::k3);
}

TEST(ConfigMulticast, ReadsGroupsThatAreAlwaysWanted) {
  const Config config = with(
      "[[multicast.group]]\ngroup='232.1.1.1'\nsource='10.2.0.1'\n"
      "port='outside'\n[[multicast.group]]\ngroup='ff05::1'\nport='inside'");
  ASSERT_EQ(config.multicast.groups.size(), 2U);
  EXPECT_EQ(to_text(config.multicast.groups[0].source), "10.2.0.1");
  EXPECT_EQ(config.multicast.groups[0].port_index, 1);
  EXPECT_FALSE(config.multicast.groups[1].source.is_set());
}

TEST(ConfigMulticast, SaysWhatIsWrong) {
  EXPECT_THAT(faults_of(plus("query=['insde']")), HasSubstr("did you mean \"inside\"?"));
  EXPECT_THAT(faults_of(plus("query=['inside']\nlisten=['inside']")),
              HasSubstr("multicast.listen: inside is named in query too"));
  EXPECT_THAT(faults_of(plus("igmp_version=4")), HasSubstr("igmp_version"));
  EXPECT_THAT(faults_of(plus("mld_version=3")), HasSubstr("mld_version"));
  EXPECT_THAT(faults_of(plus("robustness=0")), HasSubstr("robustness"));
  EXPECT_THAT(faults_of(plus("query_interval_s=5")), HasSubstr("the next query comes before that"));
  EXPECT_THAT(faults_of(plus("enabled=true\nstreams_per_zone=5000")),
              HasSubstr("at most tables.multicast_slots = 4096"));
  EXPECT_THAT(faults_of(std::string(kConfigText) + "[tables]\nmulticast_slots=3\n"),
              HasSubstr("multicast_slots"));
  EXPECT_THAT(faults_of(plus("groups=3")), HasSubstr("groups"));
}

TEST(ConfigMulticast, SaysWhatIsWrongWithAGroup) {
  const auto faults = [](std::string_view more) {
    return faults_of(plus("[[multicast.group]]\n" + std::string(more)));
  };
  EXPECT_THAT(faults("group='10.1.1.1'\nport='inside'"), HasSubstr("is not a group"));
  EXPECT_THAT(faults("group='224.0.0.5'\nport='inside'"), HasSubstr("is not a group"));
  EXPECT_THAT(faults("group='ff02::5'\nport='inside'"), HasSubstr("is not a group"));
  EXPECT_THAT(faults("group='239.1.1.1'\nport='insid'"), HasSubstr("inside"));
  EXPECT_THAT(faults("group='239.1.1.1'"), HasSubstr("port"));
  EXPECT_THAT(faults("group='239.1.1.1'\nsource='239.1.1.2'\nport='inside'"),
              HasSubstr("is not a unicast address"));
  EXPECT_THAT(faults("group='239.1.1.1'\nsource='fd00::1'\nport='inside'"),
              HasSubstr("of another family"));
}

TEST(ConfigMulticast, TellsThePeerWhetherItIsOnAndHow) {
  const auto value_of = [](const Config& config, std::string_view name) {
    for (const HelloItem& item : hello_items(config))
      if (item.name == name) return std::pair{item.value, item.must_equal};
    return std::pair{std::uint64_t{99}, false};
  };
  EXPECT_EQ(value_of(parse_config(kConfigText, "t"), "multicast_slots"),
            (std::pair{std::uint64_t{0}, true}));
  EXPECT_EQ(value_of(with("enabled=true"), "multicast_slots"),
            (std::pair{std::uint64_t{4096}, true}));
  const auto digest = [&](std::string_view more) {
    return value_of(with(more), "multicast").first;
  };
  for (const char* more :
       {"listen=['outside']", "query=['inside']", "igmp_version=2", "mld_version=1", "robustness=3",
        "query_interval_s=60", "query_response_ms=5000", "last_member_interval_ms=500",
        "groups_per_port=5", "sources_per_group=5", "reports_per_s=5", "stream_timeout_s=5",
        "streams_per_zone=5", "new_streams_per_s=5",
        "[[multicast.group]]\ngroup='239.1.1.1'\nport='inside'"})
    EXPECT_NE(digest(more), digest("")) << more;
  EXPECT_FALSE(value_of(with(""), "multicast").second);
}

}  // namespace
}  // namespace twinplane::dataplane
