// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/campaign.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <span>
#include <type_traits>

namespace twinplane::tests {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kFailuresMax = 10;
constexpr useconds_t kWatchIntervalUs = 100'000;

// What a process tells while it runs, and at its end.
struct JobState {
  std::atomic<std::uint64_t> seed{0};  // that it runs now
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> failed{0};
  Tally tally;  // complete once the process has ended
};

static_assert(std::is_trivially_destructible_v<JobState>);

std::string repeat_command(const CampaignOptions& options, std::uint64_t seed) {
  std::string command = "./scripts/sim --seeds 1 --first-seed " + std::to_string(seed);
  if (options.steps != 0) command += " --steps " + std::to_string(options.steps);
  return command + options.repeat_words + " --verbose";
}

void run_one(const CampaignOptions& options, std::uint64_t seed, JobState& state) {
  // a number for people who watch: no data goes with it
  state.seed.store(seed, std::memory_order_relaxed);
  const SeedResult result = run_seed({seed, options.steps, options.is_verbose, options.kind});
  state.tally.add(result);
  state.done.store(state.tally.seeds, std::memory_order_relaxed);     // as above
  state.failed.store(state.tally.failed, std::memory_order_relaxed);  // as above
  if (!result.violation.empty())
    std::printf("seed %llu FAILED: %s\n  repeat with: %s\n", static_cast<unsigned long long>(seed),
                result.violation.c_str(), repeat_command(options, seed).c_str());
}

// Every jobs-th seed.
void run_share(const CampaignOptions& options, std::uint32_t job, JobState& state) {
  if (job == 0)
    for (const std::uint64_t seed : options.regressions) run_one(options, seed, state);
  for (std::uint64_t i = job; i < options.seed_count && state.tally.failed < kFailuresMax;
       i += options.jobs)
    run_one(options, options.first_seed + i, state);
}

std::span<JobState> shared_states(std::uint32_t count) {
  void* const memory = mmap(nullptr, count * sizeof(JobState), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("shared memory");
    std::exit(2);
  }
  auto* const states = static_cast<JobState*>(memory);
  for (std::uint32_t i = 0; i < count; ++i) new (states + i) JobState;
  return {states, count};
}

// How far, and how long still: each second on a terminal, each half a minute elsewhere.
class Progress {
 public:
  explicit Progress(const CampaignOptions& options)
      : total_(options.seed_count + options.regressions.size()) {}

  ~Progress() {
    if (has_shown_ && is_terminal_) std::fprintf(stderr, "\r%60s\r", "");
  }

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::span<const JobState> states) {
    const auto now = Clock::now();
    if (now - last_ < (is_terminal_ ? std::chrono::seconds(1) : std::chrono::seconds(30))) return;
    last_ = now;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    for (const JobState& state : states) {
      done += state.done.load(std::memory_order_relaxed);  // as where it is stored
      failed += state.failed.load(std::memory_order_relaxed);
    }
    if (done == 0) return;
    const double spent_s = std::chrono::duration<double>(now - start_).count();
    const double left_s =
        spent_s / static_cast<double>(done) * static_cast<double>(total_ - std::min(done, total_));
    std::fprintf(stderr, "%s%llu of %llu seeds, %llu failed, %.0f s left%s",
                 is_terminal_ ? "\r" : "", static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(total_), static_cast<unsigned long long>(failed),
                 left_s, is_terminal_ ? "   " : "\n");
    has_shown_ = true;
  }

 private:
  std::uint64_t total_;
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  bool has_shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

// Waits for all processes; counts the ones that did not end by themselves.
void watch(const CampaignOptions& options, std::span<const JobState> states,
           std::vector<pid_t> children, Tally& sum) {
  Progress progress(options);
  std::size_t running = children.size();
  while (running != 0) {
    for (std::size_t job = 0; job < children.size(); ++job) {
      int status = 0;
      if (children[job] == 0 || waitpid(children[job], &status, WNOHANG) == 0) continue;
      children[job] = 0;
      --running;
      sum.add(states[job].tally);
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
      const std::uint64_t seed = states[job].seed.load(std::memory_order_relaxed);
      std::printf("seed %llu FAILED: the process died\n  repeat with: %s\n",
                  static_cast<unsigned long long>(seed), repeat_command(options, seed).c_str());
      ++sum.failed;
    }
    progress.show(states);
    if (running != 0) usleep(kWatchIntervalUs);
  }
}

}  // namespace

void Tally::add(const SeedResult& result) noexcept {
  ++seeds;
  failed += result.violation.empty() ? 0 : 1;
  steps += result.steps;
  frames += result.frames;
  streams += result.streams;
  for (std::size_t row = 0; row < kCoveredCount; ++row) {
    totals[row] += result.coverage.get(row);
    seeds_with[row] += result.coverage.get(row) != 0 ? 1 : 0;
  }
}

void Tally::add(const Tally& other) noexcept {
  seeds += other.seeds;
  failed += other.failed;
  steps += other.steps;
  frames += other.frames;
  streams += other.streams;
  for (std::size_t row = 0; row < kCoveredCount; ++row) {
    totals[row] += other.totals[row];
    seeds_with[row] += other.seeds_with[row];
  }
}

Tally run_campaign(const CampaignOptions& options) {
  const std::span<JobState> states = shared_states(options.jobs);
  Tally sum;
  if (options.is_verbose || options.seed_count + options.regressions.size() < 2) {
    CampaignOptions alone = options;
    alone.jobs = 1;
    run_share(alone, 0, states[0]);
    sum.add(states[0].tally);
  } else {
    std::fflush(stdout);
    std::vector<pid_t> children;
    for (std::uint32_t job = 0; job < options.jobs; ++job) {
      const pid_t child = fork();
      if (child < 0) {
        std::perror("fork");
        std::exit(2);
      }
      if (child == 0) {
        run_share(options, job, states[job]);
        std::fflush(stdout);
        _exit(0);
      }
      children.push_back(child);
    }
    watch(options, states, std::move(children), sum);
  }
  munmap(states.data(), states.size_bytes());
  return sum;
}

std::uint32_t print_coverage(const Tally& tally) {
  std::uint32_t never_met = 0;
  std::printf("%-38s %10s %14s\n", "", "seeds", "times");
  for (std::size_t row = 0; row < kCoveredCount; ++row) {
    const bool is_met = tally.seeds_with[row] != 0;
    never_met += is_met ? 0 : 1;
    std::printf("%-38s %10llu %14llu%s\n", kCoveredNames[row].data(),
                static_cast<unsigned long long>(tally.seeds_with[row]),
                static_cast<unsigned long long>(tally.totals[row]), is_met ? "" : "  NEVER");
  }
  return never_met;
}

}  // namespace twinplane::tests
