// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_counters.hpp"

#include <rte_mempool.h>

#include <array>
#include <string>

#include "dataplane/telemetry_data.hpp"
#include "dataplane/telemetry_faults.hpp"
#include "dataplane/telemetry_sums.hpp"
#include "dataplane/telemetry_tables.hpp"

namespace twinplane::dataplane {

namespace {

// DPDK leaves out, without a word, what a dictionary cannot hold.
constexpr std::size_t kSingleCountersMax = 27;  // those that answer_counters() names one by one
static_assert(ha2::kCounterCount + ha2::kEncapErrorNames.size() + kParseResultCount +
                  kDropReasonCount + kIcmpErrorVerdictNames.size() + kFragmentCounterRows.size() +
                  kNeighborCounterCount + kLinkFaultCount + kSingleCountersMax <=
              RTE_TEL_MAX_DICT_ENTRIES);

}  // namespace

int answer_counters(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  for (std::size_t i = 0; i < ha2::kCounterCount; ++i)
    add_number(data, "ha2_" + std::string(ha2::kCounterLabels[i]),
               total(source, static_cast<ha2::Counter>(i)));
  for (std::size_t i = 1; i < ha2::kEncapErrorNames.size(); ++i)
    add_number(data, "ha2_drop_encap_" + std::string(ha2::kEncapErrorNames[i]),
               sum(source, [i](const WorkerStats& stats) { return stats.encap_drops[i].get(); }));
  std::uint64_t frames_dropped = source.control.frames_dropped();
  for (const auto& worker : source.workers) frames_dropped += worker->frames_dropped();
  add_number(data, "ha2_drop_transmit_full", frames_dropped);
  for (std::size_t i = 1; i < kParseResultCount; ++i)
    add_number(data, "drop_" + std::string(name(static_cast<ParseResult>(i))),
               sum(source, [i](const WorkerStats& stats) { return stats.parse_drops[i].get(); }));
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    add_number(data, "drop_" + std::string(name(static_cast<DropReason>(i))),
               sum(source, [i](const WorkerStats& stats) { return stats.drops[i].get(); }));
  for (std::size_t i = 0; i < kIcmpErrorVerdictNames.size(); ++i)
    add_number(data, std::string(kIcmpErrorVerdictNames[i]),
               sum(source, [i](const WorkerStats& stats) { return stats.icmp_errors[i].get(); }));
  add_number(data, "icmp_error_no_address", sum(source, [](const WorkerStats& stats) {
               return stats.icmp_errors_no_address.get();
             }));
  add_number(data, "icmp_error_held_back", sum(source, [](const WorkerStats& stats) {
               return stats.icmp_errors_held_back.get();
             }));
  add_number(data, "sessions_created",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_created.get(); }));
  add_number(data, "sessions_ended",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_ended.get(); }));
  add_number(data, "sessions_expired",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_expired.get(); }));
  add_number(data, "sessions_evicted",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_evicted.get(); }));
  add_number(data, "sessions_opened_young", sum(source, [](const WorkerStats& stats) {
               return stats.sessions_opened_young.get();
             }));
  add_number(data, "sessions_came_of_age", sum(source, [](const WorkerStats& stats) {
               return stats.sessions_came_of_age.get();
             }));
  add_number(data, "sessions_decrypted",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_decrypted.get(); }));
  add_number(data, "sessions_refused",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_refused.get(); }));
  add_number(data, "sessions_unindexed",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_unindexed.get(); }));
  add_number(data, "sessions_damaged",
             sum(source, [](const WorkerStats& stats) { return stats.sessions_damaged.get(); }));
  add_number(data, "packets_handed_over",
             sum(source, [](const WorkerStats& stats) { return stats.packets_handed_over.get(); }));
  add_number(data, "packets_fragmented",
             sum(source, [](const WorkerStats& stats) { return stats.packets_fragmented.get(); }));
  add_number(data, "fragments_made",
             sum(source, [](const WorkerStats& stats) { return stats.fragments_made.get(); }));
  for (std::size_t i = 0; i < kFragmentCounterRows.size(); ++i)
    add_number(data, "fragment_" + std::string(kFragmentCounterRows[i].label),
               sum(source, [i](const WorkerStats& stats) { return stats.fragments[i].get(); }));
  add_number(data, "differences_not_kept", differences_not_kept(source));
  for (std::size_t i = 0; i < kNeighborCounterCount; ++i)
    add_number(data, std::string(kNeighborCounterLabels[i]),
               source.home.counters().get(static_cast<NeighborCounter>(i)));
  for (std::size_t i = 0; i < kLinkFaultCount; ++i)
    add_number(data, "fault_" + std::string(kLinkFaultLabels[i]),
               fault_total(source, static_cast<LinkFault>(i)));
  // Not rising: what the devices' rings hold, and what is on its way.
  for (const char* pool_name : {"packets", "ha2"})
    if (const rte_mempool* const pool = rte_mempool_lookup(pool_name); pool != nullptr)
      add_number(data, std::string(pool_name) + "_buffers_in_use", rte_mempool_in_use_count(pool));
  const BoxStatus status = source.control.status();
  add_number(data, "refused_hellos", status.refused_hellos);
  add_number(data, "bad_link_frames", status.bad_link_frames);
  return 0;
}

// What parse_sctp() refused stands here and not among the counters, whose dictionary is bounded.
int answer_sctp(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  struct Row {
    const char* name;
    Gauge KindGauges::*gauge;
  };

  constexpr std::array<Row, 7> kRows{{{"entries", &KindGauges::entries},
                                      {"capacity", &KindGauges::capacity},
                                      {"high_water", &KindGauges::high_water},
                                      {"created", &KindGauges::created},
                                      {"ended", &KindGauges::ended},
                                      {"expired", &KindGauges::expired},
                                      {"refused", &KindGauges::refused}}};
  rte_tel_data_start_dict(data);
  for (const Row& row : kRows)
    add_number(data, row.name, kind_total(source, tables::TableKind::kSctp, row.gauge));
  for (std::size_t i = 1; i < kSctpResultCount; ++i)
    add_number(data, "drop_" + std::string(name(static_cast<SctpResult>(i))),
               sum(source, [i](const WorkerStats& stats) { return stats.sctp_drops[i].get(); }));
  for (auto i = static_cast<std::size_t>(DropReason::kSctpNoAssociation); i < kDropReasonCount; ++i)
    add_number(data,
               "drop_" + std::string(kDropReasonNames[i].substr(std::string_view("sctp_").size())),
               sum(source, [i](const WorkerStats& stats) { return stats.drops[i].get(); }));
  return 0;
}

}  // namespace twinplane::dataplane
