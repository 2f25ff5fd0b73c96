// SPDX-License-Identifier: BSD-3-Clause
// Runs each deliberate breakage over seeds until the simulator finds it; fails when it finds one
// not.
//
//   mutation_gate [--seeds N] [--first-seed N] [--only NAME]
//
// Each mutant runs in a process of its own: one that crashes or stands still is found as well.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tables/base/mutant.hpp"
#include "tests/sim/seed_run.hpp"

namespace {

using twinplane::tables::kMutantNames;
using twinplane::tables::Mutant;

constexpr unsigned kSecondsMax = 120;  // for one mutant

struct Seeds {
  unsigned long long first = 1;
  unsigned long long count = 3000;
};

struct Verdict {
  bool is_caught;
  unsigned long long seed;
};

// Writes the number of each seed before it runs.
[[noreturn]] void run_child(int report, Seeds seeds) {
  for (unsigned long long seed = seeds.first; seed - seeds.first < seeds.count; ++seed) {
    if (write(report, &seed, sizeof seed) != sizeof seed) std::exit(3);
    const auto result = twinplane::tests::run_seed({seed, 0, false, {}});
    if (result.violation.empty()) continue;
    std::printf("    %s\n", result.violation.c_str());
    std::fflush(stdout);
    _exit(1);
  }
  _exit(0);
}

Verdict judge(Mutant mutant, Seeds seeds) {
  int ends[2];
  if (pipe(ends) != 0) std::exit(3);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    alarm(kSecondsMax);
    twinplane::tables::active_mutant = mutant;
    run_child(ends[1], seeds);
  }
  close(ends[1]);
  unsigned long long seed = 0;
  for (unsigned long long value; read(ends[0], &value, sizeof value) == sizeof value;) seed = value;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return {status != 0, seed};
}

}  // namespace

int main(int count, char** words) {
  Seeds seeds;
  std::string_view only;
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::string_view(words[i]) == "--seeds")
      seeds.count = std::strtoull(words[i + 1], nullptr, 10);
    if (std::string_view(words[i]) == "--first-seed")
      seeds.first = std::strtoull(words[i + 1], nullptr, 10);
    if (std::string_view(words[i]) == "--only") only = words[i + 1];
  }
  unsigned missed = 0;
  for (std::size_t i = 1; i < kMutantNames.size(); ++i) {
    if (!only.empty() && only != kMutantNames[i]) continue;
    const Verdict verdict = judge(static_cast<Mutant>(i), seeds);
    missed += verdict.is_caught ? 0 : 1;
    std::printf("%-28.*s %s seed %llu\n", static_cast<int>(kMutantNames[i].size()),
                kMutantNames[i].data(), verdict.is_caught ? "caught at" : "NOT CAUGHT up to",
                verdict.seed);
  }
  std::printf("%zu mutants, %u not caught\n", kMutantNames.size() - 1, missed);
  return missed == 0 ? 0 : 1;
}
