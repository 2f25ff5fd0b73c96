// SPDX-License-Identifier: BSD-3-Clause
// telemetry_groups.hpp - multicast as an operator sees it: groups and streams with their ports, who
// asks on each port, and every counter.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  a page of kGroupPageMax entries, as DPDK's answers are bounded.
// Errors:  none. Where multicast is off, answers say so.
// Spec:    group_routes.hpp, group_counters.hpp, group_drop.hpp, group_message.hpp. The commands:
//          /twinplane/multicast, multicast_ports, multicast_counters.
#pragma once

#include "dataplane/telemetry.hpp"

struct rte_tel_data;

namespace twinplane::dataplane {

inline constexpr std::size_t kGroupPageMax = 24;

// Entries from the place that `parameters` name, or the first; next_place 0: there are no more.
int answer_multicast(const TelemetrySource& source, const char* parameters, rte_tel_data* data);
// Of each port its role, and who asks who listens.
int answer_multicast_ports(const TelemetrySource& source, const char* parameters,
                           rte_tel_data* data);
int answer_multicast_counters(const TelemetrySource& source, const char* parameters,
                              rte_tel_data* data);

// Packets to groups that went nowhere, whatever the reason.
std::uint64_t group_packets_dropped(const TelemetrySource& source) noexcept;

}  // namespace twinplane::dataplane
