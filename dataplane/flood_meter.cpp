// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flood_meter.hpp"

#include "dataplane/ip_numbers.hpp"
#include "tables/base/check.hpp"
#include "tables/tcp_track.hpp"

namespace twinplane::dataplane {

std::optional<FloodKind> flood_kind_of(std::uint8_t protocol, std::uint8_t tcp_flags) noexcept {
  switch (protocol) {
    case kProtocolTcp: {
      const auto opening = tcp_flags & (tables::kTcpSyn | tables::kTcpAck);
      return opening == tables::kTcpSyn ? std::optional(FloodKind::kSyn) : std::nullopt;
    }
    case kProtocolUdp:
      return FloodKind::kUdp;
    case kProtocolIcmp:
      return FloodKind::kIcmp;
    case kProtocolIcmp6:
      return FloodKind::kIcmp6;
    default:
      return FloodKind::kOther;
  }
}

FloodLevel level_of(const FloodThresholds& thresholds, std::uint64_t rate_per_s) noexcept {
  if (thresholds.maximum_per_s == 0) return FloodLevel::kQuiet;
  if (rate_per_s > thresholds.maximum_per_s) return FloodLevel::kMaximum;
  if (rate_per_s > thresholds.activate_per_s) return FloodLevel::kActive;
  return rate_per_s > thresholds.alarm_per_s ? FloodLevel::kAlarm : FloodLevel::kQuiet;
}

FloodMeter::FloodMeter(const FloodThresholds& thresholds) noexcept : thresholds_(thresholds) {
  TWINPLANE_CHECK(thresholds.activate_per_s, <=, thresholds.maximum_per_s);
  TWINPLANE_CHECK(thresholds.maximum_per_s, <, 1U << 31U);
}

FloodAction FloodMeter::note(std::uint64_t now_ns, std::uint32_t random,
                             std::uint64_t elsewhere_per_s) noexcept {
  if (thresholds_.maximum_per_s == 0) return FloodAction::kPass;
  counts_ = counts_at(now_ns);
  window_ = rate_window(now_ns);
  ++counts_.current;
  const std::uint64_t rate = sliding_rate(counts_, now_ns) + elsewhere_per_s;
  if (rate > thresholds_.maximum_per_s) return FloodAction::kDropAll;
  if (rate <= thresholds_.activate_per_s) return FloodAction::kPass;
  if (thresholds_.has_cookies) return FloodAction::kAnswerWithCookie;
  // random / 2^32 < share of the way from activate to maximum, in whole numbers.
  const std::uint64_t way = thresholds_.maximum_per_s - thresholds_.activate_per_s;
  const std::uint64_t gone = rate - thresholds_.activate_per_s;
  return random * way < gone << 32U ? FloodAction::kDropAtRandom : FloodAction::kPass;
}

std::uint32_t FloodMeter::rate_per_s(std::uint64_t now_ns) const noexcept {
  return sliding_rate(counts_at(now_ns), now_ns);
}

// Time that goes back by a window starts anew.
WindowCounts FloodMeter::counts_at(std::uint64_t now_ns) const noexcept {
  return moved_on(counts_, rate_window(now_ns) - window_);
}

FloodMeters::FloodMeters(std::span<const ZoneFloodThresholds> zones) {
  meters_.reserve(zones.size() * kFloodKindCount);
  for (const ZoneFloodThresholds& zone : zones)
    for (const FloodThresholds& thresholds : zone) meters_.emplace_back(thresholds);
}

}  // namespace twinplane::dataplane
