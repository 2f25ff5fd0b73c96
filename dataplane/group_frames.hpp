// SPDX-License-Identifier: BSD-3-Clause
// group_frames.hpp - writes the frames of IGMP and MLD queries, link header and tag included.
//
// Thread:  any; pure.
// Memory:  writes into the caller's buffer; kGroupFrameBytesMax always suffices.
// Limits:  kGroupQuerySourcesMax sources; short frames are padded with zeros to Ethernet's 60
//          bytes. A response time or an interval that its code cannot say is rounded down.
// Errors:  CHECK for a buffer below kGroupFrameBytesMax, for more sources, for sources without a
//          group, and for either in a version that does not have them.
// Spec:    RFC 1112 appendix I, RFC 2236 section 2, RFC 3376 section 4.1; RFC 2710 section 3, RFC
//          3810 section 5.1; RFC 2113 and RFC 2711 (router alert); IEEE 802.1Q.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/group_message.hpp"
#include "dataplane/group_numbers.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kGroupQuerySourcesMax = 64;  // fits the smallest MTU of IPv6
inline constexpr std::size_t kGroupFrameBytesMax = kEthernetBytes + kVlanTagBytes + kIp6Bytes + 8 +
                                                   kMldBytes + kGroupQueryTailBytes +
                                                   kGroupQuerySourcesMax * sizeof(tables::Address6);

struct GroupQueryFields {
  MacAddress source_mac{};
  std::uint16_t vlan{};       // 0 = untagged, else 1..4094
  tables::Address6 source{};  // its family is the query's; in IPv6 link-local
  // of one family, the source's. IPv6 has no version 1
  GroupVersion version{GroupVersion::k3};
  tables::Address6 group{};                     // kNoAddress: a general query; not in version 1
  std::span<const tables::Address6> sources{};  // version 3
  std::uint32_t max_response_ms{};
  std::uint32_t interval_s{};  // version 3
  std::uint8_t robustness{};   // version 3; above 7 it is sent as 0: not told
  bool suppresses_timers{};    // version 3
};

// The frame's size. It goes to the group, or to all hosts for a general query.
std::size_t write_group_query(std::span<std::byte> out, const GroupQueryFields& fields) noexcept;

}  // namespace twinplane::dataplane
