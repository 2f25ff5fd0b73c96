// SPDX-License-Identifier: BSD-3-Clause
// config_floating.hpp - every address that the active box answers for, and on which port.
//
// Thread:  set-up only, one thread.
// Memory:  18 bytes an address.
// Limits:  those of config.hpp.
// Errors:  none; expects a Config that load_config has passed.
// Spec:    RFC 826 (ARP) and RFC 4861 (ND) are what answers.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/config.hpp"

namespace twinplane::dataplane {

// Whether a network of the port holds the address.
bool is_on_link(const PortConfig& port, const IpAddress& address) noexcept;

struct FloatingAddress {
  IpAddress address;
  std::uint8_t port_index;  // into Config::ports

  friend auto operator<=>(const FloatingAddress&, const FloatingAddress&) = default;
};

// The addresses of the ports, those of source NAT that lie on a network of a port in the nat rule's
// "to" zones, and translated destinations that lie on one in the rule's "from" zones. In rising
// order by address, each once for a port.
std::vector<FloatingAddress> floating_addresses(const Config& config);

}  // namespace twinplane::dataplane
