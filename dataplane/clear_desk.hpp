// SPDX-License-Identifier: BSD-3-Clause
// clear_desk.hpp - where an operator asks for a source, or all, to be taken off the block list.
//
// Thread:  try_ask() on one thread at a time, which telemetry sees to; serve() on the home worker.
// Memory:  one request.
// Limits:  one request at a time; it waits for up to 200 ms.
// Errors:  try_ask() answers nothing when the home worker did not come by.
// Spec:    as session_page.hpp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

class ClearDesk {
 public:
  // A source, in whatever zones it is blocked; nothing: all. Says how many were.
  std::optional<std::uint32_t> try_ask(const std::optional<tables::Address6>& source) {
    // a late answer
    if (state_.load(std::memory_order_acquire) == kServed)
      state_.store(kIdle, std::memory_order_relaxed);
    if (state_.load(std::memory_order_relaxed) != kIdle) return std::nullopt;
    source_ = source;
    state_.store(kAsked, std::memory_order_release);  // pairs with serve()
    for (int wait_ms = 0; wait_ms < 200; ++wait_ms) {
      if (state_.load(std::memory_order_acquire) == kServed) {  // pairs with serve()
        state_.store(kIdle, std::memory_order_relaxed);         // this thread's again
        return cleared_;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return std::nullopt;
  }

  // clear(source) says how many it has cleared. Cheap when nothing is asked.
  template <class Clear>
  void serve(Clear&& clear) noexcept {
    if (state_.load(std::memory_order_acquire) != kAsked) return;  // pairs with try_ask()
    cleared_ = clear(source_);
    state_.store(kServed, std::memory_order_release);  // pairs with try_ask()
  }

 private:
  static constexpr std::uint32_t kIdle = 0;
  static constexpr std::uint32_t kAsked = 1;
  static constexpr std::uint32_t kServed = 2;

  std::atomic<std::uint32_t> state_{kIdle};
  std::optional<tables::Address6> source_;
  std::uint32_t cleared_ = 0;
};

}  // namespace twinplane::dataplane
