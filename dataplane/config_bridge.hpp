// SPDX-License-Identifier: BSD-3-Clause
// config_bridge.hpp - bridge domains: which ports are one link, what passes between them without
// the rules, and what keeps addresses and floods in bounds.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the file.
// Limits:  kBridgesMax domains, kBridgeMacsMax static addresses of each; the bounds that the reader
//          gives.
// Errors:  none thrown; faults go to the FaultList.
// Spec:    IEEE 802.1Q-2018 sections 8.6.3 (reserved addresses), 8.8 (static and learned entries),
//          8.8.3 (ageing); RFC 7432 section 15.1 (moves); dataplane/DESIGN.md D-D24, D-D25.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/config_address.hpp"
#include "dataplane/config_fault.hpp"

namespace twinplane::dataplane {

struct Config;
class Section;

inline constexpr std::size_t kBridgesMax = 8;
inline constexpr std::size_t kBridgeMacsMax = 256;
inline constexpr std::size_t kEtherTypesMax = 32;
inline constexpr std::uint16_t kVlanMax = 4094;

enum class BridgeMode : std::uint8_t {
  kLayer2,       // by learned addresses
  kVirtualWire,  // of two ports: what comes in by one leaves by the other
};

// What becomes of a frame whose sender finds no place among the addresses.
enum class AddressLimitAction : std::uint8_t { kFlood, kDrop };

// A closed range; 0 stands for untagged.
struct VlanRange {
  std::uint16_t first{};
  std::uint16_t last{};

  friend bool operator==(const VlanRange&, const VlanRange&) = default;
};

// What passes although no rule was asked.
struct Unfiltered {
  bool any{false};  // all that is no IP, and neighbor discovery
  bool nd{true};    // neighbor solicitations and advertisements
  bool llc{false};  // frames with a length in place of an EtherType
  std::vector<std::uint16_t> ether_types{0x0806};
};

struct BridgeMacConfig {
  MacAddress mac{};
  std::uint16_t vlan{};
  std::string port;
  std::uint8_t port_index{};  // into Config::ports
};

struct BridgeConfig {
  std::string name;
  BridgeMode mode{BridgeMode::kLayer2};
  std::vector<std::string> port_names;
  std::vector<std::uint8_t> ports;  // into Config::ports, as port_names
  std::vector<VlanRange> vlans{{0, 0}};
  Unfiltered unfiltered;
  bool passes_link_protocols{false};  // what is sent to 01:80:c2:00:00:00 to 0f, but for pauses
  std::uint32_t aging_s{300};
  std::uint32_t address_limit{8192};
  std::uint32_t port_address_limit{8192};  // of each port
  AddressLimitAction limit_action{AddressLimitAction::kFlood};
  std::uint32_t move_limit{5};  // within move_window_s; 0 = none
  std::uint32_t move_window_s{180};
  std::uint32_t move_hold_s{60};
  bool floods_unknown{true};
  std::uint32_t broadcast_per_s{10'000};  // of each port and worker; 0 = no limit
  std::uint32_t multicast_per_s{0};
  std::uint32_t unknown_per_s{10'000};
  std::vector<BridgeMacConfig> macs;  // static ones
};

// One [[bridge]], its ports by name. The ports need not have been read.
void read_bridge(Section& section, Config& config);

// The domain that has a port of this name, or null.
const BridgeConfig* bridge_of(const Config& config, std::string_view port_name) noexcept;

// When the ports have been read: names become indexes.
void resolve_bridges(Config& config, FaultList& faults);

// Domains against ports, zones, routes and rules for translation.
void check_bridges(const Config& config, FaultList& faults);

// A line for each domain, for config_summary.
std::string bridge_text(const Config& config, const BridgeConfig& bridge);

}  // namespace twinplane::dataplane
