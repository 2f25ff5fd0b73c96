// SPDX-License-Identifier: BSD-3-Clause
// finding_history.hpp - what verifications and audits found, the last ones, for an operator.
//
// Thread:  one: the caller's lock guards it.
// Memory:  up to kKept findings.
// Limits:  older ones are forgotten; the count goes on.
// Errors:  none.
// Spec:    ha2/difference.hpp; ha2/PROTOCOL.md section 7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "ha2/difference.hpp"

namespace twinplane::dataplane {

class FindingHistory {
 public:
  static constexpr std::size_t kKept = 64;

  void add(const ha2::Difference& finding) {
    ++count_;
    kept_.push_back(finding);
    if (kept_.size() > kKept) kept_.pop_front();
  }

  std::uint64_t count() const noexcept { return count_; }

  // Oldest first.
  const std::deque<ha2::Difference>& kept() const noexcept { return kept_; }

 private:
  std::deque<ha2::Difference> kept_;
  std::uint64_t count_ = 0;
};

// "session4", "audit", and "tcp_ranks rule"; what is not known is empty.
std::string table_text(const ha2::Difference& finding);
std::string round_text(const ha2::Difference& finding);
std::string fields_text(const ha2::Difference& finding);

// One line of a log: where, what, by which round, and what was done.
std::string finding_text(const ha2::Difference& finding);

}  // namespace twinplane::dataplane
