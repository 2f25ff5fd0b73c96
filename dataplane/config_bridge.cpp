// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_bridge.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "dataplane/config.hpp"
#include "dataplane/config_items.hpp"
#include "dataplane/config_read.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::int64_t kPacketsMax = 100'000'000;
constexpr std::uint16_t kEtherTypeMin = 0x0600;  // IEEE 802.3 section 3.2.6: below it is a length

std::optional<VlanRange> parse_vlans(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_decimal(text.substr(0, dash), kVlanMax);
  const auto last =
      dash == std::string_view::npos ? first : parse_decimal(text.substr(dash + 1), kVlanMax);
  if (!first || !last || *first > *last) return std::nullopt;
  return VlanRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

void read_vlans(Section& section, BridgeConfig& bridge) {
  if (!section.has("vlans")) return static_cast<void>(section.list("vlans", Need::kOptional));
  const std::vector<ListItem> items = read_list_or_any(section, "vlans", Need::kOptional);
  bridge.vlans.clear();
  for (const ListItem& item : items) {
    if (const auto range = parse_vlans(item.text))
      bridge.vlans.push_back(*range);
    else
      section.faults().add(item.path, "\"" + item.text + "\" is no VLAN",
                           "\"10\" or \"10-20\", 0 to 4094, where 0 stands for untagged frames, "
                           "or \"any\" alone");
  }
  if (items.empty()) bridge.vlans = {{0, kVlanMax}};
}

// "0x88cc"
std::optional<std::uint16_t> parse_ether_type(std::string_view text) {
  if (!text.starts_with("0x") || text.size() != 6) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void read_unfiltered(Section& section, BridgeConfig& bridge) {
  const std::vector<ListItem> items = section.list("unfiltered", Need::kOptional);
  if (!section.has("unfiltered")) return;
  Unfiltered& passes = bridge.unfiltered;
  passes = {.any = false, .nd = false, .llc = false, .ether_types = {}};
  for (const ListItem& item : items) {
    if (item.text == kAny) {
      passes.any = passes.nd = passes.llc = true;
    } else if (item.text == "nd") {
      passes.nd = true;
    } else if (item.text == "llc") {
      passes.llc = true;
    } else if (item.text == "arp") {
      passes.ether_types.push_back(kEtherTypeArp);
    } else if (const auto type = parse_ether_type(item.text); !type || *type < kEtherTypeMin) {
      section.faults().add(item.path, "\"" + item.text + "\" is nothing that could pass",
                           "\"arp\", \"nd\", \"llc\", an EtherType from \"0x0600\" to \"0xffff\", "
                           "or \"any\"");
    } else if (*type == kEtherTypeIp4 || *type == kEtherTypeIp6) {
      section.faults().add(item.path, item.text + " is IP, which goes by the rules",
                           "a [[rule]] that allows it between the zones of the ports");
    } else if (*type == kEtherTypeVlan || *type == kEtherTypeProviderVlan) {
      section.faults().add(item.path, item.text + " is a VLAN tag", "the VLANs go into \"vlans\"");
    } else {
      passes.ether_types.push_back(*type);
    }
  }
  if (passes.ether_types.size() > kEtherTypesMax)
    section.faults().add(section.path("unfiltered"), "has too many EtherTypes",
                         "at most " + std::to_string(kEtherTypesMax) + ", or \"any\"");
}

void read_mac(Section& section, BridgeConfig& bridge) {
  BridgeMacConfig entry;
  std::string text;
  section.read_text("mac", text, Need::kRequired);
  if (!text.empty()) {
    const auto mac = parse_mac(text);
    if (mac && ((*mac)[0] & 1U) == 0 && *mac != MacAddress{})
      entry.mac = *mac;
    else
      section.faults().add(section.path("mac"), "\"" + text + "\" is not a unicast MAC address",
                           "as \"02:00:00:00:00:01\"");
  }
  section.read_integer("vlan", entry.vlan, {0, kVlanMax});
  section.read_text("port", entry.port, Need::kRequired);
  section.finish();
  bridge.macs.push_back(std::move(entry));
}

std::string mode_text(BridgeMode mode) {
  return mode == BridgeMode::kVirtualWire ? "virtual-wire" : "layer2";
}

std::string vlans_text(const BridgeConfig& bridge) {
  std::string text;
  for (const VlanRange& range : bridge.vlans) {
    text += text.empty() ? "" : ", ";
    text += range.first == 0 ? "untagged" : std::to_string(range.first);
    if (range.last != range.first) text += " to " + std::to_string(range.last);
  }
  return text;
}

bool allows(const BridgeConfig& bridge, std::uint16_t vlan) {
  return std::ranges::any_of(bridge.vlans, [vlan](const VlanRange& range) {
    return range.first <= vlan && vlan <= range.last;
  });
}

void check_ports(const Config& config, std::size_t index, FaultList& faults) {
  const BridgeConfig& bridge = config.bridges[index];
  const std::string path = path_of("bridge", index, "ports");
  if (bridge.mode == BridgeMode::kVirtualWire ? bridge.ports.size() != 2 : bridge.ports.size() < 2)
    faults.add(path, "has " + std::to_string(bridge.ports.size()),
               bridge.mode == BridgeMode::kVirtualWire ? "a virtual wire has exactly two ends"
                                                       : "at least two ports");
  for (std::size_t k = 0; k < bridge.ports.size(); ++k) {
    const PortConfig& port = config.ports[bridge.ports[k]];
    const std::string item = path_of(path, k);
    for (std::size_t other = 0; other <= index; ++other) {
      const auto& names = config.bridges[other].port_names;
      const auto end =
          other == index ? names.begin() + static_cast<std::ptrdiff_t>(k) : names.end();
      if (std::find(names.begin(), end, port.name) != end)
        faults.add(
            item,
            "\"" + port.name + "\" is in bridge \"" + config.bridges[other].name + "\" already",
            "each port in one bridge, once");
    }
    if (port.mtu_bytes != config.ports[bridge.ports[0]].mtu_bytes)
      faults.add(
          item, "\"" + port.name + "\" has another MTU than \"" + bridge.port_names[0] + "\"",
          "one MTU for all ports of a bridge: it can neither cut a frame nor tell its sender");
  }
}

// A zone is of bridged ports or of routed ones: rules and NAT mean different things in them.
void check_zones(const Config& config, FaultList& faults) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    if (bridge_of(config, port.name) == nullptr) continue;
    const auto routed = std::ranges::find_if(config.ports, [&](const PortConfig& other) {
      return other.zone_index == port.zone_index && bridge_of(config, other.name) == nullptr;
    });
    if (routed != config.ports.end())
      faults.add(path_of("port", i, "zone"),
                 "\"" + port.zone + "\" is the zone of routed port \"" + routed->name + "\" too",
                 "zones of their own for bridged ports");
  }
  const auto is_bridged = [&](std::uint8_t zone) {
    return std::ranges::any_of(config.ports, [&](const PortConfig& port) {
      return port.zone_index == zone && bridge_of(config, port.name) != nullptr;
    });
  };
  for (std::size_t i = 0; i < config.zone_protections.size(); ++i) {
    const ZoneProtectionConfig& protection = config.zone_protections[i];
    const auto has_cookies = [](const FloodThresholds& kind) { return kind.has_cookies; };
    if (is_bridged(protection.zone_index) &&
        std::ranges::any_of(protection.thresholds, has_cookies))
      faults.add(path_of(path_of("zone_protection", i, "syn"), "action"),
                 "\"" + protection.zone + "\" is a zone of bridged ports, which answer nobody",
                 "\"random-early-drop\"");
  }
  for (std::size_t i = 0; i < config.nat.size(); ++i) {
    if (std::ranges::any_of(config.nat[i].from_zones, is_bridged))
      faults.add(path_of("nat", i, "from"), "names a zone of bridged ports",
                 "zones of routed ports: what is bridged is not translated");
    if (std::ranges::any_of(config.nat[i].to_zones, is_bridged))
      faults.add(path_of("nat", i, "to"), "names a zone of bridged ports",
                 "zones of routed ports: what is bridged is not translated");
  }
}

