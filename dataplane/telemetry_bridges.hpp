// SPDX-License-Identifier: BSD-3-Clause
// telemetry_bridges.hpp - the bridge domains and their addresses, over telemetry.
//
// Thread:  DPDK's telemetry thread; reads what the home worker shows all workers, without waiting.
// Memory:  one answer.
// Limits:  kMacRowsMax addresses an answer; the next one begins at `next`.
// Errors:  an answer shortened where DPDK has no memory.
// Spec:    DPDK 22.11, telemetry library; bridge_counters.hpp.
#pragma once

#include <rte_telemetry.h>

#include <cstddef>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kMacRowsMax = 64;

// A dictionary a domain: mode, addresses, and what became of frames.
int answer_bridges(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

// Addresses from a place of the table on, which `parameters` names; empty stands for the first.
int answer_mac(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
