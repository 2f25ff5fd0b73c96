// SPDX-License-Identifier: BSD-3-Clause
// campaign.hpp - many seeds, in as many processes as wanted, with progress, and what they went
// through.
//
// Thread:  one a process.
// Memory:  that of a run in each process; sums in memory that the processes share.
// Limits:  64 processes; each stops after 10 failures.
// Errors:  each failure prints the command that repeats it; a process that dies counts as one.
// Spec:    tests/DESIGN.md D-S1, D-S6, D-S7.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/seed_run.hpp"

namespace twinplane::tests {

inline constexpr std::uint32_t kJobsMax = 64;

struct CampaignOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seed_count = 1000;
  std::vector<std::uint64_t> regressions;  // run first
  std::uint32_t steps = 0;
  std::uint32_t jobs = 1;
  RunKind kind = RunKind::kBySeed;
  bool is_verbose = false;
  std::string repeat_words;  // what a command that repeats a seed needs besides
};

// Sums over runs.
struct Tally {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  std::uint64_t steps = 0;
  std::uint64_t frames = 0;
  std::uint64_t streams = 0;
  std::array<std::uint64_t, kCoveredCount> totals{};
  std::array<std::uint64_t, kCoveredCount> seeds_with{};

  void add(const SeedResult& result) noexcept;
  void add(const Tally& other) noexcept;
};

Tally run_campaign(const CampaignOptions& options);

// A line for each row of Coverage. Returns how many were never met.
std::uint32_t print_coverage(const Tally& tally);

}  // namespace twinplane::tests
