// SPDX-License-Identifier: BSD-3-Clause
// telemetry_sessions.hpp - a page of a partition's sessions.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  a page an answer; the next one begins at `next_slot`.
// Errors:  -1 for a partition that is not there, or a worker that does not answer in time.
// Spec:    session_page.hpp.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_sessions(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
