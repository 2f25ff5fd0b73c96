// SPDX-License-Identifier: BSD-3-Clause
// stream_run.hpp - a run of one partition: two streams whose roles are scripted, so that every
// order of events comes about soon.
//
// Thread:  one.
// Memory:  a few megabytes while it runs.
// Limits:  tables of 48 to 200 slots, windows of 4 to 128 frames.
// Errors:  the sentence of the first checker that found something; empty when none did.
// Spec:    ha2/PROTOCOL.md sections 5 to 7, 10.
#pragma once

#include "tests/sim/seed_run.hpp"

namespace twinplane::tests {

SeedResult run_stream(const SeedOptions& options);

}  // namespace twinplane::tests
