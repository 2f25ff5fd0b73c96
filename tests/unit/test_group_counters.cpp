// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>

#include "dataplane/group_counters.hpp"

namespace twinplane::dataplane {
namespace {

TEST(GroupCounters, HaveEachALabelOfItsOwn) {
  const std::set<std::string_view> labels(kGroupCounterLabels.begin(), kGroupCounterLabels.end());
  EXPECT_EQ(labels.size(), kGroupCounterCount);
  EXPECT_EQ(kGroupCounterLabels[static_cast<std::size_t>(GroupCounter::kQuerierLost)],
            "group_querier_lost");
  EXPECT_EQ(kGroupCounterLabels[static_cast<std::size_t>(GroupCounter::kIgnoredBadSource)],
            "group_ignored_bad_source");
}

TEST(GroupCounters, Add) {
  GroupCounters counters;
  counters.add(GroupCounter::kRecords);
  counters.add(GroupCounter::kRecords, 4);
  EXPECT_EQ(counters.get(GroupCounter::kRecords), 5U);
  EXPECT_EQ(counters.get(GroupCounter::kNoFrame), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
