// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string_view>
#include <vector>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/parse_helpers.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

// A valid frame of each kind, none with link padding.
std::vector<Bytes> valid_frames() {
  const Bytes data = filler(24);
  return {
      arp_request(),
      frame4({}, syn()),
      frame4({.options = bytes_of({7, 7, 4, 0, 0, 0, 0, 0})},
             tcp_segment(40000, 443, kTcpAck | kTcpPsh, {}, data)),
      ethernet(0x0800, {{0x8100, 0x6064}}) + ip4_packet({}, syn()),
      ethernet(0x86DD, {{0x88A8, 100}, {0x8100, 200}}) + ip6_packet({}, syn()),
      frame4({.protocol = 17}, udp_segment(5000, 53, data)),
      frame4({.protocol = 1}, icmp_message(8, 0, 0x77770001, data)),
      frame4({.protocol = 1},
             icmp_message(3, 4, 1400, ip4_packet({.source = kServer4, .target = kClient4}, syn()))),
      frame4({.protocol = 47}, data),
      frame4({.protocol = 17, .fragment_field = 0x2000}, udp_start(48)),
      ethernet(0x0800) + ip4_raw({.protocol = 17, .fragment_field = 7}, data),
      frame6({}, syn()),
      frame6({.first_header = 0, .extensions = padding_options(60) + padding_options(6)}, syn()),
      frame6({.protocol = 17}, udp_segment(5000, 53, data)),
      frame6({.protocol = 58}, icmp_message(128, 0, 0x77770001, data)),
      frame6({.protocol = 58},
             icmp_message(2, 0, 1400, ip6_packet({.source = kServer6, .target = kClient6}, syn()))),
      neighbor_solicitation(),
      ethernet(0x86DD) +
          ip6_raw({.first_header = 44, .extensions = fragment_header(6, 1448, false, 9)}, data),
  };
}

TEST(ParseResultNames, AreAllDifferent) {
  const std::set<std::string_view> names(kParseResultNames.begin(), kParseResultNames.end());
  EXPECT_EQ(names.size(), kParseResultCount);
  EXPECT_EQ(name(ParseResult::kOk), "ok");
  EXPECT_EQ(name(ParseResult::kLand), "land");
  EXPECT_EQ(name(ParseResult::kQuoteMalformed), "quote_malformed");
  EXPECT_EQ(name(ParseResult::kCount), "unknown");
}

TEST(Parse, DropsEachValidFrameCutAtAnyByte) {
  for (const Bytes& frame : valid_frames()) {
    ASSERT_EQ(name(result_of(frame)), "ok");
    for (std::size_t size = 0; size < frame.size(); ++size)
      EXPECT_NE(result_of(std::span(frame).first(size)), ParseResult::kOk) << size;
  }
}

TEST(Parse, GivesTheSameViewWhenTheLinkPadsTheFrame) {
  for (const Bytes& frame : valid_frames()) {
    const PacketView view = view_of(frame);
    const PacketView padded = view_of(frame + filler(46));
    EXPECT_EQ(padded.payload_bytes, view.payload_bytes);
    EXPECT_EQ(padded.l4_offset, view.l4_offset);
    EXPECT_EQ(padded.l3_bytes, view.l3_bytes);
  }
}

TEST(Parse, SurvivesRandomBytes) {
  std::mt19937_64 random(20240117);
  std::array<std::size_t, kParseResultCount> seen{};
  for (int round = 0; round < 100'000; ++round) {
    Bytes frame(random() % 120);
    for (std::byte& byte : frame) byte = static_cast<std::byte>(random());
    if (frame.size() > 16) {
      frame[6] &= std::byte{0xFE};
      constexpr std::array<unsigned, 5> kTypes{0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8};
      put16(frame, 12, kTypes[random() % kTypes.size()]);
      frame[14] = random() % 2 == 0 ? std::byte{0x45} : std::byte{0x60};
    }
    ++seen[static_cast<std::size_t>(result_of(frame))];
  }
  EXPECT_GT(seen[static_cast<std::size_t>(ParseResult::kFrameTooShort)], 0U);
}

// Bytes changed in valid frames reach deeper than random ones; IPv4's checksum is mended most of
// the time.

