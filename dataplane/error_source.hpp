// SPDX-License-Identifier: BSD-3-Clause
// error_source.hpp - as whom the box speaks when it tells a sender that its packet went no further.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  none.
// Errors:  an address of zeros when the box has none of that family: then there is no error to
//          send.
// Spec:    RFC 1812 section 4.3.2.4 (an address of the port by which the error leaves); RFC 4443
//          section 2.2.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>

#include "dataplane/config.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// The port's first address of the family that is not `to`.
template <class Address>
std::optional<Address> try_port_address(const PortConfig& port, const Address& to) noexcept {
  for (const IpPrefix& own : port.addresses) {
    Address address{};
    if constexpr (std::is_same_v<Address, tables::Address4>) {
      if (!own.address.is4()) continue;
      address = own.address.v4();
    } else {
      if (!own.address.is6()) continue;
      address = own.address.v6();
    }
    if (address != to) return address;
  }
  return std::nullopt;
}

// An address of the port, for an error that goes to `to`; of a port that has none, another port's:
// its next hop may be link-local, or its only address be what the sender hides behind.
template <class Address>
Address error_source(const Config& config, std::size_t port_index, const Address& to) noexcept {
  if (const auto own = try_port_address(config.ports[port_index], to)) return *own;
  for (const PortConfig& port : config.ports)
    if (const auto other = try_port_address(port, to)) return *other;
  return {};
}

}  // namespace twinplane::dataplane
