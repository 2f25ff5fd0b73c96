// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_items.hpp"

#include <algorithm>

#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {

std::vector<ListItem> read_list_or_any(Section& section, std::string_view key, Need need) {
  std::vector<ListItem> items = section.list(key, need);
  const auto any = std::find_if(items.begin(), items.end(),
                                [](const ListItem& item) { return item.text == kAny; });
  if (any == items.end()) {
    if (items.empty() && need == Need::kOptional && section.has(key) &&
        section.faults().is_clean(section.path(key))) {
      section.faults().add(section.path(key), "is empty, so nothing could match",
                           "name at least one, or [\"any\"]");
    }
    return items;
  }
  if (items.size() > 1)
    section.faults().add(any->path, "\"any\" stands beside others",
                         "leave \"any\" alone, or take it out");
  return {};
}

void add_unknown(FaultList& faults, const ListItem& item, std::string_view kind,
                 const std::vector<std::string>& known) {
  faults.add(item.path, "\"" + item.text + "\" is no " + std::string(kind),
             suggestion(item.text, known));
}

void read_zones(Section& section, std::string_view key, const Config& config,
                std::vector<std::uint8_t>& target) {
  for (const ListItem& item : read_list_or_any(section, key, Need::kRequired)) {
    const auto found = std::find(config.zones.begin(), config.zones.end(), item.text);
    if (found == config.zones.end()) {
      add_unknown(section.faults(), item, "zone of any port", config.zones);
    } else {
      target.push_back(static_cast<std::uint8_t>(found - config.zones.begin()));
    }
  }
}

std::optional<IpPrefix> read_network(FaultList& faults, const ListItem& item) {
  const auto prefix = parse_prefix(item.text);
  if (!prefix) {
    faults.add(item.path, "\"" + item.text + "\" is not a prefix",
               "ADDRESS/LENGTH, as \"10.1.0.0/24\" or \"fd00:1::/64\"");
    return std::nullopt;
  }
  if (network_of(*prefix) != *prefix) {
    faults.add(item.path, item.text + " has bits beyond its length",
               "the network is \"" + to_text(network_of(*prefix)) + "\"");
    return std::nullopt;
  }
  return prefix;
}

void read_networks(Section& section, std::string_view key, std::vector<IpPrefix>& target) {
  for (const ListItem& item : read_list_or_any(section, key, Need::kOptional)) {
    if (const auto network = read_network(section.faults(), item)) target.push_back(*network);
  }
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_decimal(text.substr(0, dash), 65535);
  const auto last =
      dash == std::string_view::npos ? first : parse_decimal(text.substr(dash + 1), 65535);
  if (!first || !last || *first > *last) return std::nullopt;
  return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

void add_bad_ports(FaultList& faults, std::string_view path, const std::string& text) {
  faults.add(path, "\"" + text + "\" is no port range",
             "\"80\" or \"1000-2000\", 0 to 65535, the lower one first");
}

void read_protocol(Section& section, std::vector<std::uint8_t>& target) {
  const std::vector<std::string> names{"any", "tcp", "udp", "sctp", "icmp"};
  const std::string text = section.scalar("protocol", Need::kOptional).value_or("any");
  if (text == "tcp") {
    target = {kProtocolTcp};
  } else if (text == "udp") {
    target = {kProtocolUdp};
  } else if (text == "sctp") {
    target = {kProtocolSctp};
  } else if (text == "icmp") {
    target = {kProtocolIcmp, kProtocolIcmp6};
  } else if (const auto number = parse_decimal(text, 255)) {
    target = {static_cast<std::uint8_t>(*number)};
  } else if (text != kAny) {
    section.faults().add(section.path("protocol"), "\"" + text + "\" is no protocol",
                         suggestion(text, names) + " or a number, 0 to 255");
  }
}

}  // namespace twinplane::dataplane
