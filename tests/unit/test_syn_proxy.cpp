// SPDX-License-Identifier: BSD-3-Clause
// The packets of a handshake in another's name, and the cookies in them.
#include <gtest/gtest.h>

#include "dataplane/cookie_guard.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/packet_checks.hpp"
#include "tests/support/parse_helpers.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::bytes_of;
using tests::frame4;
using tests::frame6;
using tests::tcp_segment;
using tests::view_of;

constexpr MacAddress kMac{0, 0x1B, 0x17, 0, 1, 0};

Bytes framed(bool is_four, const Bytes& segment) {
  return is_four ? frame4({}, segment) : frame6({}, segment);
}

SynOffer offer_of(const Bytes& options, bool is_four = true) {
  const Bytes frame = framed(is_four, tcp_segment(40000, 443, kTcpSyn, options));
  return syn_offer(frame, view_of(frame));
}

TEST(SynOffer, ReadsMssAndSackWhereverTheyStand) {
  EXPECT_EQ(offer_of(bytes_of({2, 4, 5, 0xB4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7})),
            (SynOffer{1460, true}));
  EXPECT_EQ(offer_of(bytes_of({1, 1, 4, 2, 2, 4, 2, 0x18})), (SynOffer{536, true}));
  EXPECT_EQ(offer_of(bytes_of({2, 4, 5, 0xB4})), (SynOffer{1460, false}));
}

TEST(SynOffer, TakesForGrantedWhatIsNotSaid) {
  EXPECT_EQ(offer_of({}), (SynOffer{536, false}));
  EXPECT_EQ(offer_of({}, false), (SynOffer{1220, false}));
  EXPECT_EQ(offer_of(bytes_of({0, 0, 4, 2})), (SynOffer{536, false})) << "behind the end";
}

class BareSegmentTest : public testing::TestWithParam<bool> {
 protected:
  // The client's packet, with options and data, in a buffer with room behind it.
  BareSegmentTest() {
    frame_ = framed(GetParam(),
                    tcp_segment(40000, 443, kTcpAck | kTcpPsh,
                                bytes_of({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}), tests::filler(5)));
    view_ = view_of(frame_);
    frame_.resize(frame_.size() + 64);
  }

  PacketView become(const BareSegment& segment) {
    const std::size_t bytes = become_bare(frame_, view_, segment);
    EXPECT_GT(bytes, 0U);
    frame_.resize(bytes);
    const PacketView parsed = view_of(frame_);
    tests::expect_right_checksums(frame_, parsed);
    EXPECT_EQ(parsed.l3_bytes, view_.l3_bytes);
    EXPECT_EQ(parsed.l4_bytes, view_.l4_bytes);
    EXPECT_EQ(parsed.payload_offset, view_.payload_offset);
    EXPECT_EQ(parsed.payload_bytes, 0U);
    EXPECT_EQ(parsed.tcp.flags, segment.flags);
    EXPECT_EQ(parsed.tcp.sequence, segment.sequence);
    EXPECT_EQ(parsed.tcp.acknowledgement, segment.acknowledgement);
    EXPECT_EQ(parsed.tcp.window, segment.window);
    EXPECT_EQ(parsed.tcp.window_scale, kNoWindowScale);
    return parsed;
  }

  Bytes frame_;
  PacketView view_;
};

INSTANTIATE_TEST_SUITE_P(Families, BareSegmentTest, testing::Bool());

TEST_P(BareSegmentTest, IsASynWithItsOffer) {
  const PacketView parsed =
      become({.sequence = 7, .window = 64240, .flags = kTcpSyn, .offer = {1400, true}});
  EXPECT_EQ(syn_offer(frame_, parsed), (SynOffer{1400, true}));
  EXPECT_EQ(parsed.l4_bytes, 28U);
}

TEST_P(BareSegmentTest, OffersNoSackWhereThereIsNone) {
  const PacketView parsed = become({.sequence = 7,
                                    .acknowledgement = 9,
                                    .window = 0,
                                    .flags = kTcpSyn | kTcpAck,
                                    .offer = {536, false}});
  EXPECT_EQ(syn_offer(frame_, parsed), (SynOffer{536, false}));
  EXPECT_EQ(parsed.l4_bytes, 24U);
}

TEST_P(BareSegmentTest, IsAnAcknowledgementWithoutOptions) {
  EXPECT_EQ(become({.sequence = 7, .acknowledgement = 9, .window = 1, .flags = kTcpAck}).l4_bytes,
            20U);
}

TEST_P(BareSegmentTest, HasNoRoomInATightBuffer) {
  Bytes small = framed(GetParam(), tcp_segment(40000, 443, kTcpAck));
  PacketView view = view_of(small);
  EXPECT_EQ(become_bare(small, view, {.flags = kTcpSyn, .offer = {1400, true}}), 0U);
  EXPECT_EQ(become_bare(small, view, {.flags = kTcpAck}), small.size());
}

