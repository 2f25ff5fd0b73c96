// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/quote.hpp"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/parse_steps.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::size_t kQuotedL4BytesMin = 8;
constexpr std::size_t kTcpChecksumEnd = 18;

// Fills up to l4_offset; answers where the quote ends by `end` and by the quoted length, whichever
// comes first.
ParseResult read_ip4(std::span<const std::byte> frame, std::size_t end, PacketView& out) noexcept {
  const std::byte* ip = frame.data() + out.l3_offset;
  const std::size_t available = end - out.l3_offset;
  if (available < kIp4Bytes) return ParseResult::kQuoteCut;
  const std::size_t header_bytes = (load_u8(ip) & 0xFU) * std::size_t{4};
  const std::size_t total_bytes = load_be<std::uint16_t>(ip + 2);
  if (load_u8(ip) >> 4U != 4 || header_bytes < kIp4Bytes || total_bytes < header_bytes)
    return ParseResult::kQuoteMalformed;
  if (header_bytes > available) return ParseResult::kQuoteCut;
  const auto fragment_field = load_be<std::uint16_t>(ip + 6);
  if ((fragment_field & 0x1FFFU) != 0) return ParseResult::kQuoteMalformed;
  out.fragment.part = (fragment_field & 0x2000U) != 0 ? FragmentPart::kFirst : FragmentPart::kWhole;
  out.kind = PacketKind::kIp4;
  out.l3_bytes = static_cast<std::uint32_t>(total_bytes);
  out.l4_offset = static_cast<std::uint16_t>(out.l3_offset + header_bytes);
  out.l4_bytes = static_cast<std::uint16_t>(std::min(total_bytes, available) - header_bytes);
  out.ttl = load_u8(ip + 8);
  out.protocol = load_u8(ip + 9);
  out.source4.address = load_raw<tables::Address4>(ip + 12);
  out.target4.address = load_raw<tables::Address4>(ip + 16);
  return ParseResult::kOk;
}

ParseResult read_ip6(std::span<const std::byte> frame, std::size_t end, PacketView& out) noexcept {
  const std::byte* ip = frame.data() + out.l3_offset;
  const std::size_t available = end - out.l3_offset;
  if (available < kIp6Bytes) return ParseResult::kQuoteCut;
  if (load_u8(ip) >> 4U != 6) return ParseResult::kQuoteMalformed;
  const std::size_t total_bytes = kIp6Bytes + load_be<std::uint16_t>(ip + 4);
  const std::size_t quote_end = out.l3_offset + std::min(total_bytes, available);
  out.kind = PacketKind::kIp6;
  out.l3_bytes = static_cast<std::uint32_t>(total_bytes);
  out.ttl = load_u8(ip + 7);
  out.source6.address = load_raw<tables::Address6>(ip + 8);
  out.target6.address = load_raw<tables::Address6>(ip + 24);
  const parse_steps::Ip6Chain chain = parse_steps::walk_ip6_extensions(
      frame, out.l3_offset + kIp6Bytes, quote_end, load_u8(ip + 6), out);
  if (chain.result == ParseResult::kIp6ExtensionCut) return ParseResult::kQuoteCut;
  if (chain.result != ParseResult::kOk || out.fragment.part == FragmentPart::kLater)
    return ParseResult::kQuoteMalformed;
  out.l4_offset = static_cast<std::uint16_t>(chain.l4_offset);
  out.l4_bytes = static_cast<std::uint16_t>(quote_end - chain.l4_offset);
  return ParseResult::kOk;
}

ParseResult read_icmp(const std::byte* l4, PacketView& out) noexcept {
  out.icmp_type = load_u8(l4);
  out.icmp_code = load_u8(l4 + 1);
  // Nobody may answer an error with an error (RFC 1122 section 3.2.2, RFC 4443 section 2.4).
  const L4Kind kind = parse_steps::icmp_kind(out.kind, out.icmp_type);
  if (kind == L4Kind::kIcmpError) return ParseResult::kQuoteMalformed;
  out.l4_kind = kind == L4Kind::kIcmpEcho ? kind : L4Kind::kIcmpOther;
  if (kind == L4Kind::kIcmpEcho) {
    const auto identifier_be = load_raw<std::uint16_t>(l4 + 4);
    parse_steps::set_ports_be(out, identifier_be, identifier_be);
  }
  return ParseResult::kOk;
}

