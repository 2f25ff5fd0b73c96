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
    if (state_.load(std::memory_order_acquire) != kAsked) return;  // pairs with try_ask()
    const tables::Partition* const partition = partition_of(page_.partition);
    if (partition == nullptr) return;
    fill(*partition);
    state_.store(kServed, std::memory_order_release);  // pairs with try_ask()
  }

 private:
  static constexpr std::uint32_t kIdle = 0;
  static constexpr std::uint32_t kAsked = 1;
  static constexpr std::uint32_t kServed = 2;

  void fill(const tables::Partition& partition) noexcept;

  std::atomic<std::uint32_t> state_{kIdle};
  SessionPage page_;
};

}  // namespace twinplane::dataplane
