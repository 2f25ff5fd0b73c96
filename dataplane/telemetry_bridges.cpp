// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_bridges.hpp"

#include <charconv>
#include <cstring>
#include <string>

#include "dataplane/clock.hpp"

namespace twinplane::dataplane {
namespace {

void add_text(rte_tel_data* data, const char* name, const std::string& value) {
  rte_tel_data_add_dict_string(data, name, value.c_str());
}

void add_number(rte_tel_data* data, std::string_view name, std::uint64_t value) {
  rte_tel_data_add_dict_u64(data, std::string(name).c_str(), value);
}

void add_frames(rte_tel_data* dict, const Bridging& bridging, std::uint8_t domain) {
  const auto total = [&](auto&& read) {
    std::uint64_t sum = 0;
    for (std::uint16_t worker = 0; worker < bridging.worker_count(); ++worker)
      sum += read(bridging.stats(worker, domain)).get();
    return sum;
  };
  for (std::size_t i = 0; i < kBridgeOutcomeCount; ++i)
    add_number(dict, kBridgeOutcomeNames[i],
               total([i](const BridgeStats& stats) -> const Gauge& { return stats.outcomes[i]; }));
  add_number(dict, "copies_missed",
             total([](const BridgeStats& stats) -> const Gauge& { return stats.copies_missed; }));
  add_number(dict, "events_missed",
             total([](const BridgeStats& stats) -> const Gauge& { return stats.events_missed; }));
}

void add_mac(const TelemetrySource& source, std::uint32_t place, const MacRow& row,
             rte_tel_data* data, std::size_t number) {
  rte_tel_data* const dict = rte_tel_data_alloc();
  if (dict == nullptr) return;
  rte_tel_data_start_dict(dict);
  add_text(dict, "bridge", source.config.bridges[row.key.domain].name);
  add_number(dict, "vlan", row.key.vlan);
  add_text(dict, "mac", to_text(row.key.mac));
  add_text(dict, "port", source.config.ports[row.port].name);
  add_text(dict, "kind", row.is_static() ? "static" : row.is_held() ? "held" : "learned");
  const std::uint64_t seen_s = source.bridging->last_seen_s(place);
  const std::uint64_t now_s = now_ns() / 1'000'000'000;
  // Of a mirror's, and of what the peer has learned, nobody here has seen a frame.
  add_text(dict, "age_s", seen_s == 0 ? "not seen here" : std::to_string(now_s - seen_s));
  add_number(dict, "moves", row.move_count);
  // DPDK frees the container with the answer.
  rte_tel_data_add_dict_container(data, ("mac" + std::to_string(number)).c_str(), dict, 0);
}

}  // namespace

int answer_bridges(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  for (std::size_t i = 0; i < source.config.bridges.size(); ++i) {
    const BridgeConfig& bridge = source.config.bridges[i];
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "name", bridge.name);
    add_text(dict, "mode", bridge.mode == BridgeMode::kVirtualWire ? "virtual-wire" : "layer2");
    const auto domain = static_cast<std::uint8_t>(i);
    for (const MacStatsRow& row : kMacStatsRows)
      add_number(dict, row.name, (source.bridging->mac_stats(domain).*row.gauge).get());
    add_frames(dict, *source.bridging, domain);
    // DPDK frees the container with the answer. It refuses names that hold a '-'.
    rte_tel_data_add_dict_container(data, ("bridge" + std::to_string(i)).c_str(), dict, 0);
  }
  return 0;
}

int answer_mac(const TelemetrySource& source, const char* parameters, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  if (source.bridging == nullptr) return 0;
  std::uint32_t place = 0;
  std::from_chars(parameters, parameters + std::strlen(parameters), place);
  const MacTable& table = source.bridging->table;
  std::size_t number = 0;
  for (; place < table.place_count() && number < kMacRowsMax; ++place)
    if (MacRow row; table.try_row(place, row)) add_mac(source, place, row, data, number++);
  add_number(data, "next", place < table.place_count() ? place : 0);
  return 0;
}

}  // namespace twinplane::dataplane