void check_static(const Config& config, std::size_t index, FaultList& faults) {
  const BridgeConfig& bridge = config.bridges[index];
  std::set<std::pair<MacAddress, std::uint16_t>> taken;
  for (std::size_t k = 0; k < bridge.macs.size(); ++k) {
    const BridgeMacConfig& entry = bridge.macs[k];
    const std::string path = path_of(path_of("bridge", index, "mac"), k);
    if (!faults.is_clean(path)) continue;
    if (!allows(bridge, entry.vlan))
      faults.add(path_of(path, "vlan"),
                 std::to_string(entry.vlan) + " is none of the bridge's VLANs",
                 "one of: " + vlans_text(bridge));
    if (!taken.emplace(entry.mac, entry.vlan).second)
      faults.add(path_of(path, "mac"), to_text(entry.mac) + " is there twice",
                 "each address once for a VLAN");
  }
}

void check_limits(const Config& config, std::size_t index, FaultList& faults) {
  const BridgeConfig& bridge = config.bridges[index];
  if (bridge.address_limit > config.tables.mac_slots)
    faults.add(path_of("bridge", index, "address_limit"),
               std::to_string(bridge.address_limit) + " addresses do not fit into tables.mac_slots",
               "at most " + std::to_string(config.tables.mac_slots) + ", or more slots");
  if (bridge.macs.size() > bridge.address_limit)
    faults.add(path_of("bridge", index, "address_limit"),
               std::to_string(bridge.address_limit) + " is less than the static addresses",
               "at least " + std::to_string(bridge.macs.size()));
}

