// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_dos.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "dataplane/clock.hpp"
#include "dataplane/log.hpp"
#include "dataplane/neighbor_key.hpp"
#include "dataplane/source_meter.hpp"
#include "dataplane/telemetry_data.hpp"
#include "ha2/sync_matrix.hpp"

namespace twinplane::dataplane {
namespace {

std::uint64_t sum(const TelemetrySource& source, std::size_t row, Gauge FloodGauges::*gauge) {
  std::uint64_t total = 0;
  for (const auto& desk : source.dos.desks) total += (desk->gauges[row].*gauge).get();
  return total;
}

std::string text_of(const tables::Address6& source) {
  return to_text(NeighborKey::of(0, source).ip());
}

void add_meter(const TelemetrySource& source, std::size_t row, const FloodThresholds& thresholds,
               rte_tel_data* dict) {
  const std::uint64_t rate = sum(source, row, &FloodGauges::rate_per_s);
  add_number(dict, "rate", rate);
  add_text(dict, "state",
           std::string(kFloodLevelLabels[static_cast<std::size_t>(level_of(thresholds, rate))]));
  add_number(dict, "alarm", thresholds.alarm_per_s);
  add_number(dict, "activate", thresholds.activate_per_s);
  add_number(dict, "maximum", thresholds.maximum_per_s);
  add_text(dict, "action", thresholds.has_cookies ? "syn-cookies" : "random-early-drop");
  add_number(dict, "packets", sum(source, row, &FloodGauges::packets));
  add_number(dict, "dropped_random", sum(source, row, &FloodGauges::dropped_at_random));
  add_number(dict, "dropped_maximum", sum(source, row, &FloodGauges::dropped_at_maximum));
  add_number(dict, "cookies_sent", sum(source, row, &FloodGauges::answered_with_cookie));
  add_number(dict, "cookies_shown", sum(source, row, &FloodGauges::cookies_shown));
}

void add_zones(const TelemetrySource& source, std::size_t first, rte_tel_data* data) {
  const auto& protections = source.config.zone_protections;
  const std::size_t end = std::min(protections.size(), first + kZonesPerPage);
  for (std::size_t i = first; i < end; ++i) {
    for (std::size_t kind = 0; kind < kFloodKindCount; ++kind) {
      const FloodThresholds& thresholds = protections[i].thresholds[kind];
      if (thresholds.maximum_per_s == 0) continue;
      const std::size_t row = i * kFloodKindCount + kind;
      // A zone's name may hold what DPDK takes in no key.
      add_dict(data, "meter" + std::to_string(row), [&](rte_tel_data* dict) {
        add_text(dict, "zone", protections[i].zone);
        add_text(dict, "kind", std::string(kFloodKindLabels[kind]));
        add_meter(source, row, thresholds, dict);
      });
    }
  }
  add_number(data, "next_zone", end < protections.size() ? end : 0);
}

void add_blocked(const TelemetrySource& source, std::size_t first, rte_tel_data* data) {
  const BlockedSources& blocked = source.dos.blocked;
  const std::uint64_t now_ms = now_ns() / 1'000'000;
  std::size_t count = 0;
  std::uint32_t slot =
      static_cast<std::uint32_t>(std::min<std::size_t>(first, blocked.slot_count()));
  for (; slot < blocked.slot_count() && count < kBlocksPerPage; ++slot) {
    BlockedSource one;
    if (!blocked.try_read(slot, one)) continue;
    add_dict(data, "blocked" + std::to_string(count++), [&](rte_tel_data* dict) {
      add_text(dict, "source", text_of(one.source));
      add_text(dict, "zone", source.config.zones[one.zone]);
      add_text(dict, "kind", std::string(kFloodKindLabels[static_cast<std::size_t>(one.kind)]));
      add_number(dict, "seconds_left",
                 (one.until_ms - std::min(now_ms, one.until_ms) + 999) / 1000);
    });
  }
  add_number(data, "next_blocked", slot < blocked.slot_count() ? slot : 0);
}

void add_totals(const TelemetrySource& source, rte_tel_data* data) {
  add_number(data, "blocked", source.dos.blocked.count());
  add_text(data, "blocked_kept",
           "local: " + std::string(ha2::row_of(tables::TableKind::kDosBlock).why));
  std::uint64_t refused = 0;
  for (const auto& desk : source.dos.desks) refused += desk->reports_refused.get();
  add_number(data, "reports_refused", refused);
}

int clear(const TelemetrySource& source, const std::optional<tables::Address6>& address,
          rte_tel_data* data) {
  const std::optional<std::uint32_t> cleared = source.dos.clear_desk.try_ask(address);
  if (!cleared) return -1;
  log_notice("dos_block=cleared sources=" + std::to_string(*cleared) +
             " reason=\"asked by telemetry\"");
  rte_tel_data_start_dict(data);
  add_number(data, "cleared", *cleared);
  return 0;
}

std::optional<tables::Address6> try_source(std::string_view text) {
  const std::optional<IpAddress> address = parse_address(text);
  if (!address) return std::nullopt;
  return address->is4() ? mapped_address(address->v4()) : address->v6();
}

}  // namespace

int answer_dos(const TelemetrySource& source, const char* parameters, rte_tel_data* data) {
  const std::string_view text = parameters;
  const std::size_t comma = text.find(',');
  const std::string_view word = text.substr(0, comma);
  const bool has_operand = comma != std::string_view::npos;
  const std::string_view operand = has_operand ? text.substr(comma + 1) : "";
  if (word == "clear" && !has_operand) return clear(source, std::nullopt, data);
  if (word == "clear") {
    const auto address = try_source(operand);
    return address ? clear(source, address, data) : -1;
  }
  const auto first = parse_decimal(has_operand ? operand : "0", 1U << 20U);
  if (!first || (!word.empty() && word != "zones" && word != "blocked")) return -1;
  rte_tel_data_start_dict(data);
  add_totals(source, data);
  if (word != "blocked") add_zones(source, *first, data);
  if (word != "zones") add_blocked(source, *first, data);
  return 0;
}

}  // namespace twinplane::dataplane
