// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_floating.hpp"

#include <algorithm>
#include <cstddef>

namespace twinplane::dataplane {

bool is_on_link(const PortConfig& port, const IpAddress& address) noexcept {
  return std::any_of(port.addresses.begin(), port.addresses.end(),
                     [&address](const IpPrefix& own) { return contains(own, address); });
}

std::vector<FloatingAddress> floating_addresses(const Config& config) {
  std::vector<FloatingAddress> result;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    const auto port_index = static_cast<std::uint8_t>(i);
    for (const IpPrefix& own : port.addresses) result.push_back({own.address, port_index});
    const std::uint64_t zone = std::uint64_t{1} << port.zone_index;
    for (const NatConfig& nat : config.nat) {
      if (nat.destination) {
        const IpAddress& address = nat.destination->address;
        if ((zone_bits(nat.from_zones) & zone) != 0 && is_on_link(port, address))
          result.push_back({address, port_index});
        continue;
      }
      if ((zone_bits(nat.to_zones) & zone) == 0) continue;
      for (const IpAddress& address : nat.addresses) {
        if (is_on_link(port, address)) result.push_back({address, port_index});
      }
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace twinplane::dataplane
