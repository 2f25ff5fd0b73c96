// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry.hpp"

#include <rte_mempool.h>
#include <rte_telemetry.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <stdexcept>
#include <string>

#include "dataplane/clock.hpp"
#include "dataplane/session_text.hpp"
#include "dataplane/telemetry_bridges.hpp"
#include "dataplane/telemetry_data.hpp"
#include "dataplane/telemetry_dos.hpp"
#include "dataplane/telemetry_expectations.hpp"
#include "dataplane/telemetry_faults.hpp"
#include "dataplane/telemetry_groups.hpp"
#include "dataplane/telemetry_hold.hpp"
#include "dataplane/telemetry_returns.hpp"
#include "dataplane/telemetry_rules.hpp"
#include "dataplane/telemetry_tables.hpp"
#include "ha2/sync_matrix.hpp"

namespace twinplane::dataplane {

namespace {

// DPDK's callbacks carry no argument of ours, and its thread goes on until the process ends: a
// command that runs keeps the source.
std::mutex g_source_mutex;
std::unique_ptr<const TelemetrySource> g_source;

const TelemetrySource* source() { return g_source.get(); }

template <telemetry_cb kAnswer>
int with_source(const char* command, const char* parameters, rte_tel_data* data) {
  const std::lock_guard lock(g_source_mutex);
  return g_source == nullptr ? -1 : kAnswer(command, parameters, data);
}

void add_session(rte_tel_data* data, std::size_t number, const nlohmann::ordered_json& session) {
  rte_tel_data* const dict = rte_tel_data_alloc();
  if (dict == nullptr) return;
  rte_tel_data_start_dict(dict);
  for (const auto& [name, value] : session.items()) {
    if (value.is_string())
      add_text(dict, name, value.get<std::string>());
    else
      add_number(dict, name,
                 value.is_boolean() ? (value.get<bool>() ? 1U : 0U) : value.get<std::uint64_t>());
  }
  // DPDK frees the container with the answer.
  rte_tel_data_add_dict_container(data, ("session" + std::to_string(number)).c_str(), dict, 0);
}

template <class Read>
std::uint64_t sum(Read&& read) {
  std::uint64_t total = 0;
  for (const auto& worker : source()->workers) total += read(worker->stats());
  return total;
}

std::uint64_t total(ha2::Counter counter) {
  std::uint64_t value = 0;
  for (const auto& worker : source()->workers) value += worker->counter(counter);
  return value;
}

std::uint64_t packets_dropped() {
  return sum([](const WorkerStats& stats) {
           std::uint64_t drops = 0;
           for (const Gauge& gauge : stats.parse_drops) drops += gauge.get();
           for (const Gauge& gauge : stats.sctp_drops) drops += gauge.get();
           for (const Gauge& gauge : stats.drops) drops += gauge.get();
           return drops;
         }) +
         group_packets_dropped(*source());
}

// Found, with no place on the way to the history.
std::uint64_t differences_not_kept() {
  return sum([](const WorkerStats& stats) { return stats.findings_refused.get(); });
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
void add_audit(rte_tel_data* data) {
  std::uint64_t rounds = ~std::uint64_t{0};
  std::uint64_t ended_ns = ~std::uint64_t{0};
  for (const auto& worker : source()->workers) {
    rounds = std::min(rounds, worker->stats().audit_rounds.get());
    ended_ns = std::min(ended_ns, worker->stats().audit_ended_ns.get());
  }
  const std::uint64_t ranges =
      sum([](const WorkerStats& stats) { return stats.audit_ranges.get(); });
  const std::uint64_t told = sum([](const WorkerStats& stats) { return stats.audit_told.get(); });
  add_number(data, "audit_rounds", rounds);
  add_number(data, "audit_age_ms", ended_ns == 0 ? 0 : (now_ns() - ended_ns) / 1'000'000);
  add_number(data, "audit_percent", ranges == 0 ? 0 : told * 100 / ranges);
}

int on_status(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  const BoxStatus status = source()->control.status();
  rte_tel_data_start_dict(data);
  add_text(data, "name", source()->config.box.name);
  add_text(data, "role", status.role);
  add_text(data, "reason", status.reason);
  add_text(data, "sync", status.sync);
  add_text(data, "refusal", status.refusal);
  add_text(data, "note", status.note);
  add_text(data, "faults", faults_now(*source()));
  add_text(data, "peer", status.is_peer_up ? "up" : "down");
  add_number(data, "paths_up", status.paths_up);
  add_number(data, "term", status.term);
  const std::uint64_t sessions4 =
      sum([](const WorkerStats& stats) { return stats.sessions4.get(); });
  const std::uint64_t sessions6 =
      sum([](const WorkerStats& stats) { return stats.sessions6.get(); });
  add_number(data, "sessions", sessions4 + sessions6);
  add_number(data, "sessions4", sessions4);
  add_number(data, "sessions6", sessions6);
  add_number(data, "records_sent", total(ha2::Counter::kRecordsSent));
  add_number(data, "records_applied", total(ha2::Counter::kRecordsApplied));
  add_number(data, "frames_sent", total(ha2::Counter::kFramesSent));
  add_number(data, "frames_received", total(ha2::Counter::kFramesReceived));
  add_number(data, "frames_lost",
             total(ha2::Counter::kFramesLost) + total(ha2::Counter::kFramesReportedLost));
  std::uint64_t lag_ns = 0;
  std::uint64_t pace_ns = 0;
  for (const auto& worker : source()->workers) {
    lag_ns = std::max(lag_ns, worker->stats().lag_ns.get());
    pace_ns = std::max(pace_ns, worker->stats().pace_ns.get());
  }
  add_number(data, "lag_us", lag_ns / 1000);
  add_number(data, "pace_us", pace_ns / 1000);
  add_number(data, "at_risk", sum([](const WorkerStats& stats) { return stats.at_risk.get(); }));
  add_number(data, "bulk_done_slots",
             sum([](const WorkerStats& stats) { return stats.bulk_stated_slots.get(); }));
  add_number(data, "bulk_total_slots",
             sum([](const WorkerStats& stats) { return stats.bulk_total_slots.get(); }));
  add_number(data, "bulk_percent", status.bulk_percent);
  add_number(data, "bulk_left_ms", status.bulk_left_ms);
  add_audit(data);
  add_number(data, "differences_found", status.findings_count + differences_not_kept());
  add_number(data, "partitions_quiet",
             sum([](const WorkerStats& stats) { return stats.partitions_quiet.get(); }));
  add_text(data, "transport", transport_name(source()->config.ha2.transport));
  add_number(data, "mtu", source()->config.ha2.mtu_bytes);
  add_number(data, "packets_rx",
             sum([](const WorkerStats& stats) { return stats.packets_received.get(); }));
  add_number(data, "packets_tx",
             sum([](const WorkerStats& stats) { return stats.packets_sent.get(); }));
  add_number(data, "packets_dropped", packets_dropped());
  add_number(data, "last_heard_ns", status.last_heard_ns);
  add_number(data, "detected_ns", status.detected_ns);
  add_number(data, "takeover_ns", status.takeover_ns);
  add_number(data, "first_packet_ns", status.first_packet_ns);
  return 0;
}

// DPDK leaves out, without a word, what a dictionary cannot hold.
constexpr std::size_t kSingleCountersMax = 27;  // those that on_counters() names one by one
static_assert(ha2::kCounterCount + ha2::kEncapErrorNames.size() + kParseResultCount +
                  kDropReasonCount + kIcmpErrorVerdictNames.size() + kFragmentCounterRows.size() +
                  kNeighborCounterCount + kLinkFaultCount + kSingleCountersMax <=
              RTE_TEL_MAX_DICT_ENTRIES);

int on_counters(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  for (std::size_t i = 0; i < ha2::kCounterCount; ++i)
    add_number(data, "ha2_" + std::string(ha2::kCounterLabels[i]),
               total(static_cast<ha2::Counter>(i)));
  for (std::size_t i = 1; i < ha2::kEncapErrorNames.size(); ++i)
    add_number(data, "ha2_drop_encap_" + std::string(ha2::kEncapErrorNames[i]),
               sum([i](const WorkerStats& stats) { return stats.encap_drops[i].get(); }));
  std::uint64_t frames_dropped = source()->control.frames_dropped();
  for (const auto& worker : source()->workers) frames_dropped += worker->frames_dropped();
  add_number(data, "ha2_drop_transmit_full", frames_dropped);
  for (std::size_t i = 1; i < kParseResultCount; ++i)
    add_number(data, "drop_" + std::string(name(static_cast<ParseResult>(i))),
               sum([i](const WorkerStats& stats) { return stats.parse_drops[i].get(); }));
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    add_number(data, "drop_" + std::string(name(static_cast<DropReason>(i))),
               sum([i](const WorkerStats& stats) { return stats.drops[i].get(); }));
  for (std::size_t i = 0; i < kIcmpErrorVerdictNames.size(); ++i)
    add_number(data, std::string(kIcmpErrorVerdictNames[i]),
               sum([i](const WorkerStats& stats) { return stats.icmp_errors[i].get(); }));
  add_number(data, "icmp_error_no_address",
             sum([](const WorkerStats& stats) { return stats.icmp_errors_no_address.get(); }));
  add_number(data, "icmp_error_held_back",
             sum([](const WorkerStats& stats) { return stats.icmp_errors_held_back.get(); }));
  add_number(data, "sessions_created",
             sum([](const WorkerStats& stats) { return stats.sessions_created.get(); }));
  add_number(data, "sessions_ended",
             sum([](const WorkerStats& stats) { return stats.sessions_ended.get(); }));
  add_number(data, "sessions_expired",
             sum([](const WorkerStats& stats) { return stats.sessions_expired.get(); }));
  add_number(data, "sessions_evicted",
             sum([](const WorkerStats& stats) { return stats.sessions_evicted.get(); }));
  add_number(data, "sessions_opened_young",
             sum([](const WorkerStats& stats) { return stats.sessions_opened_young.get(); }));
  add_number(data, "sessions_came_of_age",
             sum([](const WorkerStats& stats) { return stats.sessions_came_of_age.get(); }));
  add_number(data, "sessions_decrypted",
             sum([](const WorkerStats& stats) { return stats.sessions_decrypted.get(); }));
  add_number(data, "sessions_refused",
             sum([](const WorkerStats& stats) { return stats.sessions_refused.get(); }));
  add_number(data, "sessions_unindexed",
             sum([](const WorkerStats& stats) { return stats.sessions_unindexed.get(); }));
  add_number(data, "sessions_damaged",
             sum([](const WorkerStats& stats) { return stats.sessions_damaged.get(); }));
  add_number(data, "packets_handed_over",
             sum([](const WorkerStats& stats) { return stats.packets_handed_over.get(); }));
  add_number(data, "packets_fragmented",
             sum([](const WorkerStats& stats) { return stats.packets_fragmented.get(); }));
  add_number(data, "fragments_made",
             sum([](const WorkerStats& stats) { return stats.fragments_made.get(); }));
  for (std::size_t i = 0; i < kFragmentCounterRows.size(); ++i)
    add_number(data, "fragment_" + std::string(kFragmentCounterRows[i].label),
               sum([i](const WorkerStats& stats) { return stats.fragments[i].get(); }));
  add_number(data, "differences_not_kept", differences_not_kept());
  for (std::size_t i = 0; i < kNeighborCounterCount; ++i)
    add_number(data, std::string(kNeighborCounterLabels[i]),
               source()->home.counters().get(static_cast<NeighborCounter>(i)));
  for (std::size_t i = 0; i < kLinkFaultCount; ++i)
    add_number(data, "fault_" + std::string(kLinkFaultLabels[i]),
               fault_total(*source(), static_cast<LinkFault>(i)));
  // Not rising: what the devices' rings hold, and what is on its way.
  for (const char* pool_name : {"packets", "ha2"})
    if (const rte_mempool* const pool = rte_mempool_lookup(pool_name); pool != nullptr)
      add_number(data, std::string(pool_name) + "_buffers_in_use", rte_mempool_in_use_count(pool));
  const BoxStatus status = source()->control.status();
  add_number(data, "refused_hellos", status.refused_hellos);
  add_number(data, "bad_link_frames", status.bad_link_frames);
  return 0;
}

int on_tables(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  for (const ha2::SyncRow& row : ha2::kSyncMatrix) {
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "active_passive", row.is_kept_active_passive ? "kept equal" : "local");
    add_text(dict, "active_active", row.is_kept_active_active ? "kept equal" : "local");
    add_text(dict, "now", keeping_text(*source(), row.kind));
    add_number(dict, "entries", kind_total(*source(), row.kind, &KindGauges::entries));
    add_number(dict, "capacity", kind_total(*source(), row.kind, &KindGauges::capacity));
    add_number(dict, "high_water", kind_total(*source(), row.kind, &KindGauges::high_water));
    add_number(dict, "refused_no_room", kind_total(*source(), row.kind, &KindGauges::refused));
    for (std::size_t i = 0; i < ha2::kKindCounterCount; ++i)
      add_number(dict, std::string(ha2::kKindCounterLabels[i]),
                 kind_total(*source(), row.kind, static_cast<ha2::KindCounter>(i)));
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, std::string(tables::name_of(row.kind)).c_str(), dict, 0);
  }
  return 0;
}

int on_floating(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  const FloatingHolders& holders = source()->home.holders();
  for (std::size_t i = 0; i < holders.rows().size(); ++i) {
    const FloatingHolders::Row& row = holders.rows()[i];
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "address", to_text(row.floating.address));
    add_text(dict, "port", source()->config.ports[row.floating.port_index].name);
    add_number(dict, "group", row.group);
    add_text(dict, "mac", to_text(row.mac));
    const std::uint8_t holder = holders.holder(i);
    add_text(dict, "holder",
             holder == tables::kNoHolder ? "nobody" : "box " + std::to_string(holder));
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, ("address" + std::to_string(i)).c_str(), dict, 0);
  }
  return 0;
}

