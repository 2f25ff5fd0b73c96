// SPDX-License-Identifier: BSD-3-Clause
// orders.hpp - what the control thread tells the workers: the box's role and stream, when to
// verify, announce, or open no more.
//
// Thread:  one writer (control); each worker reads and acknowledges.
// Memory:  two places, so that a worker never reads what is being written.
// Limits:  a new order is given only after every worker has acknowledged the last.
// Errors:  try_give returns false until then; the control thread tries again at its next turn.
// Spec:    ha2/PROTOCOL.md section 8.5: the cost of a change of ownership does not depend on how
//          many entries there are.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/config.hpp"
#include "ha2/replica.hpp"
#include "tables/base/carver.hpp"

namespace twinplane::dataplane {

class Orders {
 public:
  explicit Orders(std::size_t worker_count) noexcept : worker_count_(worker_count) {}

  // Control. True when all workers follow the last order.
  bool are_all_followed() const noexcept {
    // written by this thread only
    const std::uint32_t given = number_.load(std::memory_order_relaxed);
    for (std::size_t worker = 0; worker < worker_count_; ++worker)
      // pairs with follow()
      if (followed_[worker].number.load(std::memory_order_acquire) != given) return false;
    return true;
  }

  // Control.
  [[nodiscard]] bool try_give(const ha2::Assignment& assignment) noexcept {
    if (!are_all_followed()) return false;
    // written by this thread only
    const std::uint32_t number = number_.load(std::memory_order_relaxed) + 1;
    places_[number % 2] = assignment;
    number_.store(number, std::memory_order_release);  // pairs with try_read()
    return true;
  }

  const ha2::Assignment& last() const noexcept {
    return places_[number_.load(std::memory_order_relaxed) % 2];
  }

  // Worker. True when there is an order this worker has not followed yet.
  bool try_read(std::size_t worker, ha2::Assignment& assignment) const noexcept {
    const std::uint32_t number = number_.load(std::memory_order_acquire);  // pairs with try_give()
    // this worker's own
    if (number == followed_[worker].number.load(std::memory_order_relaxed)) return false;
    assignment = places_[number % 2];
    return true;
  }

  // Worker: the order read last is carried out.
  void follow(std::size_t worker) noexcept {
    // unchanged since try_read: control waits for us
    const std::uint32_t number = number_.load(std::memory_order_relaxed);
    // pairs with are_all_followed()
    followed_[worker].number.store(number, std::memory_order_release);
  }

  // Any thread asks; each worker compares with what it did last.
  // a request alone, no data with it
  void ask_verify() noexcept { verify_number_.fetch_add(1, std::memory_order_relaxed); }

  // as above
  std::uint32_t verify_number() const noexcept {
    return verify_number_.load(std::memory_order_relaxed);
  }

  // Control: the floating addresses are to be announced once more, by the home worker.
  // as above
  void ask_announce() noexcept { announce_number_.fetch_add(1, std::memory_order_relaxed); }

  // as above
  std::uint32_t announce_number() const noexcept {
    return announce_number_.load(std::memory_order_relaxed);
  }

  // Control: this box is about to tell its peer that it leaves; two that bridge at a time would be
  // a loop.
  // a flag alone
  void stop_bridging() noexcept { is_bridging_stopped_.store(true, std::memory_order_relaxed); }

  // as above
  bool is_bridging_stopped() const noexcept {
    return is_bridging_stopped_.load(std::memory_order_relaxed);
  }

  // Control: from now on no session is opened, so that the last changes can reach the peer before
  //          it takes over.
  // a flag alone
  void close_doors() noexcept { are_doors_closed_.store(true, std::memory_order_relaxed); }

  // as above
  bool are_doors_closed() const noexcept {
    return are_doors_closed_.load(std::memory_order_relaxed);
  }

 private:
  struct alignas(tables::kCacheLineBytes) Followed {
    std::atomic<std::uint32_t> number{0};
  };

  std::size_t worker_count_;
  std::array<ha2::Assignment, 2> places_{};
  std::atomic<std::uint32_t> number_{0};
  std::atomic<std::uint32_t> verify_number_{0};
  std::atomic<std::uint32_t> announce_number_{0};
  std::atomic<bool> are_doors_closed_{false};
  std::atomic<bool> is_bridging_stopped_{false};
  std::array<Followed, kWorkersMax> followed_{};
};

}  // namespace twinplane::dataplane
