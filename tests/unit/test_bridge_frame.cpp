// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/bridge_frame.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::operator+;
using tests::ethernet;

struct Read {
  BridgeFrameFault fault;
  BridgeFrame frame;
};

Read read(const Bytes& bytes) {
  Read result{};
  result.fault = read_bridge_frame(bytes, result.frame);
  return result;
}

Bytes sent_to(std::initializer_list<int> target) {
  Bytes frame = ethernet(0x0806) + Bytes(46);
  std::ranges::copy(tests::bytes_of(target), frame.begin());
  return frame;
}

TEST(BridgeFrame, SaysWhoSendsToWhomInWhichVlan) {
  const Read plain = read(ethernet(0x0800) + Bytes(46));
  EXPECT_EQ(plain.fault, BridgeFrameFault::kNone);
  EXPECT_EQ(plain.frame.source, (MacAddress{2, 0, 0, 0, 0, 0x0A}));
  EXPECT_EQ(plain.frame.target, (MacAddress{2, 0, 0, 0, 0, 0x0B}));
  EXPECT_EQ(plain.frame.vlan, 0);
  EXPECT_EQ(plain.frame.l3_offset, 14);
  EXPECT_TRUE(plain.frame.is_ip());
  const Read tagged = read(ethernet(0x0806, {{0x8100, 0x600A}}) + Bytes(46));
  EXPECT_EQ(tagged.frame.vlan, 10);
  EXPECT_EQ(tagged.frame.ether_type, 0x0806);
  EXPECT_EQ(tagged.frame.l3_offset, 18);
  EXPECT_FALSE(tagged.frame.is_ip());
}

TEST(BridgeFrame, TakesAPriorityAloneForUntagged) {
  EXPECT_EQ(read(ethernet(0x0800, {{0x8100, 0xE000}}) + Bytes(46)).frame.vlan, 0);
}

TEST(BridgeFrame, RefusesTagsThatItDoesNotRead) {
  EXPECT_EQ(read(ethernet(0x0800, {{0x8100, 10}, {0x8100, 11}}) + Bytes(46)).fault,
            BridgeFrameFault::kWrongTag);
  EXPECT_EQ(read(ethernet(0x0800, {{0x88A8, 10}}) + Bytes(46)).fault, BridgeFrameFault::kWrongTag);
  EXPECT_EQ(read(ethernet(0x0800, {{0x8100, 4095}}) + Bytes(46)).fault,
            BridgeFrameFault::kWrongTag);
}

TEST(BridgeFrame, RefusesWhatIsCutOrSentByNobody) {
  EXPECT_EQ(read(Bytes(13)).fault, BridgeFrameFault::kMalformed);
  EXPECT_EQ(read(ethernet(0x8100) + Bytes(3)).fault, BridgeFrameFault::kMalformed);
  Bytes frame = ethernet(0x0806) + Bytes(46);
  frame[6] = std::byte{3};
  EXPECT_EQ(read(frame).fault, BridgeFrameFault::kMalformed) << "a group";
  std::fill_n(frame.begin() + 6, 6, std::byte{0});
  EXPECT_EQ(read(frame).fault, BridgeFrameFault::kMalformed) << "nobody";
}

TEST(BridgeFrame, TellsKindsOfTargetApart) {
  EXPECT_EQ(read(sent_to({2, 0, 0, 0, 0, 1})).frame.target_kind, BridgeTarget::kUnicast);
  EXPECT_EQ(read(sent_to({1, 0, 0x5E, 0, 0, 1})).frame.target_kind, BridgeTarget::kMulticast);
  EXPECT_EQ(read(sent_to({255, 255, 255, 255, 255, 255})).frame.target_kind,
            BridgeTarget::kBroadcast);
  for (const int last : {0, 2, 0x0E, 0x0F})
    EXPECT_EQ(read(sent_to({1, 0x80, 0xC2, 0, 0, last})).frame.target_kind,
              BridgeTarget::kReserved);
  EXPECT_EQ(read(sent_to({1, 0x80, 0xC2, 0, 0, 0x10})).frame.target_kind, BridgeTarget::kMulticast);
  EXPECT_TRUE(read(sent_to({1, 0x80, 0xC2, 0, 0, 1})).frame.is_pause());
  EXPECT_FALSE(read(sent_to({1, 0x80, 0xC2, 0, 0, 0})).frame.is_pause());
}

TEST(BridgeFrame, TakesALengthForNoEtherType) {
  EXPECT_EQ(read(ethernet(0x05FF) + Bytes(46)).frame.ether_type, 0);
  EXPECT_EQ(read(ethernet(0x0600) + Bytes(46)).frame.ether_type, 0x0600);
}

}  // namespace
}  // namespace twinplane::dataplane