// Without the keys.
int on_ipsec(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  constexpr std::array<const char*, 4> kResults{"made here", "went on above the ceiling", "jumped",
                                                "sealed or needs a new SA"};
  rte_tel_data_start_dict(data);
  const std::span<const IpsecHome::Row> rows = source()->home.ipsec().rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const IpsecHome::Row& row = rows[i];
    const SaConfig& configured = source()->config.security_associations[i];
    const tables::SecurityAssociationBody& sa = configured.sa;
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    const bool is_inbound = (sa.flags & tables::kSaInbound) != 0;
    add_text(dict, "name", configured.name);
    add_number(dict, "spi", sa.key.spi);
    add_text(dict, "direction", is_inbound ? "in" : "out");
    add_text(dict, "source", to_text(IpAddress::of(sa.source)));
    add_text(dict, "destination", to_text(IpAddress::of(sa.key.destination)));
    add_number(dict, "cipher", sa.cipher);
    add_number(dict, "integrity", sa.integrity);
    add_number(dict, "is_there", row.is_there.get());
    add_number(dict, is_inbound ? "top" : "used", row.used.get());
    if (!is_inbound) add_number(dict, "ceiling", row.ceiling.get());
    add_number(dict, "told", row.told.get());
    add_number(dict, "rate_per_s", row.rate_per_s.get());
    add_number(dict, "ungranted", row.is_ungranted.get());
    add_number(dict, "dying", (row.flags.get() & tables::kSaDying) != 0 ? 1 : 0);
    add_text(dict, "last_takeover", kResults[row.result.get() % kResults.size()]);
    add_number(dict, "jump", row.jump.get());
    add_number(dict, "age_s", row.age_s.get());
    add_number(dict, "seconds_max", sa.seconds_max);
    add_number(dict, "used_bytes", row.used_bytes.get());
    add_number(dict, "bytes_max", sa.bytes_max);
    add_number(dict, "used_packets", row.used_packets.get());
    add_number(dict, "packets_max", sa.packets_max);
    // DPDK frees the container with the answer. It refuses names that hold a '-'.
    rte_tel_data_add_dict_container(data, ("sa" + std::to_string(i)).c_str(), dict, 0);
  }
  return 0;
}

