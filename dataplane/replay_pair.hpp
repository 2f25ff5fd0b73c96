// SPDX-License-Identifier: BSD-3-Clause
// replay_pair.hpp - the two boxes and what passes between them while virtual time goes by.
//
// Thread:  main.
// Memory:  that of its parts.
// Limits:  steps of kTurnNs while a stream has anything to say; silence is skipped in one step.
// Errors:  throws at construction. try_settle() gives up after kSettleNs.
// Spec:    invariant I9: quiet means equal.
#pragma once

#include <cstdint>

#include "dataplane/replay_box.hpp"
#include "dataplane/replay_options.hpp"

namespace twinplane::dataplane {

class ReplayPair {
 public:
  ReplayPair(const Config& config, const ReplayOptions& options);

  // Virtual time becomes target_ns: streams run, sessions that are due expire (if `expires`).
  void advance_to(std::uint64_t target_ns, bool expires) noexcept;

  // Runs the streams, in virtual time of their own, until all are quiet; false when that takes
  // longer than kSettleNs.
  [[nodiscard]] bool try_settle() noexcept;

  // The streams' time: at or ahead of the last packet's.
  std::uint64_t now_ns() const noexcept { return stream_ns_; }

  ReplayBox& active() noexcept { return active_; }

  const ReplayBox& active() const noexcept { return active_; }

  const ReplayBox& passive() const noexcept { return passive_; }

  std::uint64_t frames_lost() const noexcept {
    return to_passive_.lost_count() + to_active_.lost_count();
  }

 private:
  static constexpr std::uint64_t kTurnNs = 20'000;
  static constexpr std::uint64_t kSettleTurnNs = 100'000;
  static constexpr std::uint64_t kSettleNs = 60'000'000'000;
  static constexpr std::uint64_t kExpireIntervalNs = 1'000'000;
  // 11 days: deadlines are told apart up to 24
  static constexpr std::uint64_t kLongSilenceNs = 1'000'000'000'000'000;

  // One exchange of all partitions that are not quiet; true when there was none.
  bool turn(std::uint64_t now_ns) noexcept;
  void expire(std::uint64_t now_ns) noexcept;

  PacketPool pool_;
  ReplayWire to_passive_;
  ReplayWire to_active_;
  ReplayBox active_;
  ReplayBox passive_;
  std::uint64_t stream_ns_;  // where the last turn stood
  std::uint64_t expired_ns_;
};

}  // namespace twinplane::dataplane
