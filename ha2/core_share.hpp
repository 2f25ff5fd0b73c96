// SPDX-License-Identifier: BSD-3-Clause
// core_share.hpp - how much of a core a background task may take: what it took is measured, and it
// waits until its share has made up for it.
//
// Thread:  one.
// Memory:  32 bytes.
// Limits:  shares of 1 to 1,000,000 ppm; what was not used is kept up to 0.1 ms of work.
// Errors:  none. Without a clock there is no bound: all is allowed.
// Spec:    PROTOCOL.md section 8.6 (bulk share, audit share).
#pragma once

#include <algorithm>
#include <cstdint>

namespace twinplane::ha2 {

// Nanoseconds of the core's own clock; only differences are used.
using CostClock = std::uint64_t (*)() noexcept;

class CoreShare {
 public:
  static constexpr std::uint32_t kWhole = 1'000'000;  // ppm

  CoreShare(CostClock clock, std::uint32_t ppm) noexcept : clock_(clock), ppm_(ppm) {}

  void accrue(std::uint64_t now_ns) noexcept {
    if (last_ns_ != 0 && now_ns > last_ns_) {
      const std::uint64_t past_ns = std::min(now_ns - last_ns_, kPastMaxNs);
      left_ = std::min(kKept, left_ + static_cast<std::int64_t>(past_ns * ppm_));
    }
    last_ns_ = now_ns;
  }

  bool is_left() const noexcept { return clock_ == nullptr || ppm_ >= kWhole || left_ > 0; }

  // Runs the task and takes what it took.
  template <class Task>
  auto spend(Task&& task) noexcept {
    const std::uint64_t start_ns = clock_ == nullptr ? 0 : clock_();
    const auto result = task();
    if (clock_ != nullptr) left_ -= static_cast<std::int64_t>((clock_() - start_ns) * kWhole);
    return result;
  }

 private:
  // Of left_, a millionth of a nanosecond: turns are too short for less.
  static constexpr std::int64_t kKept = std::int64_t{100'000} * kWhole;
  static constexpr std::uint64_t kPastMaxNs = 1'000'000'000;

  CostClock clock_;
  std::uint32_t ppm_;
  std::uint64_t last_ns_ = 0;
  std::int64_t left_ = kKept;
};

}  // namespace twinplane::ha2
