// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/seed_run.hpp"

#include "tests/sim/stream_run.hpp"
#include "tests/sim/whole_run.hpp"

namespace twinplane::tests {

void cover_wraps(std::uint64_t start_ns, std::uint64_t end_ns, Coverage& coverage) noexcept {
  const auto wraps = [=](std::uint64_t unit_ns) {
    return start_ns / unit_ns >> 32U != end_ns / unit_ns >> 32U;
  };
  if (wraps(1'000)) coverage.add(Covered::kSendTimeWraps);
  if (wraps(1'000'000)) coverage.add(Covered::kMillisecondsWrap);
  if (wraps(1'000'000'000)) coverage.add(Covered::kSecondsWrap);
}

SeedResult run_seed(const SeedOptions& options) {
  const bool is_whole =
      options.kind == RunKind::kBySeed ? options.seed % 4 == 3 : options.kind == RunKind::kWhole;
  return is_whole ? run_whole(options) : run_stream(options);
}

}  // namespace twinplane::tests
