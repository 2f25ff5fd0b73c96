// SPDX-License-Identifier: BSD-3-Clause
// syn_proxy.hpp - the packets of a handshake that the box does in another's name: its answer to a
// client's SYN, its SYN and acknowledgement to the server, and the window that it opens at last.
//
//     client                       box                        server
//        | SYN, isn c               |                            |
//        |------------------------->|  nothing is kept           |
//        |      SYN ACK, isn cookie |                            |
//        |<-------------------------|  window 0: no data yet     |
//        | ACK of the cookie        |                            |
//        |------------------------->|  the session is made       |
//        |                          | SYN, isn c                 |
//        |                          |--------------------------->|
//        |                          |             SYN ACK, isn s |
//        |                          |<---------------------------|
//        |                          | ACK                        |
//        |     ACK, window          |--------------------------->|
//        |<-------------------------|  from now on the server's numbers are moved by cookie - s
//
// Thread:  any; pure.
// Memory:  packets are rewritten where they stand.
// Limits:  IPv4 without options, IPv6 without extension headers, no fragments. Of TCP's options the
//          client's MSS and whether it takes SACK are told to the server; no window scale and no
//          timestamps are offered to either.
// Errors:  named in the results.
// Spec:    RFC 4987 section 3.6, RFC 9293 section 3.5; syn_cookie.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

// What a SYN offers, as far as a cookie can hold it.
struct SynOffer {
  std::uint16_t mss;  // what the protocol takes for granted where the SYN has none: 536, 1220
  bool has_sack;

  friend bool operator==(const SynOffer&, const SynOffer&) = default;
};

// Of a SYN that parse() called kOk.
SynOffer syn_offer(std::span<const std::byte> frame, const PacketView& view) noexcept;

// Can it be answered and rewritten here?
bool is_plain_tcp(const PacketView& view) noexcept;

// A segment without data.
struct BareSegment {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;  // TcpFlag; with kTcpSyn the offer goes with it
  SynOffer offer{};
};

// The packet becomes that segment, from and to the same ends. `room` begins with the frame and goes
// on as far as it may grow; says how long the frame is now, 0 when there is no room. Requires
// is_plain_tcp(view); the view fits afterwards.
std::size_t become_bare(std::span<std::byte> room, PacketView& view,
                        const BareSegment& segment) noexcept;

// A packet with nothing in it yet, for become_bare(): between these ends, Ethernet without a tag.
// `room` must have kBlankBytes.
inline constexpr std::size_t kBlankBytes = 14 + 40 + 20;
template <class Address>
PacketView make_blank(std::span<std::byte> room, const tables::Endpoint<Address>& source,
                      const tables::Endpoint<Address>& target) noexcept;

// The packet goes back to where it came from, from `mac`. Checksums stay right.
void turn_round(std::span<std::byte> frame, PacketView& view, const MacAddress& mac) noexcept;

}  // namespace twinplane::dataplane
