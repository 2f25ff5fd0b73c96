// SPDX-License-Identifier: BSD-3-Clause
// own_addresses.hpp - what the box answers for on each port, what lies on the port's link, and whom
// to ask as.
//
// Thread:  made once at set-up; const and readable by any thread afterwards.
// Memory:  heap, a few dozen bytes an address and port; nothing is taken after construction.
// Limits:  those of config.hpp.
// Errors:  none; expects a Config that load_config has passed.
// Spec:    config_floating.hpp for the addresses; RFC 4861 section 7.2.2 (a solicitation's source),
//          RFC 4291 section 2.8 (a node has a link-local address on every link: every port with an
//          IPv6 address or route has one here).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/config_floating.hpp"

namespace twinplane::dataplane {

class OwnAddresses {
 public:
  explicit OwnAddresses(const Config& config);

  // Floating, NAT's, or the port's link-local address.
  bool is_own(std::size_t port_index, const IpAddress& address) const noexcept;

  // May a host on the port's link have it? On a network of the port or link-local, and neither the
  // box's own nor a network's first or last address.
  bool is_neighbor(std::size_t port_index, const IpAddress& address) const noexcept;

  // Whom to ask for a neighbor as: the port's address on the network that holds it, else its
  // link-local one.
  IpAddress source_for(std::size_t port_index, const IpAddress& target) const noexcept;

  std::span<const FloatingAddress> all() const noexcept { return all_; }

  std::size_t port_count() const noexcept { return ports_.size(); }

  const MacAddress& mac(std::size_t port_index) const noexcept { return ports_[port_index].mac; }

  std::uint16_t vlan(std::size_t port_index) const noexcept { return ports_[port_index].vlan; }

  std::uint8_t zone(std::size_t port_index) const noexcept { return ports_[port_index].zone; }

  // One more than the highest zone of a port.
  std::size_t zone_count() const noexcept {
    std::size_t count = 1;
    for (const Port& port : ports_) count = std::max<std::size_t>(count, port.zone + 1U);
    return count;
  }

 private:
  struct Port {
    MacAddress mac{};
    std::uint16_t vlan{};
    std::uint8_t zone{};
    IpAddress link_local;              // not set: no IPv6 on this port
    std::vector<IpPrefix> interfaces;  // host bits stand
  };

  std::vector<Port> ports_;
  std::vector<FloatingAddress> all_;  // rising
};

}  // namespace twinplane::dataplane
