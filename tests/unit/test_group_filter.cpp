// SPDX-License-Identifier: BSD-3-Clause
// The tables of RFC 3376 section 6.4 and RFC 3810 section 7.4, row by row and in both families.
#include <gtest/gtest.h>

#include "tests/support/group_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using enum GroupRecordType;

struct Row {
  const char* name;
  bool is_exclude;  // before: INCLUDE(a, b), or EXCLUDE(a, b; c, d)
  GroupRecordType type;
  const char* named;
  const char* querier;  // afterwards, where this box asks: then timers are lowered
  const char* asked;
  const char* other;  // afterwards, where it does not
  const char* changes;
};

// Before the record the group timer has 150 s left, each source's 100 s. A membership is 260 s, the
// last member query time 2 s.
constexpr Row kRows[] = {
    {"IncludeIsIn", false, kIsInclude, "bc", "INCLUDE a=100 b=260 c=260", "",
     "INCLUDE a=100 b=260 c=260", "c"},
    {"IncludeIsEx", false, kIsExclude, "bc", "EXCLUDE@260 b=100 c=0", "", "EXCLUDE@260 b=100 c=0",
     "*"},
    {"IncludeAllow", false, kAllow, "bc", "INCLUDE a=100 b=260 c=260", "",
     "INCLUDE a=100 b=260 c=260", "c"},
    {"IncludeBlock", false, kBlock, "bc", "INCLUDE a=100 b=2", "G:b", "INCLUDE a=100 b=100", ""},
    {"IncludeToEx", false, kToExclude, "bc", "EXCLUDE@260 b=2 c=0", "G:b", "EXCLUDE@260 b=100 c=0",
     "*"},
    {"IncludeToIn", false, kToInclude, "bc", "INCLUDE a=2 b=260 c=260", "G:a",
     "INCLUDE a=100 b=260 c=260", "c"},
    {"ExcludeIsIn", true, kIsInclude, "bce", "EXCLUDE@150 a=100 b=260 c=260 d=0 e=260", "",
     "EXCLUDE@150 a=100 b=260 c=260 d=0 e=260", "ce"},
    {"ExcludeIsEx", true, kIsExclude, "bce", "EXCLUDE@260 b=100 c=0 e=260", "",
     "EXCLUDE@260 b=100 c=0 e=260", "ade"},
    {"ExcludeAllow", true, kAllow, "bce", "EXCLUDE@150 a=100 b=260 c=260 d=0 e=260", "",
     "EXCLUDE@150 a=100 b=260 c=260 d=0 e=260", "ce"},
    {"ExcludeBlock", true, kBlock, "bce", "EXCLUDE@150 a=100 b=2 c=0 d=0 e=2", "G:be",
     "EXCLUDE@150 a=100 b=100 c=0 d=0 e=150", "e"},
    {"ExcludeToEx", true, kToExclude, "bce", "EXCLUDE@260 b=2 c=0 e=2", "G:be",
     "EXCLUDE@260 b=100 c=0 e=150", "ade"},
    {"ExcludeToIn", true, kToInclude, "bce", "EXCLUDE@2 a=2 b=260 c=260 d=0 e=260", "G G:a",
     "EXCLUDE@150 a=100 b=260 c=260 d=0 e=260", "ce"},
    {"IncludeIsInNothing", false, kIsInclude, "", "INCLUDE a=100 b=100", "", "INCLUDE a=100 b=100",
     ""},
    {"IncludeIsExNothing", false, kIsExclude, "", "EXCLUDE@260", "", "EXCLUDE@260", "*"},
    {"IncludeToExNothing", false, kToExclude, "", "EXCLUDE@260", "", "EXCLUDE@260", "*"},
    {"IncludeToInNothing", false, kToInclude, "", "INCLUDE a=2 b=2", "G:ab", "INCLUDE a=100 b=100",
     ""},
    {"ExcludeIsExNothing", true, kIsExclude, "", "EXCLUDE@260", "", "EXCLUDE@260", "abcd"},
    {"ExcludeToExNothing", true, kToExclude, "", "EXCLUDE@260", "", "EXCLUDE@260", "abcd"},
    {"ExcludeToInNothing", true, kToInclude, "", "EXCLUDE@2 a=2 b=2 c=0 d=0", "G G:ab",
     "EXCLUDE@150 a=100 b=100 c=0 d=0", ""},
};

