// SPDX-License-Identifier: BSD-3-Clause
// bulk_progress.hpp - how far the bulk or the comparison is, and how long it will still take at its
// pace so far.
//
// Thread:  one.
// Memory:  none to speak of.
// Limits:  no estimate in the first 50 ms, nor while nothing moves.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 6.
#pragma once

#include <cstdint>

namespace twinplane::dataplane {

class BulkProgress {
 public:
  // stated and total slots, at now_ns; a bulk that begins again starts the estimate anew.
  void note(std::uint64_t stated, std::uint64_t total, std::uint64_t now_ns) noexcept {
    if (began_ns_ == 0 || stated < stated_) {
      began_ns_ = now_ns;
      first_stated_ = stated;
    }
    stated_ = stated;
    total_ = total;
    now_ns_ = now_ns;
  }

  void forget() noexcept { *this = {}; }

  std::uint32_t percent() const noexcept {
    return total_ == 0 ? 0 : static_cast<std::uint32_t>(stated_ * 100 / total_);
  }

  // 0: not known, or done.
  std::uint64_t left_ms() const noexcept {
    const std::uint64_t past_ns = now_ns_ - began_ns_;
    const std::uint64_t done = stated_ - first_stated_;
    if (past_ns < 50'000'000 || done == 0) return 0;
    return static_cast<std::uint64_t>(static_cast<double>(past_ns) / 1e6 *
                                      static_cast<double>(total_ - stated_) /
                                      static_cast<double>(done));
  }

 private:
  std::uint64_t began_ns_ = 0;
  std::uint64_t first_stated_ = 0;
  std::uint64_t stated_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t now_ns_ = 0;
};

}  // namespace twinplane::dataplane
