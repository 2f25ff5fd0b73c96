// SPDX-License-Identifier: BSD-3-Clause
// worker_stats.hpp - what one worker tells the rest of the program: counters, and a picture of its
// partitions.
//
// Thread:  one writer (the worker); any thread reads.
// Memory:  about a kilobyte a worker.
// Limits:  64 bits a number.
// Errors:  none.
// Spec:    relaxed throughout: each number stands for itself, none publishes another.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/forward_result.hpp"
#include "dataplane/fragment.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/group_drop.hpp"
#include "dataplane/hold_stats.hpp"
#include "dataplane/parse_result.hpp"
#include "dataplane/rematch.hpp"
#include "dataplane/sctp_result.hpp"
#include "ha2/encap.hpp"
#include "tables/base/carver.hpp"
#include "tables/table_kind.hpp"

namespace twinplane::dataplane {

// Of one kind of table, over the worker's partitions.
struct KindGauges {
  Gauge entries;
  Gauge capacity;
  Gauge high_water;  // the sum of each partition's
  Gauge refused;     // for which a table, or its index, had no room
  Gauge created;
  Gauge ended;
  Gauge expired;
};

struct alignas(tables::kCacheLineBytes) WorkerStats {
  // Packets.
  Gauge packets_received;
  Gauge packets_sent;
  Gauge packets_handed_over;
  Gauge packets_fragmented;  // cut for the MTU of the port they left by
  Gauge fragments_made;      // of those
  // The fragment table's, a picture a millisecond old; FragmentCounters says what each means.
  std::array<Gauge, kFragmentCounterRows.size()> fragments;
  std::array<Gauge, kParseResultCount> parse_drops;
  std::array<Gauge, kSctpResultCount> sctp_drops;  // as parse_drops
  std::array<Gauge, kDropReasonCount> drops;
  std::array<Gauge, kGroupDropCount> group_drops;     // packets to groups that went nowhere
  std::array<Gauge, kGroupDropCount> group_withheld;  // copies that a port was not given
  Gauge group_packets;                                // that went somewhere
  Gauge group_copies;
  // An error that was due stands in exactly one of these; IcmpErrorVerdict says what each means.
  std::array<Gauge, static_cast<std::size_t>(IcmpErrorVerdict::kCount)> icmp_errors;
  Gauge icmp_errors_no_address;  // the box has no address of that family to speak as
  Gauge icmp_errors_held_back;   // too many in a second, or no buffer left
  // what came in by the HA2 port and is no frame
  std::array<Gauge, ha2::kEncapErrorNames.size()> encap_drops;
  // Tables and streams, a picture a millisecond old.
  std::array<KindGauges, tables::kTableKindCount> kinds;
  Gauge sessions4;
  Gauge sessions6;
  Gauge sessions_created;
  Gauge sessions_ended;
  Gauge sessions_expired;
  Gauge sessions_evicted;
  Gauge sessions_opened_young;
  Gauge sessions_came_of_age;
  Gauge sessions_decrypted;
  Gauge sessions_refused;
  Gauge sessions_unindexed;  // stays 0: SlotTable::unindexed_count()
  Gauge sessions_damaged;    // stays 0: SlotTable::swept_count()
  Gauge lag_ns;
  Gauge pace_ns;  // the slowest of its streams
  Gauge at_risk;
  Gauge bulk_stated_slots;
  Gauge bulk_total_slots;
  Gauge partitions_synced;
  Gauge partitions_comparing;  // not synced yet, and begun by a comparison
  Gauge partitions_quiet;
  Gauge partitions_verified;  // all of their ranges have a verdict
  Gauge verify_running;
  Gauge verify_ranges;
  Gauge verify_equal;
  Gauge verify_different;
  Gauge verify_number;   // the last request this worker has begun
  Gauge audit_rounds;    // of the partition that has the fewest
  Gauge audit_ended_ns;  // of the oldest last round; 0 = some partition has none yet
  Gauge audit_ranges;    // of the rounds under way, and those told
  Gauge audit_told;
  Gauge findings_refused;  // for which a partition's log, or the ring to control, had no place
  Gauge published_ns;      // the beginning of the turn that all of these are of
  HoldStats hold;
  RematchStats rematch;
  // Liveness and takeover.
  Gauge turn_count;       // rises with each turn of the loop
  Gauge owned_since_ns;   // when this worker took its partitions over
  Gauge first_packet_ns;  // when it first forwarded a packet of a session taken over
};

}  // namespace twinplane::dataplane
