// SPDX-License-Identifier: BSD-3-Clause
// core_share.hpp - how much of a core a background task may take: what it took is measured, and it
// waits until its share has made up for it.
//
// Thread:  one.
// Memory:  32 bytes.
// Limits:  shares of 1 to 1000 permille; what was not used is kept for at most kKeptNs.
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
  CoreShare(CostClock clock, std::uint32_t permille) noexcept
      : clock_(clock), permille_(permille) {}

  void accrue(std::uint64_t now_ns) noexcept {
    if (last_ns_ != 0 && now_ns > last_ns_) {
      const std::uint64_t past_ns = std::min(now_ns - last_ns_, kPastMaxNs);
      left_ns_ =
          std::min(kKeptNs, left_ns_ + static_cast<std::int64_t>(past_ns * permille_ / 1000));
    }
    last_ns_ = now_ns;
  }

  bool is_left() const noexcept { return clock_ == nullptr || permille_ >= 1000 || left_ns_ > 0; }

  // Runs the task and takes what it took.
  template <class Task>
  auto spend(Task&& task) noexcept {
    const std::uint64_t start_ns = clock_ == nullptr ? 0 : clock_();
    const auto result = task();
    if (clock_ != nullptr) left_ns_ -= static_cast<std::int64_t>(clock_() - start_ns);
    return result;
  }

 private:
  static constexpr std::int64_t kKeptNs = 100'000;
  static constexpr std::uint64_t kPastMaxNs = 1'000'000'000;

  CostClock clock_;
  std::uint32_t permille_;
  std::uint64_t last_ns_ = 0;
  std::int64_t left_ns_ = kKeptNs;
};

}  // namespace twinplane::ha2
