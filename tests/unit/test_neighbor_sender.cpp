// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/neighbor_frames.hpp"
#include "dataplane/neighbor_sender.hpp"
#include "dataplane/virtual_mac.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::ip;
using tests::kHostMac;
using tests::kInsideMac;

class Sender : public ::testing::Test {
 protected:
  // The only frame sent; its ARP or ND content in view and message.
  const Bytes& only_frame() {
    EXPECT_EQ(link_.sent.size(), 1U);
    const Bytes& frame = link_.sent.at(0).bytes;
    view_ = tests::parsed(frame);
    EXPECT_EQ(read_neighbor_message(frame, view_, message_), NeighborFault::kNone);
    return frame;
  }

  static NeighborMessage read(const Bytes& frame) {
    NeighborMessage message;
    EXPECT_EQ(read_neighbor_message(frame, tests::parsed(frame), message), NeighborFault::kNone);
    return message;
  }

  OwnAddresses own_{tests::two_ports()};
  tests::FakeLink link_;
  NeighborCounters counters_;
  NeighborSender sender_{own_, link_, counters_};
  PacketView view_;
  NeighborMessage message_;
};

TEST_F(Sender, AsksEverybodyForAnIpv4Neighbor) {
  ASSERT_TRUE(sender_.try_request(NeighborKey::of(0, ip("10.1.0.7"))));
  const Bytes& frame = only_frame();
  EXPECT_EQ(tests::mac_at(frame, 0), kBroadcastMac);
  EXPECT_EQ(tests::mac_at(frame, 6), kInsideMac);
  EXPECT_TRUE(message_.is_solicitation);
  EXPECT_EQ(message_.mac, kInsideMac);
  EXPECT_EQ(message_.sender, ip("10.1.0.254"));
  EXPECT_EQ(message_.subject, ip("10.1.0.7"));
}

TEST_F(Sender, AsksAnIpv6NeighborsGroupAndTellsItsOwnLinkAddress) {
  ASSERT_TRUE(sender_.try_request(NeighborKey::of(0, ip("fd00:1::1:203"))));
  const Bytes& frame = only_frame();
  EXPECT_EQ(tests::mac_at(frame, 0), (MacAddress{0x33, 0x33, 0xFF, 0x01, 0x02, 0x03}));
  EXPECT_EQ(view_.target6.address, ip("ff02::1:ff01:203").v6());
  EXPECT_EQ(message_.mac, kInsideMac);
  EXPECT_EQ(message_.sender, ip("fd00:1::fe"));
  EXPECT_EQ(message_.subject, ip("fd00:1::1:203"));
  tests::expect_right_checksums(frame, view_);
}

TEST_F(Sender, ProbesTheNeighborAlone) {
  ASSERT_TRUE(sender_.try_probe(NeighborKey::of(0, ip("fe80::7")), kHostMac));
  EXPECT_EQ(tests::mac_at(only_frame(), 0), kHostMac);
  EXPECT_EQ(view_.target6.address, ip("fe80::7").v6());
  EXPECT_EQ(message_.sender, ip("fe80::21b:17ff:fe00:300"));
  link_.sent.clear();
  ASSERT_TRUE(sender_.try_probe(NeighborKey::of(1, ip("10.2.0.7")), kHostMac));
  EXPECT_EQ(tests::mac_at(only_frame(), 0), kHostMac);
  EXPECT_EQ(view_.vlan_tcis[0], 100U);
  EXPECT_EQ(counters_.get(NeighborCounter::kProbesSent), 2U);
}

