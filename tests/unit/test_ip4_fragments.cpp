// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "dataplane/ip4_fragments.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;

PacketView view_of(const Bytes& frame) {
  PacketView view;
  EXPECT_EQ(name(parse(frame, view)), "ok");
  return view;
}

std::vector<Bytes> cut(const Bytes& frame, std::uint16_t mtu_bytes) {
  const PacketView view = view_of(frame);
  const Ip4Fragments fragments(frame, view, mtu_bytes);
  std::vector<Bytes> pieces;
  for (std::size_t place = 0; place < fragments.count(); ++place) {
    Bytes piece(fragments.frame_bytes_max(), std::byte{0xEE});
    piece.resize(fragments.write(place, piece));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

// The body as a receiver puts it together, for pieces in order that fit and that parse() takes.
Bytes body_of(const std::vector<Bytes>& pieces, std::uint16_t mtu_bytes, std::size_t offset = 0,
              bool is_last_more = false) {
  Bytes body;
  for (const Bytes& piece : pieces) {
    const PacketView view = view_of(piece);
    EXPECT_LE(view.l3_bytes, mtu_bytes);
    EXPECT_EQ(piece.size(), view.l3_offset + view.l3_bytes) << "nothing behind it";
    EXPECT_EQ(view.fragment.offset_bytes, offset + body.size());
    EXPECT_EQ(view.fragment.more, is_last_more || &piece != &pieces.back());
    EXPECT_FALSE(view.dont_fragment);
    EXPECT_EQ(view.fragment.id, 0x1234U);
    append(body, std::span(piece).subspan(view.l4_offset, view.fragment.bytes));
  }
  return body;
}

Bytes raw_frame(const Ip4& ip, const Bytes& body) { return ethernet(0x0800) + ip4_raw(ip, body); }

TEST(Ip4Fragments, CutsAPacketThatIsPutTogetherAgain) {
  const Bytes datagram = with_l4_checksum4({.protocol = 17}, udp_segment(1, 2, filler(3001)));
  const Bytes frame = raw_frame({.protocol = 17, .fragment_field = 0}, datagram);
  for (const std::uint16_t mtu_bytes :
       std::to_array<std::uint16_t>({576, 577, 583, 1280, 1400, 1500, 3028})) {
    const std::vector<Bytes> pieces = cut(frame, mtu_bytes);
    const std::size_t each = (mtu_bytes - 20U) / 8 * 8;
    EXPECT_EQ(pieces.size(), (datagram.size() + each - 1) / each) << mtu_bytes;
    EXPECT_EQ(body_of(pieces, mtu_bytes), datagram) << mtu_bytes;
    for (const Bytes& piece : pieces)
      EXPECT_TRUE(std::equal(piece.begin(), piece.begin() + 14, frame.begin()));
  }
}

TEST(Ip4Fragments, FillsEachPieceButTheLast) {
  const Bytes frame =
      raw_frame({.protocol = 17, .fragment_field = 0}, udp_segment(1, 2, filler(1472)));
  const std::vector<Bytes> pieces = cut(frame, 1400);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].size(), 14U + 20U + 1376U);
  EXPECT_EQ(pieces[1].size(), 14U + 20U + 104U);
}

TEST(Ip4Fragments, CutsAFragmentInTheMiddleOfItsDatagram) {
  const Bytes body = filler(1480);
  for (const bool is_more : {true, false}) {
    const unsigned field = 1480U / 8U | (is_more ? 0x2000U : 0U);
    const Bytes frame = raw_frame({.protocol = 17, .fragment_field = field}, body);
    const std::vector<Bytes> pieces = cut(frame, 600);
    EXPECT_EQ(pieces.size(), 3U);
    EXPECT_EQ(body_of(pieces, 600, 1480, is_more), body);
  }
}

TEST(Ip4Fragments, CutsAFirstFragment) {
  Bytes body = udp_segment(1, 2, filler(1472));
  put16(body, 4, 4000);  // there is more of it
  const Bytes frame = raw_frame({.protocol = 17, .fragment_field = 0x2000}, body);
  EXPECT_EQ(body_of(cut(frame, 600), 600, 0, true), body);
}

TEST(Ip4Fragments, KeepsOptionsInThePiecesThatWantThem) {
  // Router alert is copied; record route and no-operation are not.
  const Bytes options = bytes_of({1, 148, 4, 0, 0, 7, 7, 4, 1, 2, 3, 4});
  const Bytes body = udp_segment(1, 2, filler(1400));
  const Bytes frame = raw_frame({.protocol = 17, .fragment_field = 0, .options = options}, body);
  const std::vector<Bytes> pieces = cut(frame, 600);
  ASSERT_GT(pieces.size(), 2U);
  EXPECT_EQ(body_of(pieces, 600), body);
  EXPECT_EQ(view_of(pieces[0]).l3_header_bytes(), 32U);
  EXPECT_TRUE(std::equal(options.begin(), options.end(), pieces[0].begin() + 34));
  for (std::size_t place = 1; place < pieces.size(); ++place) {
    EXPECT_EQ(view_of(pieces[place]).l3_header_bytes(), 24U);
    EXPECT_TRUE(std::equal(options.begin() + 1, options.begin() + 5, pieces[place].begin() + 34));
  }
}

TEST(Ip4Fragments, LeavesLinkPaddingOut) {
  Bytes frame = raw_frame({.protocol = 17, .fragment_field = 0}, udp_segment(1, 2, filler(1000)));
  const Bytes body(frame.begin() + 34, frame.end());
  frame.resize(frame.size() + 9, std::byte{0x55});
  EXPECT_EQ(body_of(cut(frame, 576), 576), body);
}

TEST(Ip4Fragments, KeepsTheVlanTag) {
  const Bytes body = udp_segment(1, 2, filler(1400));
  const Bytes frame =
      ethernet(0x0800, {{0x8100, 7}}) + ip4_raw({.protocol = 17, .fragment_field = 0}, body);
  const std::vector<Bytes> pieces = cut(frame, 700);
  EXPECT_EQ(body_of(pieces, 700), body);
  for (const Bytes& piece : pieces) EXPECT_EQ(view_of(piece).vlan_tcis[0], 7);
}

}  // namespace
}  // namespace twinplane::dataplane
