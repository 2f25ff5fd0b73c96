// SPDX-License-Identifier: BSD-3-Clause
// config_check.hpp - what no section can check alone: whether the parts of a configuration fit each
// other.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the faults.
// Limits:  quadratic in ports and in their addresses, which are few; sorted where there may be
//          many.
// Errors:  none thrown; faults go to the FaultList. A check is left out where a section it needs
//          has faults of its own.
// Spec:    none.
#pragma once

#include "dataplane/config.hpp"
#include "dataplane/config_fault.hpp"

namespace twinplane::dataplane {

// Names, devices, addresses and networks of ports; next hops of routes; addresses of source NAT.
void check_network(const Config& config, FaultList& faults);

// HA2, HA1, keepalive, workers and partitions.
void check_pair(const Config& config, FaultList& faults);

}  // namespace twinplane::dataplane
