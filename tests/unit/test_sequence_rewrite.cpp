// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/bytes.hpp"
#include "dataplane/icmp_error.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/sequence_rewrite.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;
using tables::kFromClient;
using tables::kFromServer;
using tables::ShiftWay;

constexpr int kAck = 0x10, kSyn = 0x02;
// What tcp_segment() writes.
constexpr std::uint32_t kSequence = 0x01020304, kAcknowledgement = 0x0A0B0C0D;
// The client's numbers by 5; the server's by a base of its own and a text that is acknowledged.
constexpr ShiftWays kWays{ShiftWay{5, 0, 0, 0},
                          ShiftWay{0x90000000U, kAcknowledgement - 0x90000000U - 40, 20, 27}};

PacketView view_of(const Bytes& frame) {
  PacketView view;
  EXPECT_EQ(name(parse(frame, view)), "ok");
  return view;
}

std::uint32_t number_at(const Bytes& frame, std::size_t at) {
  return load_be<std::uint32_t>(frame.data() + at);
}

// A SACK option of one block, behind so many no-operations, and filled up to whole words.
Bytes sack_after(std::size_t no_operations, std::uint32_t from, std::uint32_t up_to) {
  Bytes options(no_operations, std::byte{1});
  Bytes sack = bytes_of({5, 10, 0, 0, 0, 0, 0, 0, 0, 0});
  put32(sack, 2, from);
  put32(sack, 6, up_to);
  append(options, sack);
  while (options.size() % 4 != 0) options.push_back(std::byte{0});
  return options;
}

TEST(SequenceRewrite, MovesWhatIsSentAndWhatIsAcknowledged) {
  for (const bool is_four : {true, false}) {
    const Bytes segment = tcp_segment(40000, 21, kAck, {}, bytes_of({1, 2, 3}));
    Bytes frame = is_four ? frame4({}, segment) : frame6({}, segment);
    PacketView view = view_of(frame);
    rewrite_sequences(frame, view, kWays, kFromClient);
    const PacketView parsed = view_of(frame);
    expect_right_checksums(frame, parsed);
    EXPECT_EQ(parsed.tcp.sequence, kSequence + 5);
    EXPECT_EQ(parsed.tcp.acknowledgement, kAcknowledgement - 0x90000000U - 7);
    EXPECT_EQ(view.tcp.sequence, parsed.tcp.sequence);
    EXPECT_EQ(view.tcp.acknowledgement, parsed.tcp.acknowledgement);
  }
}

TEST(SequenceRewrite, LeavesTheAcknowledgementOfAFirstSynAlone) {
  Bytes frame = frame4({}, tcp_segment(40000, 21, kSyn));
  PacketView view = view_of(frame);
  rewrite_sequences(frame, view, kWays, kFromClient);
  expect_right_checksums(frame, view_of(frame));
  EXPECT_EQ(view_of(frame).tcp.acknowledgement, kAcknowledgement);
}

// Options need no alignment, and a checksum that is changed by the difference must know.
TEST(SequenceRewrite, MovesBlocksAtEvenAndAtOddPlaces) {
  for (std::size_t no_operations = 0; no_operations < 4; ++no_operations) {
    const std::uint32_t from = kAcknowledgement + 1000, up_to = kAcknowledgement + 2448;
    Bytes frame = frame4({}, tcp_segment(40000, 21, kAck, sack_after(no_operations, from, up_to)));
    PacketView view = view_of(frame);
    rewrite_sequences(frame, view, kWays, kFromClient);
    expect_right_checksums(frame, view_of(frame));
    const std::size_t at = view.l4_offset + 20U + no_operations + 2U;
    EXPECT_EQ(number_at(frame, at), from - 0x90000000U - 7);
    EXPECT_EQ(number_at(frame, at + 4), up_to - 0x90000000U - 7);
  }
}

