// SPDX-License-Identifier: BSD-3-Clause
// finding_ring.hpp - what verifications found, on its way from a worker to the control thread.
//
// Thread:  put and its count: one worker; take: the control thread.
// Memory:  64 places.
// Limits:  a full ring refuses and counts; control takes once a millisecond.
// Errors:  put returns false when full.
// Spec:    ha2/difference.hpp. One writer, one reader: each index is written by one of them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ha2/difference.hpp"
#include "tables/base/carver.hpp"

namespace twinplane::dataplane {

class FindingRing {
 public:
  bool try_put(const ha2::Difference& finding) noexcept {
    const std::uint64_t put = put_count_.load(std::memory_order_relaxed);  // this thread's own
    // pairs with try_take()
    const std::uint64_t taken = take_count_.load(std::memory_order_acquire);
    if (put - taken == places_.size()) {
      ++refused_count_;
      return false;
    }
    places_[put % places_.size()] = finding;
    put_count_.store(put + 1, std::memory_order_release);  // pairs with try_take()
    return true;
  }

  std::uint64_t refused_count() const noexcept { return refused_count_; }

  [[nodiscard]] bool try_take(ha2::Difference& finding) noexcept {
    const std::uint64_t taken = take_count_.load(std::memory_order_relaxed);  // this thread's own
    // pairs with try_put()
    if (taken == put_count_.load(std::memory_order_acquire)) return false;
    finding = places_[taken % places_.size()];
    take_count_.store(taken + 1, std::memory_order_release);  // pairs with try_put()
    return true;
  }

 private:
  std::array<ha2::Difference, 64> places_{};
  alignas(tables::kCacheLineBytes) std::atomic<std::uint64_t> put_count_{0};
  std::uint64_t refused_count_ = 0;
  alignas(tables::kCacheLineBytes) std::atomic<std::uint64_t> take_count_{0};
};

}  // namespace twinplane::dataplane
