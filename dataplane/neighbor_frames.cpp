// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_frames.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::size_t kFrameBytesMin = 60;
constexpr std::size_t kNdBytes = 24;
constexpr std::size_t kLinkOptionBytes = 8;

// Zeroes what the longest frame needs; answers where the network header goes.
std::byte* start_frame(std::span<std::byte> out, const LinkHeader& link,
                       std::uint16_t ethertype) noexcept {
  TWINPLANE_CHECK(out.size(), >=, kNeighborFrameBytesMax);
  std::memset(out.data(), 0, kNeighborFrameBytesMax);
  std::byte* at = out.data();
  store_raw(at, link.target);
  store_raw(at + 6, link.source);
  at += 12;
  if (link.vlan != 0) {
    store_be(at, kEtherTypeVlan);
    store_be(at + 2, link.vlan);
    at += kVlanTagBytes;
  }
  store_be(at, ethertype);
  return at + 2;
}

}  // namespace

static_assert(kNeighborFrameBytesMax >= kFrameBytesMin);
static_assert(kNeighborFrameBytesMax ==
              kEthernetBytes + kVlanTagBytes + kIp6Bytes + kNdBytes + kLinkOptionBytes);

std::size_t write_arp(std::span<std::byte> out, const LinkHeader& link,
                      const ArpFields& fields) noexcept {
  std::byte* arp = start_frame(out, link, kEtherTypeArp);
  store_be(arp, std::uint16_t{1});  // Ethernet
  store_be(arp + 2, kEtherTypeIp4);
  store_be(arp + 4, std::uint16_t{0x0604});  // address lengths
  store_be(arp + 6, fields.operation);
  store_raw(arp + 8, link.source);
  store_raw(arp + 14, fields.sender);
  store_raw(arp + 18, fields.target_mac);
  store_raw(arp + 24, fields.target);
  return std::max(static_cast<std::size_t>(arp - out.data()) + kArpBytes, kFrameBytesMin);
}

std::size_t write_neighbor_discovery(std::span<std::byte> out, const LinkHeader& link,
                                     const NeighborDiscoveryFields& fields) noexcept {
  constexpr std::size_t kMessageBytes = kNdBytes + kLinkOptionBytes;
  std::byte* ip = start_frame(out, link, kEtherTypeIp6);
  ip[0] = std::byte{0x60};
  store_be(ip + 4, static_cast<std::uint16_t>(kMessageBytes));
  ip[6] = std::byte{kProtocolIcmp6};
  ip[7] = std::byte{kNdHopLimit};
  store_raw(ip + 8, fields.source);
  store_raw(ip + 24, fields.target);

  std::byte* message = ip + kIp6Bytes;
  const bool asks = fields.type == kNdNeighborSolicitation;
  message[0] = std::byte{fields.type};
  message[4] = std::byte{fields.flags};
  store_raw(message + 8, fields.subject);
  std::byte* option = message + kNdBytes;
  option[0] = std::byte{asks ? kNdSourceLinkOption : kNdTargetLinkOption};
  option[1] = std::byte{kLinkOptionBytes / 8};
  store_raw(option + 2, link.source);
  store_raw(message + 2,
            l4_checksum_be(fields.source, fields.target, kProtocolIcmp6, {message, kMessageBytes}));
  return static_cast<std::size_t>(message - out.data()) + kMessageBytes;
}

}  // namespace twinplane::dataplane
