// SPDX-License-Identifier: BSD-3-Clause
// telemetry_dos.hpp - floods and blocked sources, as they are shown and cleared.
//
// Thread:  DPDK's telemetry thread.
// Memory:  DPDK's.
// Limits:  kZonesPerPage zones and kBlocksPerPage sources an answer: DPDK sends 16 KiB at most.
// Errors:  -1 for parameters that are none.
// Spec:    ha2/sync_matrix.hpp: the block list is local.
#pragma once

#include <rte_telemetry.h>

#include <string_view>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kZonesPerPage = 8;
inline constexpr std::size_t kBlocksPerPage = 64;

// Parameters: nothing (first pages of both), "zones,FIRST", "blocked,FIRST", "clear" (all) or
// "clear,ADDRESS".
int answer_dos(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
