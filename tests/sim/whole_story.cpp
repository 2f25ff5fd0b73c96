// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/whole_story.hpp"

#include <cstdio>

namespace twinplane::tests {

void WholeStory::tell(const std::string& what) const {
  if (!is_told_) return;
  std::printf("  %9.3f ms  %s\n", static_cast<double>(pair_.now_ns()) / 1e6, what.c_str());
}

void WholeStory::describe(const WholePlan& plan, std::uint64_t seed) const {
  if (!is_told_) return;
  std::printf("seed %llu: two boxes, %zu partitions, keepalives each %llu ms, dead after %u\n",
              static_cast<unsigned long long>(seed),
              std::size_t{plan.machines[0].box.partition_count},
              static_cast<unsigned long long>(plan.pair().keepalive_interval_ns / 1'000'000),
              plan.pair().keepalive_threshold);
  for (std::size_t i = 0; i < 2; ++i) {
    const MachineShape& machine = plan.machines[i];
    std::printf("  %s: %u workers, priority %u, window %u, frames of %u bytes%s\n", kBoxNames[i],
                machine.box.worker_count, unsigned{machine.box.pair.priority},
                unsigned{machine.box.partition.stream.window_frames},
                unsigned{machine.box.partition.stream.frame_bytes_max},
                machine.is_later_build ? ", a later build" : "");
  }
  for (std::size_t path = 0; path < ha2::kPathCount; ++path) {
    const LinkFaults& faults = plan.storm[path];
    std::printf(
        "  %s: delay %u..%u ns; of 1000 lost %u, bursts %u x %u, status lost %u, copied "
        "%u, late %u, flipped %u, cut %u, replayed %u, refused %u, malformed %u; %u "
        "frames a ms\n",
        path == 0 ? "HA2" : "HA1", faults.delay_ns_min, faults.delay_ns_max, faults.loss,
        faults.burst_start, faults.burst_frames_max, faults.status_loss, faults.duplicate,
        faults.reorder, faults.flip, faults.truncate, faults.replay, faults.refuse,
        faults.malformed, faults.squeeze_frames_per_ms);
  }
}

void WholeStory::tell_of_roles() {
  if (!is_told_) return;
  for (std::size_t i = 0; i < 2; ++i) {
    std::string now = "is down";
    if (pair_.is_up(i)) {
      const ha2::Pair& pair = pair_.box(i).pair();
      now = "is " + std::string(ha2::name_of(pair.role())) + ", term " +
            std::to_string(pair.term()) + ": " + pair.reason();
      now += pair.is_paired() ? "; paired" : pair.is_refused() ? "; refused" : "; alone";
    }
    if (now == said_[i]) continue;
    said_[i] = now;
    tell(std::string(kBoxNames[i]) + " " + now);
  }
}

std::string state_text(const WholePair& pair) {
  std::string text;
  for (std::size_t i = 0; i < 2; ++i) {
    text += std::string(i == 0 ? "" : "; ") + kBoxNames[i];
    if (!pair.is_up(i)) {
      text += " is down";
      continue;
    }
    const ha2::Pair& decider = pair.box(i).pair();
    text += " is " + std::string(ha2::name_of(decider.role())) + " under term " +
            std::to_string(decider.term()) + (decider.is_paired() ? ", paired" : ", not paired") +
            (decider.refusal_text().empty() ? "" : ", " + decider.refusal_text());
  }
  return text;
}

}  // namespace twinplane::tests
