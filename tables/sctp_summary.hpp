// SPDX-License-Identifier: BSD-3-Clause
// sctp_summary.hpp - what one SCTP packet says to whoever tracks its association: ends, tag, which
// chunks it holds, and what an INIT, INIT ACK or ASCONF announces.
//
// Thread:  any; values.
// Memory:  96 bytes; holds no pointer, so it outlives the packet.
// Limits:  4 of the addresses that an INIT, INIT ACK or ASCONF lists are kept, the rest is counted.
// Errors:  none. Whoever fills it has refused what the RFC forbids: a bundled INIT, a tag of 0 with
//          anything else (dataplane/sctp_packet.hpp does).
// Spec:    RFC 9260 sections 3.1, 3.2, 3.3.2, 3.3.3; RFC 4895 (AUTH); RFC 5061 (ASCONF).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tables/flow_key.hpp"

namespace twinplane::tables {

enum SctpChunk : std::uint8_t {
  kSctpData = 0,
  kSctpInit = 1,
  kSctpInitAck = 2,
  kSctpSack = 3,
  kSctpHeartbeat = 4,
  kSctpHeartbeatAck = 5,
  kSctpAbort = 6,
  kSctpShutdown = 7,
  kSctpShutdownAck = 8,
  kSctpError = 9,
  kSctpCookieEcho = 10,
  kSctpCookieAck = 11,
  kSctpShutdownComplete = 14,
  kSctpAuth = 15,
  kSctpAsconf = 0xC1,
};

// Types from here on share the highest bit of a set of chunks.
inline constexpr std::uint8_t kSctpOtherChunks = 31;

constexpr std::uint32_t sctp_chunk_bit(std::uint8_t type) noexcept {
  return 1U << std::min(type, kSctpOtherChunks);
}

inline constexpr std::size_t kSctpAddressesMax = 4;  // that are kept, of each side

struct SctpSummary {
  std::uint16_t source_port_be{};
  std::uint16_t target_port_be{};
  std::uint32_t tag{};     // the verification tag, as a number
  std::uint32_t chunks{};  // sctp_chunk_bit of each type in the packet
  std::uint16_t chunk_count{};
  std::uint8_t first_chunk{};  // its type
  bool is_tag_reflected{};     // the T bit of an ABORT or a SHUTDOWN COMPLETE

  // INIT and INIT ACK; 0 in others.
  std::uint32_t initiate_tag{};
  std::uint32_t initial_tsn{};
  std::uint16_t outbound_streams{};
  std::uint16_t inbound_streams{};
  // Of an INIT or INIT ACK those that it lists, of any other packet those that an ASCONF adds.
  std::uint32_t address_count{};                        // listed, those that are not kept too
  std::array<Address6, kSctpAddressesMax> addresses{};  // the first that differ; IPv4 is mapped

  constexpr bool has(SctpChunk type) const noexcept { return (chunks & sctp_chunk_bit(type)) != 0; }

  // Those listed that are kept.
  std::span<const Address6> known_addresses() const noexcept {
    return std::span(addresses).first(
        std::min(addresses.size(), static_cast<std::size_t>(address_count)));
  }
};

static_assert(sizeof(SctpSummary) == 96);

}  // namespace twinplane::tables