int on_bridges(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  answer_bridges(*source(), data);
  return 0;
}

int on_mac(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  answer_macs(*source(), parameters, data);
  return 0;
}

// What parse_sctp() refused stands here and not among the counters, whose dictionary is bounded.
int on_sctp(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
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
    add_number(data, row.name, kind_total(*source(), tables::TableKind::kSctp, row.gauge));
  for (std::size_t i = 1; i < kSctpResultCount; ++i)
    add_number(data, "drop_" + std::string(name(static_cast<SctpResult>(i))),
               sum([i](const WorkerStats& stats) { return stats.sctp_drops[i].get(); }));
  for (auto i = static_cast<std::size_t>(DropReason::kSctpNoAssociation); i < kDropReasonCount; ++i)
    add_number(data,
               "drop_" + std::string(kDropReasonNames[i].substr(std::string_view("sctp_").size())),
               sum([i](const WorkerStats& stats) { return stats.drops[i].get(); }));
  return 0;
}

int on_multicast(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  return add_groups(*source(), parameters, data);
}

int on_multicast_ports(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  return add_group_ports(*source(), data);
}

int on_multicast_counters(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  return add_group_counters(*source(), data);
}

int on_hold(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  for (const auto& [name, value] : hold_figures(*source()))
    add_number(data, std::string(name), value);
  return 0;
}

