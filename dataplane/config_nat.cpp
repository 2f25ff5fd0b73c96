// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_nat.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "dataplane/config_floating.hpp"
#include "dataplane/config_items.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/nat_block.hpp"

namespace twinplane::dataplane {
namespace {

constexpr int kSharedPortsMax = 100;

IpAddress unicast_address(FaultList& faults, const ListItem& item) {
  const auto address = parse_address(item.text);
  if (address && is_unicast(*address)) return *address;
  faults.add(item.path, "\"" + item.text + "\" is not a unicast address",
             "one address without a length");
  return {};
}

IpAddress read_address(Section& section, std::string_view key) {
  std::string text;
  section.read_text(key, text, Need::kRequired);
  if (text.empty()) return {};
  const IpAddress address = unicast_address(section.faults(), {text, section.path(key)});
  if (address.is_set() && is_link_local(address)) {
    section.faults().add(section.path(key), text + " is link-local, and nothing is forwarded to it",
                         "an address of a network");
  }
  return address;
}

void read_source_rule(Section& section, const Config& config, NatConfig& nat) {
  read_zones(section, "to", config, nat.to_zones);
  for (const ListItem& item : section.list("addresses", Need::kRequired)) {
    if (const IpAddress address = unicast_address(section.faults(), item); address.is_set())
      nat.addresses.push_back(address);
  }
  if (const auto text = section.scalar("ports", Need::kOptional)) {
    const auto range = parse_port_range(*text);
    if (range && range->first != 0) {
      nat.ports = *range;
    } else {
      section.faults().add(section.path("ports"), "\"" + *text + "\" is no range of source ports",
                           "as \"1024-65535\", 1 to 65535");
    }
  }
  section.read_integer("block_ports", nat.block_ports, {0, 65535});
  for (const auto* const key :
       {"protocol", "destination_port", "translated_port", "bidirectional"}) {
    section.refuse(key, "is for rules that translate a destination",
                   "give destination and translated_destination too, or take it out");
  }
}

bool has_ports(const std::vector<std::uint8_t>& protocols) {
  return std::all_of(protocols.begin(), protocols.end(), [](std::uint8_t protocol) {
    return protocol == kProtocolTcp || protocol == kProtocolUdp;
  });
}

void read_destination_ports(Section& section, NatDestination& destination) {
  if (const auto text = section.scalar("destination_port", Need::kOptional);
      text && *text != kAny) {
    const std::string path = section.path("destination_port");
    destination.ports = parse_port_range(*text);
    if (!destination.ports) add_bad_ports(section.faults(), path, *text);
    if (!has_ports(destination.protocols))
      section.faults().add(path, "the rule's protocol has no ports", "protocol tcp, udp or any");
    if (destination.protocols.empty()) destination.protocols = {kProtocolTcp, kProtocolUdp};
  }
  section.read_integer("translated_port", destination.real_port, {1, 65535});
  if (destination.real_port == 0) return;
  if (!destination.ports || destination.ports->first != destination.ports->last) {
    section.faults().add(section.path("translated_port"), "would make many ports one",
                         "one destination_port with it, or leave it out: ports stay as they are");
  }
}

void read_destination_rule(Section& section, NatConfig& nat) {
  NatDestination destination;
  destination.address = read_address(section, "destination");
  destination.real_address = read_address(section, "translated_destination");
  read_protocol(section, destination.protocols);
  read_destination_ports(section, destination);
  section.read_boolean("bidirectional", destination.is_bidirectional);
  const bool is_narrow =
      !nat.source.empty() || !destination.protocols.empty() || destination.ports.has_value();
  if (destination.is_bidirectional && is_narrow) {
    section.faults().add(section.path("bidirectional"),
                         "a rule for both directions translates whole addresses",
                         "no source, protocol or destination_port, or no bidirectional");
  }
  nat.destination = std::move(destination);
  for (const auto* const key : {"to", "addresses", "ports", "block_ports"}) {
    section.refuse(key, "is for rules that translate a source",
                   "a nat rule of its own for that; both are done to one session");
  }
}

constexpr auto kOneFamily = "a nat rule for each family";

std::string of_rule(const NatConfig& nat) { return "of nat rule \"" + nat.name + "\""; }

bool zone_is_in(const std::vector<std::uint8_t>& zones, std::uint8_t zone) {
  return (zone_bits(zones) >> zone & 1U) != 0;
}

void check_source_families(const NatConfig& nat, std::size_t index, Family family,
                           FaultList& faults) {
  for (std::size_t k = 0; k < nat.source.size(); ++k) {
    if (nat.source[k].address.family == family) continue;
    faults.add(path_of(path_of("nat", index, "source"), k),
               to_text(nat.source[k]) + " is of another family than the rule's addresses",
               kOneFamily);
  }
}

bool have_common_ports(const NatConfig& left, const NatConfig& right) {
  return left.ports.first <= right.ports.last && right.ports.first <= left.ports.last &&
         std::any_of(left.addresses.begin(), left.addresses.end(), [&right](const auto& address) {
           return std::find(right.addresses.begin(), right.addresses.end(), address) !=
                  right.addresses.end();
         });
}

// Every address of `source` must find a block, and nobody else may use its ports.
void check_blocks(const Config& config, const NatConfig& nat, std::size_t index,
                  FaultList& faults) {
  const std::string path = path_of("nat", index, "block_ports");
  if (nat.source.empty()) {
    faults.add(path_of("nat", index, "source"), "is any, and each of it would need a block",
               "name the inside networks, or leave block_ports out");
    return;
  }
  if (nat.block_ports < config.tables.partitions) {
    faults.add(
        path,
        std::to_string(nat.block_ports) + " ports are fewer than the partitions that share them",
        "at least " + std::to_string(config.tables.partitions) + ", better hundreds");
  }
  if (inside_count(nat) > block_count(nat)) {
    const std::uint64_t ports_there =
        nat.addresses.size() * (nat.ports.last - nat.ports.first + std::uint64_t{1});
    faults.add(path,
               "there are " + std::to_string(block_count(nat)) + " blocks for " +
                   std::to_string(inside_count(nat)) + " inside addresses",
               "at most " + std::to_string(ports_there / inside_count(nat)) +
                   " ports a block, more addresses, or fewer sources");
  }
  for (std::size_t k = 1; k < nat.source.size(); ++k) {
    const auto end = nat.source.begin() + static_cast<std::ptrdiff_t>(k);
    const auto first = std::find_if(nat.source.begin(), end, [&](const IpPrefix& network) {
      return overlap(network, nat.source[k]);
    });
    if (first == end) continue;
    faults.add(path_of(path_of("nat", index, "source"), k),
               to_text(nat.source[k]) + " overlaps " + to_text(*first),
               "each inside address once, as it has one block");
  }
  for (std::size_t i = 0; i < config.nat.size(); ++i) {
    const NatConfig& other = config.nat[i];
    if (i == index || other.destination || !have_common_ports(nat, other)) continue;
    faults.add(path, "nat rule \"" + other.name + "\" hides others behind the same ports",
               "addresses or ports of its own, so that a port tells who has it");
  }
}

void check_source_rule(const Config& config, const NatConfig& nat, std::size_t index,
                       FaultList& faults) {
  const Family family = nat.addresses.front().family;
  for (std::size_t k = 0; k < nat.addresses.size(); ++k) {
    const IpAddress& address = nat.addresses[k];
    const std::string path = path_of(path_of("nat", index, "addresses"), k);
    if (address.family != family) {
      faults.add(path,
                 to_text(address) + " is of another family than " + to_text(nat.addresses.front()),
                 kOneFamily);
    }
    const auto first = std::find(nat.addresses.begin(), nat.addresses.end(), address);
    if (first != nat.addresses.begin() + static_cast<std::ptrdiff_t>(k)) {
      faults.add(path, to_text(address) + " is given twice", "each address once");
    }
    const bool is_routed =
        std::any_of(config.ports.begin(), config.ports.end(), [&](const PortConfig& port) {
          return zone_is_in(nat.to_zones, port.zone_index) && is_on_link(port, address);
        });
    if (!is_routed) {
      faults.add(path,
                 to_text(address) +
                     " is on no network of a port in the rule's \"to\" zones, so replies would not "
                     "come back",
                 "an address of such a port, or another one of its network");
    }
  }
  check_source_families(nat, index, family, faults);
  const std::uint32_t port_count = nat.ports.last - nat.ports.first + 1U;
  if (port_count < config.tables.partitions) {
    faults.add(path_of("nat", index, "ports"),
               std::to_string(port_count) + " ports are fewer than the partitions that share them",
               "at least " + std::to_string(config.tables.partitions) + ", better thousands");
  }
  if (nat.block_ports != 0) check_blocks(config, nat, index, faults);
}

bool is_interface_address(const Config& config, const IpAddress& address) {
  return std::any_of(config.ports.begin(), config.ports.end(), [&address](const PortConfig& port) {
    return std::any_of(port.addresses.begin(), port.addresses.end(),
                       [&address](const IpPrefix& own) { return own.address == address; });
  });
}

bool is_reachable(const Config& config, const IpAddress& address) {
  return std::any_of(config.ports.begin(), config.ports.end(),
                     [&address](const PortConfig& port) { return is_on_link(port, address); }) ||
         std::any_of(
             config.routes.begin(), config.routes.end(),
             [&address](const RouteConfig& route) { return contains(route.prefix, address); });
}

void check_real_address(const Config& config, const NatDestination& destination,
                        const std::string& path, FaultList& faults) {
  const IpAddress& real = destination.real_address;
  const std::vector<FloatingAddress> floating = floating_addresses(config);
  const bool is_own = std::any_of(floating.begin(), floating.end(),
                                  [&real](const auto& own) { return own.address == real; });
  if (real.family != destination.address.family) {
    faults.add(path, to_text(real) + " is of another family than " + to_text(destination.address),
               "an address of the same family");
  } else if (is_own) {
    faults.add(path, to_text(real) + " is this box's own address", "the address of the server");
  } else if (!is_reachable(config, real)) {
    faults.add(path, to_text(real) + " is on no network of a port, and no route leads to it",
               "an address that packets can be forwarded to");
  }
}

// An address as a whole belongs to the box, to source NAT or to one server.
void check_whole_address(const Config& config, const NatDestination& destination, std::size_t index,
                         FaultList& faults) {
  const std::string path = path_of("nat", index, "destination");
  if (is_interface_address(config, destination.address)) {
    faults.add(path, to_text(destination.address) + " is an address of the box itself",
               "a destination_port with it, or an address of its own");
  }
  for (const NatConfig& other : config.nat) {
    if (std::find(other.addresses.begin(), other.addresses.end(), destination.address) ==
        other.addresses.end())
      continue;
    faults.add(path, to_text(destination.address) + " hides the sources " + of_rule(other),
               "a destination_port with it, or an address of its own");
  }
}

// A port that leads to a server hides nobody: sources are hidden behind the others, which are
// found as long as few are skipped.
void check_shared_ports(const Config& config, const NatDestination& destination,
                        const PortRange& ports, std::size_t index, FaultList& faults) {
  for (const NatConfig& other : config.nat) {
    if (std::find(other.addresses.begin(), other.addresses.end(), destination.address) ==
        other.addresses.end())
      continue;
    const int first = std::max(ports.first, other.ports.first);
    const int last = std::min(ports.last, other.ports.last);
    // Of a block even one would be missed by whom it belongs to.
    const int shared_max = other.block_ports == 0 ? kSharedPortsMax : 0;
    if (last - first + 1 <= shared_max) continue;
    faults.add(path_of("nat", index, "destination_port"),
               "takes " + std::to_string(last - first + 1) + " of the ports that nat rule \"" +
                   other.name + "\" hides sources behind",
               "at most " + std::to_string(shared_max) + " of them, or other ports there");
  }
}

// What is translated both ways can be translated in one way only.
void check_pairing(const Config& config, const NatDestination& destination, std::size_t index,
                   FaultList& faults) {
  for (std::size_t i = 0; i < config.nat.size(); ++i) {
    const std::optional<NatDestination>& other = config.nat[i].destination;
    if (i == index || !other || !faults.is_clean(path_of("nat", i))) continue;
    if (other->address == destination.address) {
      faults.add(
          path_of("nat", index, "destination"),
          to_text(destination.address) + " is a destination " + of_rule(config.nat[i]) + " too",
          "one rule alone for an address that is translated both ways");
    }
    if (other->is_bidirectional && other->real_address == destination.real_address) {
      faults.add(path_of("nat", index, "translated_destination"),
                 to_text(destination.real_address) + " has a public address " +
                     of_rule(config.nat[i]) + " already",
                 "one rule alone for an address that is translated both ways");
    }
  }
}

void check_destination_rule(const Config& config, const NatConfig& nat,
                            const NatDestination& destination, std::size_t index,
                            FaultList& faults) {
  check_source_families(nat, index, destination.address.family, faults);
  check_real_address(config, destination, path_of("nat", index, "translated_destination"), faults);
  if (destination.ports)
    check_shared_ports(config, destination, *destination.ports, index, faults);
  else
    check_whole_address(config, destination, index, faults);
  if (destination.is_bidirectional) check_pairing(config, destination, index, faults);
}

}  // namespace

void read_nat_rule(Section& section, Config& config) {
  NatConfig nat;
  section.read_name("name", nat.name, Need::kRequired);
  read_zones(section, "from", config, nat.from_zones);
  read_networks(section, "source", nat.source);
  if (section.has("destination") || section.has("translated_destination"))
    read_destination_rule(section, nat);
  else
    read_source_rule(section, config, nat);
  section.finish();
  config.nat.push_back(std::move(nat));
}

void check_nat_rule(const Config& config, std::size_t index, FaultList& faults) {
  const NatConfig& nat = config.nat[index];
  if (nat.destination)
    check_destination_rule(config, nat, *nat.destination, index, faults);
  else
    check_source_rule(config, nat, index, faults);
}

}  // namespace twinplane::dataplane
