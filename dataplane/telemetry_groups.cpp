// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_groups.hpp"

#include <rte_telemetry.h>

#include <charconv>
#include <string>

#include "dataplane/clock.hpp"

namespace twinplane::dataplane {
namespace {

using tables::PortSet;

void add_text(rte_tel_data* data, const std::string& name, const std::string& value) {
  rte_tel_data_add_dict_string(data, name.c_str(),
                               value.substr(0, RTE_TEL_MAX_STRING_LEN - 1).c_str());
}

void add_number(rte_tel_data* data, const std::string& name, std::uint64_t value) {
  rte_tel_data_add_dict_u64(data, name.c_str(), value);
}

std::string address_text(const tables::Address6& address, const char* none) {
  if (address == kNoAddress) return none;
  return to_text(family_of(address) == GroupFamily::kIp4 ? IpAddress::of(v4_of(address))
                                                         : IpAddress::of(address));
}

std::string ports_text(const Config& config, PortSet ports) {
  std::string text;
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if ((ports >> i & 1U) != 0) text += (text.empty() ? "" : " ") + config.ports[i].name;
  return text;
}

const char* state_text(tables::MulticastState state) {
  switch (state) {
    case tables::MulticastState::kMembership:
      return "membership";
    case tables::MulticastState::kForwarding:
      return "forwarding";
    case tables::MulticastState::kPruned:
      return "pruned";
  }
  return "unknown";
}

void add_entry(const TelemetrySource& source, rte_tel_data* dict, std::uint32_t place,
               const GroupRouteKey& key, const GroupRoute& route) {
  const Config& config = source.config;
  rte_tel_data_start_dict(dict);
  add_text(dict, "group", address_text(key.group, "none"));
  add_text(dict, "source", address_text(key.source, "any"));
  add_text(dict, "ingress",
           route.ingress < config.ports.size() ? config.ports[route.ingress].name : "any");
  add_text(dict, "egress", ports_text(config, route.egress));
  add_text(dict, "state", state_text(route.state));
  const auto now_s = static_cast<std::uint32_t>(now_ns() / 1'000'000'000U);
  add_number(dict, "age_s", now_s > route.since_s ? now_s - route.since_s : 0);
  const GroupTraffic::Totals totals = source.groups->traffic.total(place);
  add_number(dict, "packets", totals.packets);
  add_number(dict, "bytes", totals.bytes);
}

std::string role_text(const Config& config, std::size_t port_index) {
  if ((config.multicast.query_ports >> port_index & 1U) != 0) return "query";
  return (config.multicast.listen_ports >> port_index & 1U) != 0 ? "listen" : "off";
}

template <class Read>
std::uint64_t sum(const TelemetrySource& source, Read&& read) {
  std::uint64_t total = 0;
  for (const auto& worker : source.workers) total += read(worker->stats());
  return total;
}

}  // namespace

int answer_multicast(const TelemetrySource& source, const char* parameters, rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  add_text(data, "multicast", source.groups == nullptr ? "off" : "on");
  if (source.groups == nullptr) return 0;
  const GroupRouteTable& routes = source.groups->routes;
  std::uint32_t place = 0;
  const std::string text = parameters;
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place);
    if (error != std::errc{} || end != text.data() + text.size()) return -1;
  }
  std::size_t count = 0;
  for (; place < routes.place_count() && count < kGroupPageMax; ++place) {
    GroupRouteKey key;
    GroupRoute route;
    if (!routes.try_at(place, key, route)) continue;
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    add_entry(source, dict, place, key, route);
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, ("entry" + std::to_string(count++)).c_str(), dict, 0);
  }
  add_number(data, "next_place", place < routes.place_count() ? place : 0);
  return 0;
}

int answer_multicast_ports(const TelemetrySource& source, const char* /*parameters*/,
                           rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  const Config& config = source.config;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "role", source.groups == nullptr ? "multicast is off" : role_text(config, i));
    if (source.groups != nullptr) {
      const GroupQueriers& queriers = source.groups->queriers;
      add_text(dict, "igmp_querier", address_text(queriers.get(i, GroupFamily::kIp4), "none"));
      add_text(dict, "mld_querier", address_text(queriers.get(i, GroupFamily::kIp6), "none"));
    }
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, config.ports[i].name.c_str(), dict, 0);
  }
  return 0;
}

static_assert(kGroupCounterCount + kGroupFaultCount + 2 * kGroupDropCount + 2 <=
              RTE_TEL_MAX_DICT_ENTRIES);

int answer_multicast_counters(const TelemetrySource& source, const char* /*parameters*/,
                              rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  add_number(data, "packets_forwarded",
             sum(source, [](const WorkerStats& stats) { return stats.group_packets.get(); }));
  add_number(data, "copies_sent",
             sum(source, [](const WorkerStats& stats) { return stats.group_copies.get(); }));
  for (std::size_t i = 1; i < kGroupDropCount; ++i) {
    const std::string reason(kGroupDropNames[i]);
    add_number(data, "drop_" + reason,
               sum(source, [i](const WorkerStats& stats) { return stats.group_drops[i].get(); }));
    add_number(data, "withheld_" + reason, sum(source, [i](const WorkerStats& stats) {
                 return stats.group_withheld[i].get();
               }));
  }
  const Groups* const groups = source.home.groups();
  if (groups == nullptr) return 0;
  for (std::size_t i = 0; i < kGroupCounterCount; ++i)
    add_number(data, std::string(kGroupCounterLabels[i]),
               groups->counters().get(static_cast<GroupCounter>(i)));
  for (std::size_t i = 1; i < kGroupFaultCount; ++i)
    add_number(data, "message_" + std::string(kGroupFaultNames[i]),
               groups->fault_count(static_cast<GroupFault>(i)));
  return 0;
}

std::uint64_t group_packets_dropped(const TelemetrySource& source) noexcept {
  return sum(source, [](const WorkerStats& stats) {
    std::uint64_t drops = 0;
    for (const Gauge& gauge : stats.group_drops) drops += gauge.get();
    return drops;
  });
}

}  // namespace twinplane::dataplane
