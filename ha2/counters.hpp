// SPDX-License-Identifier: BSD-3-Clause
// counters.hpp - one number for each thing that happens on a stream or is refused there, and its
// label.
//
// Thread:  one writer (the core that runs the stream); any thread may read.
// Memory:  8 bytes a counter.
// Limits:  64 bits, never wraps in practice.
// Errors:  none.
// Spec:    PROTOCOL.md section 9 lists what each one means.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tables/table_kind.hpp"

namespace twinplane::ha2 {

enum class Counter : std::uint8_t {
  kFramesSent,
  kHeartbeatsSent,
  kStatusSent,
  kBytesSent,
  kRecordsSent,
  kWholesSent,
  kPatchesSent,
  kEmptiesSent,
  kRepairsMarked,
  kRangesEqual,
  kRangesDifferent,
  kRangesOutdated,
  kRangesRestated,
  kFramesAnswered,
  kFramesReportedLost,
  kNoWindow,
  kPaced,
  kNoBuffer,
  kFramesReceived,
  kHeartbeatsReceived,
  kStatusReceived,
  kBytesReceived,
  kRecordsApplied,
  kWholesApplied,
  kPatchesApplied,
  kEmptiesApplied,
  kFramesLost,
  kFramesHeld,
  kPatchOtherGeneration,
  kUnknownKindRecords,
  kKindOffRecords,
  kDigestsEqual,
  kDigestsDifferent,
  kDigestsOutdated,
  kDigestsUntold,
  kDropTooShort,
  kDropVersion,
  kDropType,
  kDropLength,
  kDropChecksum,
  kDropSection,
  kDropPartition,
  kDropSession,
  kDropOldTerm,
  kDropFutureTerm,
  kDropRole,
  kDropDuplicate,
  kDropSeqRange,
  kDropFloor,
  kDropRecord,
  kDropBody,
  kCount
};

inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Counter::kCount);

inline constexpr std::array<std::string_view, kCounterCount> kCounterLabels{
    "frames_sent",
    "heartbeats_sent",
    "status_sent",
    "bytes_sent",
    "records_sent",
    "wholes_sent",
    "patches_sent",
    "empties_sent",
    "repairs_marked",
    "ranges_equal",
    "ranges_different",
    "ranges_outdated",
    "ranges_restated",
    "frames_answered",
    "frames_reported_lost",
    "waits_no_window",
    "waits_paced",
    "waits_no_buffer",
    "frames_received",
    "heartbeats_received",
    "status_received",
    "bytes_received",
    "records_applied",
    "wholes_applied",
    "patches_applied",
    "empties_applied",
    "frames_lost",
    "frames_held",
    "patches_other_generation",
    "unknown_kind_records",
    "kind_off_records",
    "digests_equal",
    "digests_different",
    "digests_outdated",
    "digests_untold",
    "drop_too_short",
    "drop_version",
    "drop_type",
    "drop_length",
    "drop_checksum",
    "drop_section",
    "drop_partition",
    "drop_session",
    "drop_old_term",
    "drop_future_term",
    "drop_role",
    "drop_duplicate",
    "drop_seq_range",
    "drop_floor",
    "drop_record",
    "drop_body"};
static_assert(!kCounterLabels.back().empty(), "each counter has its label");

// The same by kind of table.
enum class KindCounter : std::uint8_t {
  kWholesSent,
  kPatchesSent,
  kEmptiesSent,
  kWholesReceived,
  kPatchesReceived,
  kEmptiesReceived,
  kWholesApplied,
  kPatchesApplied,
  kEmptiesApplied,
  kIgnoredGeneration,  // patches whose base is not there: the whole is on its way
  kIgnoredOff,         // records of a kind that the boxes do not keep equal
  kRefused,            // frames that were refused for a record of this kind
  kRepairsMarked,
  kCount
};

inline constexpr std::size_t kKindCounterCount = static_cast<std::size_t>(KindCounter::kCount);

inline constexpr std::array<std::string_view, kKindCounterCount> kKindCounterLabels{
    "wholes_sent",      "patches_sent",       "empties_sent",   "wholes_received",
    "patches_received", "empties_received",   "wholes_applied", "patches_applied",
    "empties_applied",  "ignored_generation", "ignored_off",    "refused",
    "repairs_marked"};
static_assert(!kKindCounterLabels.back().empty(), "each counter has its label");

class Counters {
 public:
  void add(Counter counter, std::uint64_t amount = 1) noexcept {
    std::atomic<std::uint64_t>& value = values_[static_cast<std::size_t>(counter)];
    // Relaxed, and not one atomic step: there is one writer, and readers want no order between
    // counters.
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::uint64_t get(Counter counter) const noexcept {
    // a statistic, as in add()
    return values_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

  void add(tables::TableKind kind, KindCounter counter, std::uint64_t amount) noexcept {
    std::atomic<std::uint64_t>& value = of_kind(kind, counter);
    // as above
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::uint64_t get(tables::TableKind kind, KindCounter counter) const noexcept {
    // as above
    return by_kind_[place_of(kind, counter)].load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t place_of(tables::TableKind kind, KindCounter counter) noexcept {
    return tables::index_of(kind) * kKindCounterCount + static_cast<std::size_t>(counter);
  }

  std::atomic<std::uint64_t>& of_kind(tables::TableKind kind, KindCounter counter) noexcept {
    return by_kind_[place_of(kind, counter)];
  }

  std::array<std::atomic<std::uint64_t>, kCounterCount> values_{};
  std::array<std::atomic<std::uint64_t>, tables::kTableKindCount * kKindCounterCount> by_kind_{};
};

}  // namespace twinplane::ha2
