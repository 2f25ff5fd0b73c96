// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/neighbor_message.hpp"
#include "tests/support/link_fakes.hpp"

namespace twinplane::dataplane {
namespace {

using tests::arp_frame;
using tests::Bytes;
using tests::ip;
using tests::kHostMac;
using tests::nd_frame;

NeighborFault fault_of(const Bytes& frame) {
  NeighborMessage message;
  return read_neighbor_message(frame, tests::parsed(frame), message);
}

NeighborMessage message_of(const Bytes& frame) {
  NeighborMessage message;
  EXPECT_EQ(read_neighbor_message(frame, tests::parsed(frame), message), NeighborFault::kNone);
  return message;
}

TEST(NeighborMessage, ReadsAnArpRequestAndAReply) {
  const NeighborMessage request = message_of(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  EXPECT_TRUE(request.is_solicitation);
  EXPECT_EQ(request.sender, ip("10.1.0.7"));
  EXPECT_EQ(request.subject, ip("10.1.0.254"));
  EXPECT_EQ(request.mac, kHostMac);
  const NeighborMessage reply = message_of(arp_frame(2, kHostMac, "10.1.0.7", "10.1.0.254"));
  EXPECT_FALSE(reply.is_solicitation);
  EXPECT_TRUE(reply.is_answer);
  EXPECT_TRUE(reply.is_override);
  EXPECT_EQ(reply.subject, ip("10.1.0.7"));
  EXPECT_EQ(reply.receiver, ip("10.1.0.254"));
}

TEST(NeighborMessage, TakesGratuitousArpOfBothFormsForNews) {
  for (const int operation : {1, 2}) {
    const NeighborMessage news = message_of(arp_frame(operation, kHostMac, "10.1.0.7", "10.1.0.7"));
    EXPECT_FALSE(news.is_solicitation);
    EXPECT_FALSE(news.is_answer);
    EXPECT_EQ(news.subject, ip("10.1.0.7"));
  }
}

TEST(NeighborMessage, TakesAnArpRequestFromNobodyForAProbe) {
  const NeighborMessage probe = message_of(arp_frame(1, kHostMac, "0.0.0.0", "10.1.0.254"));
  EXPECT_TRUE(probe.is_solicitation);
  EXPECT_FALSE(probe.sender.is_set());
}

TEST(NeighborMessage, RefusesArpFromNoSingleHost) {
  EXPECT_EQ(fault_of(arp_frame(2, kHostMac, "0.0.0.0", "10.1.0.254")), NeighborFault::kMalformed);
  EXPECT_EQ(fault_of(arp_frame(1, kHostMac, "224.0.0.1", "10.1.0.254")), NeighborFault::kMalformed);
  EXPECT_EQ(fault_of(arp_frame(1, MacAddress{}, "10.1.0.7", "10.1.0.254")),
            NeighborFault::kMalformed);
}

TEST(NeighborMessage, ReadsASolicitation) {
  const NeighborMessage message = message_of(nd_frame({.type = 135,
                                                       .source = "fd00:1::7",
                                                       .target = "ff02::1:ff00:fe",
                                                       .subject = "fd00:1::fe",
                                                       .option = 1}));
  EXPECT_TRUE(message.is_solicitation);
  EXPECT_TRUE(message.has_mac);
  EXPECT_EQ(message.mac, kHostMac);
  EXPECT_EQ(message.sender, ip("fd00:1::7"));
  EXPECT_EQ(message.subject, ip("fd00:1::fe"));
}

TEST(NeighborMessage, ReadsAnAdvertisementsFlags) {
  const NeighborMessage message = message_of(nd_frame({.type = 136,
                                                       .source = "fd00:1::7",
                                                       .target = "fd00:1::fe",
                                                       .subject = "fd00:1::7",
                                                       .flags = 0x60,
                                                       .option = 2}));
  EXPECT_FALSE(message.is_solicitation);
  EXPECT_TRUE(message.is_answer);
  EXPECT_TRUE(message.is_override);
  EXPECT_EQ(message.receiver, ip("fd00:1::fe"));
}

TEST(NeighborMessage, IgnoresALinkOptionOfTheOtherKind) {
  EXPECT_FALSE(message_of(nd_frame({.type = 136,
                                    .source = "fd00:1::7",
                                    .target = "fd00:1::fe",
                                    .subject = "fd00:1::7",
                                    .flags = 0x40,
                                    .option = 1}))
                   .has_mac);
}

TEST(NeighborMessage, RefusesWhatNeighborDiscoveryForbids) {
  EXPECT_EQ(
      fault_of(nd_frame(
          {.type = 135, .source = "fd00:1::7", .target = "fd00:1::fe", .subject = "ff02::1"})),
      NeighborFault::kMalformed)
      << "about a group";
  EXPECT_EQ(fault_of(nd_frame({.type = 135,
                               .source = "::",
                               .target = "ff02::1:ff00:fe",
                               .subject = "fd00:1::fe",
                               .option = 1})),
            NeighborFault::kMalformed)
      << "a probe with a link address";
  EXPECT_EQ(fault_of(nd_frame(
                {.type = 135, .source = "::", .target = "fd00:1::fe", .subject = "fd00:1::fe"})),
            NeighborFault::kMalformed)
      << "a probe not to the group";
  EXPECT_EQ(fault_of(nd_frame({.type = 136,
                               .source = "fd00:1::7",
                               .target = "ff02::1",
                               .subject = "fd00:1::7",
                               .flags = 0x40,
                               .option = 2})),
            NeighborFault::kMalformed)
      << "an answer to a group";
  EXPECT_EQ(fault_of(nd_frame({.type = 136,
                               .source = "fd00:1::7",
                               .target = "fd00:1::fe",
                               .subject = "fd00:1::7",
                               .option = 2,
                               .mac = {0x33, 0x33, 0, 0, 0, 1}})),
            NeighborFault::kMalformed)
      << "a group's link address";
}

TEST(NeighborMessage, LeavesRouterDiscoveryToOthers) {
  const Bytes frame =
      tests::frame6({.protocol = 58, .hop_limit = 255}, tests::icmp_message(133, 0, 0));
  EXPECT_EQ(fault_of(frame), NeighborFault::kOther);
}

}  // namespace
}  // namespace twinplane::dataplane
