// SPDX-License-Identifier: BSD-3-Clause
// config_address.hpp - IP addresses and prefixes of either family as configuration names them, and
// their text.
//
// Thread:  any; values.
// Memory:  IpAddress 17 bytes, IpPrefix 18; parsing and printing allocate, comparing does not.
// Limits:  bytes stand in network order; an IPv4 address uses the first four and the rest are 0.
// Errors:  parsing answers nothing for what is not an address; nobody throws.
// Spec:    RFC 4291 section 2.2 (IPv6 text), RFC 4632 (prefixes).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

using MacAddress = std::array<std::uint8_t, 6>;

enum class Family : std::uint8_t { kNone = 0, kIpv4 = 4, kIpv6 = 6 };

struct IpAddress {
  Family family{Family::kNone};
  std::array<std::uint8_t, 16> bytes{};

  static IpAddress of(const tables::Address4& address) noexcept;
  static IpAddress of(const tables::Address6& address) noexcept;

  bool is_set() const noexcept { return family != Family::kNone; }

  bool is4() const noexcept { return family == Family::kIpv4; }

  bool is6() const noexcept { return family == Family::kIpv6; }

  // Meaningful only for an address of that family.
  tables::Address4 v4() const noexcept;
  tables::Address6 v6() const noexcept;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// An address and how many of its leading bits count. In a network the other bits are 0; in an
// interface's address they are the host.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length_bits{};

  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

// One end of a UDP path of the kernel; the port is in host byte order.
struct SocketAddress {
  IpAddress address;
  std::uint16_t port{};

  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

constexpr std::uint8_t bits_of(Family family) noexcept {
  return family == Family::kIpv6 ? 128 : 32;
}

IpPrefix network_of(const IpPrefix& prefix) noexcept;
// The last address of the network: IPv4's broadcast address.
IpAddress last_of(const IpPrefix& prefix) noexcept;
bool contains(const IpPrefix& network, const IpAddress& address) noexcept;
bool overlap(const IpPrefix& left, const IpPrefix& right) noexcept;

// Neither unspecified, loopback, multicast nor broadcast. Link-local addresses are unicast.
bool is_unicast(const IpAddress& address) noexcept;
// IPv6's fe80::/10, which exists on every link. IPv4's 169.254.0.0/16 is a network like any other
// here.
bool is_link_local(const IpAddress& address) noexcept;

std::optional<IpAddress> parse_address(std::string_view text);
// "ADDRESS/LENGTH"; host bits are kept.
std::optional<IpPrefix> parse_prefix(std::string_view text);
// "10.0.0.1:80" or "[fd00::1]:80".
std::optional<SocketAddress> parse_socket_address(std::string_view text);
// "00:1b:17:00:01:00"
std::optional<MacAddress> parse_mac(std::string_view text);
// Decimal digits only, at most `max`.
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) noexcept;

std::string to_text(const IpAddress& address);
std::string to_text(const IpPrefix& prefix);
std::string to_text(const SocketAddress& address);
std::string to_text(const MacAddress& address);

}  // namespace twinplane::dataplane