int on_rules(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  std::size_t first = 0;
  const std::string text = parameters == nullptr ? "" : parameters;
  std::from_chars(text.data(), text.data() + text.size(), first);
  rte_tel_data_start_dict(data);
  add_text(data, "rematch", rematch_state(*source()));
  for (const auto& [name, value] : rematch_figures(*source(), now_ns()))
    add_number(data, name, value);
  for (const RuleRow& row : rule_rows(*source(), first)) {
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "name", row.name);
    add_text(dict, "action", row.action);
    add_number(dict, "hits", row.hits);
    add_number(dict, "sessions", row.sessions);
    add_number(dict, "ended", row.ended);
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, ("rule" + std::to_string(row.number)).c_str(), dict, 0);
  }
  return 0;
}

int on_reload(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  const ReloadResult result = source()->reload.reload();
  rte_tel_data_start_dict(data);
  add_number(data, "loaded", result.is_done ? 1 : 0);
  // DPDK cuts longer texts off.
  constexpr std::size_t kPieceBytes = RTE_TEL_MAX_STRING_LEN - 1;
  for (std::size_t at = 0, piece = 0; at < result.text.size(); at += kPieceBytes, ++piece)
    add_text(data, piece == 0 ? "text" : "text" + std::to_string(piece),
             result.text.substr(at, kPieceBytes));
  return 0;
}

