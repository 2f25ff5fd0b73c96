// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <memory>

#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;
using tables::Address4;
using tables::Address6;

constexpr unsigned kNatPort = 61234;

// The server's side complains about a packet that NAT sent it.
Bytes error4(const Bytes& quoted) {
  return frame4({.source = kServer4, .target = kNat4, .protocol = 1},
                icmp_message(3, 4, 1400, quoted));
}

Bytes error6(const Bytes& quoted) {
  return frame6({.source = kServer6, .target = kNat6, .protocol = 58},
                icmp_message(2, 0, 1400, quoted));
}

struct Parsed {
  PacketView error;
  PacketView quote;
  ParseResult result;
};

Parsed parse_both(std::span<const std::byte> frame) {
  Parsed parsed{};
  EXPECT_EQ(name(parse(frame, parsed.error)), "ok");
  EXPECT_EQ(parsed.error.l4_kind, L4Kind::kIcmpError);
  parsed.result = parse_quote(frame, parsed.error, parsed.quote);
  return parsed;
}

Bytes cut(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  return bytes;
}

TEST(ParseQuote, NamesTheFlowThatTheErrorIsAbout) {
  const Bytes tcp = tcp_segment(kNatPort, 443, kTcpAck, {}, filler(40));
  const Parsed four = parse_both(error4(cut(ip4_packet({.source = kNat4}, tcp), 28)));
  EXPECT_EQ(four.result, ParseResult::kOk);
  EXPECT_EQ(four.quote.source4, (tables::Endpoint<Address4>{kNat4, port_be(kNatPort)}));
  EXPECT_EQ(four.quote.target4, (tables::Endpoint<Address4>{kServer4, port_be(443)}));
  EXPECT_EQ(four.quote.protocol, 6);
  EXPECT_EQ(four.quote.tcp.sequence, 0x01020304U);
  const Ip6 behind_options{.source = kNat6, .first_header = 60, .extensions = padding_options(6)};
  const Parsed six = parse_both(error6(ip6_packet(behind_options, tcp)));
  EXPECT_EQ(six.result, ParseResult::kOk);
  EXPECT_EQ(six.quote.source6, (tables::Endpoint<Address6>{kNat6, port_be(kNatPort)}));
  EXPECT_EQ(six.quote.l4_kind, L4Kind::kTcp);
}

TEST(ParseQuote, DropsAQuoteCutAtAnyByteOfItsHeaders) {
  const Bytes four = ip4_packet({.source = kNat4}, tcp_segment(kNatPort, 443, kTcpAck));
  for (std::size_t size = 0; size < 28; ++size)
    EXPECT_EQ(parse_both(error4(cut(four, size))).result, ParseResult::kQuoteCut) << size;
  const Bytes six =
      ip6_packet({.source = kNat6, .first_header = 60, .extensions = padding_options(6)},
                 tcp_segment(kNatPort, 443, kTcpAck));
  for (std::size_t size = 0; size < 56; ++size)
    EXPECT_EQ(parse_both(error6(cut(six, size))).result, ParseResult::kQuoteCut) << size;
}

TEST(ParseQuote, DropsQuotesThatNameNoFlow) {
  const Bytes segment = udp_segment(1, 2, filler(8));
  const auto four = [](const Bytes& quoted) { return parse_both(error4(quoted)).result; };
  EXPECT_EQ(four(ip6_packet({.protocol = 17}, segment)), ParseResult::kQuoteMalformed);
  EXPECT_EQ(four(ip4_raw({.protocol = 17, .fragment_field = 3}, segment)),
            ParseResult::kQuoteMalformed);
  EXPECT_EQ(four(ip4_packet({.protocol = 1}, icmp_message(11, 0, 0))),
            ParseResult::kQuoteMalformed);
  const auto six = [](const Bytes& quoted) { return parse_both(error6(quoted)).result; };
  EXPECT_EQ(six(ip4_packet({.protocol = 17}, segment) + filler(20)), ParseResult::kQuoteMalformed);
  EXPECT_EQ(six(ip6_packet({.protocol = 58}, icmp_message(1, 0, 0))), ParseResult::kQuoteMalformed);
  EXPECT_EQ(
      six(ip6_raw({.first_header = 44, .extensions = fragment_header(17, 80, false, 1)}, segment)),
      ParseResult::kQuoteMalformed);
}

