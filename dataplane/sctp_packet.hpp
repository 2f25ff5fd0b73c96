// SPDX-License-Identifier: BSD-3-Clause
// sctp_packet.hpp - the total parser of SCTP, from the common header to the packet's end, and its
// checksum.
//
//      0                   1                   2                   3
//     |  source port                  |  destination port             |
//     |  verification tag                                             |
//     |  checksum: CRC32c, its least significant byte first           |
//     |  type         |  flags        |  length (header and value)    |   a chunk; more follow
//     |  value, padded to 4 bytes                                  ...
//
// Thread:  any; pure.
// Memory:  reads the packet, writes the summary; nothing else.
// Limits:  kSctpControlChunksMax chunks beside DATA, kSctpParametersMax parameters of an INIT,
//          INIT ACK or ASCONF: beyond them the packet is refused. The packet must be whole: no IP
//          fragment. A checksum of zero that was agreed on (RFC 9653) is a wrong one.
// Errors:  SctpResult; the first fault in the order of the enum, but for faults of chunks and of
//          parameters, which come in the order of the packet. After one the summary holds what was
//          understood so far and nothing must be tracked by it.
// Spec:    RFC 9260 sections 3, 5.1, 6.8, 6.10, 8.5.1 and appendix A (RFC 3309); RFC 4895; RFC 5061
//          sections 4.1.1, 4.2.1, 4.2.4: of an ASCONF only requests to add an address are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/sctp_result.hpp"
#include "tables/sctp_summary.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kSctpHeaderBytes = 12;

// DATA chunks do not count: an end may fill a packet with small messages, and would send the same
// one again if it were refused. Their least length limits them to one for each 20 bytes.
inline constexpr std::size_t kSctpControlChunksMax = 64;
inline constexpr std::size_t kSctpParametersMax = 64;

enum class SctpChecksum : std::uint8_t {
  kVerify,
  kKnownGood,  // the device has verified it
};

// `packet` begins at the common header and ends with the payload: link padding left out.
[[nodiscard]] SctpResult parse_sctp(std::span<const std::byte> packet, SctpChecksum checksum,
                                    tables::SctpSummary& out) noexcept;

// CRC32c with the checksum field as zeros, as it is to be stored by store_raw: on the wire the
// least significant byte comes first. Requires at least kSctpHeaderBytes.
[[nodiscard]] std::uint32_t sctp_checksum_raw(std::span<const std::byte> packet) noexcept;

// After a change of ports: the checksum covers no address. Requires at least kSctpHeaderBytes.
void set_sctp_checksum(std::span<std::byte> packet) noexcept;

}  // namespace twinplane::dataplane
