// SPDX-License-Identifier: BSD-3-Clause
// group_counters.hpp - one number for each thing that happens in group membership, and its label.
//
// Thread:  one writer (the home worker); any thread may read.
// Memory:  8 bytes a counter.
// Limits:  64 bits, never wraps in practice.
// Errors:  none.
// Spec:    the comments here say what each one means. Messages that are no good have counters of
//          their own: GroupFault.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twinplane::dataplane {

enum class GroupCounter : std::uint8_t {
  kQueriesHeard,
  kReportsHeard,  // and leaves
  kRecords,       // of reports, that were let through
  kQueriesSent,
  kNoFrame,  // a query was due and the sink had no buffer
  kGroupsAdded,
  kGroupsRemoved,
  kEntriesRestored,
  kQuerierWon,   // there was another, and it has fallen silent
  kQuerierLost,  // one with a lower address has asked
  kQueriesOfOtherVersion,
  kIgnoredPortOff,
  kIgnoredLinkScope,    // groups that no router forwards
  kIgnoredUnspecified,  // MLD reports from ::, which are for switches alone
  kIgnoredEarlier,      // records that mean nothing beside hosts of an earlier version
  kIgnoredFlood,        // records beyond the port's rate
  kIgnoredGroupsFull,   // no room for the group: on the port or in all
  kIgnoredSourcesFull,  // no room for a source: in the group or in all
  kIgnoredManySources,  // a record or a query that names more than are looked at
  kIgnoredBadSource,    // a source that cannot be one
  kIgnoredOffLink,      // a sender that does not belong to the port's networks
  kEntriesRefused,      // of the peer's, that cannot be or for which there was no room
  kNoRoom,              // a group or source that somebody wants, and the table was full
  kStreamsBegun,
  kStreamsEnded,  // for want of packets
  kCount,
};

inline constexpr std::size_t kGroupCounterCount = static_cast<std::size_t>(GroupCounter::kCount);

inline constexpr auto kGroupCounterLabels = std::to_array<std::string_view>({
    "group_queries_heard",
    "group_reports_heard",
    "group_records",
    "group_queries_sent",
    "group_no_frame",
    "group_groups_added",
    "group_groups_removed",
    "group_entries_restored",
    "group_querier_won",
    "group_querier_lost",
    "group_queries_of_other_version",
    "group_ignored_port_off",
    "group_ignored_link_scope",
    "group_ignored_unspecified",
    "group_ignored_earlier",
    "group_ignored_flood",
    "group_ignored_groups_full",
    "group_ignored_sources_full",
    "group_ignored_many_sources",
    "group_ignored_bad_source",
    "group_ignored_off_link",
    "group_entries_refused",
    "group_no_room",
    "group_streams_begun",
    "group_streams_ended",
});
static_assert(kGroupCounterLabels.size() == kGroupCounterCount);
static_assert(std::ranges::none_of(kGroupCounterLabels, &std::string_view::empty));

class GroupCounters {
 public:
  void add(GroupCounter counter, std::uint64_t amount = 1) noexcept {
    std::atomic<std::uint64_t>& value = values_[static_cast<std::size_t>(counter)];
    // Relaxed, and not one atomic step: there is one writer, and readers want no order between
    // counters.
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::uint64_t get(GroupCounter counter) const noexcept {
    // Relaxed: a statistic, as in add().
    return values_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kGroupCounterCount> values_{};
};

}  // namespace twinplane::dataplane
