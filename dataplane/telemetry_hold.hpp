// SPDX-License-Identifier: BSD-3-Clause
// telemetry_hold.hpp - what was held for the peer, how it ended and how long it took.
//
// Thread:  DPDK's telemetry thread.
// Memory:  a vector.
// Limits:  none.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D33.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

using NamedFigures = std::vector<std::pair<std::string_view, std::uint64_t>>;

// Of all workers together.
NamedFigures hold_figures(const TelemetrySource& source);

}  // namespace twinplane::dataplane
