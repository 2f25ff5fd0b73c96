// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdint>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/parse_steps.hpp"
#include "dataplane/sctp_packet.hpp"

namespace twinplane::dataplane::parse_steps {
namespace {

// What RFC 9293 lets an end send, PSH and the congestion bits left out: a SYN with or without ACK,
// a RST with or without ACK, and everything else with ACK and neither of them.
constexpr bool is_possible(std::uint8_t flags) noexcept {
  constexpr std::uint8_t kJudged = kTcpFin | kTcpSyn | kTcpRst | kTcpAck;
  switch (flags & kJudged) {
    case kTcpSyn:
    case kTcpSyn | kTcpAck:
    case kTcpRst:
    case kTcpRst | kTcpAck:
    case kTcpAck:
    case kTcpFin | kTcpAck:
      return true;
    default:
      return false;
  }
}

ParseResult read_syn_options(std::span<const std::byte> options, TcpView& tcp) noexcept {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNoOperation = 1;
  constexpr std::uint8_t kWindowScale = 3;
  constexpr std::uint8_t kShiftMax = 14;  // RFC 7323 section 2.3
  while (!options.empty()) {
    const std::uint8_t kind = load_u8(options.data());
    if (kind == kEnd) break;
    if (kind == kNoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) return ParseResult::kTcpBadOptions;
    const std::size_t length = load_u8(options.data() + 1);
    if (length < 2 || length > options.size()) return ParseResult::kTcpBadOptions;
    if (kind == kWindowScale && length == 3)
      tcp.window_scale = std::min(load_u8(options.data() + 2), kShiftMax);
    options = options.subspan(length);
  }
  return ParseResult::kOk;
}

void set_payload(PacketView& out, std::size_t header_bytes, std::size_t payload_bytes) noexcept {
  out.payload_offset = static_cast<std::uint16_t>(out.l4_offset + header_bytes);
  out.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
}

ParseResult parse_tcp(std::span<const std::byte> segment, PacketView& out) noexcept {
  if (segment.size() < kTcpBytes) return ParseResult::kTcpHeaderCut;
  const std::byte* tcp = segment.data();
  const std::size_t header_bytes = (load_u8(tcp + 12) >> 4U) * std::size_t{4};
  if (header_bytes < kTcpBytes) return ParseResult::kTcpBadOffset;
  if (header_bytes > segment.size()) return ParseResult::kTcpHeaderCut;
  out.l4_kind = L4Kind::kTcp;
  set_ports_be(out, load_raw<std::uint16_t>(tcp), load_raw<std::uint16_t>(tcp + 2));
  set_payload(out, header_bytes, segment.size() - header_bytes);
  out.tcp.sequence = load_be<std::uint32_t>(tcp + 4);
  out.tcp.acknowledgement = load_be<std::uint32_t>(tcp + 8);
  out.tcp.flags = load_u8(tcp + 13);
  out.tcp.window = load_be<std::uint16_t>(tcp + 14);
  if (!is_possible(out.tcp.flags)) return ParseResult::kTcpBadFlags;
  if ((out.tcp.flags & kTcpSyn) == 0) return ParseResult::kOk;
  return read_syn_options(segment.subspan(kTcpBytes, header_bytes - kTcpBytes), out.tcp);
}

ParseResult parse_udp(std::span<const std::byte> segment, PacketView& out) noexcept {
  if (segment.size() < kUdpBytes) return ParseResult::kUdpHeaderCut;
  const std::size_t length = load_be<std::uint16_t>(segment.data() + 4);
  const bool is_first = out.fragment.part == FragmentPart::kFirst;
  // A first fragment holds less than its datagram, a whole one at least as much.
  const bool lies = is_first ? length <= segment.size() : length > segment.size();
  if (length < kUdpBytes || lies) return ParseResult::kUdpLengthLies;
  out.l4_kind = L4Kind::kUdp;
  set_ports_be(out, load_raw<std::uint16_t>(segment.data()),
               load_raw<std::uint16_t>(segment.data() + 2));
  set_payload(out, kUdpBytes, std::min(length, segment.size()) - kUdpBytes);
  return ParseResult::kOk;
}

constexpr std::size_t nd_fixed_bytes(std::uint8_t type) noexcept {
  switch (type) {
    case kNdRouterSolicitation:
      return 8;
    case kNdRouterAdvertisement:
      return 16;
    case kNdRedirect:
      return 40;
    default:
      return 24;
  }
}

ParseResult check_neighbor(std::span<const std::byte> message, const PacketView& out) noexcept {
  constexpr std::uint8_t kOwnLinkHops = 255;
  if (out.ttl != kOwnLinkHops) return ParseResult::kNdBadHopLimit;
  const std::size_t fixed_bytes = nd_fixed_bytes(out.icmp_type);
  if (out.icmp_code != 0 || message.size() < fixed_bytes ||
      out.fragment.part != FragmentPart::kWhole)
    return ParseResult::kNdMalformed;
  for (auto options = message.subspan(fixed_bytes); !options.empty();) {
    if (options.size() < 2) return ParseResult::kNdMalformed;
    const std::size_t bytes = load_u8(options.data() + 1) * std::size_t{8};
    if (bytes == 0 || bytes > options.size()) return ParseResult::kNdMalformed;
    options = options.subspan(bytes);
  }
  const std::uint16_t checksum =
      l4_checksum_be(out.source6.address, out.target6.address, kProtocolIcmp6, message);
  return checksum == 0 ? ParseResult::kOk : ParseResult::kNdBadChecksum;
}

constexpr L4Kind icmp4_kind(std::uint8_t type) noexcept {
  switch (type) {
    case kIcmpEchoRequest:
    case kIcmpEchoReply:
      return L4Kind::kIcmpEcho;
    case kIcmpUnreachable:
    case kIcmpSourceQuench:
    case kIcmpRedirect:
    case kIcmpTimeExceeded:
    case kIcmpParameterProblem:
      return L4Kind::kIcmpError;
    default:
      return L4Kind::kIcmpOther;
  }
}

constexpr L4Kind icmp6_kind(std::uint8_t type) noexcept {
  if (type < kIcmp6ErrorTypesEnd) return L4Kind::kIcmpError;
  if (type == kIcmp6EchoRequest || type == kIcmp6EchoReply) return L4Kind::kIcmpEcho;
  return type >= kNdRouterSolicitation && type <= kNdRedirect ? L4Kind::kNeighbor
                                                              : L4Kind::kIcmpOther;
}

ParseResult parse_icmp(std::span<const std::byte> message, PacketView& out) noexcept {
  if (message.size() < kIcmpBytes) return ParseResult::kIcmpCut;
  out.icmp_type = load_u8(message.data());
  out.icmp_code = load_u8(message.data() + 1);
  out.l4_kind = icmp_kind(out.kind, out.icmp_type);
  set_payload(out, kIcmpBytes, message.size() - kIcmpBytes);
  if (out.l4_kind == L4Kind::kIcmpEcho) {
    const auto identifier_be = load_raw<std::uint16_t>(message.data() + 4);
    set_ports_be(out, identifier_be, identifier_be);
  }
  return out.l4_kind == L4Kind::kNeighbor ? check_neighbor(message, out) : ParseResult::kOk;
}

ParseResult parse_by_protocol(std::span<const std::byte> segment, PacketView& out) noexcept {
  if (out.protocol == kProtocolTcp) return parse_tcp(segment, out);
  if (out.protocol == kProtocolUdp) return parse_udp(segment, out);
  const std::uint8_t icmp = out.kind == PacketKind::kIp4 ? kProtocolIcmp : kProtocolIcmp6;
  if (out.protocol == icmp) return parse_icmp(segment, out);
  out.l4_kind = out.protocol == kProtocolSctp ? L4Kind::kSctp : L4Kind::kOther;
  if (out.l4_kind == L4Kind::kSctp && segment.size() >= kSctpHeaderBytes)
    set_ports_be(out, load_raw<std::uint16_t>(segment.data()),
                 load_raw<std::uint16_t>(segment.data() + 2));
  set_payload(out, 0, segment.size());
  return ParseResult::kOk;
}

}  // namespace

L4Kind icmp_kind(PacketKind family, std::uint8_t type) noexcept {
  return family == PacketKind::kIp4 ? icmp4_kind(type) : icmp6_kind(type);
}

ParseResult parse_l4(std::span<const std::byte> frame, PacketView& out) noexcept {
  if (out.fragment.part == FragmentPart::kLater) {
    set_payload(out, 0, out.l4_bytes);
    return ParseResult::kOk;
  }
  const ParseResult result = parse_by_protocol(frame.subspan(out.l4_offset, out.l4_bytes), out);
  const bool is_cut = result == ParseResult::kTcpHeaderCut ||
                      result == ParseResult::kUdpHeaderCut || result == ParseResult::kIcmpCut;
  if (!is_cut || out.fragment.part == FragmentPart::kWhole) return result;
  return out.kind == PacketKind::kIp4 ? ParseResult::kIp4TinyFragment
                                      : ParseResult::kIp6TinyFragment;
}

}  // namespace twinplane::dataplane::parse_steps
