// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_verify.hpp"

#include <string>

#include "dataplane/clock.hpp"
#include "dataplane/session_text.hpp"
#include "dataplane/telemetry_data.hpp"
#include "dataplane/telemetry_sums.hpp"

namespace twinplane::dataplane {

int answer_verify(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  source.orders.ask_verify();
  rte_tel_data_start_dict(data);
  add_text(data, "started", "true");
  return 0;
}

int answer_verified(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  bool is_running = false;
  for (const auto& worker : source.workers)
    is_running |= worker->stats().verify_running.get() != 0 ||
                  worker->stats().verify_number.get() != source.orders.verify_number();
  const std::uint64_t ranges =
      sum(source, [](const WorkerStats& stats) { return stats.verify_ranges.get(); });
  const std::uint64_t equal =
      sum(source, [](const WorkerStats& stats) { return stats.verify_equal.get(); });
  const std::uint64_t different =
      sum(source, [](const WorkerStats& stats) { return stats.verify_different.get(); });
  rte_tel_data_start_dict(data);
  add_number(data, "running", is_running ? 1 : 0);
  add_number(data, "ranges", ranges);
  add_number(data, "equal", equal);
  add_number(data, "different", different);
  add_number(data, "percent", ranges == 0 ? 0 : (equal + different) * 100 / ranges);
  const std::uint64_t verified =
      sum(source, [](const WorkerStats& stats) { return stats.partitions_verified.get(); });
  // Where the peer went away meanwhile some partitions have no verdict.
  const bool is_told = verified == stream_count(source.config.tables);
  add_text(data, "verdict",
           is_running ? "running"
           : !is_told ? "none: ask for /twinplane/verify on the active box, with its peer in sync"
           : different == 0 ? "equal"
                            : "different: repaired; /twinplane/differences has what differed");
  return 0;
}

int answer_differences(const TelemetrySource& source, const char* /*parameters*/,
                       rte_tel_data* data) {
  const FindingHistory history = source.control.findings();
  const std::uint64_t not_kept = differences_not_kept(source);
  rte_tel_data_start_dict(data);
  add_number(data, "found", history.count() + not_kept);
  add_number(data, "not_kept", not_kept);
  std::size_t number = 0;
  for (const ha2::Difference& finding : history.kept()) {
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return 0;
    rte_tel_data_start_dict(dict);
    add_number(dict, "age_ms", (now_ns() - finding.at_ns) / 1'000'000);
    add_text(dict, "round", round_text(finding));
    add_text(dict, "table", table_text(finding));
    add_number(dict, "partition", finding.partition);
    add_number(dict, "first_slot", finding.range.slots.first_slot);
    add_number(dict, "slots", finding.range.slots.slot_count);
    add_text(dict, "found_by", finding.is_at_mirror ? "mirror" : "owner");
    add_text(dict, "fields", fields_text(finding));
    rte_tel_data_add_dict_container(data, ("difference" + std::to_string(number++)).c_str(), dict,
                                    0);
  }
  return 0;
}

}  // namespace twinplane::dataplane
