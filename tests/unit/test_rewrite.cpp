// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/parse.hpp"
#include "dataplane/rewrite.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;
using tables::Address4;
using tables::Address6;

constexpr unsigned kNatPort = 61234;

PacketView view_of(const Bytes& frame) {
  PacketView view;
  EXPECT_EQ(name(parse(frame, view)), "ok");
  return view;
}

// Both views say the same of the packet; the second comes from parsing what the first was kept up
// with.
void expect_same(const PacketView& kept, const PacketView& parsed) {
  EXPECT_EQ(kept.source4, parsed.source4);
  EXPECT_EQ(kept.target4, parsed.target4);
  EXPECT_EQ(kept.source6, parsed.source6);
  EXPECT_EQ(kept.target6, parsed.target6);
  EXPECT_EQ(kept.l3_offset, parsed.l3_offset);
  EXPECT_EQ(kept.l4_offset, parsed.l4_offset);
  EXPECT_EQ(kept.payload_offset, parsed.payload_offset);
  EXPECT_EQ(kept.vlan_count, parsed.vlan_count);
  EXPECT_EQ(kept.vlan_tcis, parsed.vlan_tcis);
  EXPECT_EQ(kept.ttl, parsed.ttl);
}

// Source NAT, then the whole way back: the frame is what it was.
template <class Address>
void translate_and_back(const Bytes& original, const Address& nat_address) {
  Bytes frame = original;
  PacketView view = view_of(frame);
  const Translation<Address> back{view.source<Address>(), view.target<Address>()};
  const bool has_ports = view.source<Address>().port_be != 0;
  const std::uint16_t nat_port_be = has_ports ? port_be(kNatPort) : std::uint16_t{0};
  const tables::Endpoint<Address> target = view.target<Address>();
  translate<Address>(frame, view, {{nat_address, nat_port_be}, target});

  const PacketView parsed = view_of(frame);
  expect_same(view, parsed);
  expect_right_checksums(frame, parsed);
  EXPECT_EQ(parsed.source<Address>().address, nat_address);
  EXPECT_EQ(parsed.source<Address>().port_be, nat_port_be);
  EXPECT_EQ(parsed.target<Address>().address, target.address);
  if (view.l4_kind == L4Kind::kIcmpEcho) {
    EXPECT_EQ(parsed.target<Address>().port_be, nat_port_be);
  }
  if (view.l4_kind != L4Kind::kIcmpEcho) {
    EXPECT_EQ(parsed.target<Address>().port_be, target.port_be);
  }

  translate<Address>(frame, view, back);
  EXPECT_EQ(frame, original);
}

TEST(Translate, RewritesEachTransportOfIp4AndBack) {
  const Bytes data = filler(31);
  translate_and_back(frame4({}, tcp_segment(40000, 443, kTcpAck, {}, data)), kNat4);
  translate_and_back(frame4({.options = bytes_of({1, 1, 1, 0})}, tcp_segment(40000, 443, kTcpSyn)),
                     kNat4);
  translate_and_back(frame4({.protocol = 17}, udp_segment(5000, 53, data)), kNat4);
  translate_and_back(frame4({.protocol = 1}, icmp_message(8, 0, 0x77770001, data)), kNat4);
  translate_and_back(frame4({.protocol = 1}, icmp_message(13, 0, 0x77770001, data)), kNat4);
  translate_and_back(frame4({.protocol = 47}, data), kNat4);
}

TEST(Translate, RewritesEachTransportOfIp6AndBack) {
  const Bytes data = filler(31);
  translate_and_back(frame6({}, tcp_segment(40000, 443, kTcpAck, {}, data)), kNat6);
  translate_and_back(frame6({.first_header = 60, .extensions = padding_options(6)},
                            tcp_segment(40000, 443, kTcpSyn)),
                     kNat6);
  translate_and_back(frame6({.protocol = 17}, udp_segment(5000, 53, data)), kNat6);
  translate_and_back(frame6({.protocol = 58}, icmp_message(128, 0, 0x77770001, data)), kNat6);
  translate_and_back(frame6({.protocol = 58}, icmp_message(2, 0, 1400, data)), kNat6);
  translate_and_back(frame6({.protocol = 47}, data), kNat6);
}

TEST(Translate, TakesTheNewIdentifierFromEitherEnd) {
  Bytes frame = frame4({.protocol = 1}, icmp_message(0, 0, 0x77770001));
  PacketView view = view_of(frame);
  translate<Address4>(frame, view, {view.source4, {kNat4, port_be(0x1111)}});
  EXPECT_EQ(view.source4.port_be, port_be(0x1111));
  const PacketView parsed = view_of(frame);
  expect_same(view, parsed);
  expect_right_checksums(frame, parsed);
}

TEST(Translate, LeavesAUdpPacketWithoutChecksumWithoutOne) {
  Bytes frame = ethernet(0x0800) + ip4_raw({.protocol = 17}, udp_segment(5000, 53, filler(9)));
  PacketView view = view_of(frame);
  translate<Address4>(frame, view, {{kNat4, port_be(kNatPort)}, view.target4});
  EXPECT_EQ(get16(frame, 40), 0U);
  Bytes six = ethernet(0x86DD) + ip6_raw({.protocol = 17}, udp_segment(5000, 53, filler(9)));
  view = view_of(six);
  translate<Address6>(six, view, {{kNat6, port_be(kNatPort)}, view.target6});
  EXPECT_EQ(get16(six, 60), 0U);
}

