// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/local_reply.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::operator+;

// With an odd number of bytes behind the header.
Bytes ping(int type) { return tests::icmp_message(type, 0, 0xABCD0001, tests::filler(57)); }

// The frame after reply_to_echo, which must have replied.
Bytes reply_to(Bytes frame) {
  const PacketView before = tests::parsed(frame);
  PacketView view = before;
  EXPECT_EQ(name(reply_to_echo(frame, view, tests::kInsideMac)), "local_replied");
  const PacketView after = tests::parsed(frame);
  EXPECT_EQ(view.source4, after.source4);
  EXPECT_EQ(view.source6, after.source6);
  EXPECT_EQ(view.ttl, after.ttl);
  EXPECT_EQ(view.icmp_type, after.icmp_type);
  EXPECT_EQ(after.source4, before.target4);
  EXPECT_EQ(after.target4, before.source4);
  EXPECT_EQ(after.source6, before.target6);
  EXPECT_EQ(after.target6, before.source6);
  EXPECT_EQ(after.l4_kind, L4Kind::kIcmpEcho);
  tests::expect_right_checksums(frame, after);
  return frame;
}

std::string_view verdict_of(Bytes frame) {
  const Bytes before = frame;
  PacketView view = tests::parsed(frame);
  const LocalReplyVerdict verdict = reply_to_echo(frame, view, tests::kInsideMac);
  EXPECT_EQ(frame, before) << "a refused frame stays as it is";
  return name(verdict);
}

TEST(LocalReply, AnswersAPing) {
  const Bytes request = tests::frame4({.protocol = 1, .ttl = 3}, ping(8));
  const Bytes reply = reply_to(request);
  EXPECT_EQ(tests::parsed(reply).icmp_type, 0U);
  EXPECT_EQ(tests::parsed(reply).ttl, 64U);
  EXPECT_EQ(tests::mac_at(reply, 0), tests::mac_at(request, 6));
  EXPECT_EQ(tests::mac_at(reply, 6), tests::kInsideMac);
  EXPECT_TRUE(std::equal(reply.begin() + 38, reply.end(), request.begin() + 38))
      << "identifier, number and data";
}

TEST(LocalReply, AnswersAPingOfIpv6) {
  const Bytes reply = reply_to(tests::frame6({.protocol = 58, .hop_limit = 255}, ping(128)));
  EXPECT_EQ(tests::parsed(reply).icmp_type, 129U);
  EXPECT_EQ(tests::parsed(reply).ttl, 64U);
}

TEST(LocalReply, KeepsTheTagAndTheOptions) {
  const Bytes options = tests::bytes_of({7, 7, 4, 0, 0, 0, 0, 0});  // record route
  const Bytes frame = tests::ethernet(0x0800, {{0x8100, 0x6064}}) +
                      tests::ip4_packet({.protocol = 1, .options = options}, ping(8));
  EXPECT_EQ(tests::parsed(reply_to(frame)).vlan_tcis[0], 0x6064U);
}

TEST(LocalReply, NamesWhatItDoesNotAnswer) {
  EXPECT_EQ(verdict_of(tests::frame4({.protocol = 1}, ping(0))), "local_not_echo_request");
  EXPECT_EQ(verdict_of(tests::frame4({.protocol = 1}, tests::icmp_message(8, 1, 0))),
            "local_not_echo_request");
  EXPECT_EQ(verdict_of(tests::frame4({}, tests::tcp_segment(1, 2, 2))), "local_not_echo_request");
  EXPECT_EQ(verdict_of(tests::ethernet(0x0800) +
                       tests::ip4_raw({.protocol = 1, .fragment_field = 0x2000},
                                      tests::icmp_message(8, 0, 1, tests::filler(56)))),
            "local_fragment");
  EXPECT_EQ(verdict_of(tests::frame6(
                {.protocol = 58, .first_header = 60, .extensions = tests::padding_options(58)},
                ping(128))),
            "local_extensions");
  Bytes broadcast = tests::frame4({.protocol = 1}, ping(8));
  std::fill_n(broadcast.begin(), 6, std::byte{0xFF});
  EXPECT_EQ(verdict_of(broadcast), "local_group");
  EXPECT_EQ(verdict_of(tests::frame6({.source = {}, .protocol = 58}, ping(128))),
            "local_no_single_source");
}

}  // namespace
}  // namespace twinplane::dataplane
