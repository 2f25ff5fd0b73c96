// SPDX-License-Identifier: BSD-3-Clause
// coverage.hpp - what a run has gone through: faults that struck, events, traffic, numbers that
// wrapped, and what came of it. A fault that never strikes tests nothing.
//
// Thread:  one; a value.
// Memory:  8 bytes a row.
// Limits:  none.
// Errors:  none.
// Spec:    tests/DESIGN.md D-S7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ha2/counters.hpp"
#include "tests/support/sim_link.hpp"
#include "tests/support/workload.hpp"

namespace twinplane::tests {

enum class Covered : std::uint8_t {
  // Faults of the HA2 link, in the order of LinkFault.
  kLoss,
  kBurst,
  kStatusLoss,
  kDuplicate,
  kReorder,
  kFlip,
  kTruncate,
  kReplay,
  kRefuse,
  kSqueeze,
  kRing,
  kMalformed,
  kCut,
  kHa1Fault,  // any of them, on HA1
  // What happened to the boxes.
  kOneWay,
  kFlap,
  kPause,
  kLongPause,
  kClockJump,
  kClockDrift,
  kHungWorker,
  kHungControl,
  kLateOrder,
  kCrash,
  kCrashWithTables,
  kBothBoot,
  kLeave,
  kReconnect,
  kSwitchOver,
  kTakeOver,
  kDoubleTakeOver,
  kTakeOverInBulk,
  kTwoActives,
  kRefusal,
  kWithdrawal,
  kOldWords,
  kVerification,
  kEnduredBulk,
  kEnduredCompare,
  kHastened,
  // Versions and sizes.
  kLaterVersion,
  kOtherFrameSize,
  kSmallestFrames,
  kWindowOfFour,
  // Numbers near their wrap.
  kSendTimeWraps,
  kMillisecondsWrap,
  kSecondsWrap,
  kGenerationWraps,
  kKeepaliveCountWraps,
  kLastTerms,
  // Traffic, in the order of WorkloadKind.
  kMixed,
  kHotKeys,
  kSynFlood,
  kMassExpiry,
  kFullTable,
  kTableWasFull,
  // What came of it, by the engine's counters.
  kFramesLost,
  kRepairs,
  kNoWindow,
  kNoBuffer,
  kDropOldTerm,
  kDropSession,
  kDropDuplicate,
  kDropRecord,
  kUnknownRecords,
  kOtherGeneration,
  kStreams,
  kAnsweredKept,
  // What became of SAs at takeovers.
  kSequenceAbove,
  kSequenceJumped,
  kSequenceSealed,
  kSequenceUngranted,
  kReceipts,
  kCount
};
inline constexpr std::size_t kCoveredCount = static_cast<std::size_t>(Covered::kCount);

inline constexpr std::array<std::string_view, kCoveredCount> kCoveredNames{
    "fault: loss",
    "fault: burst of losses",
    "fault: loss of status alone",
    "fault: copy",
    "fault: reordering",
    "fault: flipped bits",
    "fault: cut short",
    "fault: replay",
    "fault: no buffer",
    "fault: bandwidth squeezed",
    "fault: receive ring full",
    "fault: malformed, well sealed",
    "fault: link cut",
    "fault: any on HA1",
    "event: one way cut",
    "event: flap",
    "event: pause of a box",
    "event: pause above 1 s",
    "event: clock jumps",
    "event: clock drifts",
    "event: worker hangs",
    "event: control hangs",
    "event: order followed late",
    "event: crash, tables lost",
    "event: crash, tables kept",
    "event: both boot at once",
    "event: leaves in order",
    "event: new session",
    "event: switched over",
    "event: takeover",
    "event: second takeover soon",
    "event: takeover in bulk",
    "event: two actives for a while",
    "event: refused by an item",
    "event: refusal withdrawn",
    "event: old words arrive",
    "event: verification",
    "event: bulk on a bad link",
    "event: comparison on a bad link",
    "event: held back, then let go",
    "peer: of a later build",
    "peer: other frame size",
    "size: smallest frames",
    "size: window of 4",
    "wrap: send time",
    "wrap: milliseconds",
    "wrap: seconds",
    "wrap: generation",
    "wrap: keepalive count",
    "wrap: last terms",
    "traffic: mixed",
    "traffic: hot keys",
    "traffic: SYN flood",
    "traffic: mass expiry",
    "traffic: full table",
    "traffic: table was full",
    "result: frames declared lost",
    "result: slots repaired",
    "result: window full",
    "result: no buffer",
    "result: old term refused",
    "result: other session refused",
    "result: copy refused",
    "result: record refused",
    "result: unknown records skipped",
    "result: patch of another generation",
    "result: streams begun",
    "result: answered and kept",
    "SA: goes on above its ceiling",
    "SA: jumped at a takeover",
    "SA: sealed at a takeover",
    "SA: goes on without answers",
    "result: receipts came",
};
static_assert(!kCoveredNames.back().empty(), "each row has its name");

class Coverage {
 public:
  void add(Covered row, std::uint64_t amount = 1) noexcept {
    counts_[static_cast<std::size_t>(row)] += amount;
  }

  void add(WorkloadKind kind) noexcept { add(row_from(Covered::kMixed, kind)); }

  void add_link(const SimLink& link, bool is_ha1) noexcept;
  void add_counters(const ha2::Counters& counters) noexcept;

  std::uint64_t get(std::size_t row) const noexcept { return counts_[row]; }

 private:
  template <class Enum>
  static Covered row_from(Covered first, Enum offset) noexcept {
    return static_cast<Covered>(static_cast<std::size_t>(first) + static_cast<std::size_t>(offset));
  }

  std::array<std::uint64_t, kCoveredCount> counts_{};
};

}  // namespace twinplane::tests
