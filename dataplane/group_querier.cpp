// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_querier.hpp"

#include <algorithm>

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kNoFrameWaitMs = 50;
constexpr std::uint64_t kStartupShare = 4;  // startup queries come so much faster

}  // namespace

GroupQuerier::GroupQuerier(const GroupOptions& options, const tables::Address6& own) noexcept
    : options_(options), own_(own) {
  use_own_times();
}

void GroupQuerier::use_own_times() noexcept {
  robustness_ = static_cast<std::uint8_t>(options_.robustness);
  interval_ms_ = options_.query_interval_ms;
  response_ms_ = options_.query_response_ms;
}

void GroupQuerier::start(std::uint64_t now_ms) noexcept {
  startup_left_ = static_cast<std::uint8_t>(options_.robustness);
  next_query_ms_ = now_ms;
}

void GroupQuerier::adopt(const GroupMessage& message) noexcept {
  const GroupQuery& query = message.query;
  const bool is_told = message.version == GroupVersion::k3;
  use_own_times();
  if (is_told && query.robustness != 0) robustness_ = query.robustness;
  if (is_told && query.interval_s != 0)
    interval_ms_ = std::min(std::uint64_t{query.interval_s} * 1000, kIntervalMaxMs);
  response_ms_ = std::min(std::uint64_t{query.max_response_ms}, interval_ms_);
}

QuerierChange GroupQuerier::on_query(const GroupMessage& message, std::uint64_t now_ms) noexcept {
  if (message.is_unspecified_sender() || message.sender == own_) return QuerierChange::kNone;
  const bool is_above_own = own_ != kNoAddress && own_ < message.sender;
  const bool is_above_other = other_until_ms_ != 0 && other_ < message.sender;
  if (is_above_own || is_above_other) return QuerierChange::kNone;
  const bool was_querier = is_querier();
  other_ = message.sender;
  // A query about a group says how soon to answer that one, not how often answers come.
  if (message.query.group == kNoAddress) adopt(message);
  other_until_ms_ =
      now_ms + robustness_ * interval_ms_ + std::max<std::uint64_t>(response_ms_ / 2, 1);
  return was_querier ? QuerierChange::kLost : QuerierChange::kNone;
}

QuerierChange GroupQuerier::poll(std::uint64_t now_ms) noexcept {
  if (other_until_ms_ == 0 || now_ms < other_until_ms_) return QuerierChange::kNone;
  other_until_ms_ = 0;
  startup_left_ = 0;
  next_query_ms_ = now_ms;
  use_own_times();
  return is_querier() ? QuerierChange::kWon : QuerierChange::kNone;
}

void GroupQuerier::on_query_sent(std::uint64_t now_ms) noexcept {
  if (startup_left_ > 0) --startup_left_;
  next_query_ms_ = now_ms + (startup_left_ > 0 ? interval_ms_ / kStartupShare : interval_ms_);
}

void GroupQuerier::on_query_delayed(std::uint64_t now_ms) noexcept {
  next_query_ms_ = now_ms + kNoFrameWaitMs;
}

}  // namespace twinplane::dataplane
