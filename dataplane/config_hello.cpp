// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_hello.hpp"

#include <xxhash.h>

#include <span>
#include <string_view>

namespace twinplane::dataplane {
namespace {

// Each piece ends with a NUL, which no piece can hold, so that {"ab", "c"} and {"a", "bc"} differ.
class NameDigest {
 public:
  void add(std::string_view piece) { bytes_.append(piece).push_back('\0'); }

  void add_number(std::uint64_t number) { add(std::to_string(number)); }

  std::uint64_t value() const noexcept { return XXH3_64bits(bytes_.data(), bytes_.size()); }

 private:
  std::string bytes_;
};

template <class Item>
std::uint64_t names_digest(const std::vector<Item>& items) {
  NameDigest digest;
  for (const Item& item : items) digest.add(item.name);
  return digest.value();
}

// Which port has which zone: a session's zone numbers must mean the same behind the same port
// number.
std::uint64_t zones_digest(const Config& config) {
  NameDigest digest;
  for (const PortConfig& port : config.ports) digest.add(port.zone);
  return digest.value();
}

// What makes a box answer in its peer's place: the floating addresses, VLANs and virtual MACs.
std::uint64_t floating_digest(const Config& config) {
  NameDigest digest;
  for (const PortConfig& port : config.ports) {
    digest.add(port.name);
    digest.add_number(port.vlan);
    digest.add_number(port.virtual_mac_group);
    for (const IpPrefix& address : port.addresses) digest.add(to_text(address));
  }
  return digest.value();
}

// Which ports answer by who brought a session, and for how many there is room; 0: none does.
std::uint64_t returns_digest(const Config& config) {
  if (return_slots(config) == 0) return 0;
  NameDigest digest;
  digest.add_number(return_slots(config));
  for (const PortConfig& port : config.ports) digest.add_number(port.symmetric_return ? 1 : 0);
  return digest.value();
}

std::uint64_t routes_digest(const Config& config) {
  NameDigest digest;
  for (const RouteConfig& route : config.routes) {
    digest.add(to_text(route.prefix));
    digest.add(to_text(route.via));
    digest.add(route.port);
  }
  return digest.value();
}

std::uint64_t neighbors_digest(const Config& config) {
  NameDigest digest;
  for (const NeighborConfig& neighbor : config.neighbors) {
    digest.add(to_text(neighbor.address));
    digest.add(to_text(neighbor.mac));
    digest.add(neighbor.port);
  }
  return digest.value();
}

// What the numbers in MAC entries and sessions stand for, and what makes one box bridge what the
// other did; static addresses too, which whoever has them keeps for ever; and how many slots there
// are. One item for all of it, as a hello has few.
std::uint64_t domains_digest(const Config& config) {
  NameDigest digest;
  if (!config.bridges.empty()) digest.add_number(config.tables.mac_slots);
  for (const BridgeConfig& bridge : config.bridges) {
    digest.add(bridge.name);
    digest.add_number(static_cast<std::uint64_t>(bridge.mode));
    for (const std::string& port : bridge.port_names) digest.add(port);
    digest.add("|");
    for (const VlanRange& range : bridge.vlans) {
      digest.add_number(range.first);
      digest.add_number(range.last);
    }
    digest.add("|");
    for (const BridgeMacConfig& entry : bridge.macs) {
      digest.add(to_text(entry.mac));
      digest.add_number(entry.vlan);
      digest.add(entry.port);
    }
    digest.add("|");
  }
  return digest.value();
}

// What bridges do otherwise.
std::uint64_t bridges_digest(const Config& config) {
  NameDigest digest;
  for (const BridgeConfig& bridge : config.bridges) {
    const Unfiltered& passes = bridge.unfiltered;
    digest.add_number((passes.any ? 1U : 0U) | (passes.nd ? 2U : 0U) | (passes.llc ? 4U : 0U) |
                      (bridge.passes_link_protocols ? 8U : 0U) |
                      (bridge.floods_unknown ? 16U : 0U));
    for (const std::uint16_t type : passes.ether_types) digest.add_number(type);
    for (const std::uint32_t number :
         {bridge.aging_s, bridge.address_limit, bridge.port_address_limit,
          static_cast<std::uint32_t>(bridge.limit_action), bridge.move_limit, bridge.move_window_s,
          bridge.move_hold_s, bridge.broadcast_per_s, bridge.multicast_per_s, bridge.unknown_per_s})
      digest.add_number(number);
    digest.add("|");
  }
  return digest.value();
}

void add_numbers(NameDigest& digest, const std::vector<std::uint8_t>& numbers) {
  for (const std::uint8_t number : numbers) digest.add_number(number);
  digest.add("|");
}

void add_networks(NameDigest& digest, const std::vector<IpPrefix>& networks) {
  for (const IpPrefix& network : networks) digest.add(to_text(network));
  digest.add("|");
}

std::uint64_t rules_digest(const Config& config) {
  NameDigest digest;
  for (const RuleConfig& rule : config.rules) {
    digest.add(rule.name);
    add_numbers(digest, rule.from_zones);
    add_numbers(digest, rule.to_zones);
    add_networks(digest, rule.source);
    add_networks(digest, rule.destination);
    add_numbers(digest, rule.protocols);
    for (const PortRange& range : rule.ports) {
      digest.add_number(range.first);
      digest.add_number(range.last);
    }
    digest.add(rule.action == RuleAction::kAllow ? "allow" : "drop");
    digest.add(rule.sync ? "sync" : "local");
    if (rule.hold) digest.add("hold");
    if (rule.sync_after_s != 0) digest.add_number(rule.sync_after_s);
  }
  return digest.value();
}

void add_destination(NameDigest& digest, const NatDestination& destination) {
  digest.add(to_text(destination.address));
  add_numbers(digest, destination.protocols);
  if (destination.ports) {
    digest.add_number(destination.ports->first);
    digest.add_number(destination.ports->last);
  }
  digest.add(to_text(destination.real_address));
  digest.add_number(destination.real_port);
  digest.add(destination.is_bidirectional ? "both" : "in");
}

std::uint64_t helpers_digest(const Config& config) {
  NameDigest digest;
  for (const HelperConfig& helper : config.helpers) {
    digest.add(helper.name);
    digest.add_number(helper.port);
  }
  digest.add_number(config.tables.expectation_s);
  return digest.value();
}

std::uint64_t nat_digest(const Config& config) {
  NameDigest digest;
  for (const NatConfig& nat : config.nat) {
    digest.add(nat.name);
    add_numbers(digest, nat.from_zones);
    add_numbers(digest, nat.to_zones);
    add_networks(digest, nat.source);
    for (const IpAddress& address : nat.addresses) digest.add(to_text(address));
    digest.add_number(nat.ports.first);
    digest.add_number(nat.ports.last);
    if (nat.block_ports != 0) digest.add_number(nat.block_ports);
    if (nat.destination) add_destination(digest, *nat.destination);
  }
  return digest.value();
}

// With the keys: a peer that has others could not go on with what this box protects.
std::uint64_t sas_digest(const Config& config) {
  std::uint64_t digest = 0;
  for (const SaConfig& sa : config.security_associations)
    digest += XXH3_64bits_withSeed(&sa.sa, sizeof sa.sa, 0x5A);
  return digest;
}

std::uint64_t protection_digest(const Config& config) {
  NameDigest digest;
  for (const ZoneProtectionConfig& protection : config.zone_protections) {
    digest.add(protection.zone);
    for (const FloodThresholds& thresholds : protection.thresholds) {
      digest.add_number(thresholds.alarm_per_s);
      digest.add_number(thresholds.activate_per_s);
      digest.add_number(thresholds.maximum_per_s);
      digest.add(thresholds.has_cookies ? "cookies" : "random");
    }
    digest.add_number(protection.source_per_s);
    digest.add_number(protection.block_s);
    add_networks(digest, protection.exempt);
  }
  return digest.value();
}

// Tells whether both are the same, and of either nothing; 0: none.
std::uint64_t cookie_secret_digest(const Config& config) {
  constexpr std::string_view kText = "twinplane cookie secret";
  if (!config.ha.cookie_secret) return 0;
  return sip_hash(*config.ha.cookie_secret, std::as_bytes(std::span(kText)));
}

std::uint64_t timeouts_digest(const Config& config) {
  NameDigest digest;
  for (const std::uint32_t timeout_s : config.timeouts.timeout_s) digest.add_number(timeout_s);
  for (const std::uint32_t timeout_s : config.timeouts.sctp_timeout_s) digest.add_number(timeout_s);
  return digest.value();
}

}  // namespace

std::uint64_t numbering_digest(const Config& config) {
  NameDigest digest;
  digest.add_number(names_digest(config.ports));
  digest.add_number(zones_digest(config));
  digest.add_number(names_digest(config.rules));
  digest.add_number(domains_digest(config));
  return digest.value();
}

tables::KindSet kept_kinds(const Config& config) noexcept {
  tables::KindSet kinds = ha2::kept_kinds(ha2::HaMode::kActivePassive);
  tables::for_each_kind([&](auto kind) {
    if (config.ha2.off_tables.has(kind)) kinds.remove(kind);
  });
  return kinds;
}

std::vector<HelloItem> hello_items(const Config& config) {
  return {
      {"partitions", config.tables.partitions, true},
      {"session4_slots", config.tables.session4_slots, true},
      {"session6_slots", config.tables.session6_slots, true},
      {"neighbor_slots", config.tables.neighbor_slots, true},
      {"sctp_slots", config.tables.sctp_slots, true},
      {"shift_slots", config.tables.shift_slots, true},
      // The feature's switch too: 0 where it is off.
      {"multicast_slots", config.multicast.enabled ? config.tables.multicast_slots : 0U, true},
      {"expectation_slots", config.tables.expectation_slots, true},
      {"symmetric_return", returns_digest(config), true},
      {"ports", config.ports.size(), true},
      {"port_names", names_digest(config.ports), true},
      {"zone_names", zones_digest(config), true},
      {"bridge_domains", domains_digest(config), true},
      {"floating_addresses", floating_digest(config), false},
      // They change while the boxes run, on one first.
      {"rule_contents", rules_digest(config), false},
      {"bridge_contents", bridges_digest(config), false},
      {"nat_contents", nat_digest(config), false},
      {"zone_protection", protection_digest(config), false},
      {"cookie_secret", cookie_secret_digest(config), false},
      {"helpers", helpers_digest(config), false},
      {"routes", routes_digest(config), false},
      {"permanent_neighbors", neighbors_digest(config), false},
      {"multicast", multicast_digest(config), false},
      {"security_associations", sas_digest(config), false},
      {"timeouts", timeouts_digest(config), false},
      {"full_policy", static_cast<std::uint64_t>(config.tables.full_policy), false},
      {"transport", static_cast<std::uint64_t>(config.ha2.transport), false},
      {"mtu_bytes", config.ha2.mtu_bytes, false},
      {"keepalive_interval_ms", config.ha.keepalive_interval_ms, false},
      {"keepalive_threshold", config.ha.keepalive_threshold, false},
      {"workers", config.eal.lcore_ids.size() - 1, false},
  };
}

}  // namespace twinplane::dataplane
