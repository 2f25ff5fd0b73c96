// SPDX-License-Identifier: BSD-3-Clause
// loss_pace.hpp - how fast frames go where most of them are lost: a link that passes little passes
// as little of twice as much, and what it drops is repairs, to be made again.
//
// Eight answers are a sample. Where more than three quarters of it are lost the interval between
// frames doubles; where at most half are lost it halves, down to none. So a link that drops what it
// cannot carry is offered two to four times that (more behind a long queue), and one that loses two
// frames in five by chance is hardly ever held back. After a change an answer counts only for a
// frame sent since: a whole window lost to a cut is one sample.
//
// Thread:  one.
// Memory:  48 bytes.
// Limits:  intervals of kFirstNs and its doubles, up to slowest_ns; slowest_ns 0 = never held back.
// Errors:  none.
// Spec:    PROTOCOL.md section 5.3; DESIGN.md D-H21.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

class LossPace {
 public:
  static constexpr std::uint64_t kFirstNs = 4'000;
  static constexpr std::uint32_t kSampleFrames = 8;

  explicit LossPace(std::uint64_t slowest_ns) noexcept : slowest_ns_(slowest_ns) {}

  // A stream begins at seq 1.
  void start() noexcept { *this = LossPace(slowest_ns_); }

  bool may_send(std::uint64_t now_ns) const noexcept {
    return interval_ns_ == 0 || now_ns >= next_ns_;
  }

  // A turn that comes late sends the frames that were due in it.
  void note_sent(std::uint64_t now_ns) noexcept {
    next_ns_ = std::max(next_ns_, now_ns - std::min(now_ns, kTurnNs)) + interval_ns_;
  }

  // Frame seq was answered; the next one to be sent is next_seq.
  void note_answer(std::uint64_t seq, bool is_lost, std::uint64_t next_seq) noexcept {
    if (seq < first_seq_) return;
    ++answered_;
    lost_ += is_lost ? 1 : 0;
    if (answered_ < kSampleFrames) return;
    const std::uint64_t interval_ns = next_interval_ns();
    if (interval_ns != interval_ns_) first_seq_ = next_seq;
    interval_ns_ = interval_ns;
    answered_ = lost_ = 0;
  }

  // Between two frames; 0 = as fast as the window allows.
  std::uint64_t interval_ns() const noexcept { return interval_ns_; }

 private:
  static constexpr std::uint64_t kTurnNs = 50'000;  // of a worker, at most

  std::uint64_t next_interval_ns() const noexcept {
    if (lost_ * 4 > answered_ * 3)
      return std::min(slowest_ns_, interval_ns_ == 0 ? kFirstNs : interval_ns_ * 2);
    if (lost_ * 2 > answered_ || tables::is_mutant(tables::Mutant::kPaceStaysSlow))
      return interval_ns_;
    return interval_ns_ <= kFirstNs ? 0 : interval_ns_ / 2;
  }

  std::uint64_t slowest_ns_;
  std::uint64_t interval_ns_ = 0;
  std::uint64_t next_ns_ = 0;    // no frame before
  std::uint64_t first_seq_ = 1;  // answers to what went before do not count
  std::uint32_t answered_ = 0;
  std::uint32_t lost_ = 0;
};

static_assert(sizeof(LossPace) <= 48);

}  // namespace twinplane::ha2
