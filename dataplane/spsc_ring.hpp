// SPDX-License-Identifier: BSD-3-Clause
// spsc_ring.hpp - values on their way from one thread to one other.
//
// Thread:  put and its count: one; take: one other.
// Memory:  kPlaces values, inside the object.
// Limits:  a full ring refuses and counts.
// Errors:  put returns false when full.
// Spec:    one writer, one reader: each index is written by one of them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tables/base/carver.hpp"

namespace twinplane::dataplane {

template <class Value, std::size_t kPlaces>
class SpscRing {
 public:
  bool try_put(const Value& value) noexcept {
    const std::uint64_t put = put_count_.load(std::memory_order_relaxed);  // this thread's own
    // pairs with try_take()
    const std::uint64_t taken = take_count_.load(std::memory_order_acquire);
    if (put - taken == kPlaces) {
      ++refused_count_;
      return false;
    }
    places_[put % kPlaces] = value;
    put_count_.store(put + 1, std::memory_order_release);  // pairs with try_take()
    return true;
  }

  // Of the thread that puts.
  std::uint64_t refused_count() const noexcept { return refused_count_; }

  [[nodiscard]] bool try_take(Value& value) noexcept {
    const std::uint64_t taken = take_count_.load(std::memory_order_relaxed);  // this thread's own
    // pairs with try_put()
    if (taken == put_count_.load(std::memory_order_acquire)) return false;
    value = places_[taken % kPlaces];
    take_count_.store(taken + 1, std::memory_order_release);  // pairs with try_put()
    return true;
  }

 private:
  std::array<Value, kPlaces> places_{};
  alignas(tables::kCacheLineBytes) std::atomic<std::uint64_t> put_count_{0};
  std::uint64_t refused_count_ = 0;
  alignas(tables::kCacheLineBytes) std::atomic<std::uint64_t> take_count_{0};
};

}  // namespace twinplane::dataplane
