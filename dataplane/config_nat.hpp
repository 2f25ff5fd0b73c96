// SPDX-License-Identifier: BSD-3-Clause
// config_nat.hpp - [[nat]]: a rule of either kind as it is read, and whether it fits the ports,
// routes and other rules.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the file.
// Limits:  those of config.hpp; the checks are quadratic in rules, which are few.
// Errors:  none thrown; faults go to the FaultList.
// Spec:    dataplane/examples/east.toml shows every key; dataplane/DESIGN.md D-D5, D-D17.
#pragma once

#include <cstddef>

#include "dataplane/config.hpp"
#include "dataplane/config_fault.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {

// A rule with a `destination` or a `translated_destination` is one for destinations.
void read_nat_rule(Section& section, Config& config);

// Of Config::nat[index], whose section has no faults of its own.
void check_nat_rule(const Config& config, std::size_t index, FaultList& faults);

}  // namespace twinplane::dataplane
