// SPDX-License-Identifier: BSD-3-Clause
// group_streams.hpp - which sources send to which groups: streams begin with their first packet,
// within what their zone may take, and end when packets stop.
//
// Thread:  the home worker of the box that owns the home partition.
// Memory:  12 bytes a slot of the replica and 40 a zone, taken by the constructor.
// Limits:  MulticastConfig::new_streams_per_s (twice as many at once) and streams_per_zone, by the
//          zone that the packets come from. poll() looks at each slot once in kScanRoundMs, so a
//          stream lives up to that much longer than its timeout.
// Errors:  what is refused has a GroupDrop.
// Spec:    RFC 7761 section 4.11 (Keepalive_Period); dataplane/DESIGN.md D-D21. Times come in, in
//          milliseconds, and must not go back.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/group_counters.hpp"
#include "dataplane/group_drop.hpp"
#include "dataplane/group_replica.hpp"
#include "dataplane/group_traffic.hpp"
#include "dataplane/token_bucket.hpp"

namespace twinplane::dataplane {

class GroupStreams {
 public:
  static constexpr std::uint64_t kScanRoundMs = 1000;

  // All of them outlive it.
  GroupStreams(const Config& config, GroupReplica& replica, const GroupTraffic& traffic,
               GroupCounters& counters);

  // This box owns the streams from now on: each gets its whole timeout, as nobody here knows when
  // it was heard last.
  void take(std::uint64_t now_ms) noexcept;

  // The first packet that anybody has seen of a stream, or one that comes in elsewhere than before;
  // routes and rules have let it through. kNone: it has begun, or had already.
  GroupDrop begin(const GroupRouteKey& key, std::uint8_t ingress, std::uint64_t now_ms) noexcept;

  // Ends those whose packets have stopped. How many.
  std::size_t poll(std::uint64_t now_ms) noexcept;

  // That come from the zone now.
  std::uint32_t count_of_zone(std::size_t zone) const noexcept { return zones_[zone].stream_count; }

 private:
  struct Zone {
    TokenBucket beginnings;
    std::uint32_t stream_count = 0;
  };

  struct Heard {
    std::uint64_t packets{};  // the place's total when that was last looked at
    std::uint32_t at_s{};     // when it had changed
  };

  void hear(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  std::uint64_t packets_of(std::uint32_t slot) const noexcept;
  // Null: no port of this box.
  Zone* zone_of(std::uint8_t ingress) noexcept;

  const Config& config_;
  GroupReplica& replica_;
  const GroupTraffic& traffic_;
  GroupCounters& counters_;
  std::vector<Zone> zones_;
  std::vector<Heard> heard_;  // by slot; counts for streams
  std::uint64_t last_poll_ms_ = 0;
  std::uint32_t cursor_ = 0;
};

}  // namespace twinplane::dataplane
