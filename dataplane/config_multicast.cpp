// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_multicast.hpp"

#include <xxhash.h>

#include <algorithm>

#include "dataplane/config.hpp"
#include "dataplane/config_items.hpp"
#include "dataplane/group_address.hpp"

namespace twinplane::dataplane {
namespace {

using tables::PortSet;

tables::Address6 plain(const IpAddress& address) noexcept {
  return address.is4() ? mapped(address.v4()) : address.v6();
}

GroupFamily family_of(const IpAddress& address) noexcept {
  return address.is4() ? GroupFamily::kIp4 : GroupFamily::kIp6;
}

// But bridged ones: there a stream follows its bridge.
PortSet all_ports(const Config& config) noexcept {
  PortSet ports = 0;
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if (bridge_of(config, config.ports[i].name) == nullptr) ports |= PortSet{1} << i;
  return ports;
}

std::vector<std::string> port_names(const Config& config) {
  std::vector<std::string> names;
  for (const PortConfig& port : config.ports) names.push_back(port.name);
  return names;
}

// The ports that a list names; all for ["any"].
PortSet read_ports(Section& section, std::string_view key, const Config& config,
                   PortSet when_missing) {
  if (!section.has(key)) return when_missing;
  PortSet ports = 0;
  const std::vector<ListItem> items = section.list(key, Need::kOptional);
  for (const ListItem& item : items) {
    if (item.text == kAny && items.size() == 1) return all_ports(config);
    const auto port = std::ranges::find(config.ports, item.text, &PortConfig::name);
    if (port == config.ports.end())
      add_unknown(section.faults(), item, "port", port_names(config));
    else if (bridge_of(config, port->name) != nullptr)
      section.faults().add(item.path, "\"" + item.text + "\" is a port of a bridge",
                           "ports that have addresses: in a bridge streams are flooded");
    else
      ports |= PortSet{1} << (port - config.ports.begin());
  }
  return ports;
}

void read_group_address(Section& section, StaticGroupConfig& group) {
  std::string text;
  section.read_text("group", text, Need::kRequired);
  if (!text.empty()) {
    const auto address = parse_address(text);
    const bool is_right = address && is_group(plain(*address), family_of(*address)) &&
                          !is_link_scope(plain(*address));
    if (is_right)
      group.group = *address;
    else
      section.faults().add(section.path("group"),
                           "\"" + text + "\" is not a group that is forwarded",
                           "as \"239.1.2.3\" or \"ff05::123\", and neither 224.0.0.x nor ff02::");
  }
  text.clear();
  section.read_text("source", text);
  if (text.empty() || text == kAny) return;
  const auto address = parse_address(text);
  if (address && is_group_source(plain(*address), family_of(*address)))
    group.source = *address;
  else
    section.faults().add(section.path("source"), "\"" + text + "\" is not a unicast address",
                         "the address of who sends, or \"any\"");
}

void read_static_group(Section& section, Config& config) {
  StaticGroupConfig group;
  read_group_address(section, group);
  section.read_text("port", group.port, Need::kRequired);
  const auto port = std::ranges::find(config.ports, group.port, &PortConfig::name);
  if (port != config.ports.end())
    group.port_index = static_cast<std::uint8_t>(port - config.ports.begin());
  else if (!group.port.empty())
    add_unknown(section.faults(), {group.port, section.path("port")}, "port", port_names(config));
  section.finish();
  config.multicast.groups.push_back(std::move(group));
}

std::string ports_text(const Config& config, PortSet ports) {
  std::string text;
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if ((ports >> i & 1U) != 0) text += (text.empty() ? "" : ", ") + config.ports[i].name;
  return text.empty() ? "no port" : text;
}

}  // namespace

void read_multicast(Section section, Config& config) {
  MulticastConfig& multicast = config.multicast;
  section.read_boolean("enabled", multicast.enabled);
  multicast.listen_ports = read_ports(section, "listen", config, 0);
  multicast.query_ports =
      read_ports(section, "query", config, all_ports(config) & ~multicast.listen_ports);
  section.read_integer("igmp_version", multicast.igmp_version, {1, 3});
  section.read_integer("mld_version", multicast.mld_version, {1, 2});
  section.read_integer("robustness", multicast.robustness, {1, 7});
  section.read_integer("query_interval_s", multicast.query_interval_s, {2, 3600});
  section.read_integer("query_response_ms", multicast.query_response_ms, {100, 1'000'000});
  section.read_integer("last_member_interval_ms", multicast.last_member_interval_ms, {100, 25'500});
  section.read_integer("groups_per_port", multicast.groups_per_port, {1, 65536});
  section.read_integer("sources_per_group", multicast.sources_per_group, {1, 64});
  section.read_integer("reports_per_s", multicast.reports_per_s, {1, 100'000});
  section.read_integer("stream_timeout_s", multicast.stream_timeout_s, {1, 86'400});
  section.read_integer("streams_per_zone", multicast.streams_per_zone, {1, 32'768});
  section.read_integer("new_streams_per_s", multicast.new_streams_per_s, {1, 100'000});
  for (Section& group : section.tables("group", kStaticGroupsMax)) read_static_group(group, config);
  section.finish();
}

void check_multicast(const Config& config, FaultList& faults) {
  const MulticastConfig& multicast = config.multicast;
  if (!faults.is_clean("multicast")) return;
  if (const PortSet both = multicast.query_ports & multicast.listen_ports; both != 0)
    faults.add("multicast.listen", ports_text(config, both) + " is named in query too",
               "each port in one of the two: it asks, or it only listens");
  if (multicast.query_response_ms >= multicast.query_interval_s * 1000U)
    faults.add("multicast.query_response_ms",
               std::to_string(multicast.query_response_ms) +
                   " ms to answer, and the next query comes before that",
               "less than query_interval_s = " + std::to_string(multicast.query_interval_s) + " s");
  if (multicast.enabled && faults.is_clean("tables") &&
      multicast.streams_per_zone > config.tables.multicast_slots)
    faults.add("multicast.streams_per_zone",
               std::to_string(multicast.streams_per_zone) + " is more than there is room for",
               "at most tables.multicast_slots = " + std::to_string(config.tables.multicast_slots));
  for (std::size_t i = 0; i < multicast.groups.size(); ++i) {
    const StaticGroupConfig& group = multicast.groups[i];
    const std::string path = path_of("multicast.group", i);
    if (group.source.is_set() && group.source.family != group.group.family)
      faults.add(path, to_text(group.source) + " is of another family than " + to_text(group.group),
                 "source and group of one family");
  }
}

std::string multicast_text(const Config& config) {
  const MulticastConfig& multicast = config.multicast;
  if (!multicast.enabled) return "multicast: off, packets to groups are dropped";
  std::string text = "multicast: asks who listens on " + ports_text(config, multicast.query_ports) +
                     " (IGMP " + std::to_string(multicast.igmp_version) + ", MLD " +
                     std::to_string(multicast.mld_version) + ") every " +
                     std::to_string(multicast.query_interval_s) + " s";
  if (multicast.listen_ports != 0)
    text += ", listens on " + ports_text(config, multicast.listen_ports);
  if (!multicast.groups.empty())
    text += ", " + std::to_string(multicast.groups.size()) + " static groups";
  return text + ", " + std::to_string(config.tables.multicast_slots) +
         " IPv4 and as many IPv6 entries, at most " + std::to_string(multicast.streams_per_zone) +
         " streams from a zone";
}

std::uint64_t multicast_digest(const Config& config) {
  const MulticastConfig& multicast = config.multicast;
  std::string bytes;
  const auto add = [&bytes](std::uint64_t number) { bytes += std::to_string(number) + ";"; };
  for (const std::uint64_t number : std::initializer_list<std::uint64_t>{
           multicast.query_ports, multicast.listen_ports, multicast.igmp_version,
           multicast.mld_version, multicast.robustness, multicast.query_interval_s,
           multicast.query_response_ms, multicast.last_member_interval_ms,
           multicast.groups_per_port, multicast.sources_per_group, multicast.reports_per_s,
           multicast.stream_timeout_s, multicast.streams_per_zone, multicast.new_streams_per_s})
    add(number);
  for (const StaticGroupConfig& group : multicast.groups)
    bytes += to_text(group.group) + ";" + (group.source.is_set() ? to_text(group.source) : "any") +
             ";" + std::to_string(group.port_index) + ";";
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace twinplane::dataplane