int on_faults(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  if (!switch_faults(*source(), parameters == nullptr ? "" : parameters)) return -1;
  rte_tel_data_start_dict(data);
  add_text(data, "faults", faults_now(*source()));
  return 0;
}

int on_dos(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  return answer_dos(*source(), parameters == nullptr ? "" : parameters, data);
}

int on_expectations(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  return answer_expectations(*source(), data);
}

int on_symmetric_return(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  return answer_symmetric_return(*source(), data);
}

int on_verify(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  source()->orders.ask_verify();
  rte_tel_data_start_dict(data);
  add_text(data, "started", "true");
  return 0;
}

int on_verified(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  bool is_running = false;
  for (const auto& worker : source()->workers)
    is_running |= worker->stats().verify_running.get() != 0 ||
                  worker->stats().verify_number.get() != source()->orders.verify_number();
  const std::uint64_t ranges =
      sum([](const WorkerStats& stats) { return stats.verify_ranges.get(); });
  const std::uint64_t equal =
      sum([](const WorkerStats& stats) { return stats.verify_equal.get(); });
  const std::uint64_t different =
      sum([](const WorkerStats& stats) { return stats.verify_different.get(); });
  rte_tel_data_start_dict(data);
  add_number(data, "running", is_running ? 1 : 0);
  add_number(data, "ranges", ranges);
  add_number(data, "equal", equal);
  add_number(data, "different", different);
  add_number(data, "percent", ranges == 0 ? 0 : (equal + different) * 100 / ranges);
  const std::uint64_t verified =
      sum([](const WorkerStats& stats) { return stats.partitions_verified.get(); });
  // Where the peer went away meanwhile some partitions have no verdict.
  const bool is_told = verified == stream_count(source()->config.tables);
  add_text(data, "verdict",
           is_running ? "running"
           : !is_told ? "none: ask for /twinplane/verify on the active box, with its peer in sync"
           : different == 0 ? "equal"
                            : "different: repaired; /twinplane/differences has what differed");
  return 0;
}

int on_differences(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  const FindingHistory history = source()->control.findings();
  const std::uint64_t not_kept = differences_not_kept();
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

int on_sessions(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  std::uint32_t partition = 0;
  std::uint32_t first_slot = 0;
  const std::string text = parameters == nullptr ? "" : parameters;
  const auto [comma, error] = std::from_chars(text.data(), text.data() + text.size(), partition);
  if (error == std::errc{} && comma != text.data() + text.size() && *comma == ',')
    std::from_chars(comma + 1, text.data() + text.size(), first_slot);
  if (partition >= source()->config.tables.partitions) return -1;
  SessionPage page;
  if (!source()->page_desk.try_ask(partition, first_slot, page)) return -1;
  rte_tel_data_start_dict(data);
  add_number(data, "next_slot", page.next_slot);
  std::size_t number = 0;
  for (const auto& session : page.sessions4) add_session(data, number++, session_json(session));
  for (const auto& session : page.sessions6) add_session(data, number++, session_json(session));
  return 0;
}

void register_command(const char* command, telemetry_cb callback, const char* help) {
  if (rte_telemetry_register_cmd(command, callback, help) != 0)
    throw std::runtime_error(std::string("telemetry command ") + command + " cannot be registered");
}

}  // namespace

