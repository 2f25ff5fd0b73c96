// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <bitset>
#include <random>
#include <vector>

#include "dataplane/parse.hpp"
#include "dataplane/rss.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;
using tables::Address4;
using tables::Address6;
using tables::Endpoint;

// Toeplitz as it is defined: the first 32 bits of the key, shifted on for each bit of the input.
std::uint32_t slow_toeplitz(std::span<const std::uint8_t> key, std::span<const std::byte> input) {
  const auto key_bit = [&](std::size_t at) { return key[at / 8] >> (7 - at % 8) & 1; };
  std::uint32_t hash = 0;
  for (std::size_t at = 0; at < input.size() * 8; ++at) {
    if ((std::to_integer<int>(input[at / 8]) >> (7 - at % 8) & 1) == 0) continue;
    std::uint32_t window = 0;
    for (std::size_t bit = 0; bit < 32; ++bit)
      window = window << 1U | static_cast<std::uint32_t>(key_bit(at + bit));
    hash ^= window;
  }
  return hash;
}

template <class Address>
Bytes input_of(const Endpoint<Address>& source, const Endpoint<Address>& target, bool with_ports) {
  Bytes input;
  append(input, std::as_bytes(std::span(source.address)));
  append(input, std::as_bytes(std::span(target.address)));
  if (with_ports) {
    append(input, std::as_bytes(std::span(&source.port_be, 1)));
    append(input, std::as_bytes(std::span(&target.port_be, 1)));
  }
  return input;
}

template <class Address>
Endpoint<Address> random_endpoint(std::mt19937_64& random) {
  Endpoint<Address> endpoint;
  for (auto& byte : endpoint.address) byte = static_cast<std::uint8_t>(random());
  endpoint.port_be = static_cast<std::uint16_t>(random());
  return endpoint;
}

