// SPDX-License-Identifier: BSD-3-Clause
// telemetry_status.hpp - the box at a glance: role, sync, sessions, lag, the last takeover.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  none.
// Errors:  none.
// Spec:    README.md, What it tells.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_status(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
