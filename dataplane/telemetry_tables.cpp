// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_tables.hpp"

#include "dataplane/config_hello.hpp"
#include "dataplane/telemetry_data.hpp"
#include "ha2/sync_matrix.hpp"

namespace twinplane::dataplane {

std::string keeping_text(const TelemetrySource& source, tables::TableKind kind) {
  const ha2::SyncRow& row = ha2::row_of(kind);
  if (!row.is_kept(ha2::HaMode::kActivePassive)) return "local: " + std::string(row.why);
  const bool is_multicast =
      kind == tables::TableKind::kMulticast4 || kind == tables::TableKind::kMulticast6;
  if (is_multicast && !source.config.multicast.enabled)
    return "off: multicast.enabled is false here";
  if (kind == tables::TableKind::kMac && source.config.bridges.empty())
    return "none: no [[bridge]] is configured";
  if (kind == tables::TableKind::kReturnMac && return_slots(source.config) == 0)
    return "none: no [[port]] has symmetric_return";
  if (kind_total(source, kind, &KindGauges::capacity) == 0)
    return "none: nothing in this version fills such a table";
  if (!source.config.ha.enabled) return "off: ha.enabled is false here";
  if (!kept_kinds(source.config).has(kind)) return "off: ha2.off_tables names it here";
  const BoxStatus status = source.control.status();
  if (!status.is_paired) return "off: there is no peer that agrees, see /twinplane/status";
  if (!status.peer_kinds.has(kind)) return "off: ha2.off_tables names it at the peer";
  return "kept";
}

std::uint64_t kind_total(const TelemetrySource& source, tables::TableKind kind,
                         ha2::KindCounter counter) noexcept {
  std::uint64_t total = 0;
  for (const auto& worker : source.workers) total += worker->counter(kind, counter);
  return total;
}

std::uint64_t kind_total(const TelemetrySource& source, tables::TableKind kind,
                         Gauge KindGauges::*gauge) noexcept {
  std::uint64_t total = 0;
  for (const auto& worker : source.workers)
    total += (worker->stats().kinds[tables::index_of(kind)].*gauge).get();
  return total;
}

int answer_tables(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  for (const ha2::SyncRow& row : ha2::kSyncMatrix) {
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "active_passive", row.is_kept_active_passive ? "kept equal" : "local");
    add_text(dict, "active_active", row.is_kept_active_active ? "kept equal" : "local");
    add_text(dict, "now", keeping_text(source, row.kind));
    add_number(dict, "entries", kind_total(source, row.kind, &KindGauges::entries));
    add_number(dict, "capacity", kind_total(source, row.kind, &KindGauges::capacity));
    add_number(dict, "high_water", kind_total(source, row.kind, &KindGauges::high_water));
    add_number(dict, "refused_no_room", kind_total(source, row.kind, &KindGauges::refused));
    for (std::size_t i = 0; i < ha2::kKindCounterCount; ++i)
      add_number(dict, std::string(ha2::kKindCounterLabels[i]),
                 kind_total(source, row.kind, static_cast<ha2::KindCounter>(i)));
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, std::string(tables::name_of(row.kind)).c_str(), dict, 0);
  }
  return 0;
}

int answer_floating(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  const FloatingHolders& holders = source.home.holders();
  for (std::size_t i = 0; i < holders.rows().size(); ++i) {
    const FloatingHolders::Row& row = holders.rows()[i];
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "address", to_text(row.floating.address));
    add_text(dict, "port", source.config.ports[row.floating.port_index].name);
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

}  // namespace twinplane::dataplane
