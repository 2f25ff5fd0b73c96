// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <stdexcept>

#include "dataplane/fragment.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

constexpr std::uint16_t kScope = 1;
constexpr tables::HashSeed kSeed{42};

PacketView view_of(const Bytes& frame) {
  PacketView view;
  EXPECT_EQ(name(parse(frame, view)), "ok");
  return view;
}

// The first 56 bytes of a UDP datagram from port 5000.
PacketView first4(unsigned id = 1, unsigned source_port = 5000) {
  Bytes segment = udp_segment(source_port, 53, filler(48));
  put16(segment, 4, 136);
  return view_of(ethernet(0x0800) +
                 ip4_raw({.protocol = 17, .id = id, .fragment_field = 0x2000}, segment));
}

PacketView later4(unsigned offset_bytes, std::size_t bytes, bool more, unsigned id = 1) {
  const unsigned field = offset_bytes / 8 | (more ? 0x2000U : 0U);
  return view_of(ethernet(0x0800) +
                 ip4_raw({.protocol = 17, .id = id, .fragment_field = field}, filler(bytes)));
}

FragmentTable table_of(std::size_t entries = 64) {
  return FragmentTable({.entries = entries, .timeout_ms = 1000}, kSeed);
}

FragmentVerdict ask(FragmentTable& table, PacketView view, std::uint64_t now_ms = 0) {
  return table.on_fragment(view, kScope, now_ms);
}

TEST(FragmentTable, GivesLaterFragmentsThePortsOfTheirFirst) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  PacketView later = later4(56, 40, true);
  EXPECT_EQ(table.on_fragment(later, kScope, 1), FragmentVerdict::kKnown);
  EXPECT_EQ(later.source4.port_be, port_be(5000));
  EXPECT_EQ(later.target4.port_be, port_be(53));
  EXPECT_EQ(table.counters().opened, 1U);
  EXPECT_EQ(table.counters().followed, 1U);
}

TEST(FragmentTable, FindsTheTransportBehindExtensionsOfALaterIp6Fragment) {
  FragmentTable table = table_of();
  Bytes segment = udp_segment(5000, 53, filler(40));
  put16(segment, 4, 200);
  PacketView first =
      view_of(ethernet(0x86DD) +
              ip6_raw({.first_header = 44,
                       .extensions = fragment_header(60, 0, true, 9) + padding_options(17)},
                      segment));
  EXPECT_EQ(ask(table, first), FragmentVerdict::kKnown);
  PacketView later = view_of(
      ethernet(0x86DD) +
      ip6_raw({.first_header = 44, .extensions = fragment_header(60, 56, true, 9)}, filler(8)));
  EXPECT_EQ(table.on_fragment(later, kScope, 0), FragmentVerdict::kKnown);
  EXPECT_EQ(later.protocol, 17);
  EXPECT_EQ(later.source6.port_be, port_be(5000));
}

TEST(FragmentTable, KnowsNothingOfAFragmentBeforeItsFirstOrOfAnotherDatagram) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, later4(56, 40, true)), FragmentVerdict::kUnknown);
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(56, 40, true, 2)), FragmentVerdict::kUnknown);
  PacketView other_scope = later4(56, 40, true);
  EXPECT_EQ(table.on_fragment(other_scope, kScope + 1, 0), FragmentVerdict::kUnknown);
  PacketView other_protocol = later4(56, 40, true);
  other_protocol.protocol = 6;
  EXPECT_EQ(ask(table, other_protocol), FragmentVerdict::kUnknown);
  EXPECT_EQ(table.counters().no_first, 4U);
}

TEST(FragmentTable, ForgetsADatagramAfterTheTimeout) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, first4(), 5000), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(56, 40, true), 5999), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(96, 40, false), 6000), FragmentVerdict::kUnknown);
}

TEST(FragmentTable, ForgetsADatagramThatIsComplete) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(96, 40, false)), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(56, 40, true)), FragmentVerdict::kKnown);
  EXPECT_EQ(table.counters().completed, 1U);
  // The sender may use the same id again, from another port.
  EXPECT_EQ(ask(table, first4(1, 6000)), FragmentVerdict::kKnown);
  EXPECT_EQ(table.counters().overlapping, 0U);
}

TEST(FragmentTable, ToleratesTheSameFirstFragmentTwice) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  EXPECT_EQ(table.counters().opened, 1U);
}

TEST(FragmentTable, RefusesAWholeDatagramThatOverlapsItsFirstFragment) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(48, 40, true)), FragmentVerdict::kRefused);
  EXPECT_EQ(ask(table, later4(56, 40, true)), FragmentVerdict::kRefused);
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kRefused);
  EXPECT_EQ(table.counters().overlapping, 1U);
  EXPECT_EQ(table.counters().refused, 3U);
  EXPECT_EQ(ask(table, first4(), 1000), FragmentVerdict::kKnown)
      << "the refusal ends with the time-out";
}

TEST(FragmentTable, RefusesASecondFirstFragmentOrASecondEnd) {
  FragmentTable table = table_of();
  EXPECT_EQ(ask(table, first4()), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, first4(1, 6000)), FragmentVerdict::kRefused);
  EXPECT_EQ(ask(table, first4(2)), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(160, 40, false, 2)), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(120, 40, false, 2)), FragmentVerdict::kRefused);
  EXPECT_EQ(ask(table, first4(3)), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(160, 40, false, 3)), FragmentVerdict::kKnown);
  EXPECT_EQ(ask(table, later4(200, 40, true, 3)), FragmentVerdict::kRefused);
  EXPECT_EQ(table.counters().overlapping, 3U);
}

TEST(FragmentTable, ForgetsTheOldestWhenASetIsFull) {
  FragmentTable table = table_of(8);
  for (unsigned id = 0; id < 9; ++id)
    EXPECT_EQ(ask(table, first4(id), id), FragmentVerdict::kKnown);
  EXPECT_EQ(table.counters().evicted, 1U);
  EXPECT_EQ(ask(table, later4(56, 40, true, 0), 9), FragmentVerdict::kUnknown);
  for (unsigned id = 1; id < 9; ++id)
    EXPECT_EQ(ask(table, later4(56, 40, true, id), 9), FragmentVerdict::kKnown);
}

TEST(FragmentTable, ReusesExpiredEntriesBeforeItEvicts) {
  FragmentTable table = table_of(8);
  for (unsigned id = 0; id < 8; ++id) EXPECT_EQ(ask(table, first4(id), 0), FragmentVerdict::kKnown);
  for (unsigned id = 8; id < 16; ++id)
    EXPECT_EQ(ask(table, first4(id), 1000), FragmentVerdict::kKnown);
  EXPECT_EQ(table.counters().evicted, 0U);
}

TEST(FragmentTable, RefusesSizesThatAreNoPowerOfTwoOrOutOfRange) {
  for (const std::size_t entries :
       {std::size_t{0}, std::size_t{4}, std::size_t{100}, std::size_t{1} << 21U})
    EXPECT_THROW(table_of(entries), std::invalid_argument);
}

}  // namespace
}  // namespace twinplane::dataplane