Telemetry::Telemetry(const TelemetrySource& telemetry_source) {
  {
    const std::lock_guard lock(g_source_mutex);
    g_source = std::make_unique<const TelemetrySource>(telemetry_source);
  }
  register_command("/twinplane/status", with_source<on_status>,
                   "Role, sync, sessions, lag, last takeover. No parameters.");
  register_command(
      "/twinplane/counters", with_source<on_counters>,
      "Every counter: HA2, drops by reason, ICMP errors, fragments, sessions. No parameters.");
  register_command("/twinplane/tables", with_source<on_tables>,
                   "Each kind of table: kept equal or why not, entries, records sent and applied. "
                   "No parameters.");
  register_command("/twinplane/ipsec", with_source<on_ipsec>,
                   "Each configured IPsec SA: ends, lifetimes and numbers, without its keys. No "
                   "parameters.");
  register_command("/twinplane/floating", with_source<on_floating>,
                   "Each floating address: its port, group and MAC, and which box answers for it. "
                   "No parameters.");
  register_command("/twinplane/bridges", with_source<on_bridges>,
                   "Bridge domains: their addresses, and what became of frames. No parameters.");
  register_command("/twinplane/mac", with_source<on_mac>,
                   "Addresses of bridge domains. Parameters: the place to begin at, from `next` of "
                   "the answer before; next 0 = last answer.");
  register_command("/twinplane/sctp", with_source<on_sctp>,
                   "SCTP associations: the table, and drops by reason. No parameters.");
  register_command("/twinplane/multicast", with_source<on_multicast>,
                   "A page of groups and streams: ingress, egress, state, packets. Parameters: "
                   "none, or FIRST_PLACE; next_place 0 = last page.");
  register_command("/twinplane/multicast_ports", with_source<on_multicast_ports>,
                   "Each port's role in multicast and who asks there who listens. No parameters.");
  register_command("/twinplane/multicast_counters", with_source<on_multicast_counters>,
                   "Multicast: membership, messages refused, drops by reason. No parameters.");
  register_command("/twinplane/dos", with_source<on_dos>,
                   "Floods, and blocked sources. Parameters: none, zones,FIRST, blocked,FIRST, "
                   "clear, or clear,ADDRESS.");
  register_command("/twinplane/expectations", with_source<on_expectations>,
                   "Returns which control sessions are looked into, what they expect, and what "
                   "became of it.");
  register_command("/twinplane/hold", with_source<on_hold>,
                   "Packets held until the peer had their session: how many, how that ended, how "
                   "long it took. No parameters.");
  register_command("/twinplane/symmetric_return", with_source<on_symmetric_return>,
                   "Which ports answer by who brought a session, how many sessions have such a "
                   "path, and what became of it. No parameters.");
  register_command("/twinplane/rules", with_source<on_rules>,
                   "Rules: hits of each, and what their last rematch made of sessions. "
                   "Parameters: none, or the first rule.");
  register_command("/twinplane/reload", with_source<on_reload>,
                   "Loads the rules of the configuration anew, as SIGHUP. No parameters.");
  register_command("/twinplane/faults", with_source<on_faults>,
                   "What is done to frames sent over HA2. Parameters: none, or on or off, where "
                   "the configuration enables faults.");
  register_command("/twinplane/verify", with_source<on_verify>,
                   "Digests every range of every table and has the peer compare. No parameters.");
  register_command("/twinplane/verified", with_source<on_verified>,
                   "How far the last verify is and what it found. No parameters.");
  register_command("/twinplane/differences", with_source<on_differences>,
                   "What verifications and audits found, the last 64. No parameters.");
  register_command(
      "/twinplane/sessions", with_source<on_sessions>,
      "A page of sessions. Parameters: PARTITION,FIRST_SLOT; next_slot 0 = last page.");
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(g_source_mutex);
  g_source.reset();
}

}  // namespace twinplane::dataplane
