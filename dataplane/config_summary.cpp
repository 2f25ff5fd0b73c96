// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_summary.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/config_helper.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/nat_block.hpp"
#include "tables/expectation.hpp"
#include "tables/return_mac.hpp"
#include "tables/sctp.hpp"
#include "tables/sequence_shift.hpp"
#include "tables/session.hpp"

namespace twinplane::dataplane {
namespace {

std::string count_of(std::uint64_t count, std::string_view one) {
  return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

template <class Items, class ToText>
std::string joined(const Items& items, ToText to_word, std::string_view none) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + to_word(item);
  return text.empty() ? std::string(none) : text;
}

std::string zones_text(const Config& config, const std::vector<std::uint8_t>& zones) {
  return joined(
      zones, [&config](std::uint8_t zone) { return config.zones[zone]; }, "any zone");
}

std::string networks_text(const std::vector<IpPrefix>& networks) {
  return joined(
      networks, [](const IpPrefix& network) { return to_text(network); }, "any address");
}

std::string range_text(const PortRange& range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : std::to_string(range.first) + "-" + std::to_string(range.last);
}

std::string protocol_text(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolIcmp:
      return "icmp";
    case kProtocolTcp:
      return "tcp";
    case kProtocolUdp:
      return "udp";
    case kProtocolSctp:
      return "sctp";
    case kProtocolIcmp6:
      return "icmp6";
    default:
      return "protocol " + std::to_string(protocol);
  }
}

std::string rule_text(const Config& config, const RuleConfig& rule) {
  std::string text = "rule \"" + rule.name + "\": ";
  text += rule.action == RuleAction::kAllow ? "allow " : "drop ";
  text += joined(rule.protocols, protocol_text, "any protocol");
  if (!rule.ports.empty()) text += " to port " + joined(rule.ports, range_text, {});
  text += " from " + zones_text(config, rule.from_zones) + " (" + networks_text(rule.source) + ")";
  text += " to " + zones_text(config, rule.to_zones) + " (" + networks_text(rule.destination) + ")";
  if (!rule.sync) text += ", sessions stay on this box";
  if (rule.hold) text += ", the first packet waits until the peer has the session";
  if (rule.sync_after_s != 0)
    text += ", sessions stay on this box until they are " + std::to_string(rule.sync_after_s) +
            " s old";
  return text;
}

// An IPv6 address in brackets where a port follows.
std::string end_text(const IpAddress& address, const std::string& port) {
  if (port.empty()) return to_text(address);
  return (address.is6() ? "[" + to_text(address) + "]" : to_text(address)) + ":" + port;
}

std::string destination_text(const Config& config, const NatConfig& nat,
                             const NatDestination& destination) {
  const std::string ports = destination.ports ? range_text(*destination.ports) : "";
  const std::string real_port =
      destination.real_port == 0 ? ports : std::to_string(destination.real_port);
  std::string text = "nat \"" + nat.name +
                     "\": " + joined(destination.protocols, protocol_text, "any protocol") +
                     " from " + zones_text(config, nat.from_zones) + " (" +
                     networks_text(nat.source) + ") to " + end_text(destination.address, ports) +
                     " goes to " + end_text(destination.real_address, real_port);
  if (destination.is_bidirectional)
    text += ", and what that opens towards " + zones_text(config, nat.from_zones) + " leaves as " +
            to_text(destination.address);
  return text;
}

std::string nat_text(const Config& config, const NatConfig& nat) {
  if (nat.destination) return destination_text(config, nat, *nat.destination);
  const std::uint64_t pairs =
      nat.addresses.size() * (nat.ports.last - nat.ports.first + std::uint64_t{1});
  const std::string blocks = nat.block_ports == 0
                                 ? ""
                                 : ", " + count_of(nat.block_ports, "port") + " for each of " +
                                       std::to_string(inside_count(nat)) + " inside addresses" +
                                       " (there are " + count_of(block_count(nat), "block") + ")";
  return "nat \"" + nat.name + "\": " + networks_text(nat.source) + " from " +
         zones_text(config, nat.from_zones) + " to " + zones_text(config, nat.to_zones) +
         " becomes " +
         joined(nat.addresses, [](const IpAddress& address) { return to_text(address); }, {}) +
         " ports " + range_text(nat.ports) + " (" + count_of(pairs, "pair") +
         " for each server's address and port)" + blocks;
}

std::string tables_text(const Config& config) {
  const TablesConfig& tables = config.tables;
  const std::uint64_t slots4 = std::uint64_t{tables.partitions} * tables.session4_slots;
  const std::uint64_t slots6 = std::uint64_t{tables.partitions} * tables.session6_slots;
  const std::uint64_t associations = std::uint64_t{tables.partitions} * tables.sctp_slots;
  const std::uint64_t shifts = std::uint64_t{tables.partitions} * tables.shift_slots;
  const std::uint64_t expectations = std::uint64_t{tables.partitions} * tables.expectation_slots;
  const std::uint64_t returns = std::uint64_t{tables.partitions} * return_slots(config);
  const std::uint64_t entry_bytes =
      slots4 * sizeof(tables::Session4) + slots6 * sizeof(tables::Session6) +
      associations * sizeof(tables::PlainEntry<tables::SctpBody>) +
      shifts * sizeof(tables::PlainEntry<tables::SequenceShiftBody>) +
      expectations * sizeof(tables::PlainEntry<tables::ExpectationBody>) +
      returns * sizeof(tables::PlainEntry<tables::ReturnMacBody>);
  return "tables: " + count_of(tables.partitions, "partition") + ", " + std::to_string(slots4) +
         " IPv4 and " + std::to_string(slots6) + " IPv6 sessions, " + std::to_string(associations) +
         " SCTP associations, " + std::to_string(shifts) + " sequence shifts, " +
         std::to_string(expectations) + " expectations" +
         (returns == 0 ? "" : ", " + std::to_string(returns) + " return paths") + " (" +
         std::to_string((entry_bytes + (1U << 20U) - 1) >> 20U) +
         " MiB of entries), a full table " +
         (tables.full_policy == FullPolicy::kRefuse ? "refuses new sessions"
                                                    : "evicts the oldest half-open session") +
         ", " +
         (tables.file.empty()
              ? "in anonymous memory"
              : "in file " + tables.file + (tables.keep ? ", kept over an orderly restart" : ""));
}

std::string ha2_text(const Ha2Config& ha2) {
  std::string text = "HA2: " + ha2.device + ", ";
  switch (ha2.transport) {
    case Ha2Transport::kEthernet:
      text += "Ethernet";
      break;
    case Ha2Transport::kIp:
      text += "IP from " + to_text(ha2.local) + " to " + to_text(ha2.peer);
      break;
    case Ha2Transport::kUdp:
      text += "UDP from " + to_text(ha2.local) + " to " + to_text(ha2.peer);
      break;
  }
  text += ha2.peer_mac_known ? ", peer " + to_text(ha2.peer_mac) : ", peer's MAC learned";
  return text + ", MTU " + std::to_string(ha2.mtu_bytes) + ", window " +
         count_of(ha2.window_frames, "frame") + ", flush " + std::to_string(ha2.flush_us) +
         " us, reorder " + std::to_string(ha2.reorder_us) + " us, packets held for at most " +
         std::to_string(ha2.hold_max_us) + " us\nbulk: at least " +
         std::to_string(ha2.bulk_share_percent) + " % of each frame, at most " +
         std::to_string(ha2.bulk_core_percent) + " % of a worker's time; " +
         (ha2.audit_cycle_s == 0
              ? "no audit"
              : "audit: all tables in " + std::to_string(ha2.audit_cycle_s) + " s, at most " +
                    std::to_string(ha2.audit_core_percent) + " % of a worker's time");
}

std::string pair_text(const Config& config) {
  const HaConfig& ha = config.ha;
  if (!ha.enabled) return "pair: none, this box stands alone\n";
  return ha2_text(config.ha2) + "\nHA1: " + to_text(config.ha1.local) + " to " +
         to_text(config.ha1.peer) + "\npair: keepalive every " +
         std::to_string(ha.keepalive_interval_ms) + " ms, a peer silent for " +
         std::to_string(ha.keepalive_interval_ms * ha.keepalive_threshold) +
         " ms on every path is dead; at start wait " + std::to_string(ha.boot_hold_ms) +
         " ms for it\n";
}

std::string port_text(const PortConfig& port) {
  const std::string text = "port \"" + port.name + "\": " + port.device + ", zone " + port.zone;
  if (port.addresses.empty()) return text + ", bridged, MTU " + std::to_string(port.mtu_bytes);
  return text + ", " + (port.vlan == 0 ? "untagged" : "VLAN " + std::to_string(port.vlan)) +
         ", MTU " + std::to_string(port.mtu_bytes) + ", virtual MAC group " +
         std::to_string(port.virtual_mac_group) + ", " + networks_text(port.addresses) +
         (port.symmetric_return ? ", replies go back to who brought the session" : "");
}

std::string memory_text(const EalConfig& eal) {
  switch (eal.huge_pages) {
    case HugePages::kOn:
      return "huge pages";
    case HugePages::kOff:
      return std::to_string(eal.memory_mib) + " MiB without huge pages";
    case HugePages::kAuto:
      break;
  }
  return "huge pages, or " + std::to_string(eal.memory_mib) + " MiB without";
}

}  // namespace

