// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>

#include "dataplane/neighbor_counters.hpp"

namespace twinplane::dataplane {
namespace {

TEST(NeighborCounters, HaveEachALabelOfItsOwn) {
  const std::set<std::string_view> labels(kNeighborCounterLabels.begin(),
                                          kNeighborCounterLabels.end());
  EXPECT_EQ(labels.size(), kNeighborCounterCount);
  EXPECT_EQ(kNeighborCounterLabels[static_cast<std::size_t>(NeighborCounter::kConflicts)],
            "neighbor_conflicts");
  EXPECT_EQ(kNeighborCounterLabels[static_cast<std::size_t>(NeighborCounter::kDropPassive)],
            "drop_neighbor_passive");
}

TEST(NeighborCounters, Add) {
  NeighborCounters counters;
  counters.add(NeighborCounter::kMoved);
  counters.add(NeighborCounter::kMoved, 4);
  EXPECT_EQ(counters.get(NeighborCounter::kMoved), 5U);
  EXPECT_EQ(counters.get(NeighborCounter::kFailed), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
