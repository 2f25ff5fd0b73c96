// SPDX-License-Identifier: BSD-3-Clause
// packet_builder.hpp - frames for tests, built byte by byte with arithmetic of its own.
//
// Thread:  any; values.
// Memory:  allocates freely.
// Limits:  shares no code with dataplane/, so that a fault there cannot hide here.
// Errors:  none.
// Spec:    RFC 791, 8200, 768, 9293, 792, 4443, 1071.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "tables/flow_key.hpp"

namespace twinplane::tests {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

inline void append(Bytes& to, std::span<const std::byte> more) {
  // One by one: g++ 12 sees an overflow in insert() where there is none.
  for (const std::byte byte : more) to.push_back(byte);
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  append(left, right);
  return left;
}

inline void put16(Bytes& bytes, std::size_t at, unsigned value) {
  bytes.at(at) = static_cast<std::byte>(value >> 8U);
  bytes.at(at + 1) = static_cast<std::byte>(value & 0xFFU);
}

inline void put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  put16(bytes, at, value >> 16U);
  put16(bytes, at + 2, value & 0xFFFFU);
}

inline unsigned get16(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]) << 8U | std::to_integer<unsigned>(bytes[at + 1]);
}

// A port as Endpoint holds it: in network order.
inline std::uint16_t port_be(unsigned port) {
  const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(port >> 8U),
                                          static_cast<std::uint8_t>(port & 0xFFU)};
  std::uint16_t result;
  std::memcpy(&result, bytes.data(), sizeof result);
  return result;
}

inline Bytes filler(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t at = 0; at < count; ++at) bytes[at] = static_cast<std::byte>(at * 7 + 1);
  return bytes;
}

// RFC 1071, 16 bits at a time, most significant byte first. 0 over what holds a right checksum.
inline unsigned slow_checksum(std::span<const std::byte> bytes, unsigned sum = 0) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const unsigned byte = std::to_integer<unsigned>(bytes[at]);
    sum += at % 2 == 0 ? byte << 8U : byte;
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  }
  return ~sum & 0xFFFFU;
}

template <class Address>
unsigned slow_l4_checksum(const Address& source, const Address& target, unsigned protocol,
                          std::span<const std::byte> segment) {
  Bytes covered;
  append(covered, std::as_bytes(std::span(source)));
  append(covered, std::as_bytes(std::span(target)));
  append(covered,
         bytes_of({0, 0, static_cast<int>(segment.size() >> 8U),
                   static_cast<int>(segment.size() & 0xFFU), 0, 0, 0, static_cast<int>(protocol)}));
  append(covered, segment);
  return slow_checksum(covered);
}

// Where a transport's checksum stands, or -1 when it has none that covers all of it.
inline int checksum_offset(unsigned protocol) {
  switch (protocol) {
    case 1:
    case 58:
      return 2;
    case 6:
      return 16;
    case 17:
      return 6;
    default:
      return -1;
  }
}

