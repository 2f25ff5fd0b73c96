// SPDX-License-Identifier: BSD-3-Clause
// config_sections.hpp - fills the Config from the tables of the file, each value checked by itself.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the file.
// Limits:  those of config.hpp, in the bounds that each reader gives.
// Errors:  none thrown; faults go to the root section's FaultList.
// Spec:    dataplane/examples/east.toml shows every key.
#pragma once

#include "dataplane/config.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {

// [box], [eal], [tables], [timeouts], [ha2], [ha1], [ha], [worker]
void read_box_sections(Section& root, Config& config);

// [[bridge]], [[port]], [[route]], [[neighbor]], [[rule]], [[nat]], [[zone_protection]]; zone and
// port names become indexes.
void read_policy_sections(Section& root, Config& config);

}  // namespace twinplane::dataplane
