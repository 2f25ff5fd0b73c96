// SPDX-License-Identifier: BSD-3-Clause
// seed_run.hpp - one seed: sizes, faults and traffic drawn from it, a storm, then calm, and the
// checkers over all of it.
//
// Thread:  one.
// Memory:  a few megabytes while it runs.
// Limits:  tables of 48 to 200 slots, windows of 4 to 128 frames.
// Errors:  the sentence of the first checker that found something; empty when none did.
// Spec:    ha2/PROTOCOL.md section 10.
#pragma once

#include <cstdint>
#include <string>

namespace twinplane::tests {

struct SeedOptions {
  std::uint64_t seed = 1;
  std::uint32_t steps = 0;  // of each storm; 0 = drawn from the seed
  bool is_verbose = false;
};

struct SeedResult {
  std::string violation;
  std::uint64_t steps = 0;
  std::uint64_t frames = 0;
  std::uint64_t streams = 0;
};

SeedResult run_seed(const SeedOptions& options);

}  // namespace twinplane::tests
