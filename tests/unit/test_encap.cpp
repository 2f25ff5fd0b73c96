// SPDX-License-Identifier: BSD-3-Clause
// What one box puts in front of a frame the other takes off, in all three transports over both IP
// versions, and nothing else is believed: each byte of the outer headers that is changed must give
// a named refusal or the same frame.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ha2/encap.hpp"

namespace twinplane::ha2 {
namespace {

EncapConfig box(Transport transport, bool is_ip6, bool is_first) {
  EncapConfig config;
  config.transport = transport;
  config.is_ip6 = is_ip6;
  const tables::Address4 a4{169, 254, 1, 1}, b4{169, 254, 1, 2};
  const tables::Address6 a6{0xFE, 0x80, 1}, b6{0xFE, 0x80, 2};
  config.local4 = is_first ? a4 : b4;
  config.peer4 = is_first ? b4 : a4;
  config.local6 = is_first ? a6 : b6;
  config.peer6 = is_first ? b6 : a6;
  config.local_mac = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(is_first ? 1 : 2)};
  return config;
}

std::vector<std::byte> packet_of(const EncapConfig& config, std::size_t frame_bytes) {
  std::vector<std::byte> packet(encap_bytes(config) + frame_bytes);
  for (std::size_t i = 0; i < frame_bytes; ++i)
    packet[encap_bytes(config) + i] = static_cast<std::byte>(i * 7 + 1);
  write_encap(config, 5, packet, std::span(packet).subspan(encap_bytes(config)));
  return packet;
}

struct Case {
  Transport transport;
  bool is_ip6;
};

class Encap : public testing::TestWithParam<Case> {
 protected:
  EncapConfig sender_ = box(GetParam().transport, GetParam().is_ip6, true);
  EncapConfig receiver_ = box(GetParam().transport, GetParam().is_ip6, false);
};

TEST_P(Encap, IsTakenOffByThePeerAsItWasPutOn) {
  for (const std::size_t frame_bytes : {40U, 41U, 1400U}) {
    const std::vector<std::byte> packet = packet_of(sender_, frame_bytes);
    const Opened opened = open_encap(receiver_, packet);
    ASSERT_EQ(opened.error, EncapError::kNone);
    ASSERT_EQ(opened.frame.size(), frame_bytes);
    EXPECT_TRUE(std::ranges::equal(opened.frame, std::span(packet).subspan(encap_bytes(sender_))));
    EXPECT_EQ(opened.source_mac, sender_.local_mac);
  }
}

TEST_P(Encap, ReadsNothingPastACutPacket) {
  const std::vector<std::byte> packet = packet_of(sender_, 60);
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
    // A buffer of exactly that size, so that a sanitizer sees a read behind it.
    const std::vector<std::byte> cut(packet.begin(),
                                     packet.begin() + static_cast<std::ptrdiff_t>(bytes));
    const Opened opened = open_encap(receiver_, cut);
    if (bytes < encap_bytes(sender_)) {
      EXPECT_NE(opened.error, EncapError::kNone) << bytes;
    }
  }
}

TEST_P(Encap, RefusesAnyChangedAddressProtocolPortOrChecksum) {
  const std::vector<std::byte> packet = packet_of(sender_, 60);
  std::size_t refused_count = 0;
  for (std::size_t at = 12; at < encap_bytes(sender_); ++at) {
    std::vector<std::byte> damaged = packet;
    damaged[at] ^= std::byte{0x10};
    const Opened opened = open_encap(receiver_, damaged);
    refused_count += opened.error != EncapError::kNone ? 1 : 0;
    EXPECT_LE(opened.frame.size(), damaged.size());
  }
  EXPECT_GE(refused_count, 2U);
}

TEST_P(Encap, LeavesTheWholeMtuToTheFrame) {
  EXPECT_EQ(frame_bytes_for_mtu(sender_, 1500) + encap_bytes(sender_), 1500U + 14U);
  EXPECT_EQ(frame_bytes_for_mtu(sender_, 9000) + encap_bytes(sender_), 9000U + 14U);
}

INSTANTIATE_TEST_SUITE_P(All, Encap,
                         testing::Values(Case{Transport::kEthernet, false},
                                         Case{Transport::kIp, false}, Case{Transport::kIp, true},
                                         Case{Transport::kUdp, false},
                                         Case{Transport::kUdp, true}));

TEST(EncapNumbers, AreTheOnesOnTheWire) {
  const std::vector<std::byte> ethernet = packet_of(box(Transport::kEthernet, false, true), 40);
  EXPECT_EQ(ethernet[12], std::byte{0x72});
  EXPECT_EQ(ethernet[13], std::byte{0x61});
  const std::vector<std::byte> ip = packet_of(box(Transport::kIp, false, true), 40);
  EXPECT_EQ(ip[14 + 9], std::byte{99});
  const std::vector<std::byte> udp = packet_of(box(Transport::kUdp, false, true), 40);
  EXPECT_EQ(udp[14 + 20 + 2], std::byte{29281 >> 8});
  EXPECT_EQ(udp[14 + 20 + 3], std::byte{29281 & 0xFF});
}

TEST(EncapUdp, LetsThePartitionChooseTheSourcePort) {
  const EncapConfig config = box(Transport::kUdp, false, true);
  std::vector<std::byte> first(encap_bytes(config) + 40), second(encap_bytes(config) + 40);
  write_encap(config, 1, first, std::span(first).subspan(encap_bytes(config)));
  write_encap(config, 2, second, std::span(second).subspan(encap_bytes(config)));
  EXPECT_NE(std::memcmp(first.data() + 34, second.data() + 34, 2), 0);
}

}  // namespace
}  // namespace twinplane::ha2
