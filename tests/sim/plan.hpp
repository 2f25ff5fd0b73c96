// SPDX-License-Identifier: BSD-3-Clause
// plan.hpp - what a seed has drawn: sizes, faults, traffic, and what happens to the boxes.
//
// Thread:  any; values.
// Memory:  none to speak of.
// Limits:  tables of 48 to 200 slots, windows of 4 to 128 frames.
// Errors:  none.
// Spec:    swarm testing: each seed has some of the faults, few have all.
#pragma once

#include <array>
#include <cstdint>

#include "tests/support/prng.hpp"
#include "tests/support/sim_link.hpp"
#include "tests/support/sim_pair.hpp"
#include "tests/support/workload.hpp"

namespace twinplane::tests {

// The smallest frames that sessions can do with; where there are other kinds it may be more.
inline constexpr std::uint16_t kSessionFrameBytes =
    ha2::frame_bytes_needed({tables::TableKind::kSession4, tables::TableKind::kSession6});

// The smallest frames that what this box has tables for can do with.
std::uint16_t smallest_frame(const BoxShape& shape) noexcept;

// What may happen to the pair while the storm lasts; each seed has some of it (swarm testing).
struct Events {
  std::uint32_t restart_owner = 0;  // permille of the steps, all of them
  std::uint32_t restart_mirror = 0;
  std::uint32_t take_over = 0;
  std::uint32_t switch_over = 0;
  std::uint32_t reconnect = 0;
  std::uint32_t pause = 0;
  std::uint32_t outage = 0;
  std::uint32_t one_way = 0;
  std::uint32_t verify = 0;
  std::uint32_t flap = 0;
};

// A link that stays bad while a stream begins and the traffic goes on: it must begin all the same.
struct Endurance {
  bool is_wanted = false;
  bool loses_mirror = false;  // it begins by bulk, else by comparison
  LinkFaults faults;
  std::uint64_t step_ns = 0;
  std::uint32_t operation_permille = 0;  // of a step

  // What a frame takes of the link and of the window.
  std::uint64_t frame_ns(std::uint64_t round_trip_ns,
                         const ha2::StreamConfig& stream) const noexcept;
};

struct Plan {
  BoxShape shape;
  WorkloadShape workload;
  LinkFaults storm;
  LinkFaults calm;
  Events events;
  std::uint64_t step_ns = 0;
  std::uint32_t step_count = 0;
  std::uint32_t round_count = 0;
  std::uint32_t operations_max = 0;  // a step
  std::uint32_t told_ns_max = 0;     // how late a box may hear of a new stream
  std::uint32_t flap_ns_max = 0;     // how long a box may hold its peer for gone
  std::uint32_t hush_permille = 0;   // steps without operations
  std::uint64_t start_ns = 1'000'000'000;
  std::uint32_t first_term = 1;
  std::uint32_t keep_permille = 0;        // restarts with tables kept
  bool is_owner_later = false;            // the owner runs a later build of this version
  std::array<WorkloadKind, 3> traffic{};  // of each round
  Endurance endurance;
  bool has_sequences = false;  // packets of SAs, whose numbers the table of these is for
};

// steps: of each storm; 0 = drawn as well.
// What came later than the first regressions is drawn from a generator of its own, so that their
// seeds keep their meaning where it is off.
Plan draw_plan(Prng& prng, std::uint32_t steps);

// What both kinds of run draw alike.
BoxShape draw_shape(Prng& prng);
WorkloadShape draw_workload(Prng& prng, const BoxShape& shape);
LinkFaults draw_faults(Prng& prng, std::uint32_t delay_ns_max);
void draw_later_faults(Prng& prng, LinkFaults& faults);
std::array<WorkloadKind, 3> draw_traffic(Prng& prng);

// More flows than slots, and what a full table does, where the traffic is to fill it.
void fit_to_traffic(WorkloadKind kind, BoxShape& shape, WorkloadShape& workload);

// One round trip in the calm, as a stream sees it, its own timers included.
std::uint64_t round_trip_ns(const ha2::StreamConfig& stream, const LinkFaults& calm,
                            std::uint64_t step_ns) noexcept;

// Frames in which every slot is stated twice.
std::uint64_t drain_frames(const BoxShape& shape) noexcept;

// Time that they take, every frame in a step of its own.
std::uint64_t drain_ns(const BoxShape& shape, const LinkFaults& calm,
                       std::uint64_t step_ns) noexcept;

// In which the slowest pace is left again: samples at half the interval each, and their answers.
std::uint64_t pace_recovery_ns(const ha2::StreamConfig& stream,
                               std::uint64_t round_trip_ns) noexcept;

// A little before a clock's send time (32 bits of microseconds), milliseconds or seconds wrap; or
// one second.
std::uint64_t draw_start_ns(Prng& prng);

}  // namespace twinplane::tests
