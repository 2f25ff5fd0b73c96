// SPDX-License-Identifier: BSD-3-Clause
// sliding_rate.hpp - packets in the second that ends now, from two counts: those of this second of
// the clock, and those of the one before, as far as it still reaches into it.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  exact for an even flow. What came in one heap is right until its second is over, and
//          then melts away evenly; never more than both counts together.
// Errors:  none.
// Spec:    none.
#pragma once

#include <cstdint>

namespace twinplane::dataplane {

inline constexpr std::uint64_t kRateWindowNs = 1'000'000'000;

constexpr std::uint64_t rate_window(std::uint64_t now_ns) noexcept {
  return now_ns / kRateWindowNs;
}

// Of the window of now_ns, and of the one before it.
struct WindowCounts {
  std::uint32_t current = 0;
  std::uint32_t previous = 0;
};

constexpr std::uint32_t sliding_rate(WindowCounts counts, std::uint64_t now_ns) noexcept {
  const std::uint64_t left_ns = kRateWindowNs - now_ns % kRateWindowNs;
  const std::uint64_t rate = counts.current + counts.previous * left_ns / kRateWindowNs;
  return rate > 0xFFFF'FFFF ? 0xFFFF'FFFF : static_cast<std::uint32_t>(rate);
}

// Counts that were of the window `before`, `windows` later.
constexpr WindowCounts moved_on(WindowCounts before, std::uint64_t windows) noexcept {
  if (windows == 0) return before;
  return {.current = 0, .previous = windows == 1 ? before.current : 0};
}

}  // namespace twinplane::dataplane
