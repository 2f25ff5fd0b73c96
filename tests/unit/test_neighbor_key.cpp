// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/neighbor_key.hpp"

namespace twinplane::dataplane {
namespace {

TEST(NeighborKey, GivesBackTheAddressOfEitherFamily) {
  for (const char* text : {"10.1.0.7", "fd00:1::7", "fe80::1"}) {
    const IpAddress address = *parse_address(text);
    const NeighborKey key = NeighborKey::of(2, address);
    EXPECT_EQ(key.ip(), address);
    EXPECT_EQ(key.is4(), address.is4());
    EXPECT_EQ(key.port_index, 2U);
  }
}

TEST(NeighborKey, TellsPortsApart) {
  const tables::Address4 address{10, 1, 0, 7};
  EXPECT_EQ(NeighborKey::of(1, address), NeighborKey::of(1, IpAddress::of(address)));
  EXPECT_NE(NeighborKey::of(1, address), NeighborKey::of(0, address));
}

}  // namespace
}  // namespace twinplane::dataplane
