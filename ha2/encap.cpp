// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/encap.hpp"

#include <cstring>

#include "tables/base/check.hpp"

namespace twinplane::ha2 {

namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kIp4Bytes = 20;
constexpr std::size_t kIp6Bytes = 40;
constexpr std::size_t kUdpBytes = 8;
constexpr std::uint16_t kEtherTypeIp4 = 0x0800;
constexpr std::uint16_t kEtherTypeIp6 = 0x86DD;
constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::uint8_t kHopLimit = 255;
constexpr std::uint16_t kSourcePortBase = 0xC000;

void put16(std::byte* at, std::uint32_t value) noexcept {
  at[0] = static_cast<std::byte>(value >> 8U);
  at[1] = static_cast<std::byte>(value);
}

std::uint16_t get16(const std::byte* at) noexcept {
  return static_cast<std::uint16_t>(static_cast<unsigned>(at[0]) << 8U |
                                    static_cast<unsigned>(at[1]));
}

std::uint64_t sum_of(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += get16(bytes.data() + i);
  if (i < bytes.size()) sum += static_cast<std::uint64_t>(bytes[i]) << 8U;
  return sum;
}

std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

std::size_t ip_bytes(const EncapConfig& config) noexcept {
  return config.is_ip6 ? kIp6Bytes : kIp4Bytes;
}

// The pseudo header's part of the UDP checksum (RFC 768, RFC 8200 section 8.1).
std::uint64_t pseudo_sum(std::span<const std::byte> addresses, std::size_t udp_bytes) noexcept {
  return sum_of(addresses) + udp_bytes + kProtocolUdp;
}

void write_ip4(const EncapConfig& config, std::byte* at, std::size_t payload_bytes,
               std::uint8_t protocol) noexcept {
  std::memset(at, 0, kIp4Bytes);
  at[0] = std::byte{0x45};
  at[1] = std::byte{0xC0};  // CS6: network control
  put16(at + 2, static_cast<std::uint32_t>(kIp4Bytes + payload_bytes));
  put16(at + 6, 0x4000);  // never fragment
  at[8] = std::byte{kHopLimit};
  at[9] = std::byte{protocol};
  std::memcpy(at + 12, config.local4.data(), 4);
  std::memcpy(at + 16, config.peer4.data(), 4);
  put16(at + 10, fold(sum_of({at, kIp4Bytes})));
}

void write_ip6(const EncapConfig& config, std::byte* at, std::size_t payload_bytes,
               std::uint8_t protocol) noexcept {
  std::memset(at, 0, 4);
  at[0] = std::byte{0x6C};  // version 6, CS6
  put16(at + 4, static_cast<std::uint32_t>(payload_bytes));
  at[6] = std::byte{protocol};
  at[7] = std::byte{kHopLimit};
  std::memcpy(at + 8, config.local6.data(), 16);
  std::memcpy(at + 24, config.peer6.data(), 16);
}

Opened fail(Opened opened, EncapError error) noexcept {
  opened.frame = {};
  opened.error = error;
  return opened;
}

// The IP header off, or an error; `payload` is what it says it carries, without Ethernet padding.
EncapError open_ip(const EncapConfig& config, std::span<const std::byte> packet,
                   std::uint8_t protocol, std::span<const std::byte>& payload) noexcept {
  if (packet.size() < ip_bytes(config)) return EncapError::kTooShort;
  const std::byte* at = packet.data();
  if (!config.is_ip6) {
    if (at[0] != std::byte{0x45} || at[9] != std::byte{protocol}) return EncapError::kNotOurs;
    if (std::memcmp(at + 12, config.peer4.data(), 4) != 0 ||
        std::memcmp(at + 16, config.local4.data(), 4) != 0)
      return EncapError::kNotOurs;
    if ((get16(at + 6) & 0x3FFFU) != 0) return EncapError::kFragment;
    if (fold(sum_of({at, kIp4Bytes})) != 0) return EncapError::kBadChecksum;
    const std::size_t total_bytes = get16(at + 2);
    if (total_bytes < kIp4Bytes || total_bytes > packet.size()) return EncapError::kBadLength;
    payload = packet.subspan(kIp4Bytes, total_bytes - kIp4Bytes);
    return EncapError::kNone;
  }
  if ((static_cast<unsigned>(at[0]) >> 4U) != 6 || at[6] != std::byte{protocol})
    return EncapError::kNotOurs;
  if (std::memcmp(at + 8, config.peer6.data(), 16) != 0 ||
      std::memcmp(at + 24, config.local6.data(), 16) != 0)
    return EncapError::kNotOurs;
  const std::size_t payload_bytes = get16(at + 4);
  if (payload_bytes > packet.size() - kIp6Bytes) return EncapError::kBadLength;
  payload = packet.subspan(kIp6Bytes, payload_bytes);
  return EncapError::kNone;
}

std::span<const std::byte> addresses_in(const EncapConfig& config,
                                        std::span<const std::byte> ip_header) noexcept {
  return config.is_ip6 ? ip_header.subspan(8, 32) : ip_header.subspan(12, 8);
}

}  // namespace

