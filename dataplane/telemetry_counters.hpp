// SPDX-License-Identifier: BSD-3-Clause
// telemetry_counters.hpp - every counter of a box, and those of SCTP associations apart.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  what one dictionary of DPDK holds, checked by the compiler.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 9.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_counters(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

int answer_sctp(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
