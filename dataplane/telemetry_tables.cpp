// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_tables.hpp"

#include "dataplane/config_hello.hpp"
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

}  // namespace twinplane::dataplane