std::size_t encap_bytes(const EncapConfig& config) noexcept {
  switch (config.transport) {
    case Transport::kEthernet:
      return kEthernetBytes;
    case Transport::kIp:
      return kEthernetBytes + ip_bytes(config);
    case Transport::kUdp:
      break;
  }
  return kEthernetBytes + ip_bytes(config) + kUdpBytes;
}

std::size_t frame_bytes_for_mtu(const EncapConfig& config, std::size_t mtu_bytes) noexcept {
  return mtu_bytes - (encap_bytes(config) - kEthernetBytes);
}

void write_encap(const EncapConfig& config, std::uint16_t partition, std::span<std::byte> head,
                 std::span<const std::byte> frame) noexcept {
  TWINPLANE_CHECK(head.size(), >=, encap_bytes(config));
  std::byte* at = head.data();
  std::memcpy(at, config.peer_mac.data(), 6);
  std::memcpy(at + 6, config.local_mac.data(), 6);
  if (config.transport == Transport::kEthernet) return put16(at + 12, kEtherType);
  put16(at + 12, config.is_ip6 ? kEtherTypeIp6 : kEtherTypeIp4);
  at += kEthernetBytes;
  const bool is_udp = config.transport == Transport::kUdp;
  const std::size_t payload_bytes = frame.size() + (is_udp ? kUdpBytes : 0);
  const std::uint8_t protocol = is_udp ? kProtocolUdp : kIpProtocol;
  if (config.is_ip6)
    write_ip6(config, at, payload_bytes, protocol);
  else
    write_ip4(config, at, payload_bytes, protocol);
  if (!is_udp) return;
  const std::span<const std::byte> addresses = addresses_in(config, {at, ip_bytes(config)});
  std::byte* const udp = at + ip_bytes(config);
  put16(udp, partition < config.source_ports.size() ? config.source_ports[partition]
                                                    : kSourcePortBase | (partition & 0x3FFFU));
  put16(udp + 2, kUdpPort);
  put16(udp + 4, static_cast<std::uint32_t>(payload_bytes));
  put16(udp + 6, 0);
  const std::uint16_t checksum =
      fold(pseudo_sum(addresses, payload_bytes) + sum_of({udp, kUdpBytes}) + sum_of(frame));
  put16(udp + 6, checksum == 0 ? 0xFFFFU : checksum);
}

Opened open_encap(const EncapConfig& config, std::span<const std::byte> packet) noexcept {
  Opened opened{};
  if (packet.size() < kEthernetBytes) return fail(opened, EncapError::kTooShort);
  std::memcpy(opened.source_mac.data(), packet.data() + 6, 6);
  const std::uint16_t ether_type = get16(packet.data() + 12);
  const std::span<const std::byte> inner = packet.subspan(kEthernetBytes);
  if (config.transport == Transport::kEthernet) {
    if (ether_type != kEtherType) return fail(opened, EncapError::kNotOurs);
    opened.frame = inner;
    return opened;
  }
  if (ether_type != (config.is_ip6 ? kEtherTypeIp6 : kEtherTypeIp4))
    return fail(opened, EncapError::kNotOurs);
  const bool is_udp = config.transport == Transport::kUdp;
  std::span<const std::byte> payload;
  const EncapError error = open_ip(config, inner, is_udp ? kProtocolUdp : kIpProtocol, payload);
  if (error != EncapError::kNone) return fail(opened, error);
  if (is_udp) {
    if (payload.size() < kUdpBytes) return fail(opened, EncapError::kTooShort);
    if (get16(payload.data() + 2) != kUdpPort) return fail(opened, EncapError::kNotOurs);
    const std::size_t udp_bytes = get16(payload.data() + 4);
    if (udp_bytes < kUdpBytes || udp_bytes > payload.size())
      return fail(opened, EncapError::kBadLength);
    payload = payload.first(udp_bytes);
    // A checksum of 0 means none was made, which only IPv4 allows.
    const bool has_checksum = get16(payload.data() + 6) != 0;
    if (!has_checksum && config.is_ip6) return fail(opened, EncapError::kBadChecksum);
    if (has_checksum &&
        fold(pseudo_sum(addresses_in(config, inner), udp_bytes) + sum_of(payload)) != 0)
      return fail(opened, EncapError::kBadChecksum);
    payload = payload.subspan(kUdpBytes);
  }
  opened.frame = payload;
  return opened;
}

}  // namespace twinplane::ha2