TEST_P(BareSegmentTest, TurnedRoundItIsTheOtherEnds) {
  const PacketView before = view_;
  frame_.resize(frame_.size() - 64);
  turn_round(frame_, view_, kMac);
  const PacketView parsed = view_of(frame_);
  tests::expect_right_checksums(frame_, parsed);
  if (GetParam()) {
    EXPECT_EQ(parsed.source4, before.target4);
    EXPECT_EQ(parsed.target4, before.source4);
  } else {
    EXPECT_EQ(parsed.source6, before.target6);
    EXPECT_EQ(parsed.target6, before.source6);
  }
  EXPECT_EQ(parsed.ttl, 64U);
  EXPECT_EQ(Bytes(frame_.begin(), frame_.begin() + 6), bytes_of({2, 0, 0, 0, 0, 0x0A}));
  EXPECT_TRUE(std::ranges::equal(std::span(frame_).subspan(6, 6), std::as_bytes(std::span(kMac))));
}

TEST(IsPlainTcp, HasNeitherOptionsNorExtensionsNorFragments) {
  const Bytes segment = tcp_segment(40000, 443, kTcpSyn);
  EXPECT_TRUE(is_plain_tcp(view_of(frame4({}, segment))));
  EXPECT_TRUE(is_plain_tcp(view_of(frame6({}, segment))));
  EXPECT_FALSE(is_plain_tcp(view_of(frame4({.options = bytes_of({1, 1, 1, 1})}, segment))));
  EXPECT_FALSE(is_plain_tcp(view_of(frame4({.protocol = 17}, tests::udp_segment(1, 2)))));
}

constexpr std::string_view kCookies =
    "[[zone_protection]]\nzone = \"untrust\"\n"
    "syn = { activate = 1, maximum = 2, action = \"syn-cookies\" }\n";

class CookieGuardTest : public testing::Test {
 protected:
  CookieGuardTest() { guard_.set_time(100'000); }

  // What the client sends when it was told the cookie.
  static PacketView shown(PacketView syn, std::uint32_t cookie, std::uint32_t sequence_ahead = 1) {
    syn.tcp.flags = kTcpAck;
    syn.tcp.sequence += sequence_ahead;
    syn.tcp.acknowledgement = cookie + 1;
    return syn;
  }

  Config config_ = parse_config(std::string(tests::kConfigText) + std::string(kCookies), "t");
  CookieGuard guard_{config_, SipKey{1, 2}};
  PacketView syn_ = view_of(frame4({}, tests::syn()));
};

TEST_F(CookieGuardTest, ServesTheZonesThatAskForCookies) {
  EXPECT_FALSE(guard_.serves(0));
  EXPECT_TRUE(guard_.serves(1));
}

TEST_F(CookieGuardTest, KnowsTheSynBehindAnAcknowledgement) {
  for (const PacketView& syn : {syn_, view_of(frame6({}, tests::syn()))}) {
    const std::uint32_t cookie = guard_.make(syn, {1460, true});
    const auto known = guard_.try_know(shown(syn, cookie));
    ASSERT_TRUE(known);
    EXPECT_EQ(known->client_sequence, syn.tcp.sequence);
    EXPECT_EQ(known->cookie, cookie);
    EXPECT_TRUE(known->offer.has_sack);
    EXPECT_LE(known->offer.mss, 1460);
    EXPECT_GE(known->offer.mss, 1420);
  }
}

TEST_F(CookieGuardTest, KnowsItBehindTheProbeOfAWindowOfZero) {
  const auto known = guard_.try_know(shown(syn_, guard_.make(syn_, {1460, false}), 0));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->client_sequence, syn_.tcp.sequence);
}

TEST_F(CookieGuardTest, KnowsNothingElse) {
  const std::uint32_t cookie = guard_.make(syn_, {1460, false});
  EXPECT_FALSE(guard_.try_know(shown(syn_, cookie, 2)));
  EXPECT_FALSE(guard_.try_know(shown(syn_, cookie + 1)));
  for (const std::uint8_t flags : {kTcpRst, kTcpFin, kTcpSyn}) {
    PacketView other = shown(syn_, cookie);
    other.tcp.flags = static_cast<std::uint8_t>(kTcpAck | flags);
    EXPECT_FALSE(guard_.try_know(other));
  }
  PacketView other = shown(syn_, cookie);
  other.source4.port_be ^= 1U;
  EXPECT_FALSE(guard_.try_know(other)) << "another's";
  guard_.set_time(100'000 + 200);
  EXPECT_FALSE(guard_.try_know(shown(syn_, cookie))) << "too old";
}

TEST_F(CookieGuardTest, BothBoxesKnowTheCookiesOfOneSecret) {
  CookieGuard peer(config_, SipKey{1, 2});
  CookieGuard stranger(config_, SipKey{1, 3});
  peer.set_time(100'030);
  stranger.set_time(100'030);
  const PacketView packet = shown(syn_, guard_.make(syn_, {1460, false}));
  EXPECT_TRUE(peer.try_know(packet));
  EXPECT_FALSE(stranger.try_know(packet));
}

TEST_F(CookieGuardTest, OffersWhatFitsThroughEveryPort) {
  EXPECT_EQ(guard_.own_mss(PacketKind::kIp4), 1460);
  EXPECT_EQ(guard_.own_mss(PacketKind::kIp6), 1440);
}

}  // namespace
}  // namespace twinplane::dataplane
