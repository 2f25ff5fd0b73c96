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

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kRulesShown = 100;

struct RuleRow {
  std::size_t number;
  std::string name;
  std::string action;
  std::uint64_t hits;      // packets that it has let in or dropped, since these rules were loaded
  std::uint64_t sessions;  // that the last rematch found to be its own
  std::uint64_t ended;     // that the last rematch ended by it
};

// From `first` on; the last row of all is "no rule".
std::vector<RuleRow> rule_rows(const TelemetrySource& source, std::size_t first);

// Of all workers together: edition, reloads, and the last rematch.
std::vector<std::pair<std::string, std::uint64_t>> rematch_figures(const TelemetrySource& source,
                                                                   std::uint64_t now_ns);

// none | waiting | running | done: of the worker that is furthest behind.
std::string rematch_state(const TelemetrySource& source);

}  // namespace twinplane::dataplane
