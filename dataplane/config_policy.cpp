// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <string>
#include <string_view>

#include "dataplane/config_helper.hpp"
#include "dataplane/config_ipsec.hpp"
#include "dataplane/config_items.hpp"
#include "dataplane/config_nat.hpp"
#include "dataplane/config_sections.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

// What an interface can be given: a unicast address that is not its network's first or last.
void read_interface_address(FaultList& faults, const ListItem& item, PortConfig& port) {
  const auto prefix = parse_prefix(item.text);
  if (!prefix || !is_unicast(prefix->address) || prefix->length_bits == 0) {
    faults.add(item.path, "\"" + item.text + "\" is not a unicast address with its prefix length",
               "ADDRESS/LENGTH, as \"10.1.0.254/24\" or \"fd00:1::fe/64\"");
    return;
  }
  // Links of two addresses (RFC 3021, RFC 6164) and single ones have no address to spare.
  const bool has_ends = prefix->length_bits + 1 < bits_of(prefix->address.family);
  const bool is_first = prefix->address == network_of(*prefix).address;
  const bool is_last = prefix->address.is4() && prefix->address == last_of(*prefix);
  if (has_ends && (is_first || is_last)) {
    faults.add(item.path,
               item.text + (is_first ? " is the address of the network itself"
                                     : " is the broadcast address"),
               "an address between " + to_text(network_of(*prefix).address) + " and " +
                   to_text(last_of(*prefix)));
    return;
  }
  port.addresses.push_back(*prefix);
}

void read_port(Section& section, Config& config) {
  PortConfig port;
  section.read_name("name", port.name, Need::kRequired);
  section.read_text("device", port.device, Need::kRequired);
  section.read_name("zone", port.zone, Need::kRequired);
  section.read_integer("mtu", port.mtu_bytes, {576, 9000});
  section.read_integer("virtual_mac_group", port.virtual_mac_group, {0, 255});
  if (const BridgeConfig* const bridge = bridge_of(config, port.name); bridge != nullptr) {
    const std::string wrong = "is a port of bridge \"" + bridge->name + "\"";
    section.refuse("addresses", wrong, "no addresses: hosts have them, the bridge has none");
    section.refuse("vlan", wrong, "no VLAN here: \"vlans\" of the bridge");
    section.refuse("symmetric_return", wrong,
                   "leave it out: a frame that is bridged names itself where it goes");
  } else {
    section.read_integer("vlan", port.vlan, {0, 4094});
    section.read_boolean("symmetric_return", port.symmetric_return);
    for (const ListItem& item : section.list("addresses", Need::kRequired)) {
      read_interface_address(section.faults(), item, port);
    }
  }
  section.finish();
  if (port.zone == kAny)
    section.faults().add(section.path("zone"), "\"any\" cannot be a zone",
                         "rules use it for all zones");
  auto zone = std::find(config.zones.begin(), config.zones.end(), port.zone);
  // A port that has no zone for a fault has been told about; its index is not used.
  if (zone == config.zones.end() && !port.zone.empty()) zone = config.zones.insert(zone, port.zone);
  port.zone_index = static_cast<std::uint8_t>(zone - config.zones.begin());
  config.ports.push_back(std::move(port));
}

// The name of a port, and which one that is.
void read_port_name(Section& section, const Config& config, std::string& name,
                    std::uint8_t& index) {
  section.read_text("port", name, Need::kRequired);
  const auto port = std::ranges::find(config.ports, name, &PortConfig::name);
  if (port != config.ports.end()) {
    index = static_cast<std::uint8_t>(port - config.ports.begin());
  } else if (!name.empty()) {
    std::vector<std::string> names;
    for (const PortConfig& candidate : config.ports) names.push_back(candidate.name);
    add_unknown(section.faults(), {name, section.path("port")}, "port", names);
  }
}

void read_neighbor(Section& section, Config& config) {
  NeighborConfig neighbor;
  std::string text;
  section.read_text("address", text, Need::kRequired);
  if (!text.empty()) {
    const auto address = parse_address(text);
    if (address && is_unicast(*address))
      neighbor.address = *address;
    else
      section.faults().add(section.path("address"), "\"" + text + "\" is not a unicast address",
                           "the neighbor's address");
  }
  text.clear();
  section.read_text("mac", text, Need::kRequired);
  if (!text.empty()) {
    const auto mac = parse_mac(text);
    if (mac && ((*mac)[0] & 1U) == 0 && *mac != MacAddress{})
      neighbor.mac = *mac;
    else
      section.faults().add(section.path("mac"), "\"" + text + "\" is not a unicast MAC address",
                           "as \"02:00:00:00:00:01\"");
  }
  read_port_name(section, config, neighbor.port, neighbor.port_index);
  section.finish();
  config.neighbors.push_back(std::move(neighbor));
}