template <class Item>
void refuse_bridged(const Config& config, const std::vector<Item>& items, std::string_view section,
                    FaultList& faults) {
  for (std::size_t i = 0; i < items.size(); ++i)
    if (const BridgeConfig* const bridge = bridge_of(config, items[i].port); bridge != nullptr)
      faults.add(path_of(section, i, "port"),
                 "\"" + items[i].port + "\" is a port of bridge \"" + bridge->name + "\"",
                 "a port that has addresses");
}

}  // namespace

void read_bridge(Section& section, Config& config) {
  BridgeConfig bridge;
  section.read_name("name", bridge.name, Need::kRequired);
  section.read_choice(
      "mode", bridge.mode,
      {{"layer2", BridgeMode::kLayer2}, {"virtual-wire", BridgeMode::kVirtualWire}});
  for (ListItem& item : section.list("ports", Need::kRequired))
    bridge.port_names.push_back(std::move(item.text));
  read_vlans(section, bridge);
  read_unfiltered(section, bridge);
  bridge.passes_link_protocols = bridge.mode == BridgeMode::kVirtualWire;
  section.read_boolean("link_protocols", bridge.passes_link_protocols);
  section.read_integer("aging_s", bridge.aging_s, {10, 1'000'000});
  bridge.address_limit = bridge.port_address_limit = config.tables.mac_slots;
  section.read_integer("address_limit", bridge.address_limit, {1, 32768});
  section.read_integer("port_address_limit", bridge.port_address_limit, {1, 32768});
  section.read_choice("limit_action", bridge.limit_action,
                      {{"flood", AddressLimitAction::kFlood}, {"drop", AddressLimitAction::kDrop}});
  section.read_integer("move_limit", bridge.move_limit, {0, 65535});
  section.read_integer("move_window_s", bridge.move_window_s, {1, 86400});
  section.read_integer("move_hold_s", bridge.move_hold_s, {1, 86400});
  section.read_boolean("flood_unknown", bridge.floods_unknown);
  section.read_integer("broadcast_per_s", bridge.broadcast_per_s, {0, kPacketsMax});
  section.read_integer("multicast_per_s", bridge.multicast_per_s, {0, kPacketsMax});
  section.read_integer("unknown_per_s", bridge.unknown_per_s, {0, kPacketsMax});
  for (Section& mac : section.tables("mac", kBridgeMacsMax)) read_mac(mac, bridge);
  if (bridge.mode == BridgeMode::kVirtualWire) {
    for (const std::string_view key : {"limit_action", "move_limit", "flood_unknown"})
      section.refuse(key, "is of no use in a virtual wire",
                     "leave it out: addresses are learned there, but decide nothing");
  }
  section.finish();
  config.bridges.push_back(std::move(bridge));
}

