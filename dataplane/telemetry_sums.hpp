// SPDX-License-Identifier: BSD-3-Clause
// telemetry_sums.hpp - figures of all workers together.
//
// Thread:  DPDK's telemetry thread.
// Memory:  none.
// Limits:  a worker's figures are a millisecond old.
// Errors:  none.
// Spec:    none.
#pragma once

#include <cstdint>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

// Of what read(const WorkerStats&) gives.
template <class Read>
std::uint64_t sum(const TelemetrySource& source, Read&& read) {
  std::uint64_t total = 0;
  for (const auto& worker : source.workers) total += read(worker->stats());
  return total;
}

inline std::uint64_t total(const TelemetrySource& source, ha2::Counter counter) {
  std::uint64_t value = 0;
  for (const auto& worker : source.workers) value += worker->counter(counter);
  return value;
}

// Found by verifications, with no place on the way to the history.
inline std::uint64_t differences_not_kept(const TelemetrySource& source) {
  return sum(source, [](const WorkerStats& stats) { return stats.findings_refused.get(); });
}

}  // namespace twinplane::dataplane
