// SPDX-License-Identifier: BSD-3-Clause
// mutant.hpp - deliberate breakages, by name, so that the tests can show that each would be found.
//
// In the product is_mutant() is a constant false and what it guards is not compiled. The tests
// build the engine a second time with TWINPLANE_MUTANTS and switch one on.
//
// Thread:  one; only tests set the mutant.
// Memory:  one global, in the tests' build alone.
// Limits:  one mutant at a time.
// Errors:  none.
// Spec:    tests/sim/mutation_gate.cpp; ha2/PROTOCOL.md sections 5.4 and 10.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twinplane::tables {

enum class Mutant : std::uint8_t {
  kNone,
  // Owner.
  kNoRepair,
  kRepairByPatch,
  kRepairForgetsRuns,
  kLostIsApplied,
  kBulkLeavesOutEmpty,
  kBulkDoneWhileOwed,
  kBulkDoneUnanswered,
  kPatchDuringBulk,
  kWholeWithoutWindow,
  kHeartbeatNeedsWindow,
  kNoHeartbeat,
  kChangeLostWithoutBuffer,
  kSendsLocalOnly,
  kStartKeepsWalk,
  kFloorTooHigh,
  kDigestWithoutFlush,
  kCompareSkipsRanges,
  kDifferentIsEqual,
  kSplitForgetsFirst,
  kForgetsLostDigest,
  kCompareDoneWhileOwed,
  kPaceStaysSlow,
  kDoubtsForever,
  kLateLossesOwed,
  kRepairForgetsPlain,
  kWalkLeavesOutPlain,
  kCompareLeavesOutPlain,
  kRenewKeepsGeneration,
  kRekeyKeepsOldKeys,
  kBriefForgetsShift,
  kReceiptAtSend,
  kReceiptDespiteLoss,
  kReceiptAnyGeneration,
  // Mirror.
  kAppliesLate,
  kAppliesAhead,
  kNeverGivesUp,
  kIgnoresFloor,
  kStatusNotAbsolute,
  kPatchAnyGeneration,
  kDigestDespiteLoss,
  kKeepsLeftovers,
  kKeepsDisplacedKey,
  kKeepsOldKeys,
  kFastPutAnyKey,
  // Both.
  kAcceptsOldTerm,
  kAcceptsOldSession,
  kBeginsKnownStreamAnew,
  kIgnoresChecksum,
  kGenerationStays,
  kIndexForgetsMoved,
  // Sequence numbers.
  kCeilingBeforeAnswer,
  kTakesOverBelowCeiling,
  kNoJump,
  kWindowNotMoved,
  kBelievesOldPledge,
  // Pair.
  kTermStays,
  kOneSilentPathIsDeath,
  kNeverYields,
  kBelievesAnyHello,
  kForgivesNoStall,
  kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Mutant::kCount)>
    kMutantNames{"none",
                 "no-repair",
                 "repair-by-patch",
                 "repair-forgets-runs",
                 "lost-is-applied",
                 "bulk-leaves-out-empty",
                 "bulk-done-while-owed",
                 "bulk-done-unanswered",
                 "patch-during-bulk",
                 "whole-without-window",
                 "heartbeat-needs-window",
                 "no-heartbeat",
                 "change-lost-without-buffer",
                 "sends-local-only",
                 "start-keeps-walk",
                 "floor-too-high",
                 "digest-without-flush",
                 "compare-skips-ranges",
                 "different-is-equal",
                 "split-forgets-first",
                 "forgets-lost-digest",
                 "compare-done-while-owed",
                 "pace-stays-slow",
                 "doubts-forever",
                 "late-losses-owed",
                 "repair-forgets-plain",
                 "walk-leaves-out-plain",
                 "compare-leaves-out-plain",
                 "renew-keeps-generation",
                 "rekey-keeps-old-keys",
                 "brief-forgets-shift",
                 "receipt-at-send",
                 "receipt-despite-loss",
                 "receipt-any-generation",
                 "applies-late",
                 "applies-ahead",
                 "never-gives-up",
                 "ignores-floor",
                 "status-not-absolute",
                 "patch-any-generation",
                 "digest-despite-loss",
                 "keeps-leftovers",
                 "keeps-displaced-key",
                 "keeps-old-keys",
                 "fast-put-any-key",
                 "accepts-old-term",
                 "accepts-old-session",
                 "begins-known-stream-anew",
                 "ignores-checksum",
                 "generation-stays",
                 "index-forgets-moved",
                 "ceiling-before-answer",
                 "takes-over-below-ceiling",
                 "no-jump",
                 "window-not-moved",
                 "believes-old-pledge",
                 "term-stays",
                 "one-silent-path-is-death",
                 "never-yields",
                 "believes-any-hello",
                 "forgives-no-stall"};
static_assert(!kMutantNames.back().empty(), "each mutant has its name");

#ifdef TWINPLANE_MUTANTS
inline Mutant active_mutant = Mutant::kNone;

inline bool is_mutant(Mutant mutant) noexcept { return active_mutant == mutant; }
#else
constexpr bool is_mutant(Mutant) noexcept { return false; }
#endif

}  // namespace twinplane::tables