TEST(Parse, SurvivesDamagedFrames) {
  std::mt19937_64 random(20240118);
  const std::vector<Bytes> originals = valid_frames();
  constexpr std::array<unsigned, 12> kTelling{0, 1, 2, 4, 6, 17, 43, 44, 51, 58, 60, 255};
  std::array<std::size_t, kParseResultCount> seen{};
  for (int round = 0; round < 200'000; ++round) {
    Bytes frame = originals[random() % originals.size()];
    for (std::size_t count = random() % 4 + 1; count != 0; --count)
      frame[random() % frame.size()] = static_cast<std::byte>(
          random() % 2 == 0 ? random() : kTelling[random() % kTelling.size()]);
    if (random() % 8 == 0) frame.resize(random() % frame.size());
    const bool is_ip4 = frame.size() >= 34 && get16(frame, 12) == 0x0800;
    const std::size_t header_bytes =
        is_ip4 ? (std::to_integer<std::size_t>(frame[14]) & 0xFU) * 4 : 0;
    if (header_bytes >= 20 && header_bytes + 14 <= frame.size() && random() % 8 != 0)
      fix_ip4_checksum(frame, 14);
    PacketView view;
    const ParseResult result = parse_copy(frame, view);
    ++seen[static_cast<std::size_t>(result)];
    if (result != ParseResult::kOk) continue;
    EXPECT_LE(std::size_t{view.payload_offset} + view.payload_bytes, frame.size());
    if (view.kind == PacketKind::kArp) continue;
    EXPECT_LE(view.l3_offset + view.l3_bytes, frame.size());
    EXPECT_EQ(std::size_t{view.l4_offset} + view.l4_bytes, view.l3_offset + view.l3_bytes);
    EXPECT_GE(view.payload_offset, view.l4_offset);
  }
  const auto reached = std::ranges::count_if(seen, [](std::size_t count) { return count != 0; });
  EXPECT_GE(reached, 33) << "the damage no longer reaches most checks";
}

TEST(ParseEthernet, ReadsOneTagAndTwo) {
  const PacketView one = view_of(ethernet(0x0800, {{0x8100, 0x6064}}) + ip4_packet({}, syn()));
  EXPECT_EQ(one.vlan_count, 1);
  EXPECT_EQ(one.vlan_tcis[0] & kVlanNumberMask, 100);
  EXPECT_EQ(one.l3_offset, 18);
  EXPECT_EQ(one.ethertype, kEtherTypeIp4);
  const PacketView two =
      view_of(ethernet(0x0800, {{0x88A8, 100}, {0x8100, 200}}) + ip4_packet({}, syn()));
  EXPECT_EQ(two.vlan_count, 2);
  EXPECT_EQ(two.vlan_tcis[1], 200);
  EXPECT_EQ(two.l3_offset, 22);
}

TEST(ParseEthernet, DropsTagsThatAreStackedOtherwise) {
  const Bytes packet = ip4_packet({}, syn());
  EXPECT_EQ(result_of(ethernet(0x0800, {{0x8100, 1}, {0x8100, 2}}) + packet),
            ParseResult::kVlanTooDeep);
  EXPECT_EQ(result_of(ethernet(0x0800, {{0x88A8, 1}, {0x88A8, 2}}) + packet),
            ParseResult::kVlanTooDeep);
  EXPECT_EQ(result_of(ethernet(0x0800, {{0x88A8, 1}, {0x8100, 2}, {0x8100, 3}}) + packet),
            ParseResult::kVlanTooDeep);
}

TEST(ParseEthernet, DropsAGroupSenderAndWhatItDoesNotSpeak) {
  Bytes frame = frame4({}, syn());
  frame[6] |= std::byte{1};
  EXPECT_EQ(result_of(frame), ParseResult::kBadSourceMac);
  EXPECT_EQ(result_of(ethernet(0x88CC) + filler(40)), ParseResult::kNotForUs);
  EXPECT_EQ(result_of(ethernet(0x0040) + filler(64)), ParseResult::kNotForUs);
}

TEST(ParseArp, ReadsBothAddresses) {
  const PacketView view = view_of(arp_request());
  EXPECT_EQ(view.kind, PacketKind::kArp);
  EXPECT_EQ(view.arp_operation, kArpRequest);
  EXPECT_EQ(view.source4.address, kClient4);
  EXPECT_EQ(view.target4.address, kServer4);
}

TEST(ParseArp, DropsOtherHardwareOperationsAndGroupSenders) {
  for (const auto& [at, value] : {std::pair{15, 6}, {17, 1}, {18, 8}, {19, 16}, {21, 3}, {22, 1}}) {
    Bytes frame = arp_request();
    frame[static_cast<std::size_t>(at)] = static_cast<std::byte>(value);
    EXPECT_EQ(result_of(frame), ParseResult::kArpMalformed) << at;
  }
}

}  // namespace
}  // namespace twinplane::dataplane