inline constexpr tables::Address4 kClient4{10, 1, 0, 7};
inline constexpr tables::Address4 kServer4{198, 51, 100, 9};
inline constexpr tables::Address4 kNat4{203, 0, 113, 254};
inline constexpr tables::Address6 kClient6{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
inline constexpr tables::Address6 kServer6{0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
inline constexpr tables::Address6 kNat6{0x20, 1, 0x0D, 0xB8, 0,    0, 0,    0xFF,
                                        0,    0, 0,    0,    0xCA, 0, 0xFE, 1};

// Segments with a checksum of 0; the frame functions fill it in.
inline Bytes tcp_segment(unsigned source_port, unsigned target_port, int flags,
                         const Bytes& options = {}, const Bytes& payload = {}) {
  Bytes tcp(20);
  put16(tcp, 0, source_port);
  put16(tcp, 2, target_port);
  put32(tcp, 4, 0x01020304);
  put32(tcp, 8, 0x0A0B0C0D);
  tcp[12] = static_cast<std::byte>((20 + options.size()) / 4 << 4U);
  tcp[13] = static_cast<std::byte>(flags);
  put16(tcp, 14, 0x7210);
  return tcp + options + payload;
}

inline Bytes udp_segment(unsigned source_port, unsigned target_port, const Bytes& payload = {}) {
  Bytes udp(8);
  put16(udp, 0, source_port);
  put16(udp, 2, target_port);
  put16(udp, 4, static_cast<unsigned>(8 + payload.size()));
  return udp + payload;
}

// Any ICMP message of 4 header bytes and a word of its own.
inline Bytes icmp_message(int type, int code, std::uint32_t word, const Bytes& payload = {}) {
  Bytes icmp(8);
  icmp[0] = static_cast<std::byte>(type);
  icmp[1] = static_cast<std::byte>(code);
  put32(icmp, 4, word);
  return icmp + payload;
}

inline Bytes ethernet(unsigned ethertype,
                      std::initializer_list<std::pair<unsigned, unsigned>> tags = {}) {
  Bytes header = bytes_of({0x02, 0, 0, 0, 0, 0x0B, 0x02, 0, 0, 0, 0, 0x0A});
  for (const auto& [type, tci] : tags) {
    Bytes tag(4);
    put16(tag, 0, type);
    put16(tag, 2, tci);
    append(header, tag);
  }
  Bytes type(2);
  put16(type, 0, ethertype);
  return header + type;
}

struct Ip4 {
  tables::Address4 source{kClient4};
  tables::Address4 target{kServer4};
  unsigned protocol{6};
  unsigned ttl{64};
  unsigned id{0x1234};
  unsigned fragment_field{0x4000};  // DF
  Bytes options{};
};

inline void fix_ip4_checksum(Bytes& packet, std::size_t l3 = 0) {
  const std::size_t header_bytes = (std::to_integer<std::size_t>(packet.at(l3)) & 0xFU) * 4;
  put16(packet, l3 + 10, 0);
  put16(packet, l3 + 10, slow_checksum(std::span(packet).subspan(l3, header_bytes)));
}

// `segment` as it stands, whatever its checksum: fragments.
inline Bytes ip4_raw(const Ip4& ip, const Bytes& segment) {
  Bytes header(20);
  append(header, ip.options);
  header[0] = static_cast<std::byte>(0x40 | header.size() / 4);
  put16(header, 2, static_cast<unsigned>(header.size() + segment.size()));
  put16(header, 4, ip.id);
  put16(header, 6, ip.fragment_field);
  header[8] = static_cast<std::byte>(ip.ttl);
  header[9] = static_cast<std::byte>(ip.protocol);
  for (std::size_t at = 0; at < 4; ++at) {
    header[12 + at] = std::byte{ip.source[at]};
    header[16 + at] = std::byte{ip.target[at]};
  }
  fix_ip4_checksum(header);
  return header + segment;
}

inline Bytes with_l4_checksum4(const Ip4& ip, Bytes segment) {
  const int at = checksum_offset(ip.protocol);
  if (at < 0) return segment;
  unsigned checksum = ip.protocol == 1
                          ? slow_checksum(segment)
                          : slow_l4_checksum(ip.source, ip.target, ip.protocol, segment);
  if (ip.protocol == 17 && checksum == 0) checksum = 0xFFFF;
  put16(segment, static_cast<std::size_t>(at), checksum);
  return segment;
}

inline Bytes ip4_packet(const Ip4& ip, const Bytes& segment) {
  return ip4_raw(ip, with_l4_checksum4(ip, segment));
}

inline Bytes frame4(const Ip4& ip, const Bytes& segment) {
  return ethernet(0x0800) + ip4_packet(ip, segment);
}

struct Ip6 {
  tables::Address6 source{kClient6};
  tables::Address6 target{kServer6};
  unsigned protocol{6};  // the transport's
  unsigned hop_limit{64};
  unsigned first_header{256};  // of the extensions; 256 = no extensions
  Bytes extensions{};
};

inline Bytes ip6_raw(const Ip6& ip, const Bytes& segment) {
  Bytes header(40);
  header[0] = std::byte{0x60};
  put16(header, 4, static_cast<unsigned>(ip.extensions.size() + segment.size()));
  header[6] = static_cast<std::byte>(ip.first_header < 256 ? ip.first_header : ip.protocol);
  header[7] = static_cast<std::byte>(ip.hop_limit);
  for (std::size_t at = 0; at < 16; ++at) {
    header[8 + at] = std::byte{ip.source[at]};
    header[24 + at] = std::byte{ip.target[at]};
  }
  return header + ip.extensions + segment;
}

inline Bytes with_l4_checksum6(const Ip6& ip, Bytes segment) {
  const int at = checksum_offset(ip.protocol);
  if (at < 0) return segment;
  unsigned checksum = slow_l4_checksum(ip.source, ip.target, ip.protocol, segment);
  if (ip.protocol == 17 && checksum == 0) checksum = 0xFFFF;
  put16(segment, static_cast<std::size_t>(at), checksum);
  return segment;
}

inline Bytes ip6_packet(const Ip6& ip, const Bytes& segment) {
  return ip6_raw(ip, with_l4_checksum6(ip, segment));
}

inline Bytes frame6(const Ip6& ip, const Bytes& segment) {
  return ethernet(0x86DD) + ip6_packet(ip, segment);
}

// An extension header of 8 bytes that names `next`: destination options or hop-by-hop, all padding.
inline Bytes padding_options(int next) { return bytes_of({next, 0, 1, 4, 0, 0, 0, 0}); }

inline Bytes fragment_header(int next, unsigned offset_bytes, bool more, std::uint32_t id) {
  Bytes header(8);
  header[0] = static_cast<std::byte>(next);
  put16(header, 2, offset_bytes | (more ? 1U : 0U));
  put32(header, 4, id);
  return header;
}

}  // namespace twinplane::tests
