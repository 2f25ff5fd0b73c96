// SPDX-License-Identifier: BSD-3-Clause
// whole_plan.hpp - what a seed has drawn for a whole pair: two machines, two links, traffic, and
// what happens to them.
//
// Thread:  any; values.
// Memory:  none to speak of.
// Limits:  1 to 3 partitions; keepalives each 1 to 10 ms.
// Errors:  none.
// Spec:    swarm testing: each seed has some of the faults, few have all.
#pragma once

#include <array>
#include <cstdint>

#include "tests/sim/coverage.hpp"
#include "tests/sim/plan.hpp"
#include "tests/support/sim_whole_pair.hpp"

namespace twinplane::tests {

// Permille of the steps.
struct WholeEvents {
  std::uint32_t crash = 0;
  std::uint32_t crash_both = 0;
  std::uint32_t leave = 0;
  std::uint32_t pause = 0;
  std::uint32_t hang_worker = 0;
  std::uint32_t hang_control = 0;
  std::uint32_t leap = 0;
  std::uint32_t cut_ha2 = 0;
  std::uint32_t cut_ha1 = 0;
  std::uint32_t cut_both = 0;
  std::uint32_t one_way = 0;
  std::uint32_t flaps = 0;
  std::uint32_t other_item = 0;
  std::uint32_t old_words = 0;
  std::uint32_t verify = 0;
};

struct WholePlan {
  std::array<MachineShape, 2> machines;
  WorkloadShape workload;
  std::array<WorkloadKind, 3> traffic{};          // of each round
  std::array<LinkFaults, ha2::kPathCount> storm;  // by path
  std::array<LinkFaults, ha2::kPathCount> calm;
  WholeEvents events;
  std::uint64_t step_ns = 0;       // while streams are watched
  std::uint32_t hop_permille = 0;  // steps that are a good part of a keepalive interval
  std::uint32_t step_count = 0;    // of each storm
  std::uint32_t round_count = 0;
  std::uint32_t operations_max = 0;  // a step and partition
  std::uint32_t skipped_permille = 0;
  std::uint32_t ring_frames = 0;
  std::uint32_t keep_permille = 0;          // boxes that end and keep their tables
  std::array<std::uint64_t, 2> boots_ns{};  // after the start

  const ha2::PairConfig& pair() const noexcept { return machines[0].box.pair; }

  std::uint64_t silence_ns() const noexcept {
    return pair().keepalive_interval_ns * pair().keepalive_threshold;
  }

  // One round trip in the calm, as the streams see it, their own timers included.
  std::uint64_t round_trip_ns() const noexcept;

  // Time that the worst case needs for its bytes alone, every slot stated twice, from the slowest
  // pace on.
  std::uint64_t drain_ns() const noexcept;

  // In which, after the faults, one box is active and paired with the other: a start, a leaving
  // box, a few hellos.
  std::uint64_t settle_ns() const noexcept;
};

WholePlan draw_whole_plan(Prng& prng, std::uint32_t steps);

// What the machines and their links went through.
void cover_pair(const WholePlan& plan, const WholePair& pair, Coverage& coverage);

}  // namespace twinplane::tests
