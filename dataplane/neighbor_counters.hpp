// SPDX-License-Identifier: BSD-3-Clause
// neighbor_counters.hpp - one number for each thing that happens in neighbor resolution, and its
// label.
//
// Thread:  one writer (the home worker); any thread may read.
// Memory:  8 bytes a counter.
// Limits:  64 bits, never wraps in practice.
// Errors:  none.
// Spec:    the comments here say what each one means.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twinplane::dataplane {

enum class NeighborCounter : std::uint8_t {
  kRequestsSent,       // ARP requests and multicast solicitations
  kProbesSent,         // the same by unicast, to a neighbor that is known
  kAnswersSent,        // for the box's own addresses
  kAnnouncementsSent,  // gratuitous ARP, unsolicited advertisements
  kNoFrame,            // a frame was due and the sink had no buffer
  kResolved,           // asked for and found
  kLearned,            // not asked for: it asked for one of the box's addresses
  kConfirmed,
  kMoved,    // known, and now has another MAC
  kFailed,   // asked for and not found
  kExpired,  // known, and answers no more
  kPacketsHeld,
  kPacketsReleased,
  kDropDisplaced,
  kDropUnreachable,
  kDropRateLimited,
  kDropTableFull,
  kDropNotNeighbor,
  kDropPassive,
  kIgnoredOther,      // router discovery, redirects
  kIgnoredMalformed,  // what RFC 826, 5227 or 4861 forbid
  kIgnoredOwn,        // carries the port's virtual MAC: sent by this box or its peer
  kIgnoredNotForUs,   // about addresses of others
  kIgnoredUnasked,    // an answer that nobody asked for
  kIgnoredOffLink,    // a sender that the port's link cannot have
  // would have been learned, but for the rate or the half of the table that is kept free
  kIgnoredFlood,
  kIgnoredPermanent,  // about a neighbor that is configured
  kConflicts,         // somebody else uses one of the box's addresses
  kCount,
};

inline constexpr std::size_t kNeighborCounterCount =
    static_cast<std::size_t>(NeighborCounter::kCount);

inline constexpr auto kNeighborCounterLabels = std::to_array<std::string_view>({
    "neighbor_requests_sent",
    "neighbor_probes_sent",
    "neighbor_answers_sent",
    "neighbor_announcements_sent",
    "neighbor_no_frame",
    "neighbor_resolved",
    "neighbor_learned",
    "neighbor_confirmed",
    "neighbor_moved",
    "neighbor_failed",
    "neighbor_expired",
    "neighbor_packets_held",
    "neighbor_packets_released",
    "drop_neighbor_displaced",
    "drop_neighbor_unreachable",
    "drop_neighbor_rate_limited",
    "drop_neighbor_table_full",
    "drop_neighbor_not_neighbor",
    "drop_neighbor_passive",
    "neighbor_ignored_other",
    "neighbor_ignored_malformed",
    "neighbor_ignored_own",
    "neighbor_ignored_not_for_us",
    "neighbor_ignored_unasked",
    "neighbor_ignored_off_link",
    "neighbor_ignored_flood",
    "neighbor_ignored_permanent",
    "neighbor_conflicts",
});
static_assert(kNeighborCounterLabels.size() == kNeighborCounterCount);
static_assert(std::ranges::none_of(kNeighborCounterLabels, &std::string_view::empty));

class NeighborCounters {
 public:
  void add(NeighborCounter counter, std::uint64_t amount = 1) noexcept {
    std::atomic<std::uint64_t>& value = values_[static_cast<std::size_t>(counter)];
    // Relaxed, and not one atomic step: there is one writer, and readers want no order between
    // counters.
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::uint64_t get(NeighborCounter counter) const noexcept {
    // Relaxed: a statistic, as in add().
    return values_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kNeighborCounterCount> values_{};
};

}  // namespace twinplane::dataplane
