// SPDX-License-Identifier: BSD-3-Clause
// session_page.hpp - a page of sessions copied out by the worker that owns them, for whoever asks.
//
// Thread:  ask(): one asking thread at a time; serve(): workers, once a turn.
// Memory:  kPageSlots copies.
// Limits:  one page at a time; the asker waits at most 200 ms.
// Errors:  false when no worker answered in time.
// Spec:    the state word publishes the page: release by the writer, acquire by the reader, in both
//          directions.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "tables/partition.hpp"

namespace twinplane::dataplane {

struct SessionPage {
  std::uint32_t partition = 0;
  std::uint32_t first_slot = 0;  // where to begin: IPv4 slots first, then IPv6 slots
  std::uint32_t next_slot = 0;   // where the next page begins; 0 = there is none
  std::vector<tables::Session4> sessions4;
  std::vector<tables::Session6> sessions6;
};

class SessionPageDesk {
 public:
  static constexpr std::size_t kPageSessions = 32;

  SessionPageDesk() {
    page_.sessions4.reserve(kPageSessions);
    page_.sessions6.reserve(kPageSessions);
  }

  [[nodiscard]] bool try_ask(std::uint32_t partition, std::uint32_t first_slot, SessionPage& page);

  // Worker: serves the request if it is for one of its partitions. Cheap when there is none.
  template <class PartitionOf>
  void serve(PartitionOf&& partition_of) noexcept {
    // Relaxed: the page is not touched before the request is this worker's.
    std::uint64_t request = state_.load(std::memory_order_relaxed);
    if (request % kStates != kAsked) return;
    const auto asked_for = static_cast<std::uint32_t>(request / kStates);
    const tables::Partition* const partition = partition_of(asked_for);
    // Acquire pairs with try_ask(). What was seen may be over by now, and another be asked for.
    if (partition == nullptr ||
        !state_.compare_exchange_strong(request, kServing, std::memory_order_acquire))
      return;
    fill(*partition);
    state_.store(kServed, std::memory_order_release);  // pairs with try_ask()
  }

 private:
  static constexpr std::uint64_t kIdle = 0;
  static constexpr std::uint64_t kAsked = 1;  // and kStates times the partition
  static constexpr std::uint64_t kServing = 2;
  static constexpr std::uint64_t kServed = 3;
  static constexpr std::uint64_t kStates = 4;

  void fill(const tables::Partition& partition) noexcept;

  std::atomic<std::uint64_t> state_{kIdle};
  SessionPage page_;
};

}  // namespace twinplane::dataplane