void read_route(Section& section, Config& config) {
  RouteConfig route;
  std::string text;
  section.read_text("prefix", text, Need::kRequired);
  if (!text.empty()) {
    route.prefix =
        read_network(section.faults(), {text, section.path("prefix")}).value_or(IpPrefix{});
    if (route.prefix.address.is_set() && route.prefix.length_bits != 0 &&
        !is_unicast(route.prefix.address)) {
      section.faults().add(section.path("prefix"), text + " is not unicast",
                           "a network that packets can be forwarded to");
    }
  }
  text.clear();
  section.read_text("via", text, Need::kRequired);
  if (!text.empty()) {
    const auto via = parse_address(text);
    if (via && is_unicast(*via)) {
      route.via = *via;
    } else {
      section.faults().add(section.path("via"), "\"" + text + "\" is not a unicast address",
                           "the next router's address");
    }
  }
  read_port_name(section, config, route.port, route.port_index);
  section.finish();
  config.routes.push_back(std::move(route));
}

// What a rule says of the peer must make sense together.
void check_replication(Section& section, const RuleConfig& rule) {
  const char* const key = rule.hold ? "hold" : "sync_after_s";
  if (!rule.hold && rule.sync_after_s == 0) return;
  if (rule.action == RuleAction::kDrop)
    section.faults().add(section.path(key), "a rule that drops makes no sessions",
                         "it in rules with action \"allow\" alone");
  else if (!rule.sync)
    section.faults().add(section.path(key), "with sync = false the peer never has the sessions",
                         "sync = true, or no " + std::string(key));
  else if (rule.hold && rule.sync_after_s != 0)
    section.faults().add(section.path("sync_after_s"),
                         "hold = true waits for the peer, which does not have young sessions",
                         "one of the two");
}

void read_rule(Section& section, Config& config) {
  RuleConfig rule;
  section.read_name("name", rule.name, Need::kRequired);
  read_zones(section, "from", config, rule.from_zones);
  read_zones(section, "to", config, rule.to_zones);
  read_networks(section, "source", rule.source);
  read_networks(section, "destination", rule.destination);
  read_protocol(section, rule.protocols);
  for (const ListItem& item : read_list_or_any(section, "ports", Need::kOptional)) {
    if (const auto range = parse_port_range(item.text)) {
      rule.ports.push_back(*range);
    } else {
      add_bad_ports(section.faults(), item.path, item.text);
    }
  }
  const bool has_ports = rule.protocols.empty() || rule.protocols[0] == kProtocolTcp ||
                         rule.protocols[0] == kProtocolUdp || rule.protocols[0] == kProtocolSctp;
  if (!rule.ports.empty() && !has_ports) {
    section.faults().add(section.path("ports"), "the rule's protocol has no ports",
                         "protocol tcp, udp, sctp or any, or ports [\"any\"]");
  }
  section.read_choice("action", rule.action,
                      {{"allow", RuleAction::kAllow}, {"drop", RuleAction::kDrop}},
                      Need::kRequired);
  section.read_boolean("sync", rule.sync);
  section.read_boolean("hold", rule.hold);
  section.read_integer("sync_after_s", rule.sync_after_s, {0, 3600});
  check_replication(section, rule);
  section.finish();
  config.rules.push_back(std::move(rule));
}

}  // namespace

void read_policy_sections(Section& root, Config& config) {
  // before the ports, of which a bridge's have no addresses
  for (Section& section : root.tables("bridge", kBridgesMax)) read_bridge(section, config);
  for (Section& section : root.tables("port", kPortsMax)) read_port(section, config);
  resolve_bridges(config, root.faults());
  for (Section& section : root.tables("route", kRoutesMax)) read_route(section, config);
  for (Section& section : root.tables("neighbor", kNeighborsMax)) read_neighbor(section, config);
  for (Section& section : root.tables("rule", kRulesMax)) read_rule(section, config);
  for (Section& section : root.tables("nat", kNatRulesMax)) read_nat_rule(section, config);
  read_multicast(root.table("multicast"), config);
  for (Section& section : root.tables("security_association", kSecurityAssociationsMax))
    read_security_association(section, config);
  for (Section& section : root.tables("zone_protection", kZonesMax))
    read_zone_protection(section, config);
  for (Section& section : root.tables("helper", kHelpersMax)) read_helper(section, config);
}

}  // namespace twinplane::dataplane
