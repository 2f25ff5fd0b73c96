// SPDX-License-Identifier: BSD-3-Clause
// virtual_mac.hpp - the link addresses that both boxes of a pair use for a port: MAC and IPv6
// link-local.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  port indexes below 256 (kPortsMax is 32).
// Errors:  none.
// Spec:    RFC 4291 section 2.5.6 and appendix A (modified EUI-64); RFC 2464 sections 4 and 5.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/config.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// 00:1b:17:00:GROUP:PORT, the same on both boxes: after a takeover no neighbor has anything to
// learn, only switches have.
inline MacAddress virtual_mac(const PortConfig& port, std::size_t port_index) noexcept {
  return {0x00, 0x1B, 0x17, 0x00, port.virtual_mac_group, static_cast<std::uint8_t>(port_index)};
}

// fe80::/64 with the interface identifier made from `mac`.
inline tables::Address6 link_local_of(const MacAddress& mac) noexcept {
  constexpr std::uint8_t kUniversalBit = 0x02;
  tables::Address6 address{0xFE, 0x80};
  std::copy_n(mac.begin(), 3, address.begin() + 8);
  address[8] ^= kUniversalBit;
  address[11] = 0xFF;
  address[12] = 0xFE;
  std::copy_n(mac.begin() + 3, 3, address.begin() + 13);
  return address;
}

inline constexpr tables::Address6 kAllNodes{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
inline constexpr MacAddress kBroadcastMac{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

// ff02::1:ffXX:XXXX, to which whoever has `address` listens (RFC 4291 section 2.7.1).
inline tables::Address6 solicited_node_of(const tables::Address6& address) noexcept {
  tables::Address6 group{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF};
  std::copy_n(address.begin() + 13, 3, group.begin() + 13);
  return group;
}

inline MacAddress multicast_mac_of(const tables::Address6& group) noexcept {
  return {0x33, 0x33, group[12], group[13], group[14], group[15]};
}

}  // namespace twinplane::dataplane
