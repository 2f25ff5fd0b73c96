// SPDX-License-Identifier: BSD-3-Clause
// rounds.hpp - contenders timed in turn, round by round, on one core: the ratio is the median over
// the rounds.
//
// Thread:  one.
// Memory:  one number a round.
// Limits:  none.
// Errors:  none.
// Spec:    a neighbour that slows the machine for a while slows both sides of a round.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace twinplane::bench {

// Nanoseconds an operation, one value a round.
using Samples = std::vector<double>;

// CPU time of this thread: where others use the core as well, a round costs what it cost.
template <class Work>
double cpu_ns_per_operation(std::size_t operation_count, Work&& work) {
  const auto now_ns = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  };
  const double start_ns = now_ns();
  work();
  return (now_ns() - start_ns) / static_cast<double>(operation_count);
}

// Time on the wall: for what more than one core does, and for single events.
template <class Work>
double ns_per_operation(std::size_t operation_count, Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(operation_count);
}

inline double median(Samples samples) {
  if (samples.empty()) return 0;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

// How many times as long `slow` takes, by the rounds' median.
inline double median_ratio(const Samples& slow, const Samples& fast) {
  Samples ratios;
  for (std::size_t round = 0; round < std::min(slow.size(), fast.size()); ++round)
    ratios.push_back(slow[round] / fast[round]);
  return median(std::move(ratios));
}

}  // namespace twinplane::bench
