// SPDX-License-Identifier: BSD-3-Clause
// group_address.hpp - multicast groups and their sources of either family in 16 bytes.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  an IPv4 address stands as ::ffff:a.b.c.d, which no IPv6 packet carries (parse() refuses
//          it). All bytes zero: no address.
// Errors:  none.
// Spec:    RFC 4291 sections 2.5.5.2 and 2.7, RFC 5771 section 4 (local control block), RFC 1112
//          section 6.4 and RFC 2464 section 7 (link addresses of groups).
#pragma once

#include <algorithm>

#include "dataplane/packet_view.hpp"
#include "dataplane/virtual_mac.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

enum class GroupFamily : std::uint8_t { kIp4, kIp6 };
inline constexpr std::size_t kGroupFamilyCount = 2;

inline constexpr tables::Address6 kNoAddress{};

constexpr tables::Address6 mapped(const tables::Address4& address) noexcept {
  tables::Address6 result{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::copy(address.begin(), address.end(), result.begin() + 12);
  return result;
}

inline constexpr tables::Address6 kUnspecified4 = mapped({});

constexpr GroupFamily family_of(const tables::Address6& address) noexcept {
  return std::equal(kUnspecified4.begin(), kUnspecified4.begin() + 12, address.begin())
             ? GroupFamily::kIp4
             : GroupFamily::kIp6;
}

// Meaningful only for an address of that family.
constexpr tables::Address4 v4_of(const tables::Address6& address) noexcept {
  return {address[12], address[13], address[14], address[15]};
}

// Of that family: an IPv6 message may carry what looks like an IPv4 group.
constexpr bool is_group(const tables::Address6& address, GroupFamily family) noexcept {
  if (family_of(address) != family) return false;
  return family == GroupFamily::kIp6 ? address[0] == 0xFF : (address[12] & 0xF0U) == 0xE0U;
}

// Of that family, and neither multicast, unspecified nor loopback: what can be the source of a
// group's packets.
constexpr bool is_group_source(const tables::Address6& address, GroupFamily family) noexcept {
  constexpr tables::Address6 kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (family_of(address) != family) return false;
  if (family == GroupFamily::kIp6)
    return address[0] != 0xFF && address != kNoAddress && address != kLoopback;
  return address[12] != 0 && address[12] != 127 && address[12] < 224;
}

// Never leaves its link, so that no router needs to know who listens: 224.0.0.0/24 and the scopes
// below 3.
constexpr bool is_link_scope(const tables::Address6& group) noexcept {
  if (family_of(group) == GroupFamily::kIp6) return (group[1] & 0x0FU) <= 2;
  return group[12] == 224 && group[13] == 0 && group[14] == 0;
}

inline MacAddress group_mac_of(const tables::Address6& group) noexcept {
  if (family_of(group) == GroupFamily::kIp6) return multicast_mac_of(group);
  return {0x01, 0x00, 0x5E, static_cast<std::uint8_t>(group[13] & 0x7FU), group[14], group[15]};
}

// The address without which there is none of that family.
constexpr tables::Address6 unspecified(GroupFamily family) noexcept {
  return family == GroupFamily::kIp4 ? kUnspecified4 : kNoAddress;
}

inline constexpr tables::Address6 kAllHosts4 = mapped({224, 0, 0, 1});
inline constexpr tables::Address6 kAllRouters4 = mapped({224, 0, 0, 2});
inline constexpr tables::Address6 kReports4 = mapped({224, 0, 0, 22});
inline constexpr tables::Address6 kAllRouters6{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
inline constexpr tables::Address6 kReports6{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16};

}  // namespace twinplane::dataplane
