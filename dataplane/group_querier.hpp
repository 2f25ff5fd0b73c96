// SPDX-License-Identifier: BSD-3-Clause
// group_querier.hpp - who asks on one port in one family, when the next general query is due, and
// how long an answer is good for.
//
// Thread:  the home worker.
// Memory:  a value.
// Limits:  an interval told by another querier counts as up to kIntervalMaxMs, so that nobody can
//          make memberships last for days. Time comes in, in milliseconds, and must not go back.
// Errors:  none.
// Spec:    RFC 3376 sections 4.1.6, 4.1.7, 6.6.2, 8 and RFC 3810 sections 5.1.8, 5.1.9, 7.6.2, 9.
#pragma once

#include <cstdint>

#include "dataplane/group_message.hpp"
#include "dataplane/group_options.hpp"

namespace twinplane::dataplane {

enum class QuerierChange : std::uint8_t { kNone, kWon, kLost };

class GroupQuerier {
 public:
  static constexpr std::uint64_t kIntervalMaxMs = 3'600'000;

  // `own`: whom to ask as; kNoAddress: never asks.
  GroupQuerier(const GroupOptions& options, const tables::Address6& own) noexcept;

  // From now on queries are sent: the first at once, and `robustness` in quick succession.
  void start(std::uint64_t now_ms) noexcept;

  // A query by another router; a lower address wins.
  QuerierChange on_query(const GroupMessage& message, std::uint64_t now_ms) noexcept;

  // A querier is gone when it has been silent for the other querier present interval.
  QuerierChange poll(std::uint64_t now_ms) noexcept;

  bool is_querier() const noexcept { return own_ != kNoAddress && other_until_ms_ == 0; }

  bool is_query_due(std::uint64_t now_ms) const noexcept {
    return is_querier() && now_ms >= next_query_ms_;
  }

  void on_query_sent(std::uint64_t now_ms) noexcept;
  // There was no buffer.
  void on_query_delayed(std::uint64_t now_ms) noexcept;

  const tables::Address6& own() const noexcept { return own_; }

  // Who asks: another, this one, or (kNoAddress) nobody that is known.
  const tables::Address6& current() const noexcept { return other_until_ms_ != 0 ? other_ : own_; }

  std::uint8_t robustness() const noexcept { return robustness_; }

  std::uint64_t membership_ms() const noexcept { return robustness_ * interval_ms_ + response_ms_; }

  std::uint64_t last_member_ms() const noexcept {
    return std::uint64_t{robustness_} * options_.last_member_interval_ms;
  }

 private:
  void adopt(const GroupMessage& message) noexcept;
  void use_own_times() noexcept;

  GroupOptions options_;
  tables::Address6 own_;
  tables::Address6 other_{};
  std::uint64_t other_until_ms_ = 0;  // 0: there is no other querier
  std::uint64_t next_query_ms_ = 0;
  std::uint64_t interval_ms_ = 0;  // the querier's, as the two below
  std::uint64_t response_ms_ = 0;
  std::uint8_t robustness_ = 0;
  std::uint8_t startup_left_ = 0;
};

}  // namespace twinplane::dataplane
