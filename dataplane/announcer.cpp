// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/announcer.hpp"

#include <algorithm>

namespace twinplane::dataplane {

void Announcer::start(std::uint64_t now_ms) noexcept {
  start_ms_ = now_ms;
  round_ = 0;
  next_ = 0;
  poll(now_ms);
}

void Announcer::defend(std::size_t port_index, const IpAddress& own,
                       std::uint64_t now_ms) noexcept {
  if (now_ms < may_defend_ms_ || !sender_.try_announce(port_index, own)) return;
  may_defend_ms_ = now_ms + kDefendIntervalMs;
}

std::size_t Announcer::poll(std::uint64_t now_ms) noexcept {
  if (round_ == kRoundsMs.size() || now_ms < start_ms_ + kRoundsMs[round_]) return 0;
  const auto all = own_.all();
  const std::size_t end = std::min(next_ + kBatchMax, all.size());
  std::size_t done = 0;
  for (; next_ < end; ++next_) {
    if (sender_.try_announce(all[next_].port_index, all[next_].address)) ++done;
  }
  if (next_ == all.size()) {
    next_ = 0;
    ++round_;
  }
  return done;
}

}  // namespace twinplane::dataplane