// The error reaches the client behind the NAT as if it had been about the client's own packet.
template <class Address>
void translate_and_back(const Bytes& original, const Address& client, unsigned port) {
  Bytes frame = original;
  Parsed parsed = parse_both(frame);
  ASSERT_EQ(parsed.result, ParseResult::kOk);
  expect_right_checksums(frame, parsed.error);
  const Translation<Address> back{parsed.quote.template source<Address>(),
                                  parsed.quote.template target<Address>()};
  const Translation<Address> back_error{parsed.error.template source<Address>(),
                                        parsed.error.template target<Address>()};
  const bool has_ports = parsed.quote.template source<Address>().port_be != 0;
  const std::uint16_t client_port_be = has_ports ? port_be(port) : std::uint16_t{0};
  translate_quote<Address>(frame, parsed.error, parsed.quote,
                           {{client, client_port_be}, back.target});
  translate<Address>(frame, parsed.error, {back_error.source, {client, 0}});

  const Parsed again = parse_both(frame);
  ASSERT_EQ(again.result, ParseResult::kOk);
  expect_right_checksums(frame, again.error);
  const bool is_quoted_whole = again.quote.l4_offset + again.quote.l4_bytes ==
                               again.quote.l3_offset + static_cast<int>(again.quote.l3_bytes);
  if (is_quoted_whole) expect_right_checksums(frame, again.quote);
  EXPECT_EQ(again.error.template target<Address>().address, client);
  EXPECT_EQ(again.quote.template source<Address>(), parsed.quote.template source<Address>());
  EXPECT_EQ(again.quote.template source<Address>(),
            (tables::Endpoint<Address>{client, client_port_be}));
  EXPECT_EQ(again.quote.template target<Address>(), parsed.quote.template target<Address>());

  translate_quote<Address>(frame, parsed.error, parsed.quote, back);
  translate<Address>(frame, parsed.error, back_error);
  EXPECT_EQ(frame, original);
}

TEST(TranslateQuote, MendsEveryChecksumOfIp4AndUndoesItself) {
  const Ip4 tcp{.source = kNat4};
  const Bytes segment = tcp_segment(kNatPort, 443, kTcpAck, {}, filler(9));
  for (const std::size_t size : {28U, 37U, 38U, 49U})
    translate_and_back(error4(cut(ip4_packet(tcp, segment), size)), kClient4, 40000);
  translate_and_back(
      error4(ip4_packet({.source = kNat4, .protocol = 17}, udp_segment(kNatPort, 53, filler(9)))),
      kClient4, 40000);
  translate_and_back(error4(ip4_raw({.source = kNat4, .protocol = 17}, udp_segment(kNatPort, 53))),
                     kClient4, 40000);
  translate_and_back(
      error4(ip4_packet({.source = kNat4, .protocol = 1}, icmp_message(8, 0, 0x77770001))),
      kClient4, 5);
  translate_and_back(error4(ip4_packet({.source = kNat4, .protocol = 47}, filler(20))), kClient4,
                     0);
}

TEST(TranslateQuote, MendsEveryChecksumOfIp6AndUndoesItself) {
  const Ip6 tcp{.source = kNat6, .first_header = 60, .extensions = padding_options(6)};
  const Bytes segment = tcp_segment(kNatPort, 443, kTcpAck, {}, filler(9));
  for (const std::size_t size : {56U, 65U, 66U, 77U})
    translate_and_back(error6(cut(ip6_packet(tcp, segment), size)), kClient6, 40000);
  translate_and_back(
      error6(ip6_packet({.source = kNat6, .protocol = 17}, udp_segment(kNatPort, 53, filler(9)))),
      kClient6, 40000);
  translate_and_back(
      error6(ip6_packet({.source = kNat6, .protocol = 58}, icmp_message(128, 0, 0x77770001))),
      kClient6, 5);
}

}  // namespace
}  // namespace twinplane::dataplane