class GroupFilterRows : public tests::GroupTest,
                        public ::testing::WithParamInterface<std::tuple<Row, GroupFamily>> {
 protected:
  const Row& row() const { return std::get<0>(GetParam()); }

  tables::Address6 about() const { return group(1, std::get<1>(GetParam())); }

  void restore(char letter, std::uint32_t left_s) {
    const GroupEntry entry{
        .group = about(),
        .source = letter == '*' ? kNoAddress : source(letter, std::get<1>(GetParam())),
        .left_ms = left_s * 1000,
        .is_blocked = left_s == 0};
    EXPECT_EQ(membership().restore(entry, now_ms_), GroupRestore::kDone);
  }

  void begin() {
    restore('a', 100);
    restore('b', 100);
    if (row().is_exclude) {
      restore('c', 0);
      restore('d', 0);
      restore('*', 150);
    }
    changes();
  }

  std::string sorted_changes() {
    std::string said = changes();
    std::ranges::sort(said);
    return said;
  }
};

TEST_P(GroupFilterRows, MakeOfTheQueriersTimersWhatTheRfcSays) {
  settle_active();
  begin();
  report(0, about(), row().type, row().named);
  EXPECT_EQ(state(about()), row().querier);
  EXPECT_EQ(asked(), row().asked);
  EXPECT_EQ(sorted_changes(), row().changes);
}

TEST_P(GroupFilterRows, LeaveTimersAloneWhereSomebodyElseAsks) {
  begin();
  report(0, about(), row().type, row().named);
  EXPECT_EQ(state(about()), row().other);
  EXPECT_EQ(asked(), "");
  EXPECT_EQ(sorted_changes(), row().changes);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, GroupFilterRows,
                         ::testing::Combine(::testing::ValuesIn(kRows),
                                            ::testing::Values(GroupFamily::kIp4,
                                                              GroupFamily::kIp6)),
                         [](const auto& tested) {
                           const bool is_four = std::get<1>(tested.param) == GroupFamily::kIp4;
                           return std::string(std::get<0>(tested.param).name) +
                                  (is_four ? "Igmp" : "Mld");
                         });

using GroupFilterTest = tests::GroupTest;

TEST_F(GroupFilterTest, BeginsAGroupWithWhatWantsSomething) {
  for (const GroupRecordType type : {kIsInclude, kToInclude, kBlock}) {
    report(0, group(), type);
    EXPECT_EQ(state(), "none");
  }
  report(0, group(), kBlock, "a");
  EXPECT_EQ(state(), "none");
  EXPECT_EQ(changes(), "");
  report(0, group(1), kAllow, "a");
  report(0, group(2), kIsExclude, "a");
  EXPECT_EQ(state(group(1)), "INCLUDE a=260");
  EXPECT_EQ(state(group(2)), "EXCLUDE@260 a=0");
  EXPECT_EQ(changes(), "**");
}

TEST_F(GroupFilterTest, ForwardsByModeAndTimer) {
  report(0, group(), kIsInclude, "a");
  report(1, group(), kIsExclude, "b");
  const auto to = [this](char letter) {
    return membership().egress_ports(source(letter), group());
  };
  EXPECT_EQ(to('a'), 0b11U);
  EXPECT_EQ(to('b'), 0b00U);
  EXPECT_EQ(to('c'), 0b10U);
  EXPECT_EQ(membership().egress_ports(source('a'), group(2)), 0U);
}

TEST_F(GroupFilterTest, ReportsALongListOfSourcesAsTheWholeGroup) {
  options_.sources_per_group_max = 32;
  report(0, group(), kIsInclude, "a");
  changes();
  report(0, group(), kAllow, "bcdefghijklmnopqrs");
  EXPECT_EQ(changes(), "*");
}

}  // namespace
}  // namespace twinplane::dataplane
