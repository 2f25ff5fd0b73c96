// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <map>

#include "dataplane/blocked_sources.hpp"
#include "dataplane/source_meter.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::dataplane {
namespace {

using tables::FloodKind;

constexpr tables::HashSeed kSeed{5};

tables::Address6 source_of(std::uint32_t number) {
  return mapped_address({10, static_cast<std::uint8_t>(number >> 16U),
                         static_cast<std::uint8_t>(number >> 8U),
                         static_cast<std::uint8_t>(number)});
}

TEST(BlockedSources, NobodyIsBlockedInAnEmptyOne) {
  const BlockedSources blocked(16, kSeed);
  EXPECT_TRUE(blocked.is_empty());
  EXPECT_FALSE(blocked.is_blocked(source_of(1), 0));
}

TEST(BlockedSources, ASourceIsBlockedInItsZoneAlone) {
  BlockedSources blocked(16, kSeed);
  EXPECT_TRUE(blocked.insert({source_of(1), 3, FloodKind::kUdp, 77'000}));
  EXPECT_FALSE(blocked.is_empty());
  EXPECT_TRUE(blocked.is_blocked(source_of(1), 3));
  EXPECT_FALSE(blocked.is_blocked(source_of(1), 4));
  EXPECT_FALSE(blocked.is_blocked(source_of(2), 3));
  blocked.erase(source_of(1), 4);
  EXPECT_TRUE(blocked.is_blocked(source_of(1), 3));
  blocked.erase(source_of(1), 3);
  EXPECT_FALSE(blocked.is_blocked(source_of(1), 3));
  EXPECT_TRUE(blocked.is_empty());
}

TEST(BlockedSources, TellsWhatStandsInItsSlots) {
  BlockedSources blocked(16, kSeed);
  EXPECT_TRUE(blocked.insert({source_of(9), 63, FloodKind::kOther, (1ULL << 40U) - 1}));
  BlockedSource found;
  std::uint32_t count = 0;
  for (std::uint32_t slot = 0; slot < blocked.slot_count(); ++slot)
    if (blocked.try_read(slot, found)) ++count;
  ASSERT_EQ(count, 1U);
  for (std::uint32_t slot = 0; slot < blocked.slot_count() && !blocked.try_read(slot, found);)
    ++slot;
  EXPECT_EQ(found.source, source_of(9));
  EXPECT_EQ(found.zone, 63);
  EXPECT_EQ(found.kind, FloodKind::kOther);
  EXPECT_EQ(found.until_ms, (1ULL << 40U) - 1);
}

TEST(BlockedSources, ASourceThatIsThereGetsTheNewEnd) {
  BlockedSources blocked(16, kSeed);
  EXPECT_TRUE(blocked.insert({source_of(1), 0, FloodKind::kUdp, 1}));
  EXPECT_TRUE(blocked.insert({source_of(1), 0, FloodKind::kSyn, 2}));
  EXPECT_EQ(blocked.count(), 1U);
}

TEST(BlockedSources, RefusesWhatItHasNoRoomFor) {
  BlockedSources blocked(16, kSeed);
  for (std::uint32_t i = 0; i < 16; ++i)
    EXPECT_TRUE(blocked.insert({source_of(i), 0, FloodKind::kUdp, 1}));
  EXPECT_FALSE(blocked.insert({source_of(16), 0, FloodKind::kUdp, 1}));
  blocked.erase(source_of(3), 0);
  EXPECT_TRUE(blocked.insert({source_of(16), 0, FloodKind::kUdp, 1}));
}

// Against a map, with half of the table full: removed slots in the way of others, and runs of them
// that become free.
TEST(BlockedSources, HoldsWhatAMapHolds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    BlockedSources blocked(64, tables::HashSeed{seed});
    std::map<std::uint32_t, bool> wanted;
    tests::Prng prng(seed);
    for (int step = 0; step < 2000; ++step) {
      const auto number = static_cast<std::uint32_t>(prng.below(96U));
      if (prng.below(2) == 0) {
        const bool has_room = wanted.size() < 64 || wanted.contains(number);
        ASSERT_EQ(blocked.insert({source_of(number), 1, FloodKind::kUdp, 5}), has_room);
        if (has_room) wanted[number] = true;
      } else {
        blocked.erase(source_of(number), 1);
        wanted.erase(number);
      }
      ASSERT_EQ(blocked.count(), wanted.size());
      const auto other = static_cast<std::uint32_t>(prng.below(96U));
      ASSERT_EQ(blocked.is_blocked(source_of(other), 1), wanted.contains(other)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace twinplane::dataplane