std::string summary(const Config& config) {
  std::string text = "box \"" + config.box.name + "\": id " + std::to_string(config.box.id) +
                     ", priority " + std::to_string(config.box.priority) + ", " +
                     count_of(config.eal.lcore_ids.size() - 1, "worker") + " (lcores " +
                     config.eal.lcores + "), " + memory_text(config.eal) + ", telemetry prefix " +
                     config.eal.file_prefix + "\n";
  for (const PortConfig& port : config.ports) text += port_text(port) + "\n";
  for (const BridgeConfig& bridge : config.bridges) text += bridge_text(config, bridge) + "\n";
  for (const RouteConfig& route : config.routes) {
    text += "route: " + to_text(route.prefix) + " via " + to_text(route.via) + " on " + route.port +
            "\n";
  }
  for (const RuleConfig& rule : config.rules) text += rule_text(config, rule) + "\n";
  text += config.rules.empty() ? "rules: none, so everything is dropped\n"
                               : "rules: what none matches is dropped\n";
  for (const NatConfig& nat : config.nat) text += nat_text(config, nat) + "\n";
  for (const ZoneProtectionConfig& protection : config.zone_protections)
    text += protection_text(protection) + "\n";
  text += multicast_text(config) + "\n" + tables_text(config) + "\n" + pair_text(config);
  for (const HelperConfig& helper : config.helpers) text += helper_text(helper) + "\n";
  if (config.faults.enabled)
    text +=
        "WARNING: faults are done to what is sent over HA2: " + faults_text(config.faults) + "\n";
  return text;
}

}  // namespace twinplane::dataplane
