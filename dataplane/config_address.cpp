// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>

namespace twinplane::dataplane {
namespace {

// The mask of `prefix_bits` leading ones, as it lies over byte number `index`.
std::uint8_t mask_byte(std::size_t prefix_bits, std::size_t index) noexcept {
  const std::size_t bits_before = index * 8;
  if (prefix_bits >= bits_before + 8) return 0xFF;
  if (prefix_bits <= bits_before) return 0;
  return static_cast<std::uint8_t>(0xFF00U >> (prefix_bits - bits_before));
}

std::size_t bytes_of(Family family) noexcept { return bits_of(family) / 8U; }

}  // namespace

IpAddress IpAddress::of(const tables::Address4& address) noexcept {
  IpAddress result{Family::kIpv4, {}};
  std::copy(address.begin(), address.end(), result.bytes.begin());
  return result;
}

IpAddress IpAddress::of(const tables::Address6& address) noexcept {
  return {Family::kIpv6, address};
}

tables::Address4 IpAddress::v4() const noexcept { return {bytes[0], bytes[1], bytes[2], bytes[3]}; }

tables::Address6 IpAddress::v6() const noexcept { return bytes; }

IpPrefix network_of(const IpPrefix& prefix) noexcept {
  IpPrefix network = prefix;
  for (std::size_t i = 0; i < bytes_of(prefix.address.family); ++i) {
    network.address.bytes[i] &= mask_byte(prefix.length_bits, i);
  }
  return network;
}

IpAddress last_of(const IpPrefix& prefix) noexcept {
  IpAddress last = prefix.address;
  for (std::size_t i = 0; i < bytes_of(last.family); ++i) {
    last.bytes[i] = static_cast<std::uint8_t>(
        last.bytes[i] | static_cast<std::uint8_t>(~mask_byte(prefix.length_bits, i)));
  }
  return last;
}

bool contains(const IpPrefix& network, const IpAddress& address) noexcept {
  if (network.address.family != address.family) return false;
  return network_of({address, network.length_bits}).address == network_of(network).address;
}

bool overlap(const IpPrefix& left, const IpPrefix& right) noexcept {
  return left.length_bits <= right.length_bits ? contains(left, right.address)
                                               : contains(right, left.address);
}

bool is_unicast(const IpAddress& address) noexcept {
  const auto& bytes = address.bytes;
  if (address.is4()) return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
  if (!address.is6() || bytes[0] == 0xFF) return false;
  // Unspecified and loopback, and IPv4-mapped addresses, which never stand in a packet.
  const bool low_is_small =
      std::all_of(bytes.begin(), bytes.begin() + 15, [](std::uint8_t byte) { return byte == 0; });
  if (low_is_small && bytes[15] <= 1) return false;
  const bool mapped =
      std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t byte) { return byte == 0; }) &&
      bytes[10] == 0xFF && bytes[11] == 0xFF;
  return !mapped;
}

bool is_link_local(const IpAddress& address) noexcept {
  return address.is6() && address.bytes[0] == 0xFE && (address.bytes[1] & 0xC0U) == 0x80U;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) noexcept {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value > max) return std::nullopt;
  return value;
}

std::optional<IpAddress> parse_address(std::string_view text) {
  if (text.empty() || text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  const std::string copy(text);
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    address.family = Family::kIpv4;
    return address;
  }
  address.bytes.fill(0);
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.family = Family::kIpv6;
  return address;
}

std::optional<IpPrefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto length_bits = parse_decimal(text.substr(slash + 1), bits_of(address->family));
  if (!length_bits) return std::nullopt;
  return IpPrefix{*address, static_cast<std::uint8_t>(*length_bits)};
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  const auto port = parse_decimal(text.substr(colon + 1), 65535);
  // Without brackets the last group of an IPv6 address would be taken for the port.
  if (!address || !port || *port == 0 || address->is6() != bracketed) return std::nullopt;
  return SocketAddress{*address, static_cast<std::uint16_t>(*port)};
}

std::optional<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* const begin = text.data() + i * 3;
    const auto [stop, error] = std::from_chars(begin, begin + 2, mac[i], 16);
    if (error != std::errc{} || stop != begin + 2) return std::nullopt;
    if (i + 1 < mac.size() && *stop != ':') return std::nullopt;
  }
  return mac;
}

std::string to_text(const IpAddress& address) {
  if (!address.is_set()) return "none";
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.is4() ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string to_text(const IpPrefix& prefix) {
  return to_text(prefix.address) + "/" + std::to_string(prefix.length_bits);
}

std::string to_text(const SocketAddress& address) {
  const std::string host = to_text(address.address);
  return (address.address.is6() ? "[" + host + "]" : host) + ":" + std::to_string(address.port);
}

std::string to_text(const MacAddress& address) {
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", address[0], address[1],
                address[2], address[3], address[4], address[5]);
  return text.data();
}

}  // namespace twinplane::dataplane
