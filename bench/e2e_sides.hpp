// SPDX-License-Identifier: BSD-3-Clause
// e2e_sides.hpp - what the owner's core and the mirror's core do in an end-to-end run, and whether
// the tables are equal then.
//
// Thread:  one core a side.
// Memory:  none.
// Limits:  a window of 512 frames, so that a ring of 1024 never overflows.
// Errors:  none; the caller looks at the counters.
// Spec:    METRICS e2e.*: nothing lost, tables equal at the end.
#pragma once

#include <rte_cycles.h>

#include <atomic>
#include <chrono>
#include <cstdint>

#include "bench/boxes.hpp"
#include "bench/e2e_load.hpp"
#include "bench/port_link.hpp"
#include "ha2/digest.hpp"

namespace twinplane::bench {

inline constexpr std::uint16_t kE2eWindowFrames = 512;
// changes that may wait before the load holds off
inline constexpr std::size_t kBacklogSlots = 4096;

class Clock {
 public:
  // Nanoseconds by the cycle counter, the same for every clock of the machine: a call a poll must
  // cost nothing.
  std::uint64_t now_ns() const {
    return static_cast<std::uint64_t>(static_cast<double>(rte_rdtsc()) * ns_per_cycle_);
  }

 private:
  double ns_per_cycle_ = 1e9 / static_cast<double>(rte_get_tsc_hz());
};

// Until `change_count` changes were made and all of them answered.
inline void run_owner(Box& box, PortLink& link, Load& load, std::uint64_t change_count) {
  const Clock clock;
  auto& replica = box.replica();
  std::uint64_t done = 0;
  while (done < change_count || !replica.owner().is_quiet()) {
    while (done < change_count && box.slots4().changes().size() < kBacklogSlots) {
      load.step();
      done += Load::kChanges;
    }
    const std::uint64_t now_ns = clock.now_ns();
    replica.poll(now_ns, link);
    link.flush();
    link.receive(replica, now_ns);
  }
}

inline void run_mirror(Box& box, PortLink& link, const std::atomic<bool>& is_over) {
  const Clock clock;
  // Relaxed: the flag carries no data; the caller joins this core before it looks at the box.
  while (!is_over.load(std::memory_order_relaxed)) {
    const std::uint64_t now_ns = clock.now_ns();
    link.receive(box.replica(), now_ns);
    box.replica().poll(now_ns, link);
    link.flush();
  }
}

inline std::uint64_t digest_of_all(Box& box) {
  return ha2::digest_of(box.slots4(), {0, box.slots4().slot_count()}, ha2::DigestEnd::kOwner);
}

inline std::uint64_t records_applied(Box& box) {
  return box.replica().counters().get(ha2::Counter::kRecordsApplied);
}

// Frames refused or lost anywhere: must stay 0.
inline std::uint64_t frames_lost(Box& box) {
  return box.replica().counters().get(ha2::Counter::kFramesLost) +
         box.replica().counters().get(ha2::Counter::kFramesReportedLost);
}

}  // namespace twinplane::bench
