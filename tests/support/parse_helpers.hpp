// SPDX-License-Identifier: BSD-3-Clause
// parse_helpers.hpp - parses frames of tests in buffers of exactly their size, and the frames that
// several tests use.
//
// Thread:  any.
// Memory:  allocates freely.
// Limits:  none.
// Errors:  GoogleTest failures.
// Spec:    dataplane/parse.hpp.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <tuple>

#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::tests {

using dataplane::L4Kind;
using dataplane::PacketView;
using dataplane::ParseResult;

// Parses a copy of exactly this size, so that a read beyond the end is one that AddressSanitizer
// sees.
inline ParseResult parse_copy(std::span<const std::byte> frame, PacketView& view) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(frame.size());
  std::ranges::copy(frame, copy.get());
  const std::span<const std::byte> exact(copy.get(), frame.size());
  const ParseResult result = dataplane::parse(exact, view);
  PacketView quote;
  if (result == ParseResult::kOk && view.l4_kind == L4Kind::kIcmpError)
    std::ignore = dataplane::parse_quote(exact, view, quote);
  return result;
}

inline ParseResult result_of(std::span<const std::byte> frame) {
  PacketView view;
  return parse_copy(frame, view);
}

inline PacketView view_of(std::span<const std::byte> frame) {
  PacketView view;
  EXPECT_EQ(name(parse_copy(frame, view)), "ok");
  return view;
}

inline Bytes arp_request() {
  Bytes arp = bytes_of({0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x0A});
  append(arp, std::as_bytes(std::span(kClient4)));
  append(arp, bytes_of({0, 0, 0, 0, 0, 0}));
  append(arp, std::as_bytes(std::span(kServer4)));
  return ethernet(0x0806) + arp;
}

inline Bytes syn() {
  return tcp_segment(40000, 443, dataplane::kTcpSyn, bytes_of({2, 4, 5, 0xB4, 1, 3, 3, 7}));
}

inline Bytes neighbor_solicitation(const Bytes& options = bytes_of({1, 1, 2, 0, 0, 0, 0, 0x0A})) {
  Bytes body;
  append(body, std::as_bytes(std::span(kServer6)));
  return frame6({.protocol = 58, .hop_limit = 255}, icmp_message(135, 0, 0, body + options));
}

// What the first fragment of a datagram of 500 bytes carries.
inline Bytes udp_start(std::size_t payload_bytes) {
  Bytes segment = udp_segment(5000, 53, filler(payload_bytes));
  put16(segment, 4, 500);
  return segment;
}

inline Bytes long_extensions(int count, int last) {
  Bytes extensions;
  for (int at = 1; at <= count; ++at) append(extensions, padding_options(at == count ? last : 60));
  return extensions;
}

}  // namespace twinplane::tests
