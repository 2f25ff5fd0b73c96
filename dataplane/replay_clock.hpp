// SPDX-License-Identifier: BSD-3-Clause
// replay_clock.hpp - the virtual time of a replay: the captures' stamps, or a count of packets.
//
// Thread:  main.
// Memory:  none.
// Limits:  it never goes back: a stamp before an earlier one reads as that one. It ends after 146
//          years, where it stands still.
// Errors:  none: any stamps give a clock.
// Spec:    a capture begins where the one before it ended.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace twinplane::dataplane {

class ReplayClock {
 public:
  ReplayClock(bool follows_stamps, std::uint64_t start_ns) noexcept
      : follows_stamps_(follows_stamps), now_ns_(start_ns), begin_ns_(start_ns) {}

  void begin_capture() noexcept {
    begin_ns_ = now_ns_;
    has_first_stamp_ = false;
  }

  // When this packet comes in. Stamps are microseconds since whenever.
  std::uint64_t on_packet(std::optional<std::uint64_t> stamp_us) noexcept {
    if (!follows_stamps_ || !stamp_us) return move_to(now_ns_ + kPacketNs);
    if (!has_first_stamp_) first_stamp_us_ = *stamp_us;
    has_first_stamp_ = true;
    if (*stamp_us < first_stamp_us_) return now_ns_;
    return move_to(begin_ns_ + std::min(*stamp_us - first_stamp_us_, kEndNs / 1000U) * 1000U);
  }

  std::uint64_t on_wait(std::uint64_t wait_ns) noexcept { return move_to(now_ns_ + wait_ns); }

  std::uint64_t now_ns() const noexcept { return now_ns_; }

 private:
  static constexpr std::uint64_t kPacketNs = 1000;
  static constexpr std::uint64_t kEndNs = std::uint64_t{1} << 62U;

  std::uint64_t move_to(std::uint64_t time_ns) noexcept {
    now_ns_ = std::clamp(time_ns, now_ns_, kEndNs);
    return now_ns_;
  }

  bool follows_stamps_;
  std::uint64_t now_ns_;
  std::uint64_t begin_ns_;
  std::uint64_t first_stamp_us_ = 0;
  bool has_first_stamp_ = false;
};

}  // namespace twinplane::dataplane
