// SPDX-License-Identifier: BSD-3-Clause
// telemetry_hold.hpp - what was held for the peer, how it ended and how long it took.
//
// Thread:  DPDK's telemetry thread.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D33.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_hold(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
