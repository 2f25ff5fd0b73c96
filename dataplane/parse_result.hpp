// SPDX-License-Identifier: BSD-3-Clause
// parse_result.hpp - one named reason for each way in which a frame can be wrong, and the table of
// their names.
//
// Thread:  any; values.
// Memory:  none.
// Limits:  kCount is not a result; it sizes counter arrays.
// Errors:  none.
// Spec:    parse.hpp says in which order they are looked for; the comments here name what each
//          breaks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twinplane::dataplane {

enum class ParseResult : std::uint8_t {
  kOk,
  kFrameTooShort,  // cut inside the Ethernet header or a VLAN tag
  kBadSourceMac,   // a group address cannot send
  kVlanTooDeep,    // more tags than two, or two that are not 802.1ad outside and 802.1Q inside
  kNotForUs,       // an EtherType that is not ARP, IPv4 or IPv6, or an 802.3 length
  kArpCut,
  kArpMalformed,  // not Ethernet and IPv4, no request or reply, or a group sender (RFC 826)
  kIp4HeaderCut,
  kIp4BadVersion,
  kIp4BadHeaderLength,  // IHL below 5
  kIp4LengthLies,       // total length below the header or beyond the frame
  kIp4BadChecksum,
  kIp4BadOptions,   // an option that leaves the header (RFC 791 section 3.1)
  kIp4SourceRoute,  // loose or strict source route (RFC 7126 sections 4.3 and 4.4)
  kIp4BadSource,    // this network, loopback, multicast, class E (RFC 1812 section 5.3.7)
  kIp4BadTarget,    // this network, loopback, class E but the limited broadcast
  kIp4BadFragment,  // beyond 65535, empty, or a middle one that is no multiple of 8 bytes
  // the first ends inside the transport header, or another one overlies it (RFC 1858, RFC 3128)
  kIp4TinyFragment,
  kIp6HeaderCut,
  kIp6BadVersion,
  kIp6LengthLies,  // payload length beyond the frame
  kIp6ExtensionCut,
  kIp6TooManyExtensions,
  // hop-by-hop options not first, or two fragment headers (RFC 8200 section 4.1)
  kIp6ExtensionOrder,
  kIp6RoutingTypeZero,  // RFC 5095
  kIp6BadSource,        // multicast, loopback, IPv4-mapped, or :: outside ICMPv6
  kIp6BadTarget,        // ::, loopback, IPv4-mapped
  kIp6BadFragment,      // as IPv4
  kIp6TinyFragment,     // the first does not hold all headers (RFC 7112)
  kLand,                // source and destination address are the same
  kTcpHeaderCut,
  kTcpBadOffset,   // data offset below 5
  kTcpBadFlags,    // a combination that no end of RFC 9293 sends
  kTcpBadOptions,  // of a SYN: an option that leaves the header
  kUdpHeaderCut,
  kUdpLengthLies,
  kIcmpCut,
  kNdBadHopLimit,  // not 255: came through a router (RFC 4861 section 6.1, 7.1, 8.1)
  // short, code not 0, an option of length 0 or beyond the end, or fragmented (RFC 6980)
  kNdMalformed,
  kNdBadChecksum,
  kQuoteCut,        // an ICMP error quotes less than the headers that name a flow
  kQuoteMalformed,  // it quotes another family, a later fragment, an ICMP error, or lying lengths
  kCount,
};

inline constexpr std::size_t kParseResultCount = static_cast<std::size_t>(ParseResult::kCount);

inline constexpr auto kParseResultNames = std::to_array<std::string_view>({
    "ok",
    "frame_too_short",
    "bad_source_mac",
    "vlan_too_deep",
    "not_for_us",
    "arp_cut",
    "arp_malformed",
    "ip4_header_cut",
    "ip4_bad_version",
    "ip4_bad_header_length",
    "ip4_length_lies",
    "ip4_bad_checksum",
    "ip4_bad_options",
    "ip4_source_route",
    "ip4_bad_source",
    "ip4_bad_target",
    "ip4_bad_fragment",
    "ip4_tiny_fragment",
    "ip6_header_cut",
    "ip6_bad_version",
    "ip6_length_lies",
    "ip6_extension_cut",
    "ip6_too_many_extensions",
    "ip6_extension_order",
    "ip6_routing_type_zero",
    "ip6_bad_source",
    "ip6_bad_target",
    "ip6_bad_fragment",
    "ip6_tiny_fragment",
    "land",
    "tcp_header_cut",
    "tcp_bad_offset",
    "tcp_bad_flags",
    "tcp_bad_options",
    "udp_header_cut",
    "udp_length_lies",
    "icmp_cut",
    "nd_bad_hop_limit",
    "nd_malformed",
    "nd_bad_checksum",
    "quote_cut",
    "quote_malformed",
});
static_assert(kParseResultNames.size() == kParseResultCount);
static_assert(std::ranges::none_of(kParseResultNames, &std::string_view::empty));

constexpr std::string_view name(ParseResult result) noexcept {
  const auto index = static_cast<std::size_t>(result);
  return index < kParseResultCount ? kParseResultNames[index] : "unknown";
}

}  // namespace twinplane::dataplane
