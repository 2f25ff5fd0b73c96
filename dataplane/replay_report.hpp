// SPDX-License-Identifier: BSD-3-Clause
// replay_report.hpp - what a replay prints: sessions, neighbors and groups as JSON lines, and the
// summary.
//
// Thread:  main.
// Memory:  one line at a time.
// Limits:  none.
// Errors:  none; a closed standard output ends the process as for any program.
// Spec:    the help of twinplane-replay names the fields; sessions as in session_text.hpp.
#pragma once

#include <cstdint>

#include "dataplane/replay_compare.hpp"
#include "dataplane/replay_counts.hpp"
#include "dataplane/replay_pair.hpp"

namespace twinplane::dataplane {

// A line for each live session of the box.
void print_sessions(const ReplayBox& box, const char* box_name);

// A line for each neighbor and for each group or source of one that is listened to.
void print_shared(const ReplayBox& box, const char* box_name);

struct ReplaySummary {
  std::uint64_t capture_count;
  std::uint64_t damaged_count;
  std::uint64_t virtual_ns;
  bool is_quiet;
  bool is_equal;
  const ReplayCounts& counts;
  const Difference& difference;
  const ReplayPair& pair;
};

void print_summary(const ReplaySummary& summary);

}  // namespace twinplane::dataplane
