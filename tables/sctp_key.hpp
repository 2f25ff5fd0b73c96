// SPDX-License-Identifier: BSD-3-Clause
// sctp_key.hpp - how a packet finds its association: by ports and verification tag, whatever the
// addresses.
//
// Thread:  any; values.
// Memory:  8 bytes, no padding: keys are hashed and compared as bytes.
// Limits:  an association has two keys, one for the packets of each direction; before the INIT ACK
//          only that of packets to the client. Two associations of other ends may have one key by
//          chance: whoever finds one by it must still ask for the addresses.
// Errors:  none.
// Spec:    RFC 9260 sections 8.5, 8.5.1.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tables/sctp_summary.hpp"

namespace twinplane::tables {

struct SctpKey {
  std::uint16_t source_port_be{};
  std::uint16_t target_port_be{};
  std::uint32_t tag{};

  friend bool operator==(const SctpKey& left, const SctpKey& right) noexcept {
    return std::memcmp(&left, &right, sizeof(SctpKey)) == 0;
  }
};

static_assert(sizeof(SctpKey) == 8 && std::has_unique_object_representations_v<SctpKey>);

struct SctpLookup {
  SctpKey key;
  bool is_against;  // the packet runs against the direction whose packets carry this key
};

// An INIT names the tag that it wants to be answered with, and a reflected tag is one that its
// sender was sent: both are keys of the other direction.
constexpr SctpLookup sctp_lookup(const SctpSummary& packet) noexcept {
  const bool is_init = packet.first_chunk == kSctpInit;
  if (!is_init && !packet.is_tag_reflected)
    return {{packet.source_port_be, packet.target_port_be, packet.tag}, false};
  return {
      {packet.target_port_be, packet.source_port_be, is_init ? packet.initiate_tag : packet.tag},
      true};
}

}  // namespace twinplane::tables
