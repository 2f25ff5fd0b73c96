// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/own_addresses.hpp"

#include <algorithm>

#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {
namespace {

// RFC 3021 and RFC 6164: both addresses of a /31 or /127 are hosts.
bool is_host_of(const IpPrefix& interface, const IpAddress& address) noexcept {
  if (!contains(interface, address)) return false;
  if (interface.length_bits + 2 > bits_of(address.family)) return true;
  if (address == network_of(interface).address) return false;
  return address.is6() || address != last_of(interface);
}

bool has_ip6(const Config& config, std::size_t port_index) noexcept {
  return std::ranges::any_of(config.ports[port_index].addresses,
                             [](const IpPrefix& own) { return own.address.is6(); }) ||
         std::ranges::any_of(config.routes, [port_index](const RouteConfig& route) {
           return route.port_index == port_index && route.via.is6();
         });
}

}  // namespace

OwnAddresses::OwnAddresses(const Config& config) : all_(floating_addresses(config)) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    const MacAddress mac = virtual_mac(port, i);
    IpAddress link_local;
    if (has_ip6(config, i)) {
      link_local = IpAddress::of(link_local_of(mac));
      all_.push_back({link_local, static_cast<std::uint8_t>(i)});
    }
    ports_.push_back({mac, port.vlan, port.zone_index, link_local, port.addresses});
  }
  std::ranges::sort(all_);
}

bool OwnAddresses::is_own(std::size_t port_index, const IpAddress& address) const noexcept {
  const FloatingAddress wanted{address, static_cast<std::uint8_t>(port_index)};
  return std::binary_search(all_.begin(), all_.end(), wanted);
}

bool OwnAddresses::is_neighbor(std::size_t port_index, const IpAddress& address) const noexcept {
  if (!is_unicast(address) || is_own(port_index, address)) return false;
  const Port& port = ports_[port_index];
  if (is_link_local(address)) return port.link_local.is_set();
  return std::ranges::any_of(port.interfaces, [&address](const IpPrefix& interface) {
    return is_host_of(interface, address);
  });
}

IpAddress OwnAddresses::source_for(std::size_t port_index, const IpAddress& target) const noexcept {
  const Port& port = ports_[port_index];
  for (const IpPrefix& interface : port.interfaces) {
    if (contains(interface, target)) return interface.address;
  }
  return port.link_local;
}

}  // namespace twinplane::dataplane
