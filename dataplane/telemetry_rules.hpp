// SPDX-License-Identifier: BSD-3-Clause
// telemetry_rules.hpp - the rules that hold, how often each decided, and what their last rematch
// made of the sessions.
//
// Thread:  DPDK's telemetry thread.
// Memory:  vectors.
// Limits:  kRulesShown rules an answer.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <rte_telemetry.h>

#include <cstddef>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kRulesShown = 100;

// From rule `parameters` on; the last row of all is "no rule".
int answer_rules(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

// Loads them anew, and says what came of it.
int answer_reload(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