// The published vectors of Microsoft RSS: they prove the slow form, which then judges the fast one.
TEST(SlowToeplitz, GivesThePublishedVectors) {
  constexpr std::array<std::uint8_t, 40> kPublishedKey{
      0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
      0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
      0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

  struct Vector {
    Endpoint<Address4> source;
    Endpoint<Address4> target;
    std::uint32_t address_hash;
    std::uint32_t tuple_hash;
  };

  const std::vector<Vector> vectors{
      {{{66, 9, 149, 187}, port_be(2794)},
       {{161, 142, 100, 80}, port_be(1766)},
       0x323e8fc2,
       0x51ccc178},
      {{{199, 92, 111, 2}, port_be(14230)},
       {{65, 69, 140, 83}, port_be(4739)},
       0xd718262a,
       0xc626b0ea},
      {{{24, 19, 198, 95}, port_be(12898)},
       {{12, 22, 207, 184}, port_be(38024)},
       0xd2d0a5de,
       0x5c2b394a},
      {{{38, 27, 205, 30}, port_be(48228)},
       {{209, 142, 163, 6}, port_be(2217)},
       0x82989176,
       0xafc7327f},
      {{{153, 39, 163, 191}, port_be(44251)},
       {{202, 188, 127, 2}, port_be(1303)},
       0x5d1809c5,
       0x10e828a2},
  };
  for (const Vector& vector : vectors) {
    EXPECT_EQ(slow_toeplitz(kPublishedKey, input_of(vector.source, vector.target, false)),
              vector.address_hash);
    EXPECT_EQ(slow_toeplitz(kPublishedKey, input_of(vector.source, vector.target, true)),
              vector.tuple_hash);
  }
  const Endpoint<Address6> source{
      {0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7}, port_be(2794)};
  const Endpoint<Address6> target{
      {0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, 0, 0, 0, 0, 0, 0, 0, 1}, port_be(1766)};
  EXPECT_EQ(slow_toeplitz(kPublishedKey, input_of(source, target, false)), 0x2cc18cd5U);
  EXPECT_EQ(slow_toeplitz(kPublishedKey, input_of(source, target, true)), 0x40207d3dU);
}

template <class Address>
void expect_fast_equals_slow() {
  std::mt19937_64 random(3);
  for (int round = 0; round < 500; ++round) {
    const auto source = random_endpoint<Address>(random);
    const auto target = random_endpoint<Address>(random);
    ASSERT_EQ(tuple_hash(source, target), slow_toeplitz(kRssKey, input_of(source, target, true)));
    ASSERT_EQ(address_hash(source.address, target.address),
              slow_toeplitz(kRssKey, input_of(source, target, false)));
    ASSERT_EQ(tuple_hash(source, target), tuple_hash(target, source));
    const std::uint8_t protocol = round % 2 == 0 ? 6 : 17;
    const auto directed = tables::make_key(source, target, protocol, 0);
    ASSERT_EQ(flow_hash(directed.key), tuple_hash(source, target));
  }
}

TEST(FlowHash, EqualsTheDefinitionAndIsSymmetricForIp4) { expect_fast_equals_slow<Address4>(); }

TEST(FlowHash, EqualsTheDefinitionAndIsSymmetricForIp6) { expect_fast_equals_slow<Address6>(); }

TEST(FlowHash, OfAProtocolWithoutPortsIsTheAddressHash) {
  const Endpoint<Address4> source{kClient4, 0};
  const Endpoint<Address4> target{kServer4, 0};
  EXPECT_EQ(flow_hash(47, source, target), address_hash(kClient4, kServer4));
}

TEST(FlowHash, SpreadsEchoesByTheirIdentifierInBothDirections) {
  std::bitset<8> partitions;
  for (unsigned identifier = 0; identifier < 256; ++identifier) {
    const Endpoint<Address4> source{kClient4, port_be(identifier)};
    const Endpoint<Address4> target{kServer4, port_be(identifier)};
    EXPECT_EQ(flow_hash(1, source, target), flow_hash(1, target, source));
    EXPECT_EQ(flow_hash(1, source, target), flow_hash(tables::make_key(target, source, 1, 0).key));
    partitions.set(partition_of(flow_hash(1, source, target), 8));
  }
  EXPECT_TRUE(partitions.all());
}

TEST(FlowHash, OfAViewIsThatOfItsEndpoints) {
  PacketView view;
  ASSERT_EQ(parse(frame6({}, tcp_segment(1, 2, kTcpAck)), view), ParseResult::kOk);
  EXPECT_EQ(flow_hash(view), tuple_hash(view.source6, view.target6));
  EXPECT_TRUE(device_hash_holds(view));
}

TEST(DeviceHashHolds, OnlyWhereADeviceSeesThePorts) {
  const auto holds = [](const Bytes& frame) {
    PacketView view;
    EXPECT_EQ(parse(frame, view), ParseResult::kOk);
    return device_hash_holds(view);
  };
  const Bytes segment = tcp_segment(1, 2, kTcpAck, {}, filler(4));
  EXPECT_TRUE(holds(frame4({}, segment)));
  EXPECT_FALSE(holds(ethernet(0x0800) + ip4_raw({.fragment_field = 0x2000}, segment)));
  EXPECT_FALSE(holds(frame4({.protocol = 1}, icmp_message(8, 0, 0))));
  EXPECT_FALSE(holds(frame6({.first_header = 60, .extensions = padding_options(6)}, segment)));
}

TEST(PortHash, AddsToAnyHashAndHasAnInverse) {
  const Endpoint<Address4> server{kServer4, port_be(443)};
  const std::uint32_t without = tuple_hash(server, {kNat4, 0});
  for (unsigned port = 0; port < 65536; ++port) {
    const std::uint16_t hash = port_hash(static_cast<std::uint16_t>(port));
    ASSERT_EQ(port_with_hash(hash), port);
    ASSERT_EQ(tuple_hash(server, {kNat4, port_be(port)}) & 0xFFFFU, (without ^ hash) & 0xFFFFU);
  }
}

// No two partitions can give out the same reply tuple, and between them they can give out every
// port.
template <class Address>
void expect_ports_are_divided(std::uint8_t protocol, const Endpoint<Address>& server,
                              const Address& nat_address) {
  const ReplyBase base = ReplyBase::of(protocol, server, nat_address);
  for (const std::uint32_t count : {1U, 4U, 256U}) {
    std::bitset<65536> given;
    for (std::uint32_t partition = 0; partition < count; ++partition) {
      for (std::uint32_t n = 0; n < 65536 / count; ++n) {
        const std::uint16_t port = base.nth_port(n, partition, count);
        ASSERT_FALSE(given[port]);
        given.set(port);
        ASSERT_EQ(base.partition_with(port, count), partition);
        const std::uint16_t server_port_be = protocol == 6 ? server.port_be : port_be(port);
        const Endpoint<Address> reply_from{server.address, server_port_be};
        ASSERT_EQ(
            partition_of(flow_hash(protocol, reply_from, {nat_address, port_be(port)}), count),
            partition);
      }
    }
    EXPECT_TRUE(given.all());
  }
}

TEST(ReplyBase, DividesAllPortsBetweenPartitions) {
  expect_ports_are_divided<Address4>(6, {kServer4, port_be(443)}, kNat4);
  expect_ports_are_divided<Address6>(6, {kServer6, port_be(443)}, kNat6);
}

TEST(ReplyBase, DividesAllEchoIdentifiersBetweenPartitions) {
  expect_ports_are_divided<Address4>(1, {kServer4, port_be(77)}, kNat4);
  expect_ports_are_divided<Address6>(58, {kServer6, port_be(77)}, kNat6);
}

TEST(PartitionOf, UsesTheLowBitsThatARedirectionTableUses) {
  EXPECT_EQ(partition_of(0x12345678, 1), 0U);
  EXPECT_EQ(partition_of(0x12345678, 16), 8U);
  EXPECT_EQ(partition_of(0x12345678, 256), 0x78U);
}

}  // namespace
}  // namespace twinplane::dataplane
