// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_check.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/config_floating.hpp"
#include "dataplane/config_ipsec.hpp"
#include "dataplane/config_nat.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint16_t kIpv6MtuBytesMin = 1280;  // RFC 8200 section 5

std::string quoted(std::string_view text) { return std::string("\"").append(text).append("\""); }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Names differ by more than case, since people read them aloud and files may not tell case apart.
template <class Item>
void check_names(const std::vector<Item>& items, std::string_view section, FaultList& faults) {
  std::map<std::string, std::size_t> first_by_name;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].name.empty()) continue;
    const auto [first, is_new] = first_by_name.emplace(lower(items[i].name), i);
    if (is_new) continue;
    faults.add(path_of(section, i, "name"),
               quoted(items[i].name) + " is the name of " + std::string(section) + " " +
                   std::to_string(first->second + 1) + " too",
               "each " + std::string(section) + " a name of its own, whatever its case");
  }
}

// "net_ring0" of "net_ring0,ring=1": what DPDK knows the device by.
std::string_view device_name(std::string_view device) { return device.substr(0, device.find(',')); }

void check_devices(const Config& config, FaultList& faults) {
  std::map<std::string_view, std::string> owner_by_device;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    if (port.device.empty()) continue;
    const auto [owner, is_new] = owner_by_device.emplace(device_name(port.device), port.name);
    if (!is_new) {
      faults.add(path_of("port", i, "device"),
                 quoted(owner->first) + " belongs to port " + quoted(owner->second) + " too",
                 "a device of its own, as net_af_packet1 after net_af_packet0");
    }
  }
  if (const auto owner = owner_by_device.find(device_name(config.ha2.device));
      owner != owner_by_device.end()) {
    faults.add("ha2.device",
               quoted(owner->first) + " belongs to port " + quoted(owner->second) + " too",
               "a device that only HA2 uses");
  }
}

void check_addresses(const Config& config, FaultList& faults) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    for (std::size_t k = 0; k < port.addresses.size(); ++k) {
      const IpPrefix& address = port.addresses[k];
      if (is_link_local(address.address)) continue;
      for (std::size_t j = 0; j <= i; ++j) {
        const PortConfig& other = config.ports[j];
        const std::size_t others = j == i ? k : other.addresses.size();
        for (std::size_t m = 0; m < others; ++m) {
          const IpPrefix& taken = other.addresses[m];
          if (is_link_local(taken.address)) continue;
          if (taken.address == address.address) {
            faults.add(
                path_of("port", i, "addresses"),
                to_text(address) + " is given twice, the first time to port " + quoted(other.name),
                "each address once");
          } else if (j != i && overlap(taken, address)) {
            faults.add(path_of("port", i, "addresses"),
                       "the network of " + to_text(address) + " overlaps that of " +
                           to_text(taken) + " on port " + quoted(other.name),
                       "each network on one port");
          }
        }
      }
    }
    const bool has_ipv6 =
        std::any_of(port.addresses.begin(), port.addresses.end(),
                    [](const IpPrefix& address) { return address.address.is6(); });
    if (has_ipv6 && port.mtu_bytes < kIpv6MtuBytesMin) {
      faults.add(path_of("port", i, "mtu"),
                 std::to_string(port.mtu_bytes) + " is too small for IPv6",
                 "at least 1280, or no IPv6 address on this port");
    }
  }
}

bool is_own(const PortConfig& port, const IpAddress& address) {
  return std::any_of(port.addresses.begin(), port.addresses.end(),
                     [&address](const IpPrefix& own) { return own.address == address; });
}

std::string networks_of(const PortConfig& port) {
  std::string text;
  for (const IpPrefix& address : port.addresses)
    text += (text.empty() ? "" : ", ") + to_text(network_of(address));
  return text;
}

void check_next_hop(const Config& config, const RouteConfig& route, const std::string& path,
                    FaultList& faults) {
  const PortConfig& port = config.ports[route.port_index];
  if (route.via.family != route.prefix.address.family) {
    faults.add(path, to_text(route.via) + " is of another family than " + to_text(route.prefix),
               "a next hop of the prefix's family");
  } else if (is_own(port, route.via)) {
    faults.add(path, to_text(route.via) + " is this box's own address",
               "the address of the next router");
  } else if (!is_on_link(port, route.via) && !is_link_local(route.via)) {
    faults.add(path, to_text(route.via) + " is not on a network of port " + quoted(port.name),
               "an address in " + networks_of(port));
  }
}

void check_neighbors(const Config& config, FaultList& faults) {
  std::set<std::pair<IpAddress, std::uint8_t>> taken;
  for (std::size_t i = 0; i < config.neighbors.size(); ++i) {
    const NeighborConfig& neighbor = config.neighbors[i];
    if (!faults.is_clean(path_of("neighbor", i))) continue;
    const PortConfig& port = config.ports[neighbor.port_index];
    const std::string path = path_of("neighbor", i, "address");
    if (is_own(port, neighbor.address))
      faults.add(path, to_text(neighbor.address) + " is this box's own address",
                 "the address of a host or router on the link");
    else if (!is_on_link(port, neighbor.address) && !is_link_local(neighbor.address))
      faults.add(path,
                 to_text(neighbor.address) + " is not on a network of port " + quoted(port.name),
                 "an address of one of the port's networks");
    else if (!taken.emplace(neighbor.address, neighbor.port_index).second)
      faults.add(path, to_text(neighbor.address) + " is there twice", "each neighbor once");
  }
}