ParseResult read_l4(std::span<const std::byte> frame, PacketView& out) noexcept {
  const std::byte* l4 = frame.data() + out.l4_offset;
  const bool is_icmp =
      out.protocol == (out.kind == PacketKind::kIp4 ? kProtocolIcmp : kProtocolIcmp6);
  const bool has_ports =
      out.protocol == kProtocolTcp || out.protocol == kProtocolUdp || out.protocol == kProtocolSctp;
  if (!is_icmp && !has_ports) {
    out.l4_kind = L4Kind::kOther;
    return ParseResult::kOk;
  }
  if (out.l4_bytes < kQuotedL4BytesMin) return ParseResult::kQuoteCut;
  if (is_icmp) return read_icmp(l4, out);
  out.l4_kind = out.protocol == kProtocolTcp   ? L4Kind::kTcp
                : out.protocol == kProtocolUdp ? L4Kind::kUdp
                                               : L4Kind::kSctp;
  parse_steps::set_ports_be(out, load_raw<std::uint16_t>(l4), load_raw<std::uint16_t>(l4 + 2));
  if (out.l4_kind == L4Kind::kTcp) out.tcp.sequence = load_be<std::uint32_t>(l4 + 4);
  return ParseResult::kOk;
}

// Changes what stands at `at` and moves the error's own checksum along.
template <class Value>
void replace_at(std::byte* at, const Value& value, ChecksumDelta& error_delta) noexcept {
  error_delta.replace(load_raw<Value>(at), value);
  store_raw(at, value);
}

}  // namespace

ParseResult parse_quote(std::span<const std::byte> frame, const PacketView& error,
                        PacketView& out) noexcept {
  out = PacketView{};
  out.l3_offset = static_cast<std::uint16_t>(error.l4_offset + kIcmpBytes);
  const std::size_t end = std::size_t{error.l4_offset} + error.l4_bytes;
  const ParseResult result =
      error.kind == PacketKind::kIp4 ? read_ip4(frame, end, out) : read_ip6(frame, end, out);
  return result == ParseResult::kOk ? read_l4(frame, out) : result;
}

template <class Address>
void translate_quote(std::span<std::byte> frame, const PacketView& error, PacketView& quote,
                     const Translation<Address>& to) noexcept {
  constexpr bool kIsFour = std::is_same_v<Address, tables::Address4>;
  constexpr std::size_t kSourceOffset = kIsFour ? 12 : 8;
  std::byte* ip = frame.data() + quote.l3_offset;
  std::byte* l4 = frame.data() + quote.l4_offset;
  tables::Endpoint<Address>& source = quote.source<Address>();
  tables::Endpoint<Address>& target = quote.target<Address>();
  ChecksumDelta error_delta;
  ChecksumDelta l4_delta;
  l4_delta.replace(source.address, to.source.address);
  if (!quote.is_routed_elsewhere) l4_delta.replace(target.address, to.target.address);
  replace_at(ip + kSourceOffset, to.source.address, error_delta);
  replace_at(ip + kSourceOffset + sizeof(Address), to.target.address, error_delta);
  if constexpr (kIsFour)
    replace_at(ip + 10, l4_delta.apply(load_raw<std::uint16_t>(ip + 10)), error_delta);

  if (quote.l4_kind == L4Kind::kTcp || quote.l4_kind == L4Kind::kUdp) {
    l4_delta.replace(source.port_be, to.source.port_be);
    l4_delta.replace(target.port_be, to.target.port_be);
    replace_at(l4, to.source.port_be, error_delta);
    replace_at(l4 + 2, to.target.port_be, error_delta);
    if (quote.l4_kind == L4Kind::kUdp)
      replace_at(l4 + 6, l4_delta.apply_udp(load_raw<std::uint16_t>(l4 + 6)), error_delta);
    if (quote.l4_kind == L4Kind::kTcp && quote.l4_bytes >= kTcpChecksumEnd)
      replace_at(l4 + 16, l4_delta.apply(load_raw<std::uint16_t>(l4 + 16)), error_delta);
    source = to.source;
    target = to.target;
  } else if (quote.l4_kind == L4Kind::kIcmpEcho) {
    if constexpr (kIsFour) l4_delta = {};
    const std::uint16_t identifier_be =
        to.source.port_be != source.port_be ? to.source.port_be : to.target.port_be;
    l4_delta.replace(source.port_be, identifier_be);
    replace_at(l4 + 4, identifier_be, error_delta);
    replace_at(l4 + 2, l4_delta.apply(load_raw<std::uint16_t>(l4 + 2)), error_delta);
    source = {to.source.address, identifier_be};
    target = {to.target.address, identifier_be};
  } else {
    source.address = to.source.address;
    target.address = to.target.address;
  }
  std::byte* error_checksum = frame.data() + error.l4_offset + 2;
  store_raw(error_checksum, error_delta.apply(load_raw<std::uint16_t>(error_checksum)));
}

template void translate_quote(std::span<std::byte>, const PacketView&, PacketView&,
                              const Translation<tables::Address4>&) noexcept;
template void translate_quote(std::span<std::byte>, const PacketView&, PacketView&,
                              const Translation<tables::Address6>&) noexcept;

}  // namespace twinplane::dataplane
