// SPDX-License-Identifier: BSD-3-Clause
// group_drop.hpp - why a packet to a group goes nowhere, or not everywhere.
//
// Thread:  any; values.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    each reason is two counters of /twinplane/multicast_counters: `drop_<name>` for packets
//          that went nowhere, `withheld_<name>` for copies that a port was not given.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twinplane::dataplane {

// In the order in which they are looked for.
enum class GroupDrop : std::uint8_t {
  kNone,
  kNotGroupFrame,  // sent to one station's address
  kLinkScope,      // of its link alone: 224.0.0.0/24, ff02:: and below
  kBadSource,      // link-local or unspecified
  kBadProtocol,    // TCP, SCTP, neighbor discovery, errors: never to a group
  kTtlExceeded,    // nobody is told
  kWrongIngress,   // its source is not behind the port that it came in by
  kPruned,         // its stream is known, and nobody wants it any more
  kNoListener,
  kRule,        // a rule says drop, or no rule matches
  kTranslated,  // NAT would hide the source, and groups are not translated
  kRingFull,    // to the home worker, who begins streams
  kClosing,     // this box is about to leave: it begins none
  kFlood,       // beyond the rate at which its zone may begin streams
  kZoneFull,    // its zone has as many as it may
  kTableFull,
  kTooBig,  // for a port's MTU, and may not be cut
  kNoBuffer,
  kCount,
};

inline constexpr std::size_t kGroupDropCount = static_cast<std::size_t>(GroupDrop::kCount);

inline constexpr auto kGroupDropNames = std::to_array<std::string_view>({
    "none",
    "not_group_frame",
    "link_scope",
    "bad_source",
    "bad_protocol",
    "ttl_exceeded",
    "wrong_ingress",
    "pruned",
    "no_listener",
    "rule",
    "translated",
    "ring_full",
    "closing",
    "flood",
    "zone_full",
    "table_full",
    "too_big",
    "no_buffer",
});
static_assert(kGroupDropNames.size() == kGroupDropCount);
static_assert(std::ranges::none_of(kGroupDropNames, &std::string_view::empty));

constexpr std::string_view name(GroupDrop drop) noexcept {
  return kGroupDropNames[static_cast<std::size_t>(drop)];
}

}  // namespace twinplane::dataplane
