// SPDX-License-Identifier: BSD-3-Clause
// telemetry_ipsec.hpp - each configured SA, without its keys: its numbers, lifetimes, and what the
// last takeover did to it.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  those of the configuration.
// Errors:  an answer shortened where DPDK has no memory.
// Spec:    dataplane/DESIGN.md D-D30.
#pragma once

#include <rte_telemetry.h>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

int answer_ipsec(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
