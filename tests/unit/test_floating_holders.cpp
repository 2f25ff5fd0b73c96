// SPDX-License-Identifier: BSD-3-Clause
// Who answers for the floating addresses: written by the box that becomes active, read by the
// other.
#include <gtest/gtest.h>

#include "dataplane/floating_holders.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::TableKind;

tables::PartitionLimits limits(std::uint32_t slot_count) {
  tables::PartitionLimits limits;
  limits.plain(TableKind::kVirtualMac) = slot_count;
  return limits;
}

Config config_of(std::uint8_t box_id) {
  Config config = tests::two_ports();
  config.box.id = box_id;
  return config;
}

struct End {
  explicit End(std::uint8_t box_id, std::uint32_t slot_count = 16)
      : partition(limits(slot_count), tables::HashSeed{3}),
        config(config_of(box_id)),
        own(config),
        holders(config, own.all(), *partition) {}

  auto& slots() { return partition->slots<TableKind::kVirtualMac>(); }

  tests::InBlock<tables::Partition> partition;
  Config config;
  OwnAddresses own;
  FloatingHolders holders;
};

// What a stream does.
void copy(End& from, End& to) {
  for (std::uint32_t slot = 0; slot < from.slots().slot_count(); ++slot) {
    if (from.slots().live().is_live(slot))
      to.slots().put(slot, from.slots().entry(slot));
    else
      to.slots().empty(slot);
  }
  to.holders.poll();
}

void expect_holder(const End& end, std::uint8_t holder) {
  ASSERT_FALSE(end.holders.rows().empty());
  for (std::size_t i = 0; i < end.holders.rows().size(); ++i)
    EXPECT_EQ(end.holders.holder(i), holder) << to_text(end.holders.rows()[i].floating.address);
}

TEST(FloatingHolders, AreNobodyBeforeABoxIsActive) {
  End end(0);
  expect_holder(end, tables::kNoHolder);
  EXPECT_EQ(end.slots().live_count(), 0U);
}

TEST(FloatingHolders, AreTheBoxThatTookThemAtBothEnds) {
  End east(0);
  End west(1);
  east.holders.take(5);
  copy(east, west);
  expect_holder(east, 0);
  expect_holder(west, 0);
  west.holders.take(6);
  copy(west, east);
  expect_holder(east, 1);
  expect_holder(west, 1);
  EXPECT_EQ(west.slots().live_count(), west.holders.rows().size());
}

TEST(FloatingHolders, SayATakeoverAsPatches) {
  End east(0);
  east.holders.take(5);
  for (std::uint32_t slot = 0; slot < 16; ++slot) static_cast<void>(east.slots().take_marks(slot));
  east.holders.take(6);
  for (std::uint32_t slot = 0; slot < 16; ++slot) {
    if (!east.slots().live().is_live(slot)) continue;
    EXPECT_EQ(east.slots().take_marks(slot), tables::kMarkState);
  }
}

TEST(FloatingHolders, LeaveOutWhatThisBoxDoesNotHave) {
  End east(0);
  tables::VirtualMacBody stranger{};
  stranger.key.group = 200;
  ASSERT_EQ(east.partition->table<TableKind::kVirtualMac>().create(stranger, 0).status,
            tables::InsertStatus::kInserted);
  east.holders.take(5);
  EXPECT_EQ(east.slots().live_count(), east.holders.rows().size());
}

TEST(FloatingHolders, ThatFindNoRoomAreNobodyAndCounted) {
  End east(0, 1);
  east.holders.take(5);
  EXPECT_EQ(east.slots().live_count(), 1U);
  EXPECT_EQ(east.partition->table<TableKind::kVirtualMac>().counters().refused_full,
            east.holders.rows().size() - 1);
}

}  // namespace
}  // namespace twinplane::dataplane
