// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/bridge_domains.hpp"

#include <algorithm>

namespace twinplane::dataplane {

BridgeDomain::BridgeDomain(const BridgeConfig& bridge, const Config& config_of_all)
    : config(bridge), mtu_bytes(config_of_all.ports[bridge.ports[0]].mtu_bytes) {
  for (const std::uint8_t port : bridge.ports) ports |= port_bit(port);
  for (const VlanRange& range : bridge.vlans)
    for (std::size_t vlan = range.first; vlan <= range.last; ++vlan) vlans.set(vlan);
}

bool BridgeDomain::passes(std::uint16_t ether_type) const noexcept {
  const Unfiltered& unfiltered = config.unfiltered;
  if (unfiltered.any) return true;
  if (ether_type == 0) return unfiltered.llc;
  return std::ranges::find(unfiltered.ether_types, ether_type) != unfiltered.ether_types.end();
}

BridgeDomains::BridgeDomains(const Config& config) {
  domain_of_.fill(kNoDomain);
  for (std::size_t i = 0; i < config.bridges.size(); ++i) {
    domains_.emplace_back(config.bridges[i], config);
    for (const std::uint8_t port : config.bridges[i].ports)
      domain_of_[port] = static_cast<std::uint8_t>(i);
  }
}

}  // namespace twinplane::dataplane
