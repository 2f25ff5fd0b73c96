// SPDX-License-Identifier: BSD-3-Clause
// whole_run.hpp - a run of two whole boxes: nobody gives them roles, everything is done to them.
//
// Thread:  one.
// Memory:  a few megabytes while it runs.
// Limits:  1 to 3 partitions of tables of 48 to 200 slots.
// Errors:  the sentence of the first checker that found something; empty when none did.
// Spec:    ha2/PROTOCOL.md sections 8, 10.
#pragma once

#include "tests/sim/seed_run.hpp"

namespace twinplane::tests {

SeedResult run_whole(const SeedOptions& options);

}  // namespace twinplane::tests
