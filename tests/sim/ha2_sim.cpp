// SPDX-License-Identifier: BSD-3-Clause
// The simulator's program: seeds in a row, each a run of two boxes on links with faults.
//
//   ha2_sim [--seeds N] [--first-seed K] [--jobs J] [--steps S] [--kind KIND] [--mutant NAME]
//           [--verbose]
//           [--bounded N] [--regressions FILE]      as the tests call it: N seeds, or a tenth of
//                                                   that with TWINPLANE_QUICK; of 1000 seeds and
//                                                   more each row of the table must be met
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "tables/base/mutant.hpp"
#include "tests/sim/campaign.hpp"

namespace {

using twinplane::tests::CampaignOptions;
using twinplane::tests::RunKind;
using twinplane::tests::Tally;

// So many seeds meet everything that can be met.
constexpr std::uint64_t kSeedsForAll = 1000;

constexpr const char* kUsage =
    "usage: scripts/sim [--seeds N] [--first-seed K] [--jobs J] [--steps S] [--kind KIND]\n"
    "                   [--mutant NAME] [--verbose]\n"
    "\n"
    "Runs two real engines over links with faults, in virtual time, a run a seed; checks after\n"
    "every step that nothing is forgotten, invented or goes back, and after calm that all is "
    "equal.\n"
    "Closes with a table of what the seeds went through.\n"
    "\n"
    "  --seeds N        how many (default 1000)\n"
    "  --first-seed N   the first one (default 1)\n"
    "  --jobs N         processes, 1..64 (default 1)\n"
    "  --steps N        steps of each storm (default: drawn from the seed)\n"
    "  --kind KIND      stream: one partition, roles by script; whole: two boxes that decide\n"
    "                   themselves (default: three seeds in four streams)\n"
    "  --mutant NAME    with a deliberate breakage; `--mutant list` names them\n"
    "  --verbose        what each seed has drawn, and what happens in it\n"
    "\n"
    "A failure prints the command that repeats it; the exit status is 1 then.\n";

struct Options {
  CampaignOptions campaign;
  std::string mutant;
  bool must_meet_all = false;
};

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

RunKind kind_of(const std::string& name) {
  if (name == "stream") return RunKind::kStream;
  if (name == "whole") return RunKind::kWhole;
  refuse("--kind takes stream or whole, not: " + name);
}

// Seeds that failed once: a number and why, a line each; # starts a comment.
std::vector<std::uint64_t> read_regressions(const std::string& path) {
  std::ifstream file(path);
  if (!file) refuse("cannot read " + path);
  std::vector<std::uint64_t> seeds;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line.front() != '#')
      seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
  return seeds;
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

void take(Options& options, std::string_view word, const char* value) {
  CampaignOptions& campaign = options.campaign;
  if (word == "--seeds") {
    campaign.seed_count = number_of(word, value);
  } else if (word == "--bounded") {
    campaign.seed_count =
        number_of(word, value) / (std::getenv("TWINPLANE_QUICK") == nullptr ? 1 : 10);
    options.must_meet_all = campaign.seed_count >= kSeedsForAll;
  } else if (word == "--first-seed") {
    campaign.first_seed = number_of(word, value);
  } else if (word == "--jobs") {
    const std::uint64_t jobs = number_of(word, value);
    if (jobs == 0 || jobs > twinplane::tests::kJobsMax) refuse("--jobs takes 1 to 64");
    campaign.jobs = static_cast<std::uint32_t>(jobs);
  } else if (word == "--steps") {
    campaign.steps = static_cast<std::uint32_t>(number_of(word, value));
  } else if (word == "--kind") {
    campaign.kind = kind_of(value);
    campaign.repeat_words += std::string(" --kind ") + value;
  } else if (word == "--mutant") {
    options.mutant = value;
    campaign.repeat_words += std::string(" --mutant ") + value;
  } else if (word == "--regressions") {
    campaign.regressions = read_regressions(value);
  } else {
    refuse("unknown option: " + std::string(word));
  }
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
      options.campaign.is_verbose = true;
      continue;
    }
    if (i + 1 == count) refuse("what is " + std::string(word) + "?");
    take(options, word, words[++i]);
  }
  return options;
}

}  // namespace

int main(int count, char** words) {
  const Options options = parse(count, words);
  if (!options.mutant.empty()) set_mutant(options.mutant);
  std::setvbuf(stdout, nullptr, _IOLBF, 1024);
  const auto start = std::chrono::steady_clock::now();
  const Tally sum = twinplane::tests::run_campaign(options.campaign);
  const double spent_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::uint32_t never_met = 0;
  if (sum.seeds > 1) never_met = twinplane::tests::print_coverage(sum);
  const bool is_too_little = options.must_meet_all && never_met != 0;
  if (is_too_little) std::printf("FAILED: %u rows were never met\n", never_met);
  std::printf(
      "%llu seeds, %llu failed; %llu steps, %llu frames, %llu streams in %.1f s\n",
      static_cast<unsigned long long>(sum.seeds), static_cast<unsigned long long>(sum.failed),
      static_cast<unsigned long long>(sum.steps), static_cast<unsigned long long>(sum.frames),
      static_cast<unsigned long long>(sum.streams), spent_s);
  return sum.failed == 0 && !is_too_little ? 0 : 1;
}
