// SPDX-License-Identifier: BSD-3-Clause
// gauge.hpp - one number that one thread writes and any thread reads.
//
// Thread:  one writer; any thread reads.
// Memory:  8 bytes.
// Limits:  64 bits.
// Errors:  none.
// Spec:    relaxed throughout: each number stands for itself, none publishes another.
#pragma once

#include <atomic>
#include <cstdint>

namespace twinplane::dataplane {

class Gauge {
 public:
  // see Spec
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }

  void add(std::uint64_t amount) noexcept { set(get() + amount); }

  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }  // see Spec

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace twinplane::dataplane
