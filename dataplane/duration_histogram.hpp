// SPDX-License-Identifier: BSD-3-Clause
// duration_histogram.hpp - how long something took, four classes to each doubling, for percentiles
// over the whole life of a worker.
//
// Thread:  one writer; any thread reads.
// Memory:  512 bytes.
// Limits:  0.25 us to 16 ms; what is longer counts as 16 ms. A class is up to a quarter wide.
// Errors:  none.
// Spec:    relaxed throughout, as WorkerStats.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace twinplane::dataplane {

inline constexpr std::size_t kDurationClasses = 64;

// Counts by class; of several workers they add up.
using DurationCounts = std::array<std::uint64_t, kDurationClasses>;

constexpr std::size_t duration_class_of(std::uint64_t ns) noexcept {
  const std::uint64_t quarters = ns / 250U;
  if (quarters < 4) return static_cast<std::size_t>(quarters);
  const auto octave = static_cast<std::size_t>(std::bit_width(quarters)) - 1;
  const auto part = static_cast<std::size_t>(quarters >> (octave - 2U) & 3U);
  return std::min(4 * (octave - 1) + part, kDurationClasses - 1);
}

// The end of the class, which no duration in it reaches.
constexpr std::uint64_t duration_class_end_ns(std::size_t index) noexcept {
  if (index < 4) return (index + 1) * 250U;
  const std::size_t octave = index / 4 + 1;
  return ((index % 4 + 5) << (octave - 2U)) * 250U;
}

// The end of the class in which the share lies, in thousandths; 0 when nothing was counted.
constexpr std::uint64_t duration_at_ns(const DurationCounts& counts,
                                       std::uint64_t permille) noexcept {
  std::uint64_t total = 0;
  for (const std::uint64_t count : counts) total += count;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (counts[i] != 0 && seen * 1000U >= total * permille) return duration_class_end_ns(i);
  }
  return 0;
}

}  // namespace twinplane::dataplane
