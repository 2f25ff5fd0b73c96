// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/neighbor_frames.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::operator+;
using tests::bytes_of;

class NeighborFrames : public ::testing::Test {
 protected:
  Bytes sent(std::size_t bytes) const {
    return Bytes(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(bytes));
  }

  // Dirty, so that what is not written shows.
  Bytes buffer_ = Bytes(kNeighborFrameBytesMax, std::byte{0xEE});
};

TEST_F(NeighborFrames, WritesAnArpRequestByteForByte) {
  const LinkHeader link{tests::kHostMac, tests::kInsideMac, 0};
  const Bytes frame = sent(write_arp(
      buffer_, link, {.operation = 1, .sender = {10, 1, 0, 254}, .target = {10, 1, 0, 7}}));
  EXPECT_EQ(frame, bytes_of({0x02, 0, 0, 0, 0, 0x0A, 0x00, 0x1B, 0x17, 0x00, 3, 0, 8, 6}) +
                       bytes_of({0, 1, 8, 0, 6, 4, 0, 1, 0x00, 0x1B, 0x17, 0x00, 3, 0}) +
                       bytes_of({10, 1, 0, 254, 0, 0, 0, 0, 0, 0, 10, 1, 0, 7}) + Bytes(18));
}

TEST_F(NeighborFrames, TagsTheFrameOfAPortWithAVlan) {
  const LinkHeader link{tests::kHostMac, tests::kOutsideMac, 100};
  const Bytes frame = sent(write_arp(buffer_, link, {.operation = 2}));
  const PacketView view = tests::parsed(sent(write_arp(
      buffer_, link, {.operation = 2, .sender = {10, 2, 0, 254}, .target = {10, 2, 0, 1}})));
  EXPECT_EQ(frame.size(), 60U);
  EXPECT_EQ(view.vlan_count, 1U);
  EXPECT_EQ(view.vlan_tcis[0], 100U);
}

TEST_F(NeighborFrames, WritesNeighborDiscoveryThatParsesWithARightChecksum) {
  const LinkHeader link{tests::kHostMac, tests::kInsideMac, 100};
  const NeighborDiscoveryFields fields{.type = kNdNeighborAdvertisement,
                                       .flags = kNaRouter | kNaSolicited,
                                       .source = tests::kClient6,
                                       .target = tests::kServer6,
                                       .subject = tests::kNat6};
  const Bytes frame = sent(write_neighbor_discovery(buffer_, link, fields));
  const PacketView view = tests::parsed(frame);
  EXPECT_EQ(view.l4_kind, L4Kind::kNeighbor);
  EXPECT_EQ(view.ttl, 255U);
  EXPECT_EQ(view.source6.address, tests::kClient6);
  EXPECT_EQ(std::to_integer<unsigned>(frame[view.l4_offset + 4U]), 0xC0U);
  EXPECT_EQ(load_raw<tables::Address6>(frame.data() + view.l4_offset + 8), tests::kNat6);
  EXPECT_EQ(std::to_integer<unsigned>(frame[view.l4_offset + 24U]), kNdTargetLinkOption);
  EXPECT_EQ(tests::mac_at(frame, view.l4_offset + 26U), tests::kInsideMac);
  tests::expect_right_checksums(frame, view);
}

TEST_F(NeighborFrames, NeedsABufferForTheLongestFrame) {
  Bytes small(kNeighborFrameBytesMax - 1);
  EXPECT_DEATH(write_arp(small, {}, {}), "CHECK failed");
}

}  // namespace
}  // namespace twinplane::dataplane
