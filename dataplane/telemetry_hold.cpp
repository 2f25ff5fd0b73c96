// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_hold.hpp"

#include "dataplane/telemetry_data.hpp"
#include "dataplane/telemetry_sums.hpp"

namespace twinplane::dataplane {

int answer_hold(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  const auto sum_of = [&source](auto&& read) {
    return sum(source, [&](const WorkerStats& stats) { return read(stats.hold).get(); });
  };
  const auto ended = [&sum_of](HoldEnd end) {
    return sum_of([end](const HoldStats& stats) -> const Gauge& {
      return stats.ends[static_cast<std::size_t>(end)];
    });
  };
  DurationCounts waited{};
  for (std::size_t i = 0; i < waited.size(); ++i)
    waited[i] = sum_of([i](const HoldStats& stats) -> const Gauge& { return stats.waited[i]; });
  const auto of = [&sum_of](Gauge HoldStats::*gauge) {
    return sum_of([gauge](const HoldStats& stats) -> const Gauge& { return stats.*gauge; });
  };
  rte_tel_data_start_dict(data);
  add_number(data, "held_sessions", of(&HoldStats::sessions));
  add_number(data, "held_packets", of(&HoldStats::packets));
  add_number(data, "waiting", of(&HoldStats::waiting));
  add_number(data, "released_by_ack", ended(HoldEnd::kReceived));
  add_number(data, "released_by_timeout", ended(HoldEnd::kTimeout));
  add_number(data, "released_no_peer", ended(HoldEnd::kNoPeer));
  add_number(data, "released_full", of(&HoldStats::full));
  add_number(data, "dropped_gone", ended(HoldEnd::kGone));
  add_number(data, "ack_p50_us", duration_at_ns(waited, 500) / 1000);
  add_number(data, "ack_p99_us", duration_at_ns(waited, 990) / 1000);
  add_number(data, "ack_max_us", duration_at_ns(waited, 1000) / 1000);
  return 0;
}

}  // namespace twinplane::dataplane
