// SPDX-License-Identifier: BSD-3-Clause
// flow_key.hpp - the canonical key of a flow: one key for both directions, IPv4 and IPv6.
//
// Thread:  any; values.
// Memory:  16 bytes (IPv4), 40 bytes (IPv6), no padding: keys are hashed and compared as bytes.
// Limits:  addresses and ports stand in network byte order, exactly as in the packet. For ICMP echo
//          both ports hold the identifier; for protocols without ports both are 0.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 4.3: a session without translation has one key for both
//          directions, a translated one has two.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>

namespace twinplane::tables {

using Address4 = std::array<std::uint8_t, 4>;
using Address6 = std::array<std::uint8_t, 16>;

// IPv4 addresses where both families stand in one form (RFC 4291 section 2.5.5.2).
constexpr Address6 mapped_address(const Address4& address) noexcept {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, address[0], address[1], address[2], address[3]};
}

// One end of a flow. The port is in network byte order.
template <class Address>
struct Endpoint {
  Address address{};
  std::uint16_t port_be{};

  friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
};

// The end that compares lower (address, then port, as bytes) is `a`, whichever direction the packet
// had.
template <class Address>
struct FlowKey {
  Address address_a{};
  Address address_b{};
  std::uint16_t port_a_be{};
  std::uint16_t port_b_be{};
  std::uint8_t protocol{};
  std::uint8_t vsys{};
  std::uint16_t zero{};

  friend bool operator==(const FlowKey& left, const FlowKey& right) noexcept {
    return std::memcmp(&left, &right, sizeof(FlowKey)) == 0;
  }
};

using FlowKey4 = FlowKey<Address4>;
using FlowKey6 = FlowKey<Address6>;
static_assert(sizeof(FlowKey4) == 16 && std::has_unique_object_representations_v<FlowKey4>);
static_assert(sizeof(FlowKey6) == 40 && std::has_unique_object_representations_v<FlowKey6>);

// A packet's key and which end sent it.
template <class Address>
struct DirectedKey {
  FlowKey<Address> key;
  bool source_is_a;
};

// As bytes: address, then port; in words, as it is asked of every packet.
inline bool endpoint_less(const Endpoint<Address4>& left,
                          const Endpoint<Address4>& right) noexcept {
  const auto rank = [](const Endpoint<Address4>& end) {
    std::uint32_t address_be;
    std::memcpy(&address_be, &end.address, sizeof address_be);
    return std::uint64_t{__builtin_bswap32(address_be)} << 16U | __builtin_bswap16(end.port_be);
  };
  return rank(left) < rank(right);
}

inline bool endpoint_less(const Endpoint<Address6>& left,
                          const Endpoint<Address6>& right) noexcept {
  const auto rank = [](const Endpoint<Address6>& end) {
    std::array<std::uint64_t, 2> address_be;
    std::memcpy(&address_be, &end.address, sizeof address_be);
    return std::tuple(__builtin_bswap64(address_be[0]), __builtin_bswap64(address_be[1]),
                      __builtin_bswap16(end.port_be));
  };
  return rank(left) < rank(right);
}

// Put together in words, as it is hashed: pieces that are stored small and read large at once would
// wait for the store buffer.
template <class Address>
inline DirectedKey<Address> make_key(const Endpoint<Address>& source,
                                     const Endpoint<Address>& target, std::uint8_t protocol,
                                     std::uint8_t vsys) noexcept {
  const bool source_is_a = !endpoint_less(target, source);
  const Endpoint<Address>& a = source_is_a ? source : target;
  const Endpoint<Address>& b = source_is_a ? target : source;
  std::array<std::uint64_t, sizeof(FlowKey<Address>) / 8> words;
  if constexpr (sizeof(Address) == 4) {
    words[0] = std::bit_cast<std::uint32_t>(a.address) |
               std::uint64_t{std::bit_cast<std::uint32_t>(b.address)} << 32U;
  } else {
    std::memcpy(words.data(), a.address.data(), sizeof a.address);
    std::memcpy(words.data() + sizeof a.address / 8, b.address.data(), sizeof b.address);
  }
  words.back() = a.port_be | std::uint64_t{b.port_be} << 16U | std::uint64_t{protocol} << 32U |
                 std::uint64_t{vsys} << 40U;
  return {std::bit_cast<FlowKey<Address>>(words), source_is_a};
}

// The two ends again, as the packet that `directed` came from had them.
template <class Address>
inline Endpoint<Address> source_of(const DirectedKey<Address>& directed) noexcept {
  const auto& key = directed.key;
  return directed.source_is_a ? Endpoint<Address>{key.address_a, key.port_a_be}
                              : Endpoint<Address>{key.address_b, key.port_b_be};
}

template <class Address>
inline Endpoint<Address> target_of(const DirectedKey<Address>& directed) noexcept {
  return source_of(DirectedKey<Address>{directed.key, !directed.source_is_a});
}

}  // namespace twinplane::tables
