// SPDX-License-Identifier: BSD-3-Clause
// error_source.hpp - as whom the box speaks when it tells a sender that its packet went no further.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  none.
// Errors:  an address of zeros, or false, when the box has none of that family: then there is no
//          error to send.
// Spec:    RFC 1812 section 4.3.2.4 (an address of the port by which the error leaves); RFC 4443
//          section 2.2; RFC 4291 section 2.5.6 and RFC 3927 section 7 (a link-local address says
//          nothing beyond its link).
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>

#include "dataplane/config.hpp"
#include "dataplane/icmp_error.hpp"
#include "dataplane/link_local.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/virtual_mac.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// The port's first address of the family that is not `to`; without `allows_link_local`, that
// routers forward, too.
template <class Address>
std::optional<Address> try_port_address(const PortConfig& port, const Address& to,
                                        bool allows_link_local) noexcept {
  for (const IpPrefix& own : port.addresses) {
    Address address{};
    if constexpr (std::is_same_v<Address, tables::Address4>) {
      if (!own.address.is4()) continue;
      address = own.address.v4();
    } else {
      if (!own.address.is6()) continue;
      address = own.address.v6();
    }
    if (address != to && (allows_link_local || !is_link_local(address))) return address;
  }
  return std::nullopt;
}

// An address of the port, for an error that goes to `to`; of a port that has none, another port's:
// its next hop may be link-local, or its only address be what the sender hides behind.
template <class Address>
Address error_source(const Config& config, std::size_t port_index, const Address& to) noexcept {
  if (const auto own = try_port_address(config.ports[port_index], to, is_link_local(to)))
    return *own;
  for (const PortConfig& port : config.ports)
    if (const auto other = try_port_address(port, to, false)) return *other;
  return {};
}

// Puts into `order`, of which kind and MTU are set, as whom the error about the packet leaves by
// that port. False: as nobody, there is no error to send.
[[nodiscard]] inline bool try_sign(IcmpErrorOrder& order, const Config& config,
                                   const PacketView& view, std::uint8_t port_index) noexcept {
  order.mac = virtual_mac(config.ports[port_index], port_index);
  if (order.kind == IcmpErrorKind::kPortUnreachable) {
    // RFC 4443 section 2.2 (a): what was asked answers.
    order.source4 = view.target4.address;
    order.source6 = view.target6.address;
  } else {
    order.source4 = error_source(config, port_index, view.source4.address);
    order.source6 = error_source(config, port_index, view.source6.address);
  }
  return view.kind == PacketKind::kIp4 ? order.source4 != tables::Address4{}
                                       : order.source6 != tables::Address6{};
}

}  // namespace twinplane::dataplane
