// SPDX-License-Identifier: BSD-3-Clause
// neighbor_message.hpp - what an ARP packet or a neighbor discovery message says, in one form for
// both families.
//
// Thread:  any; pure.
// Memory:  a value; reads the frame.
// Limits:  neighbor solicitations and advertisements; other neighbor discovery is kOther.
// Errors:  NeighborFault. Whether a sender belongs to the link is for the caller to judge.
// Spec:    RFC 826, RFC 5227 (probes and announcements); RFC 4861 sections 7.1.1 and 7.1.2: parse()
//          has checked hop limit, checksum, code and lengths, the rest is checked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/config_address.hpp"
#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

enum class NeighborFault : std::uint8_t { kNone, kOther, kMalformed };

struct NeighborMessage {
  bool is_solicitation{};
  bool is_answer{};    // of an advertisement: it answers `receiver`, who asked
  bool is_override{};  // of an advertisement: replaces another MAC address
  bool has_mac{};
  MacAddress mac{};     // of who is asking, or of the subject
  IpAddress subject{};  // whom a solicitation asks for; whose MAC address an advertisement tells
  // of a solicitation: who is asking. Not set: a probe for a duplicate of `subject`
  IpAddress sender{};
  IpAddress receiver{};  // of an advertisement: whom it was sent to
};

// `view` is that of `frame`, of kind kArp or l4_kind kNeighbor; parse() has said kOk.
[[nodiscard]] NeighborFault read_neighbor_message(std::span<const std::byte> frame,
                                                  const PacketView& view,
                                                  NeighborMessage& out) noexcept;

}  // namespace twinplane::dataplane
