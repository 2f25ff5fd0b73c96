// SPDX-License-Identifier: BSD-3-Clause
// parse_steps.hpp - the steps parse() is made of; only its own files include it.
//
// Thread:  any; pure.
// Memory:  as parse.hpp.
// Limits:  each step checks what it reads; the offsets it is handed lie within the frame.
// Errors:  ParseResult.
// Spec:    parse.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/parse_result.hpp"

namespace twinplane::dataplane::parse_steps {

// The IP header stands at out.l3_offset. Fills everything from there on.
ParseResult parse_ip4(std::span<const std::byte> frame, PacketView& out, ParseScope scope) noexcept;
ParseResult parse_ip6(std::span<const std::byte> frame, PacketView& out) noexcept;

// The transport header stands at out.l4_offset, l4_bytes are within the frame, the IP fields are
// filled. Sets both endpoints' ports.
ParseResult parse_l4(std::span<const std::byte> frame, PacketView& out) noexcept;

// Where the extension headers of an IPv6 packet end.
struct Ip6Chain {
  ParseResult result{ParseResult::kOk};
  std::size_t l4_offset{};
};

// Walks the extension headers that stand from `at` to `end`, the first of them of type `next`. Sets
// protocol, fragment and is_routed_elsewhere. Stops behind the fragment header of a later fragment.
Ip6Chain walk_ip6_extensions(std::span<const std::byte> frame, std::size_t at, std::size_t end,
                             std::uint8_t next, PacketView& out) noexcept;

// kIcmpEcho, kIcmpError, kNeighbor or kIcmpOther.
L4Kind icmp_kind(PacketKind family, std::uint8_t type) noexcept;

inline void set_ports_be(PacketView& out, std::uint16_t source_be,
                         std::uint16_t target_be) noexcept {
  if (out.kind == PacketKind::kIp4) {
    out.source4.port_be = source_be;
    out.target4.port_be = target_be;
  } else {
    out.source6.port_be = source_be;
    out.target6.port_be = target_be;
  }
}

}  // namespace twinplane::dataplane::parse_steps
