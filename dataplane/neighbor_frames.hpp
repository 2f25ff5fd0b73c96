// SPDX-License-Identifier: BSD-3-Clause
// neighbor_frames.hpp - writes the frames of ARP and neighbor discovery, link header and tag
// included.
//
// Thread:  any; pure.
// Memory:  writes into the caller's buffer; kNeighborFrameBytesMax always suffices.
// Limits:  short frames are padded with zeros to Ethernet's 60 bytes.
// Errors:  CHECK for a buffer below kNeighborFrameBytesMax.
// Spec:    RFC 826, RFC 5227 section 3 (announcements); RFC 4861 sections 4.3, 4.4, 4.6.1, 7.2;
//          IEEE 802.1Q.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/rewrite.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kNeighborFrameBytesMax =
    kEthernetBytes + kVlanTagBytes + kIp6Bytes + 32;

struct ArpFields {
  std::uint16_t operation{};
  tables::Address4 sender{};
  tables::Address4 target{};
  MacAddress target_mac{};  // zero in requests
};

// The sender's MAC is the link header's source. Both return the frame's size.
std::size_t write_arp(std::span<std::byte> out, const LinkHeader& link,
                      const ArpFields& fields) noexcept;

struct NeighborDiscoveryFields {
  std::uint8_t type{};  // kNdNeighborSolicitation or kNdNeighborAdvertisement
  std::uint8_t flags{};
  tables::Address6 source{};
  tables::Address6 target{};   // IPv6 destination
  tables::Address6 subject{};  // the address that the message is about
};

inline constexpr std::uint8_t kNaRouter = 0x80;
inline constexpr std::uint8_t kNaSolicited = 0x40;
inline constexpr std::uint8_t kNaOverride = 0x20;
inline constexpr std::uint8_t kNdSourceLinkOption = 1;
inline constexpr std::uint8_t kNdTargetLinkOption = 2;
inline constexpr std::uint8_t kNdHopLimit = 255;

// Carries the link header's source as link-layer address option.
std::size_t write_neighbor_discovery(std::span<std::byte> out, const LinkHeader& link,
                                     const NeighborDiscoveryFields& fields) noexcept;

}  // namespace twinplane::dataplane
