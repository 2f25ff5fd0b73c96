// SPDX-License-Identifier: BSD-3-Clause
// encap.hpp - the three ways a frame travels: in Ethernet, in IP, in UDP; written in front of it
// and read off again.
//
// Thread:  any; pure. One Encapsulation a sender: it keeps no state but its configuration.
// Memory:  none.
// Limits:  untagged Ethernet; IPv4 without options, IPv6 without extension headers. Frames are
//          never fragmented.
// Errors:  open() returns a named reason; the frame is not looked at then.
// Spec:    PROTOCOL.md section 1. EtherType 0x7261; IP protocol 99; UDP port 29281.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tables/flow_key.hpp"

namespace twinplane::ha2 {

enum class Transport : std::uint8_t { kEthernet, kIp, kUdp };

inline constexpr std::uint16_t kEtherType = 0x7261;
inline constexpr std::uint8_t kIpProtocol = 99;
inline constexpr std::uint16_t kUdpPort = 29281;
inline constexpr std::size_t kEncapBytesMax = 14 + 40 + 8;

using MacAddress = std::array<std::uint8_t, 6>;

struct EncapConfig {
  Transport transport = Transport::kEthernet;
  bool is_ip6 = false;
  tables::Address4 local4{};
  tables::Address4 peer4{};
  tables::Address6 local6{};
  tables::Address6 peer6{};
  // UDP source port by partition, in host order: chosen so that the peer's device steers a stream
  // to the core that owns it. Empty: 49152 + partition.
  std::vector<std::uint16_t> source_ports;
  MacAddress local_mac{};
  MacAddress peer_mac{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
};

// Bytes in front of a frame.
std::size_t encap_bytes(const EncapConfig& config) noexcept;

// The largest frame for a link MTU (the Ethernet payload).
std::size_t frame_bytes_for_mtu(const EncapConfig& config, std::size_t mtu_bytes) noexcept;

// Writes encap_bytes() bytes into `head`, for a frame of frame_bytes that follows. `partition`
// chooses the UDP source port, so that the peer's device spreads streams over its queues. The UDP
// checksum covers the frame, so it must be complete.
void write_encap(const EncapConfig& config, std::uint16_t partition, std::span<std::byte> head,
                 std::span<const std::byte> frame) noexcept;

enum class EncapError : std::uint8_t {
  kNone,
  kTooShort,
  kNotOurs,
  kBadLength,
  kBadChecksum,
  kFragment
};

inline constexpr auto kEncapErrorNames = std::to_array<std::string_view>(
    {"none", "too_short", "not_ours", "bad_length", "bad_checksum", "fragment"});
static_assert(kEncapErrorNames.size() == static_cast<std::size_t>(EncapError::kFragment) + 1);

struct Opened {
  std::span<const std::byte> frame;
  MacAddress source_mac;
  EncapError error;
};

// Takes the encapsulation off what the device delivered.
Opened open_encap(const EncapConfig& config, std::span<const std::byte> packet) noexcept;

}  // namespace twinplane::ha2
