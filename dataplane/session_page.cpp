// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session_page.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace twinplane::dataplane {

namespace {

// of one page, so that a worker's turn stays short
constexpr std::uint32_t kSlotsLookedAtMax = 8192;

}  // namespace

bool SessionPageDesk::try_ask(std::uint32_t partition, std::uint32_t first_slot,
                              SessionPage& page) {
  // a late answer
  if (state_.load(std::memory_order_acquire) == kServed)
    state_.store(kIdle, std::memory_order_relaxed);
  if (state_.load(std::memory_order_relaxed) != kIdle) return false;
  page_.partition = partition;
  page_.first_slot = first_slot;
  page_.sessions4.clear();
  page_.sessions6.clear();
  state_.store(kAsked + kStates * partition, std::memory_order_release);  // pairs with serve()
  for (int wait_ms = 0; wait_ms < 200; ++wait_ms) {
    if (state_.load(std::memory_order_acquire) == kServed) {  // pairs with serve()
      page = page_;
      state_.store(kIdle, std::memory_order_relaxed);  // this thread's again
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

void SessionPageDesk::fill(const tables::Partition& partition) noexcept {
  const std::uint32_t count4 = partition.slot_count(tables::TableKind::kSession4);
  const std::uint32_t count = count4 + partition.slot_count(tables::TableKind::kSession6);
  std::uint32_t slot = page_.first_slot;
  const std::uint32_t end = std::min(count, slot + std::min(kSlotsLookedAtMax, count));
  for (; slot < end && page_.sessions4.size() + page_.sessions6.size() < kPageSessions; ++slot) {
    if (slot < count4) {
      const tables::Session4& session = partition.session4().slots().entry(slot);
      if ((session.flags & tables::kLive) != 0) page_.sessions4.push_back(session);
    } else {
      const tables::Session6& session = partition.session6().slots().entry(slot - count4);
      if ((session.flags & tables::kLive) != 0) page_.sessions6.push_back(session);
    }
  }
  page_.next_slot = slot < count ? slot : 0;
}

}  // namespace twinplane::dataplane
