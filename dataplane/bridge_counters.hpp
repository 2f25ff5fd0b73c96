// SPDX-License-Identifier: BSD-3-Clause
// bridge_counters.hpp - what became of each frame that came in by a bridge domain, and of each
// address that was heard there.
//
// Thread:  values; the numbers are written by one worker each and read by any thread.
// Memory:  none.
// Limits:  a frame ends in exactly one BridgeOutcome, or under a DropReason of the rules.
// Errors:  none.
// Spec:    shown by /twinplane/bridges under the names below.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/worker_stats.hpp"

namespace twinplane::dataplane {

enum class BridgeOutcome : std::uint8_t {
  kForwarded,       // to the port of its target
  kFloodedUnknown,  // the target is not known
  kFloodedMulticast,
  kFloodedBroadcast,
  // From here on it was dropped.
  kFiltered,  // the target is behind the port that it came in by
  kMalformed,
  kWrongTag,
  kWrongVlan,        // none of the domain's
  kReserved,         // link protocols, where they do not pass
  kEtherType,        // neither IP nor among what passes without the rules
  kStaticElsewhere,  // sent by a static address, but behind another port
  kHeldSource,       // sent by an address that moved too often
  kHeldTarget,       // sent to one
  kLimit,            // sent by an address that found no place, where that is a reason
  kUnknownTarget,    // the target is not known, where those are not flooded
  kStorm,            // more of its kind than the port may bring in a second
  kTooBig,           // for the domain's MTU
  kCount,
};

inline constexpr std::size_t kBridgeOutcomeCount = static_cast<std::size_t>(BridgeOutcome::kCount);

inline constexpr std::array<std::string_view, kBridgeOutcomeCount> kBridgeOutcomeNames{
    "forwarded",        "flooded_unknown", "flooded_multicast",     "flooded_broadcast",
    "drop_same_port",   "drop_malformed",  "drop_wrong_tag",        "drop_wrong_vlan",
    "drop_reserved",    "drop_ether_type", "drop_static_elsewhere", "drop_held_source",
    "drop_held_target", "drop_limit",      "drop_unknown_target",   "drop_storm",
    "drop_too_big"};

constexpr bool is_drop(BridgeOutcome outcome) noexcept {
  return outcome >= BridgeOutcome::kFiltered;
}

// Of one domain at one worker.
struct BridgeStats {
  std::array<Gauge, kBridgeOutcomeCount> outcomes;
  Gauge copies_missed;  // a flood that left out a port, as there was no buffer
  Gauge events_missed;  // an address that the home worker was not told of: its ring was full

  void count(BridgeOutcome outcome) noexcept { outcomes[static_cast<std::size_t>(outcome)].add(1); }
};

// Of one domain's addresses, at the home worker.
struct MacStats {
  Gauge entries;
  Gauge learned;
  Gauge moved;
  Gauge aged;
  Gauge held;             // moved too often
  Gauge released;         // held long enough, and forgotten
  Gauge refused_limit;    // beyond the domain's limit or the port's
  Gauge refused_room;     // the table has no room
  Gauge refused_peer;     // of the peer's, for what is no port of the domain here
  Gauge announced;        // frames that told the links around, after a takeover
  Gauge announce_missed;  // not sent, as there was no buffer
};

struct MacStatsRow {
  std::string_view name;
  Gauge MacStats::*gauge;
};

inline constexpr std::array<MacStatsRow, 11> kMacStatsRows{
    {{"entries", &MacStats::entries},
     {"learned", &MacStats::learned},
     {"moved", &MacStats::moved},
     {"aged", &MacStats::aged},
     {"held", &MacStats::held},
     {"released", &MacStats::released},
     {"refused_limit", &MacStats::refused_limit},
     {"refused_no_room", &MacStats::refused_room},
     {"refused_peer", &MacStats::refused_peer},
     {"announced", &MacStats::announced},
     {"announce_missed", &MacStats::announce_missed}}};
static_assert(sizeof(MacStats) == kMacStatsRows.size() * sizeof(Gauge));

}  // namespace twinplane::dataplane
