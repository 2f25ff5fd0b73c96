// SPDX-License-Identifier: BSD-3-Clause
// sim_clock.hpp - a box's own clock over the simulator's: it starts anywhere, runs a little fast or
// slow, and may leap ahead.
//
// Thread:  one; a value.
// Memory:  none to speak of.
// Limits:  drift up to 1000 ppm; runs of up to a year.
// Errors:  none. It never goes back, as CLOCK_MONOTONIC never does.
// Spec:    ha2/PROTOCOL.md section 8.4: a leap is a pause as the box sees it.
#pragma once

#include <cstdint>

namespace twinplane::tests {

class BoxClock {
 public:
  BoxClock() = default;

  BoxClock(std::uint64_t start_ns, std::int32_t drift_ppm) noexcept
      : ahead_ns_(start_ns), drift_ppm_(drift_ppm) {}

  // What the box reads when the simulator's clock stands at now_ns.
  std::uint64_t at(std::uint64_t now_ns) const noexcept {
    const auto drift_ns = static_cast<std::int64_t>(now_ns) / 1'000'000 * drift_ppm_;
    return ahead_ns_ + now_ns + static_cast<std::uint64_t>(drift_ns);
  }

  std::int32_t drift_ppm() const noexcept { return drift_ppm_; }

  void leap(std::uint64_t by_ns) noexcept { ahead_ns_ += by_ns; }

 private:
  std::uint64_t ahead_ns_ = 0;
  std::int32_t drift_ppm_ = 0;
};

}  // namespace twinplane::tests
