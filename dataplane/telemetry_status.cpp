// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_status.hpp"

#include <algorithm>
#include <string>

#include "dataplane/clock.hpp"
#include "dataplane/telemetry_data.hpp"
#include "dataplane/telemetry_faults.hpp"
#include "dataplane/telemetry_groups.hpp"
#include "dataplane/telemetry_sums.hpp"

namespace twinplane::dataplane {

namespace {

std::uint64_t packets_dropped(const TelemetrySource& source) {
  return sum(source,
             [](const WorkerStats& stats) {
               std::uint64_t drops = 0;
               for (const Gauge& gauge : stats.parse_drops) drops += gauge.get();
               for (const Gauge& gauge : stats.sctp_drops) drops += gauge.get();
               for (const Gauge& gauge : stats.drops) drops += gauge.get();
               return drops;
             }) +
         group_packets_dropped(source);
}

const char* transport_name(Ha2Transport transport) {
  switch (transport) {
    case Ha2Transport::kEthernet:
      return "ethernet";
    case Ha2Transport::kIp:
      return "ip";
    case Ha2Transport::kUdp:
      return "udp";
  }
  return "unknown";
}

// The audit in the background: rounds of this stream, the age of the last one, and how far this one
// is.
void add_audit(const TelemetrySource& source, rte_tel_data* data) {
  std::uint64_t rounds = ~std::uint64_t{0};
  std::uint64_t ended_ns = ~std::uint64_t{0};
  for (const auto& worker : source.workers) {
    rounds = std::min(rounds, worker->stats().audit_rounds.get());
    ended_ns = std::min(ended_ns, worker->stats().audit_ended_ns.get());
  }
  const std::uint64_t ranges =
      sum(source, [](const WorkerStats& stats) { return stats.audit_ranges.get(); });
  const std::uint64_t told =
      sum(source, [](const WorkerStats& stats) { return stats.audit_told.get(); });
  add_number(data, "audit_rounds", rounds);
  add_number(data, "audit_age_ms", ended_ns == 0 ? 0 : (now_ns() - ended_ns) / 1'000'000);
  add_number(data, "audit_percent", ranges == 0 ? 0 : told * 100 / ranges);
}

}  // namespace

int answer_status(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  const BoxStatus status = source.control.status();
  rte_tel_data_start_dict(data);
  add_text(data, "name", source.config.box.name);
  add_text(data, "role", status.role);
  add_text(data, "reason", status.reason);
  add_text(data, "sync", status.sync);
  add_text(data, "refusal", status.refusal);
  add_text(data, "note", status.note);
  add_text(data, "faults", faults_now(source));
  add_text(data, "peer", status.is_peer_up ? "up" : "down");
  add_number(data, "paths_up", status.paths_up);
  add_number(data, "term", status.term);
  const std::uint64_t sessions4 =
      sum(source, [](const WorkerStats& stats) { return stats.sessions4.get(); });
  const std::uint64_t sessions6 =
      sum(source, [](const WorkerStats& stats) { return stats.sessions6.get(); });
  add_number(data, "sessions", sessions4 + sessions6);
  add_number(data, "sessions4", sessions4);
  add_number(data, "sessions6", sessions6);
  add_number(data, "records_sent", total(source, ha2::Counter::kRecordsSent));
  add_number(data, "records_applied", total(source, ha2::Counter::kRecordsApplied));
  add_number(data, "frames_sent", total(source, ha2::Counter::kFramesSent));
  add_number(data, "frames_received", total(source, ha2::Counter::kFramesReceived));
  add_number(
      data, "frames_lost",
      total(source, ha2::Counter::kFramesLost) + total(source, ha2::Counter::kFramesReportedLost));
  std::uint64_t lag_ns = 0;
  std::uint64_t pace_ns = 0;
  for (const auto& worker : source.workers) {
    lag_ns = std::max(lag_ns, worker->stats().lag_ns.get());
    pace_ns = std::max(pace_ns, worker->stats().pace_ns.get());
  }
  add_number(data, "lag_us", lag_ns / 1000);
  add_number(data, "pace_us", pace_ns / 1000);
  add_number(data, "at_risk",
             sum(source, [](const WorkerStats& stats) { return stats.at_risk.get(); }));
  add_number(data, "bulk_done_slots",
             sum(source, [](const WorkerStats& stats) { return stats.bulk_stated_slots.get(); }));
  add_number(data, "bulk_total_slots",
             sum(source, [](const WorkerStats& stats) { return stats.bulk_total_slots.get(); }));
  add_number(data, "bulk_percent", status.bulk_percent);
  add_number(data, "bulk_left_ms", status.bulk_left_ms);
  add_audit(source, data);
  add_number(data, "differences_found", status.findings_count + differences_not_kept(source));
  add_number(data, "partitions_quiet",
             sum(source, [](const WorkerStats& stats) { return stats.partitions_quiet.get(); }));
  add_text(data, "transport", transport_name(source.config.ha2.transport));
  add_number(data, "mtu", source.config.ha2.mtu_bytes);
  add_number(data, "packets_rx",
             sum(source, [](const WorkerStats& stats) { return stats.packets_received.get(); }));
  add_number(data, "packets_tx",
             sum(source, [](const WorkerStats& stats) { return stats.packets_sent.get(); }));
  add_number(data, "packets_dropped", packets_dropped(source));
  add_number(data, "last_heard_ns", status.last_heard_ns);
  add_number(data, "detected_ns", status.detected_ns);
  add_number(data, "takeover_ns", status.takeover_ns);
  add_number(data, "first_packet_ns", status.first_packet_ns);
  return 0;
}

}  // namespace twinplane::dataplane
