// SPDX-License-Identifier: BSD-3-Clause
// telemetry_expectations.hpp - the answer of /twinplane/expectations: what sessions have announced,
// and what became of it.
//
// Thread:  DPDK's telemetry threads.
// Memory:  the answer.
// Limits:  none.
// Errors:  none.
// Spec:    README.md "What it tells"; DPDK telemetry user guide.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_expectations(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
