// SPDX-License-Identifier: BSD-3-Clause
// The simulator's program: seeds in a row, each a run of two boxes on a link with faults.
//
//   ha2_sim [--seeds N] [--first-seed K] [--steps S] [--mutant NAME] [--verbose]
//           [--bounded N] [--regressions FILE]      as the tests call it: N seeds, or a tenth of
//                                                   that with TWINPLANE_QUICK
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "tables/base/mutant.hpp"
#include "tests/sim/seed_run.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint64_t seed_count = 1000;
  std::uint64_t first_seed = 1;
  std::uint32_t steps = 0;
  std::string mutant;
  std::string regressions;
  twinplane::tests::RunKind kind = twinplane::tests::RunKind::kBySeed;
  bool is_verbose = false;
};

constexpr const char* kUsage =
    "usage: scripts/sim [--seeds N] [--first-seed K] [--steps S] [--kind KIND]\n"
    "                   [--mutant NAME] [--verbose]\n"
    "\n"
    "Runs two real engines over a link with faults, in virtual time, a run a seed; checks after\n"
    "every step that nothing is forgotten, invented or goes back, and after calm that all is "
    "equal.\n"
    "\n"
    "  --seeds N        how many (default 1000)\n"
    "  --first-seed K   the first one (default 1)\n"
    "  --steps S        steps of each storm (default: drawn from the seed)\n"
    "  --kind KIND      stream: one partition, roles by script; whole: two boxes that decide\n"
    "                   themselves (default: three seeds in four streams)\n"
    "  --mutant NAME    with a deliberate breakage; `--mutant list` names them\n"
    "  --verbose        what each seed has drawn, and what happens in it\n"
    "\n"
    "A failure prints the command that repeats it; the exit status is 1 then.\n";

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "%s\n\n%s", why.c_str(), kUsage);
  std::exit(2);
}

std::uint64_t number_of(std::string_view word, const char* text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') refuse(std::string(word) + " takes a number, not: " + text);
  return value;
}

twinplane::tests::RunKind kind_of(const std::string& name) {
  if (name == "stream") return twinplane::tests::RunKind::kStream;
  if (name == "whole") return twinplane::tests::RunKind::kWhole;
  refuse("--kind takes stream or whole, not: " + name);
}

Options parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    }
    if (word == "--verbose") {
      options.is_verbose = true;
      continue;
    }
    if (i + 1 == count) refuse("what is " + std::string(word) + "?");
    const char* const value = words[++i];
    if (word == "--seeds")
      options.seed_count = number_of(word, value);
    else if (word == "--bounded")
      options.seed_count =
          number_of(word, value) / (std::getenv("TWINPLANE_QUICK") == nullptr ? 1 : 10);
    else if (word == "--first-seed")
      options.first_seed = number_of(word, value);
    else if (word == "--steps")
      options.steps = static_cast<std::uint32_t>(number_of(word, value));
    else if (word == "--kind")
      options.kind = kind_of(value);
    else if (word == "--mutant")
      options.mutant = value;
    else if (word == "--regressions")
      options.regressions = value;
    else
      refuse("unknown option: " + std::string(word));
  }
  return options;
}

void set_mutant(const std::string& name) {
  if (name == "list") {
    for (const std::string_view known : twinplane::tables::kMutantNames)
      std::printf("%.*s\n", static_cast<int>(known.size()), known.data());
    std::exit(0);
  }
  for (std::size_t i = 0; i < twinplane::tables::kMutantNames.size(); ++i) {
    if (twinplane::tables::kMutantNames[i] != name) continue;
#ifdef TWINPLANE_MUTANTS
    twinplane::tables::active_mutant = static_cast<twinplane::tables::Mutant>(i);
    return;
#else
    refuse("this program was built without mutants: use ha2_sim_mutants");
#endif
  }
  refuse("no such mutant: " + name);
}

// On a terminal, once a second: how far, and how long still.
void show_progress(std::uint64_t done, std::uint64_t total, Clock::time_point start) {
  static Clock::time_point last = start;
  const auto now = Clock::now();
  if (isatty(STDERR_FILENO) == 0 || now - last < std::chrono::seconds(1)) return;
  last = now;
  const double spent_s = std::chrono::duration<double>(now - start).count();
  const double left_s = spent_s / static_cast<double>(done) * static_cast<double>(total - done);
  std::fprintf(stderr, "\r%llu of %llu seeds, %.0f s left   ",
               static_cast<unsigned long long>(done), static_cast<unsigned long long>(total),
               left_s);
}

bool run(const Options& options, std::uint64_t seed, twinplane::tests::SeedResult& sum) {
  const auto result =
      twinplane::tests::run_seed({seed, options.steps, options.is_verbose, options.kind});
  sum.steps += result.steps;
  sum.frames += result.frames;
  sum.streams += result.streams;
  if (result.violation.empty()) return true;
  std::string command = "./scripts/sim --seeds 1 --first-seed " + std::to_string(seed);
  if (options.steps != 0) command += " --steps " + std::to_string(options.steps);
  if (!options.mutant.empty()) command += " --mutant " + options.mutant;
  std::printf("seed %llu FAILED: %s\n  repeat with: %s --verbose\n",
              static_cast<unsigned long long>(seed), result.violation.c_str(), command.c_str());
  return false;
}

// Seeds that failed once: a number and why, a line each; # starts a comment.
std::uint64_t run_regressions(const Options& options, twinplane::tests::SeedResult& sum,
                              std::uint64_t& failed) {
  std::ifstream file(options.regressions);
  if (!file) refuse("cannot read " + options.regressions);
  std::uint64_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    failed += run(options, std::strtoull(line.c_str(), nullptr, 10), sum) ? 0 : 1;
    ++count;
  }
  return count;
}

}  // namespace

int main(int count, char** words) {
  const Options options = parse(count, words);
  if (!options.mutant.empty()) set_mutant(options.mutant);
  std::setvbuf(stdout, nullptr, _IOLBF, 1024);
  const auto start = Clock::now();
  twinplane::tests::SeedResult sum;
  std::uint64_t failed = 0;
  std::uint64_t done = options.regressions.empty() ? 0 : run_regressions(options, sum, failed);
  for (std::uint64_t i = 0; i < options.seed_count && failed < 10; ++i, ++done) {
    failed += run(options, options.first_seed + i, sum) ? 0 : 1;
    show_progress(i + 1, options.seed_count, start);
  }
  const double spent_s = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%s%llu seeds, %llu failed; %llu steps, %llu frames, %llu streams in %.1f s\n",
              isatty(STDERR_FILENO) != 0 ? "\r" : "", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(sum.steps),
              static_cast<unsigned long long>(sum.frames),
              static_cast<unsigned long long>(sum.streams), spent_s);
  return failed == 0 ? 0 : 1;
}