void check_routes(const Config& config, FaultList& faults) {
  std::map<IpPrefix, std::string> taken;
  for (const PortConfig& port : config.ports) {
    for (const IpPrefix& address : port.addresses)
      taken.emplace(network_of(address), "connected on port " + quoted(port.name));
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    if (!faults.is_clean(path_of("route", i))) continue;
    check_next_hop(config, route, path_of("route", i, "via"), faults);
    const auto [first, is_new] = taken.emplace(route.prefix, "routed via " + to_text(route.via));
    if (!is_new) {
      faults.add(path_of("route", i, "prefix"),
                 to_text(route.prefix) + " is already " + first->second, "each prefix once");
    }
  }
}

}  // namespace

void check_network(const Config& config, FaultList& faults) {
  if (config.ports.empty() && faults.is_clean("port"))
    faults.add("port", "is missing", "give at least one [[port]]");
  check_names(config.ports, "port", faults);
  check_names(config.bridges, "bridge", faults);
  check_names(config.rules, "rule", faults);
  check_names(config.nat, "nat", faults);
  check_security_associations(config, faults);
  check_devices(config, faults);
  check_addresses(config, faults);
  if (!faults.is_clean("port")) return;
  check_routes(config, faults);
  check_neighbors(config, faults);
  check_multicast(config, faults);
  check_bridges(config, faults);
  for (std::size_t i = 0; i < config.nat.size(); ++i) {
    if (faults.is_clean(path_of("nat", i))) check_nat_rule(config, i, faults);
  }
}

// A session must be able to come of age before its time is over.
void check_ages(const Config& config, FaultList& faults) {
  const std::uint32_t timeout_s =
      config.timeouts.timeout_s[static_cast<std::size_t>(tables::TimeoutClass::kTcpEstablished)];
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const std::uint32_t age_s = config.rules[i].sync_after_s;
    if (age_s == 0 || age_s < timeout_s || !faults.is_clean("timeouts")) continue;
    faults.add(path_of("rule", i, "sync_after_s"),
               std::to_string(age_s) + " s is not below the timeout of open TCP connections",
               "less than timeouts.tcp_established = " + std::to_string(timeout_s));
  }
}

void check_pair(const Config& config, FaultList& faults) {
  check_ages(config, faults);
  const std::size_t worker_count = config.eal.lcore_ids.size() - 1;
  if (faults.is_clean("eal.lcores") && worker_count > config.tables.partitions) {
    faults.add("eal.lcores",
               std::to_string(worker_count) + " workers for " +
                   std::to_string(config.tables.partitions) + " partitions",
               "at most as many workers as tables.partitions: each owns at least one");
  }
  const Ha2Config& ha2 = config.ha2;
  if (ha2.local.is_set() && ha2.peer.is_set()) {
    if (ha2.local.family != ha2.peer.family) {
      faults.add("ha2.peer",
                 to_text(ha2.peer) + " is of another family than ha2.local " + to_text(ha2.local),
                 "both IPv4 or both IPv6");
    } else if (ha2.local == ha2.peer) {
      faults.add("ha2.peer", to_text(ha2.peer) + " is ha2.local too", "the other box's address");
    }
  }
  const Ha1Config& ha1 = config.ha1;
  if (ha1.local.address.is_set() && ha1.peer.address.is_set()) {
    if (ha1.local.address.family != ha1.peer.address.family) {
      faults.add("ha1.peer",
                 to_text(ha1.peer) + " is of another family than ha1.local " + to_text(ha1.local),
                 "both IPv4 or both IPv6");
    } else if (ha1.local == ha1.peer) {
      faults.add("ha1.peer", to_text(ha1.peer) + " is ha1.local too", "the other box's address");
    }
  }
  const HaConfig& ha = config.ha;
  if (!ha.enabled) return;
  const std::uint32_t detection_ms = ha.keepalive_interval_ms * ha.keepalive_threshold;
  if (faults.is_clean("ha") && ha.boot_hold_ms < detection_ms) {
    faults.add(
        "ha.boot_hold_ms",
        std::to_string(ha.boot_hold_ms) + " ms is too short to hear a living peer",
        "at least keepalive_interval_ms x keepalive_threshold = " + std::to_string(detection_ms));
  }
  const std::uint32_t sleep_us_max = ha.keepalive_interval_ms * 1000U / 2U;
  if (faults.is_clean("worker") && faults.is_clean("ha") &&
      config.worker.idle_sleep_us > sleep_us_max) {
    faults.add("worker.idle_sleep_us",
               std::to_string(config.worker.idle_sleep_us) + " us would oversleep keepalives",
               "at most half of ha.keepalive_interval_ms: " + std::to_string(sleep_us_max));
  }
}

}  // namespace twinplane::dataplane
