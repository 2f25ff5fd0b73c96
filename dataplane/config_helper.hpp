// SPDX-License-Identifier: BSD-3-Clause
// config_helper.hpp - sections [[helper]] of the configuration: which control sessions are looked
// into.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  kHelpersMax sections.
// Errors:  none thrown; faults go to the FaultList.
// Spec:    dataplane/examples/east.toml shows every key; dataplane/DESIGN.md D-D31.
#pragma once

#include <string>

#include "dataplane/config.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {

void read_helper(Section& section, Config& config);

// One line of a summary.
std::string helper_text(const HelperConfig& helper);

}  // namespace twinplane::dataplane
