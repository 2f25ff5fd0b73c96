// SPDX-License-Identifier: BSD-3-Clause
// telemetry_verify.hpp - comparisons of all tables under load: begun, their verdict, and what
// differed.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  the last 64 differences.
// Errors:  an answer shortened where DPDK has no memory.
// Spec:    ha2/PROTOCOL.md section 7.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_verify(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

int answer_verified(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

int answer_differences(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
