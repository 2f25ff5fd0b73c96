// SPDX-License-Identifier: BSD-3-Clause
// parse.hpp - the one decoder of what comes in on a port: any bytes give a view or a named reason
// to drop.
//
// Thread:  any; pure.
// Memory:  reads the frame, writes the view; nothing else.
// Limits:  the whole frame must be contiguous (no chained mbuf), IP packets up to 65575 bytes, 2
//          VLAN tags, 8 IPv6 extension headers. TCP and UDP checksums are not verified: a firewall
//          hands them through and changes them incrementally.
// Errors:  ParseResult; the first fault from the frame's start to its end. After one the view holds
//          what was understood so far and must not be forwarded by.
// Spec:    RFC 791, 1812 (IPv4), 8200, 7112, 5095 (IPv6), 9293 (TCP), 768 (UDP), 792, 4443 (ICMP),
//          4861, 6980 (neighbor discovery), 1858, 3128 (fragments); 6946: an IPv6 fragment header
//          that splits nothing counts as whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"
#include "dataplane/parse_result.hpp"

namespace twinplane::dataplane {

// Whether the packet would leave its link. One that stays may be from nobody yet: DHCP's clients
// send from 0.0.0.0 to all hosts (RFC 2131 section 4.1).
enum class ParseScope : std::uint8_t { kRouted, kLink };

[[nodiscard]] ParseResult parse(std::span<const std::byte> frame, PacketView& out,
                                ParseScope scope = ParseScope::kRouted) noexcept;

}  // namespace twinplane::dataplane
