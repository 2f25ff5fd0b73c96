// SPDX-License-Identifier: BSD-3-Clause
// hold_stats.hpp - what one worker tells of the packets that it holds for the peer.
//
// Thread:  one writer (the worker); any thread reads.
// Memory:  600 bytes a worker.
// Limits:  64 bits a number.
// Errors:  none.
// Spec:    as worker_stats.hpp; dataplane/DESIGN.md D-D33.
#pragma once

#include <array>

#include "dataplane/duration_histogram.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/session_hold.hpp"

namespace twinplane::dataplane {

struct HoldStats {
  Gauge sessions;                                                     // that began to wait
  Gauge packets;                                                      // that were held, of these
  std::array<Gauge, static_cast<std::size_t>(HoldEnd::kCount)> ends;  // sessions, by HoldEnd
  Gauge full;     // sessions for which there was no room: their packets left at once
  Gauge waiting;  // sessions, now
  std::array<Gauge, kDurationClasses> waited;  // of those that the peer had in time
};

}  // namespace twinplane::dataplane