const BridgeConfig* bridge_of(const Config& config, std::string_view port_name) noexcept {
  for (const BridgeConfig& bridge : config.bridges)
    if (std::ranges::find(bridge.port_names, port_name) != bridge.port_names.end()) return &bridge;
  return nullptr;
}

void resolve_bridges(Config& config, FaultList& faults) {
  std::vector<std::string> names;
  for (const PortConfig& port : config.ports) names.push_back(port.name);
  for (std::size_t i = 0; i < config.bridges.size(); ++i) {
    BridgeConfig& bridge = config.bridges[i];
    for (std::size_t k = 0; k < bridge.port_names.size(); ++k) {
      const std::string& name = bridge.port_names[k];
      const auto port = std::ranges::find(names, name);
      if (port == names.end())
        add_unknown(faults, {name, path_of(path_of("bridge", i, "ports"), k)}, "port", names);
      else
        bridge.ports.push_back(static_cast<std::uint8_t>(port - names.begin()));
    }
    for (std::size_t k = 0; k < bridge.macs.size(); ++k) {
      BridgeMacConfig& entry = bridge.macs[k];
      const auto port = std::ranges::find(names, entry.port);
      if (entry.port.empty()) continue;
      if (port == names.end() ||
          std::ranges::find(bridge.port_names, entry.port) == bridge.port_names.end())
        add_unknown(faults, {entry.port, path_of(path_of(path_of("bridge", i, "mac"), k), "port")},
                    "port of this bridge", bridge.port_names);
      else
        entry.port_index = static_cast<std::uint8_t>(port - names.begin());
    }
  }
}

void check_bridges(const Config& config, FaultList& faults) {
  if (!faults.is_clean("bridge") || !faults.is_clean("port")) return;
  for (std::size_t i = 0; i < config.bridges.size(); ++i) {
    check_ports(config, i, faults);
    check_static(config, i, faults);
    check_limits(config, i, faults);
  }
  check_zones(config, faults);
  refuse_bridged(config, config.routes, "route", faults);
  refuse_bridged(config, config.neighbors, "neighbor", faults);
}

std::string bridge_text(const Config& config, const BridgeConfig& bridge) {
  std::string ports;
  for (const std::uint8_t port : bridge.ports)
    ports += (ports.empty() ? "" : ", ") + config.ports[port].name + " (zone " +
             config.ports[port].zone + ")";
  std::string text = "bridge \"" + bridge.name + "\": " + mode_text(bridge.mode) + " of " + ports +
                     ", VLANs " + vlans_text(bridge) + ", at most " +
                     std::to_string(bridge.address_limit) + " addresses, " +
                     std::to_string(bridge.macs.size()) + " static, forgotten after " +
                     std::to_string(bridge.aging_s) + " s";
  if (bridge.mode == BridgeMode::kLayer2 && bridge.move_limit != 0)
    text += "; more than " + std::to_string(bridge.move_limit) + " moves in " +
            std::to_string(bridge.move_window_s) + " s: held for " +
            std::to_string(bridge.move_hold_s) + " s";
  text += bridge.passes_link_protocols ? "; link protocols pass" : "; link protocols do not pass";
  return text;
}

}  // namespace twinplane::dataplane
