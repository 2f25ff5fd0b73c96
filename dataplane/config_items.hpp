// SPDX-License-Identifier: BSD-3-Clause
// config_items.hpp - what several sections hold alike: zones, networks, protocols, ranges of ports.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the file.
// Limits:  kListItemsMax items a list.
// Errors:  none thrown; faults go to the section's FaultList.
// Spec:    dataplane/examples/east.toml shows every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {

inline constexpr std::string_view kAny = "any";

// The items of a list in which "any" stands alone; empty = any.
std::vector<ListItem> read_list_or_any(Section& section, std::string_view key, Need need);

// "X is no KIND", with those that there are.
void add_unknown(FaultList& faults, const ListItem& item, std::string_view kind,
                 const std::vector<std::string>& known);

// Indexes into Config::zones, which the ports have filled.
void read_zones(Section& section, std::string_view key, const Config& config,
                std::vector<std::uint8_t>& target);

// A network: its host bits must be 0.
std::optional<IpPrefix> read_network(FaultList& faults, const ListItem& item);
void read_networks(Section& section, std::string_view key, std::vector<IpPrefix>& target);

// The key `protocol`; empty = any.
void read_protocol(Section& section, std::vector<std::uint8_t>& target);

std::optional<PortRange> parse_port_range(std::string_view text);
void add_bad_ports(FaultList& faults, std::string_view path, const std::string& text);

}  // namespace twinplane::dataplane