TEST_F(Sender, AnswersAnArpRequest) {
  const auto question = read(tests::arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  ASSERT_TRUE(sender_.try_answer(0, question, kHostMac));
  const Bytes& frame = only_frame();
  EXPECT_EQ(tests::mac_at(frame, 0), kHostMac);
  EXPECT_EQ(view_.arp_operation, kArpReply);
  EXPECT_EQ(message_.subject, ip("10.1.0.254"));
  EXPECT_EQ(message_.mac, kInsideMac);
  EXPECT_EQ(message_.receiver, ip("10.1.0.7"));
  EXPECT_EQ(tests::mac_at(frame, view_.l3_offset + 18U), kHostMac);
}

TEST_F(Sender, AnswersASolicitationAsARouter) {
  const auto question = read(tests::nd_frame({.type = 135,
                                              .source = "fd00:1::7",
                                              .target = "ff02::1:ff00:fe",
                                              .subject = "fd00:1::fe",
                                              .option = 1}));
  ASSERT_TRUE(sender_.try_answer(0, question, tests::kOtherMac));
  const Bytes& frame = only_frame();
  EXPECT_EQ(tests::mac_at(frame, 0), kHostMac) << "the option's";
  EXPECT_EQ(view_.source6.address, ip("fd00:1::fe").v6());
  EXPECT_EQ(view_.target6.address, ip("fd00:1::7").v6());
  EXPECT_EQ(std::to_integer<unsigned>(frame[view_.l4_offset + 4U]),
            kNaRouter + kNaSolicited + kNaOverride);
  EXPECT_EQ(message_.mac, kInsideMac);
  tests::expect_right_checksums(frame, view_);
}

TEST_F(Sender, AnswersWhoToldNoLinkAddressWhereTheFrameCameFrom) {
  const auto question = read(tests::nd_frame(
      {.type = 135, .source = "fd00:1::7", .target = "fd00:1::fe", .subject = "fd00:1::fe"}));
  ASSERT_TRUE(sender_.try_answer(0, question, tests::kOtherMac));
  EXPECT_EQ(tests::mac_at(only_frame(), 0), tests::kOtherMac);
}

TEST_F(Sender, TellsAllNodesWhenSomebodyProbesForADuplicate) {
  const auto question = read(tests::nd_frame(
      {.type = 135, .source = "::", .target = "ff02::1:ff00:fe", .subject = "fd00:1::fe"}));
  ASSERT_TRUE(sender_.try_answer(0, question, kHostMac));
  const Bytes& frame = only_frame();
  EXPECT_EQ(tests::mac_at(frame, 0), (MacAddress{0x33, 0x33, 0, 0, 0, 1}));
  EXPECT_EQ(view_.target6.address, kAllNodes);
  EXPECT_FALSE(message_.is_answer);
  EXPECT_TRUE(message_.is_override);
}

TEST_F(Sender, AnswersAnArpProbeAsItWasSent) {
  const auto question = read(tests::arp_frame(1, kHostMac, "0.0.0.0", "10.1.0.254"));
  ASSERT_TRUE(sender_.try_answer(0, question, kHostMac));
  EXPECT_EQ(only_frame().size(), 60U);
  EXPECT_EQ(view_.target4.address, tables::Address4{});
}

TEST_F(Sender, AnnouncesIpv4AsRequestAndAsReply) {
  ASSERT_TRUE(sender_.try_announce(1, ip("10.2.0.77")));
  ASSERT_EQ(link_.sent.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const Bytes& frame = link_.sent[i].bytes;
    const PacketView view = tests::parsed(frame);
    EXPECT_EQ(link_.sent[i].port_index, 1U);
    EXPECT_EQ(tests::mac_at(frame, 0), kBroadcastMac);
    EXPECT_EQ(view.arp_operation, i == 0 ? kArpRequest : kArpReply);
    EXPECT_EQ(view.source4.address, ip("10.2.0.77").v4());
    EXPECT_EQ(view.target4.address, ip("10.2.0.77").v4());
    EXPECT_EQ(read(frame).mac, tests::kOutsideMac);
  }
}

TEST_F(Sender, SaysAndCountsThatThereIsNoFrame) {
  link_.is_out_of_frames = true;
  EXPECT_FALSE(sender_.try_request(NeighborKey::of(0, ip("10.1.0.7"))));
  EXPECT_FALSE(sender_.try_announce(0, ip("10.1.0.254")));
  EXPECT_EQ(counters_.get(NeighborCounter::kNoFrame), 2U);
  EXPECT_EQ(counters_.get(NeighborCounter::kRequestsSent), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