TEST(SequenceRewrite, NeverClaimsMoreOfATextThanItsReceiverHas) {
  const std::uint32_t text = kAcknowledgement - 40;  // as the receiver counts, 27 bytes long
  Bytes frame = frame4({}, tcp_segment(40000, 21, kAck, sack_after(2, text + 3, text + 500)));
  PacketView view = view_of(frame);
  rewrite_sequences(frame, view, kWays, kFromClient);
  EXPECT_EQ(number_at(frame, view.l4_offset + 24U), kWays[kFromServer].position + 20);
  frame = frame4({}, tcp_segment(40000, 21, kAck, sack_after(2, text - 100, text + 3)));
  view = view_of(frame);
  rewrite_sequences(frame, view, kWays, kFromClient);
  EXPECT_EQ(number_at(frame, view.l4_offset + 28U), kWays[kFromServer].position);
}

TEST(SequenceRewrite, StopsAtOptionsThatLieAboutTheirLength) {
  for (const Bytes& options :
       {bytes_of({5, 40, 1, 2}), bytes_of({5, 0, 1, 2}), bytes_of({5, 1, 5, 10}),
        bytes_of({8, 3, 1, 5}), bytes_of({0, 5, 10, 1}), bytes_of({1, 1, 1, 5})}) {
    Bytes frame = frame4({}, tcp_segment(40000, 21, kAck, options));
    PacketView view = view_of(frame);
    const Bytes before = frame;
    rewrite_sequences(frame, view, kWays, kFromClient);
    expect_right_checksums(frame, view_of(frame));
    EXPECT_TRUE(std::equal(frame.begin() + view.l4_offset + 20, frame.end(),
                           before.begin() + view.l4_offset + 20));
  }
}

// A router cuts what it quotes; the sender compares the number with what it has under way.
TEST(SequenceRewrite, GivesAQuotedPacketItsSendersNumbersBack) {
  for (const bool is_four : {true, false}) {
    const Bytes segment = tcp_segment(40000, 21, kAck, {}, Bytes(1400));
    const Bytes sent = is_four ? frame4({}, segment) : frame6({}, segment);
    Bytes left = sent;
    PacketView view = view_of(left);
    rewrite_sequences(left, view, kWays, kFromClient);
    IcmpErrorOrder order{.kind = IcmpErrorKind::kTooBig,
                         .mtu_bytes = 1280,
                         .source4 = kServer4,
                         .source6 = kServer6};
    Bytes error(kIcmpErrorFrameBytesMax);
    const IcmpErrorResult built = build_icmp_error(left, view, order, error);
    ASSERT_EQ(built.verdict, IcmpErrorVerdict::kBuilt);
    error.resize(built.frame_bytes);
    const PacketView error_view = view_of(error);
    PacketView quote;
    ASSERT_EQ(name(parse_quote(error, error_view, quote)), "ok");
    rewrite_quoted_sequences(error, error_view, quote, kWays, kFromClient);
    expect_right_checksums(error, view_of(error));
    EXPECT_EQ(quote.tcp.sequence, kSequence);
    const std::size_t quoted_bytes = error.size() - quote.l4_offset;
    EXPECT_TRUE(std::equal(error.end() - static_cast<std::ptrdiff_t>(quoted_bytes), error.end(),
                           sent.begin() + view.l4_offset))
        << "transport header and all behind it are the sender's own";
  }
}

TEST(SequenceRewrite, TouchesNothingButTheNumberOfAQuoteOfEightBytes) {
  const Bytes sent = frame4({}, tcp_segment(40000, 21, kAck));
  PacketView view = view_of(sent);
  Bytes quoted(sent.begin() + view.l3_offset, sent.begin() + view.l4_offset + 8);
  Bytes frame = frame4({.source = kServer4, .target = kClient4, .protocol = 1},
                       icmp_message(3, 1, 0, quoted));
  const PacketView error = view_of(frame);
  PacketView quote;
  ASSERT_EQ(name(parse_quote(frame, error, quote)), "ok");
  rewrite_quoted_sequences(frame, error, quote, kWays, kFromClient);
  expect_right_checksums(frame, view_of(frame));
  EXPECT_EQ(number_at(frame, frame.size() - 4), kSequence - 5);
}

}  // namespace
}  // namespace twinplane::dataplane
