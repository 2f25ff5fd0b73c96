// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <random>

#include "dataplane/checksum.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

unsigned in_host_order(std::uint16_t value_be) { return network_order(value_be); }

TEST(Checksum, EqualsTheExampleOfRfc1071) {
  const Bytes example = bytes_of({0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7});
  EXPECT_EQ(in_host_order(checksum_be(example)), 0xFFFFU - 0xDDF2U);
}

TEST(Checksum, EqualsTheSlowOneForEveryLengthAndAlignment) {
  std::mt19937_64 random(1);
  Bytes bytes(1600);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  for (std::size_t start = 0; start < 4; ++start) {
    for (std::size_t length = 0; length < 300; ++length) {
      const auto part = std::span(bytes).subspan(start, length);
      ASSERT_EQ(in_host_order(checksum_be(part)), slow_checksum(part));
    }
  }
}

TEST(Checksum, DoesNotOverflowOverTheLargestPacketOfOnes) {
  const Bytes ones(65535, std::byte{0xFF});
  EXPECT_EQ(in_host_order(checksum_be(ones)), slow_checksum(ones));
}

TEST(Checksum, CoversThePseudoHeaderOfBothFamilies) {
  const Bytes segment = tcp_segment(1, 2, 0x10, {}, filler(33));
  EXPECT_EQ(in_host_order(l4_checksum_be(kClient4, kServer4, 6, segment)),
            slow_l4_checksum(kClient4, kServer4, 6, segment));
  EXPECT_EQ(in_host_order(l4_checksum_be(kClient6, kServer6, 58, segment)),
            slow_l4_checksum(kClient6, kServer6, 58, segment));
  const Bytes sealed = with_l4_checksum4({}, segment);
  EXPECT_EQ(l4_checksum_be(kClient4, kServer4, 6, sealed), 0);
}

TEST(Checksum, SendsAComputedUdpZeroAsOnes) {
  EXPECT_EQ(udp_wire_checksum_be(0), 0xFFFF);
  EXPECT_EQ(udp_wire_checksum_be(0x1234), 0x1234);
}

TEST(ChecksumDelta, GivesTheExampleOfRfc1624) {
  // Section 4: checksum 0xDD2F, a field goes from 0x5555 to 0x3285, the new checksum is 0x0000.
  ChecksumDelta delta;
  delta.replace(std::uint16_t{0x5555}, std::uint16_t{0x3285});
  EXPECT_EQ(delta.apply(0xDD2F), 0x0000);
}

// Whatever is changed, the moved checksum is the one that a full computation gives, bit for bit.
TEST(ChecksumDelta, EqualsAFullComputationAfterRandomChanges) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 50'000; ++round) {
    Bytes header(40);
    // Few distinct bytes make sums that end at 0x0000 and 0xFFFF likely.
    for (std::byte& byte : header)
      byte = static_cast<std::byte>(random() % 3 == 0 ? random() : random() % 2 * 255);
    put16(header, 10, 0);
    header[0] = std::byte{0x45};
    const std::uint16_t before_be = checksum_be(header);
    ChecksumDelta delta;
    const auto change = [&]<class Value>(std::size_t at, Value value) {
      delta.replace(load_raw<Value>(header.data() + at), value);
      store_raw(header.data() + at, value);
    };
    const auto address_byte = [&] { return static_cast<std::uint8_t>(random() % 2 * 255); };
    tables::Address6 six;
    for (auto& byte : six) byte = address_byte();
    change(4, static_cast<std::uint16_t>(random() % 2 * 0xFFFF));
    change(12, static_cast<std::uint32_t>(random()));
    change(16, tables::Address4{address_byte(), address_byte(), address_byte(), address_byte()});
    change(20, six);
    ASSERT_EQ(delta.apply(before_be), checksum_be(header));
  }
}

TEST(ChecksumDelta, KeepsAUdpChecksumOfZeroAndNeverMakesOne) {
  ChecksumDelta delta;
  delta.replace(std::uint16_t{0x5555}, std::uint16_t{0x3285});
  EXPECT_EQ(delta.apply_udp(0), 0);
  EXPECT_EQ(delta.apply_udp(0xDD2F), 0xFFFF);
}

}  // namespace
}  // namespace twinplane::dataplane
