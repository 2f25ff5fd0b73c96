// SPDX-License-Identifier: BSD-3-Clause
// seed_run.hpp - one seed: sizes, faults, traffic and events drawn from it, storms and calms in
// turn, and the checkers over all of it.
//
// Thread:  one.
// Memory:  a few megabytes while it runs.
// Limits:  tables of 48 to 200 slots, windows of 4 to 128 frames.
// Errors:  the sentence of the first checker that found something; empty when none did.
// Spec:    ha2/PROTOCOL.md section 10.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/coverage.hpp"

namespace twinplane::tests {

enum class RunKind : std::uint8_t {
  kBySeed,  // one seed in four a whole pair, the others streams
  kStream,  // one partition, roles by script: stream_run.hpp
  kWhole,   // two boxes that decide themselves: whole_run.hpp
};

struct SeedOptions {
  std::uint64_t seed = 1;
  std::uint32_t steps = 0;  // of each storm; 0 = drawn from the seed
  bool is_verbose = false;
  RunKind kind = RunKind::kBySeed;
};

struct SeedResult {
  std::string violation;
  std::uint64_t steps = 0;
  std::uint64_t frames = 0;
  std::uint64_t streams = 0;
  Coverage coverage;
};

// Which numbers of a box's clock wrapped between the two times.
void cover_wraps(std::uint64_t start_ns, std::uint64_t end_ns, Coverage& coverage) noexcept;

SeedResult run_seed(const SeedOptions& options);

}  // namespace twinplane::tests
