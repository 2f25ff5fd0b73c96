// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdint>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/link_local.hpp"
#include "dataplane/parse_steps.hpp"

namespace twinplane::dataplane::parse_steps {
namespace {

constexpr tables::Address6 kUnspecified{};
constexpr tables::Address6 kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

constexpr bool is_mapped4(const tables::Address6& address) noexcept {
  return std::all_of(address.begin(), address.begin() + 10,
                     [](std::uint8_t byte) { return byte == 0; }) &&
         address[10] == 0xFF && address[11] == 0xFF;
}

ParseResult check_addresses(PacketView& out) noexcept {
  const tables::Address6& source = out.source6.address;
  const tables::Address6& target = out.target6.address;
  constexpr std::uint8_t kMulticast = 0xFF;
  // Everything refused but multicast starts with a zero byte; so do few real addresses.
  if (source[0] == kMulticast) return ParseResult::kIp6BadSource;
  if (source[0] == 0) {
    if (source == kLoopback || is_mapped4(source)) return ParseResult::kIp6BadSource;
    out.is_unspecified_source = source == kUnspecified;
  }
  if (target[0] == 0 && (target == kUnspecified || target == kLoopback || is_mapped4(target)))
    return ParseResult::kIp6BadTarget;
  if (source == target) return ParseResult::kLand;
  out.is_group_target = target[0] == kMulticast;
  out.is_link_local = is_link_local(source) || is_link_local(target);
  return ParseResult::kOk;
}

// The header's own bytes have been checked to lie within the packet, which ends at `end`.
ParseResult read_fragment(const std::byte* header, std::size_t payload_bytes,
                          PacketView& out) noexcept {
  constexpr std::size_t kPayloadBytesMax = 65535;
  const auto field = load_be<std::uint16_t>(header + 2);
  const std::size_t offset = field & 0xFFF8U;
  const bool more = (field & 1U) != 0;
  if (offset == 0 && !more) return ParseResult::kOk;  // RFC 6946
  if (payload_bytes == 0 || (more && payload_bytes % 8 != 0) ||
      offset + payload_bytes > kPayloadBytesMax)
    return ParseResult::kIp6BadFragment;
  out.fragment.id = load_be<std::uint32_t>(header + 4);
  out.fragment.offset_bytes = static_cast<std::uint16_t>(offset);
  out.fragment.bytes = static_cast<std::uint16_t>(payload_bytes);
  out.fragment.more = more;
  out.fragment.part = offset == 0 ? FragmentPart::kFirst : FragmentPart::kLater;
  return ParseResult::kOk;
}

ParseResult read_routing(const std::byte* header, PacketView& out) noexcept {
  if (load_u8(header + 2) == 0) return ParseResult::kIp6RoutingTypeZero;
  out.is_routed_elsewhere = load_u8(header + 3) != 0;
  return ParseResult::kOk;
}

constexpr bool is_extension(std::uint8_t protocol) noexcept {
  return protocol == kProtocolHopByHop || protocol == kProtocolRouting ||
         protocol == kProtocolFragment || protocol == kProtocolDestinationOptions ||
         protocol == kProtocolAh;
}

std::size_t extension_bytes(std::uint8_t type, const std::byte* header) noexcept {
  if (type == kProtocolFragment) return 8;
  const std::size_t length = load_u8(header + 1);
  return type == kProtocolAh ? (length + 2) * 4 : (length + 1) * 8;
}

}  // namespace

Ip6Chain walk_ip6_extensions(std::span<const std::byte> frame, std::size_t at, std::size_t end,
                             std::uint8_t next, PacketView& out) noexcept {
  bool has_fragment_header = false;
  for (std::size_t count = 0; is_extension(next); ++count) {
    if (count == kIp6ExtensionsMax) return {ParseResult::kIp6TooManyExtensions, at};
    const bool is_misplaced = (next == kProtocolHopByHop && count != 0) ||
                              (next == kProtocolFragment && has_fragment_header);
    if (is_misplaced) return {ParseResult::kIp6ExtensionOrder, at};
    constexpr std::size_t kSmallestBytes = 8;
    if (end - at < kSmallestBytes) return {ParseResult::kIp6ExtensionCut, at};
    const std::byte* header = frame.data() + at;
    const std::size_t bytes = extension_bytes(next, header);
    if (end - at < bytes) return {ParseResult::kIp6ExtensionCut, at};
    ParseResult result = ParseResult::kOk;
    if (next == kProtocolRouting) result = read_routing(header, out);
    if (next == kProtocolFragment) {
      has_fragment_header = true;
      result = read_fragment(header, end - at - bytes, out);
    }
    if (result != ParseResult::kOk) return {result, at};
    next = load_u8(header);
    at += bytes;
    if (out.fragment.part == FragmentPart::kLater) break;
  }
  out.protocol = next;
  return {ParseResult::kOk, at};
}

ParseResult parse_ip6(std::span<const std::byte> frame, PacketView& out) noexcept {
  const std::size_t available = frame.size() - out.l3_offset;
  if (available < kIp6Bytes) return ParseResult::kIp6HeaderCut;
  const std::byte* ip = frame.data() + out.l3_offset;
  if (load_u8(ip) >> 4U != 6) return ParseResult::kIp6BadVersion;
  const std::size_t payload_bytes = load_be<std::uint16_t>(ip + 4);
  if (payload_bytes > available - kIp6Bytes) return ParseResult::kIp6LengthLies;

  out.kind = PacketKind::kIp6;
  out.dont_fragment = true;
  out.l3_bytes = static_cast<std::uint32_t>(kIp6Bytes + payload_bytes);
  out.ttl = load_u8(ip + 7);
  out.source6.address = load_raw<tables::Address6>(ip + 8);
  out.target6.address = load_raw<tables::Address6>(ip + 24);
  if (const ParseResult result = check_addresses(out); result != ParseResult::kOk) return result;

  const std::size_t start = out.l3_offset + kIp6Bytes;
  const std::size_t end = start + payload_bytes;
  const Ip6Chain chain = walk_ip6_extensions(frame, start, end, load_u8(ip + 6), out);
  out.l4_offset = static_cast<std::uint16_t>(chain.l4_offset);
  out.l4_bytes = static_cast<std::uint16_t>(end - chain.l4_offset);
  if (chain.result != ParseResult::kOk) {
    const bool is_tiny =
        out.fragment.part == FragmentPart::kFirst && chain.result == ParseResult::kIp6ExtensionCut;
    return is_tiny ? ParseResult::kIp6TinyFragment : chain.result;
  }
  if (out.is_unspecified_source && out.protocol != kProtocolIcmp6)
    return ParseResult::kIp6BadSource;
  return parse_l4(frame, out);
}

}  // namespace twinplane::dataplane::parse_steps
