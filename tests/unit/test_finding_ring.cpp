// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/finding_ring.hpp"

namespace twinplane::dataplane {
namespace {

ha2::Difference finding_in(std::uint16_t partition) {
  ha2::Difference finding;
  finding.partition = partition;
  return finding;
}

TEST(FindingRing, CountsWhatItHasNoPlaceForAndGoesOnWhenThereIsOne) {
  FindingRing ring;
  std::uint16_t put_count = 0;
  while (ring.try_put(finding_in(put_count))) ++put_count;
  EXPECT_EQ(put_count, 64U);
  EXPECT_FALSE(ring.try_put(finding_in(99)));
  EXPECT_EQ(ring.refused_count(), 2U);
  ha2::Difference found;
  ASSERT_TRUE(ring.try_take(found));
  EXPECT_EQ(found.partition, 0U);
  EXPECT_TRUE(ring.try_put(finding_in(100)));
  std::uint16_t taken_count = 0;
  while (ring.try_take(found)) ++taken_count;
  EXPECT_EQ(taken_count, 64U);
  EXPECT_EQ(found.partition, 100U) << "the last one";
  EXPECT_EQ(ring.refused_count(), 2U);
}

}  // namespace
}  // namespace twinplane::dataplane
