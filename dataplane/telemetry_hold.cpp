// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_hold.hpp"

namespace twinplane::dataplane {

NamedFigures hold_figures(const TelemetrySource& source) {
  const auto sum = [&source](auto&& read) {
    std::uint64_t total = 0;
    for (const auto& worker : source.workers) total += read(worker->stats().hold).get();
    return total;
  };
  const auto ended = [&sum](HoldEnd end) {
    return sum([end](const HoldStats& stats) -> const Gauge& {
      return stats.ends[static_cast<std::size_t>(end)];
    });
  };
  DurationCounts waited{};
  for (std::size_t i = 0; i < waited.size(); ++i)
    waited[i] = sum([i](const HoldStats& stats) -> const Gauge& { return stats.waited[i]; });
  const auto of = [&sum](Gauge HoldStats::*gauge) {
    return sum([gauge](const HoldStats& stats) -> const Gauge& { return stats.*gauge; });
  };
  return {{"held_sessions", of(&HoldStats::sessions)},
          {"held_packets", of(&HoldStats::packets)},
          {"waiting", of(&HoldStats::waiting)},
          {"released_by_ack", ended(HoldEnd::kReceived)},
          {"released_by_timeout", ended(HoldEnd::kTimeout)},
          {"released_no_peer", ended(HoldEnd::kNoPeer)},
          {"released_full", of(&HoldStats::full)},
          {"dropped_gone", ended(HoldEnd::kGone)},
          {"ack_p50_us", duration_at_ns(waited, 500) / 1000},
          {"ack_p99_us", duration_at_ns(waited, 990) / 1000},
          {"ack_max_us", duration_at_ns(waited, 1000) / 1000}};
}

}  // namespace twinplane::dataplane
