// SPDX-License-Identifier: BSD-3-Clause
// bridge_domains.hpp - the configured bridges, ready to be asked for each frame.
//
// Thread:  any; never changed after construction.
// Memory:  about 600 bytes a domain.
// Limits:  kBridgesMax domains, kPortsMax ports.
// Errors:  none; expects a Config that load_config has passed.
// Spec:    config_bridge.hpp.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "dataplane/bridge_frame.hpp"
#include "dataplane/config.hpp"

namespace twinplane::dataplane {

// A bit for each of Config::ports.
using PortBits = std::uint32_t;
static_assert(kPortsMax <= 32);

// Of a port that there is.
constexpr PortBits port_bit(std::uint8_t port_index) noexcept { return PortBits{1} << port_index; }

inline constexpr std::uint8_t kNoDomain = 0xFF;

// Which session belongs to which link: what is bridged and what is routed never meet, nor do two
// domains. 0 is all that is routed.
constexpr std::uint8_t vsys_of(std::uint8_t domain) noexcept {
  return static_cast<std::uint8_t>(domain + 1);
}

struct BridgeDomain {
  explicit BridgeDomain(const BridgeConfig& bridge, const Config& config);

  const BridgeConfig& config;
  PortBits ports = 0;
  std::bitset<kVlanMax + 1> vlans;
  std::uint16_t mtu_bytes = 0;

  bool is_wire() const noexcept { return config.mode == BridgeMode::kVirtualWire; }

  // Of any number, as a peer may send it.
  bool has_port(std::uint8_t port_index) const noexcept {
    return port_index < kPortsMax && (ports & port_bit(port_index)) != 0;
  }

  // May what is no IP pass, although no rule was asked?
  bool passes(std::uint16_t ether_type) const noexcept;
};

class BridgeDomains {
 public:
  // `config` must outlive it.
  explicit BridgeDomains(const Config& config);

  std::size_t count() const noexcept { return domains_.size(); }

  const BridgeDomain& operator[](std::size_t domain) const noexcept { return domains_[domain]; }

  // kNoDomain for a routed port.
  std::uint8_t domain_of(std::uint8_t port_index) const noexcept { return domain_of_[port_index]; }

  // Where a frame to a group, or to nobody that is known, goes: all the domain's other ports.
  // Whoever knows where a group's listeners are narrows it here.
  PortBits flood_ports(std::uint8_t domain, std::uint8_t ingress_port) const noexcept {
    return domains_[domain].ports & ~port_bit(ingress_port);
  }

 private:
  std::vector<BridgeDomain> domains_;
  std::array<std::uint8_t, kPortsMax> domain_of_;
};

}  // namespace twinplane::dataplane
