// SPDX-License-Identifier: BSD-3-Clause
// telemetry_faults.hpp - the faults of all cores that send over HA2, as one: said, counted, and
// switched on and off while the box runs.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  only where the configuration enables faults is there anything to switch.
// Errors:  switch_faults() answers false to what it does not understand or cannot do.
// Spec:    link_faults.hpp.
#pragma once

#include <rte_telemetry.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/link_faults.hpp"
#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

// Every fault that is being done; empty when none is enabled or all are switched off.
std::string faults_now(const TelemetrySource& source);

std::uint64_t fault_total(const TelemetrySource& source, LinkFault fault) noexcept;

// "on", "off", or nothing, which changes nothing.
[[nodiscard]] bool switch_faults(const TelemetrySource& source, std::string_view wanted);

int answer_faults(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
