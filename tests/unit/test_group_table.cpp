// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/group_table.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::UnorderedElementsAre;

tables::Address6 group(unsigned number) {
  return mapped(
      {239, 1, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number & 0xFFU)});
}

tables::Address6 source(unsigned number) {
  return mapped({192, 0, 2, static_cast<std::uint8_t>(number)});
}

class GroupTableTest : public ::testing::Test {
 protected:
  std::vector<unsigned> sources_of(std::uint32_t slot) {
    std::vector<unsigned> numbers;
    table_.for_each_source(slot,
                           [&](const GroupSource& one) { numbers.push_back(one.address[15]); });
    return numbers;
  }

  GroupTable table_{{.groups_max = 100,
                     .groups_per_port_max = 60,
                     .sources_max = 10,
                     .sources_per_group_max = 6,
                     .port_count = 2},
                    {7}};
};

TEST_F(GroupTableTest, FindsAGroupByItsPort) {
  const std::uint32_t first = table_.insert(0, group(1));
  const std::uint32_t second = table_.insert(1, group(1));
  EXPECT_EQ(table_.find(0, group(1)), first);
  EXPECT_EQ(table_.find(1, group(1)), second);
  EXPECT_EQ(table_.find(1, group(2)), GroupTable::kNoSlot);
  std::vector<std::uint32_t> slots;
  table_.for_each_port(group(1), [&](std::uint32_t slot) { slots.push_back(slot); });
  EXPECT_THAT(slots, UnorderedElementsAre(first, second));
  table_.erase(first);
  EXPECT_EQ(table_.find(0, group(1)), GroupTable::kNoSlot);
  EXPECT_EQ(table_.find(1, group(1)), second);
}

TEST_F(GroupTableTest, HasRoomForWhatItsLimitsSayAndNoMore) {
  for (unsigned number = 0; number < 60; ++number)
    ASSERT_NE(table_.insert(0, group(number)), GroupTable::kNoSlot);
  EXPECT_EQ(table_.insert(0, group(60)), GroupTable::kNoSlot) << "of the port";
  for (unsigned number = 0; number < 40; ++number)
    ASSERT_NE(table_.insert(1, group(number)), GroupTable::kNoSlot);
  EXPECT_EQ(table_.insert(1, group(40)), GroupTable::kNoSlot) << "of all";
  table_.erase(table_.find(0, group(30)));
  EXPECT_NE(table_.insert(1, group(40)), GroupTable::kNoSlot);
  EXPECT_EQ(table_.group_count(), 100U);
}

TEST_F(GroupTableTest, GivesSourcesBackWithTheirGroup) {
  const std::uint32_t first = table_.insert(0, group(1));
  const std::uint32_t second = table_.insert(0, group(2));
  for (unsigned number = 1; number <= 6; ++number)
    ASSERT_NE(table_.add_source(first, source(number)), nullptr);
  EXPECT_EQ(table_.add_source(first, source(7)), nullptr) << "of the group";
  for (unsigned number = 1; number <= 4; ++number)
    ASSERT_NE(table_.add_source(second, source(number)), nullptr);
  EXPECT_EQ(table_.add_source(second, source(5)), nullptr) << "of all";
  table_.remove_sources(first, [](const GroupSource& one) { return one.address[15] % 2 == 0; });
  EXPECT_THAT(sources_of(first), UnorderedElementsAre(1, 3, 5));
  EXPECT_EQ(table_.find_source(first, source(2)), nullptr);
  EXPECT_NE(table_.find_source(first, source(3)), nullptr);
  EXPECT_EQ(table_.source_count(), 7U);
  table_.erase(first);
  EXPECT_EQ(table_.source_count(), 4U);
  EXPECT_NE(table_.add_source(second, source(5)), nullptr);
}

}  // namespace
}  // namespace twinplane::dataplane
