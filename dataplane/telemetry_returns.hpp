// SPDX-License-Identifier: BSD-3-Clause
// telemetry_returns.hpp - the answer of /twinplane/symmetric_return: which ports answer by who
// brought a session, and what came of it.
//
// Thread:  DPDK's telemetry thread.
// Memory:  the answer's.
// Limits:  none.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D37.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_symmetric_return(const TelemetrySource& source, const char* parameters,
                            rte_tel_data* data);

}  // namespace twinplane::dataplane
