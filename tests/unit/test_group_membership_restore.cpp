// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tests/support/group_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using Counter = GroupCounter;
using enum GroupRecordType;

using GroupMembershipRestoreTest = tests::GroupTest;

TEST_F(GroupMembershipRestoreTest, GivesItsStateAndTakesItBackInAnyOrder) {
  report(0, group(1), kIsExclude, "cd");
  report(0, group(1), kAllow, "ab");
  report(1, group(1), kIsInclude, "a");
  early_report(group(2), GroupVersion::k2);
  report(0, group(3, GroupFamily::kIp6), kIsExclude, "e");
  advance(60'000);
  std::vector<GroupEntry> entries;
  for (std::uint32_t slot = 0; slot < membership().slot_count(); ++slot)
    membership().for_each_entry(slot, now_ms_,
                                [&](const GroupEntry& entry) { entries.push_back(entry); });
  ASSERT_EQ(entries.size(), 9U);
  for (int order = 0; order < 9; ++order) {
    std::rotate(entries.begin(), entries.begin() + 1, entries.end());
    membership_.reset();
    membership();
    for (const GroupEntry& entry : entries)
      EXPECT_EQ(membership().restore(entry, now_ms_), GroupRestore::kDone);
    EXPECT_EQ(state(group(1)), "EXCLUDE@200 a=200 b=200 c=0 d=0");
    EXPECT_EQ(state(group(1), 1), "INCLUDE a=200");
    EXPECT_EQ(state(group(3, GroupFamily::kIp6)), "EXCLUDE@200 e=0");
    report(0, group(2), kBlock, "a");
    EXPECT_EQ(state(group(2)), "EXCLUDE@200") << "still of version 2";
  }
}

TEST_F(GroupMembershipRestoreTest, KeepsForwardingAcrossATakeoverAndFindsOutWhoIsStillThere) {
  for (const int number : {1, 2})
    EXPECT_EQ(membership().restore({.group = group(number), .left_ms = GroupEntry::kWholeInterval},
                                   now_ms_),
              GroupRestore::kDone);
  membership().set_active(true, now_ms_);
  EXPECT_EQ(membership().egress_ports(source('a'), group(1)), 1U);
  advance(1);
  EXPECT_EQ(asked(), "general general general general");
  report(0, group(1), kIsExclude);
  advance(259'000);
  EXPECT_EQ(state(group(2)), "EXCLUDE@1");
  report(0, group(1), kIsExclude);
  advance(1'032);
  EXPECT_EQ(state(group(2)), "none");
  EXPECT_EQ(state(group(1)), "EXCLUDE@259");
}

TEST_F(GroupMembershipRestoreTest, RefusesToTakeBackWhatCannotBe) {
  const GroupEntry good{.group = group(), .source = source('a'), .left_ms = 1000};
  const auto result_of = [this](GroupEntry entry) { return membership().restore(entry, now_ms_); };
  std::vector<GroupEntry> wrong(8, good);
  wrong[0].port_index = 2;
  wrong[1].port_index = 200;
  wrong[2].group = source('a');
  wrong[3].group = tests::group_address("224.0.0.1");
  wrong[4].source = group();
  wrong[5].source = source('a', GroupFamily::kIp6);
  wrong[6].left_ms = 0;
  wrong[7] = {.group = group(), .is_blocked = true};
  for (const GroupEntry& entry : wrong) EXPECT_EQ(result_of(entry), GroupRestore::kRefused);
  EXPECT_EQ(membership().group_count(), 0U);
  EXPECT_EQ(changes(), "");
  for (int letter = 0; letter < 8; ++letter) {
    GroupEntry entry = good;
    entry.source = source(static_cast<char>('a' + letter));
    EXPECT_EQ(result_of(entry), GroupRestore::kDone);
  }
  GroupEntry ninth = good;
  ninth.source = source('z');
  EXPECT_EQ(result_of(ninth), GroupRestore::kFull);
  EXPECT_EQ(count(Counter::kEntriesRestored), 8U);
}

}  // namespace
}  // namespace twinplane::dataplane
