// SPDX-License-Identifier: BSD-3-Clause
// rewrite.hpp - changes a parsed packet in place: both ends, hop limit, link header. The view
// follows.
//
// Thread:  any; pure.
// Memory:  writes only header bytes; the frame's size is the caller's (see link_header_growth).
// Limits:  ports change for TCP, UDP and ICMP echo. UDP-Lite, DCCP and SCTP get new addresses only:
//          the first two then carry a wrong checksum. A packet under AH is changed like any other
//          and will not authenticate.
// Errors:  none: the view must be of this frame and parse() must have said kOk.
// Spec:    RFC 1624 (checksums), RFC 3022, 4787, 5508 (translation), RFC 8200 section 8.1 (with
//          segments left in a routing header the transport checksum covers another destination),
//          RFC 1812 section 5.3.1 (TTL).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

// What the packet shall carry afterwards. ICMP echo has one identifier: the port, of either end,
// that differs from the packet's.
template <class Address>
struct Translation {
  tables::Endpoint<Address> source;
  tables::Endpoint<Address> target;
};

// Address is that of view.kind. A later fragment has no ports: only its addresses change.
template <class Address>
void translate(std::span<std::byte> frame, PacketView& view,
               const Translation<Address>& to) noexcept;

extern template void translate(std::span<std::byte>, PacketView&,
                               const Translation<tables::Address4>&) noexcept;
extern template void translate(std::span<std::byte>, PacketView&,
                               const Translation<tables::Address6>&) noexcept;

// TTL or hop limit; view.ttl must be above 0. Who forwards asks for more than 1 before and answers
// with time exceeded otherwise.
void decrement_ttl(std::span<std::byte> frame, PacketView& view) noexcept;

struct LinkHeader {
  MacAddress target{};
  MacAddress source{};
  std::uint16_t vlan{};  // 0 = untagged, else 1..4094
};

// By how many bytes the frame must grow in front (shrink, if negative) before write_link_header. 0
// when tags stay as they are.
std::ptrdiff_t link_header_growth(const PacketView& view, const LinkHeader& header) noexcept;

// `frame` has grown already and `view` has not; afterwards the view's offsets fit. The packet's
// priority bits are kept when it had a tag.
void write_link_header(std::span<std::byte> frame, PacketView& view,
                       const LinkHeader& header) noexcept;

}  // namespace twinplane::dataplane