// One port makes the sum come out as 0: it must go out as 0xFFFF.
TEST(Translate, NeverMakesAUdpChecksumOfZero) {
  const Bytes original = frame4({.protocol = 17}, udp_segment(5000, 53, filler(8)));
  bool has_met_it = false;
  for (unsigned port = 1; port < 65536; ++port) {
    Bytes frame = original;
    PacketView view = view_of(frame);
    translate<Address4>(frame, view, {{kNat4, port_be(port)}, view.target4});
    ASSERT_NE(get16(frame, 40), 0U);
    if (get16(frame, 40) != 0xFFFF) continue;
    has_met_it = true;
    expect_right_checksums(frame, view);
  }
  EXPECT_TRUE(has_met_it);
}

TEST(Translate, ChangesOnlyAddressesOfLaterFragments) {
  const Bytes payload = filler(32);
  Bytes four = ethernet(0x0800) + ip4_raw({.protocol = 17, .fragment_field = 7}, payload);
  PacketView view = view_of(four);
  view.source4.port_be = port_be(5000);  // as the fragment table leaves it
  translate<Address4>(four, view, {{kNat4, port_be(kNatPort)}, view.target4});
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), four.begin() + 34));
  EXPECT_EQ(view_of(four).source4.address, kNat4);
  Bytes six =
      ethernet(0x86DD) +
      ip6_raw({.first_header = 44, .extensions = fragment_header(17, 56, false, 9)}, payload);
  view = view_of(six);
  translate<Address6>(six, view, {{kNat6, port_be(kNatPort)}, view.target6});
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), six.begin() + 62));
  EXPECT_EQ(view_of(six).source6.address, kNat6);
}

// The checksum of the whole datagram stands in its first fragment and comes right there.
TEST(Translate, MendsTheDatagramOfAFirstFragment) {
  const Ip4 ip{.protocol = 17};
  const Bytes datagram = with_l4_checksum4(ip, udp_segment(5000, 53, filler(100)));
  const Bytes start(datagram.begin(), datagram.begin() + 56);
  Bytes frame = ethernet(0x0800) + ip4_raw({.protocol = 17, .fragment_field = 0x2000}, start);
  PacketView view = view_of(frame);
  translate<Address4>(frame, view, {{kNat4, port_be(kNatPort)}, view.target4});
  Bytes whole(frame.begin() + 34, frame.end());
  append(whole, std::span(datagram).subspan(56));
  EXPECT_EQ(slow_l4_checksum(kNat4, kServer4, 17, whole), 0U);
}

TEST(Translate, LeavesTheTargetOutOfTheSumWhileARoutingHeaderHasSegmentsLeft) {
  const Address6 last_stop{0x20, 1, 0x0D, 0xB8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
  const Bytes segment = with_l4_checksum6({.target = last_stop}, tcp_segment(40000, 443, kTcpAck));
  Bytes frame =
      ethernet(0x86DD) +
      ip6_raw({.first_header = 43, .extensions = bytes_of({6, 0, 4, 1, 0, 0, 0, 0})}, segment);
  PacketView view = view_of(frame);
  translate<Address6>(frame, view, {{kNat6, port_be(kNatPort)}, {kClient6, view.target6.port_be}});
  EXPECT_EQ(slow_l4_checksum(kNat6, last_stop, 6, std::span(frame).subspan(view.l4_offset)), 0U);
}

TEST(DecrementTtl, MovesTheChecksumThroughAllValues) {
  Bytes four = frame4({.ttl = 255}, tcp_segment(1, 2, kTcpAck));
  Bytes six = frame6({.hop_limit = 255}, tcp_segment(1, 2, kTcpAck));
  PacketView view4 = view_of(four);
  PacketView view6 = view_of(six);
  for (int ttl = 254; ttl >= 0; --ttl) {
    decrement_ttl(four, view4);
    decrement_ttl(six, view6);
    ASSERT_EQ(view_of(four).ttl, ttl);
    ASSERT_EQ(view_of(six).ttl, ttl);
  }
}

TEST(WriteLinkHeader, ChangesAddressesAndTags) {
  const MacAddress target{2, 1, 1, 1, 1, 1};
  const MacAddress source{2, 2, 2, 2, 2, 2};
  const Bytes packet = ip4_packet({}, tcp_segment(1, 2, kTcpAck));
  const std::vector<Bytes> originals{
      ethernet(0x0800) + packet,
      ethernet(0x0800, {{0x8100, 0x6064}}) + packet,
      ethernet(0x0800, {{0x88A8, 0x2064}, {0x8100, 0x4065}}) + packet,
  };
  for (const Bytes& original : originals) {
    for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{300}}) {
      PacketView view = view_of(original);
      const LinkHeader header{.target = target, .source = source, .vlan = vlan};
      const std::ptrdiff_t growth = link_header_growth(view, header);
      Bytes frame = original;
      if (growth > 0) frame.insert(frame.begin(), static_cast<std::size_t>(growth), std::byte{0});
      if (growth < 0) frame.erase(frame.begin(), frame.begin() - growth);
      const unsigned priority =
          view.vlan_count == 0 ? 0U : view.vlan_tcis[view.vlan_count - 1U] & 0xF000U;
      write_link_header(frame, view, header);
      EXPECT_EQ(link_header_growth(view, header), 0);
      const PacketView parsed = view_of(frame);
      expect_same(view, parsed);
      EXPECT_EQ(parsed.vlan_tcis[0], vlan == 0 ? 0 : priority | vlan);
      EXPECT_TRUE(
          std::equal(target.begin(), target.end(), reinterpret_cast<std::uint8_t*>(frame.data())));
      EXPECT_TRUE(std::equal(source.begin(), source.end(),
                             reinterpret_cast<std::uint8_t*>(frame.data() + 6)));
    }
  }
}

}  // namespace
}  // namespace twinplane::dataplane
