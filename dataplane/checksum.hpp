// SPDX-License-Identifier: BSD-3-Clause
// checksum.hpp - the Internet checksum: whole, and changed by what was changed.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  a span of up to 64 KiB. Sums and checksums are kept in the packet's byte order (`_be`):
//          one's complement addition does not care (RFC 1071 section 2 B), so nothing is ever
//          swapped.
// Errors:  none.
// Spec:    RFC 1071; RFC 1624 equation 3 for changes; RFC 768 and RFC 8200 section 8.1 (pseudo
//          headers, UDP's zero); RFC 6936 (an IPv6 UDP datagram with checksum zero keeps it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

constexpr std::uint16_t fold_sum(std::uint64_t sum) noexcept {
  sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

// Adds `bytes` as 16-bit words to `sum`; an odd last byte is padded with a zero byte.
inline std::uint64_t add_sum(std::span<const std::byte> bytes, std::uint64_t sum = 0) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) sum += load_raw<std::uint32_t>(at);
  if (left >= 2) {
    sum += load_raw<std::uint16_t>(at);
    at += 2;
    left -= 2;
  }
  if (left != 0) {
    const std::array<std::byte, 2> padded{*at, std::byte{0}};
    sum += load_raw<std::uint16_t>(padded.data());
  }
  return sum;
}

// Over a header whose checksum field is 0. Over one whose field is right the answer is 0.
inline std::uint16_t checksum_be(std::span<const std::byte> bytes, std::uint64_t sum = 0) noexcept {
  return static_cast<std::uint16_t>(~fold_sum(add_sum(bytes, sum)));
}

// Address is tables::Address4 or Address6. `l4_bytes` is the length of transport header and
// payload.
template <class Address>
inline std::uint64_t pseudo_header_sum(const Address& source, const Address& target,
                                       std::uint8_t protocol, std::uint32_t l4_bytes) noexcept {
  std::uint64_t sum = add_sum(std::as_bytes(std::span(source)));
  sum = add_sum(std::as_bytes(std::span(target)), sum);
  return sum + network_order(std::uint32_t{protocol}) + network_order(l4_bytes);
}

// TCP, UDP or ICMPv6 over `segment`, whose checksum field is 0 (or right: then the answer is 0).
template <class Address>
inline std::uint16_t l4_checksum_be(const Address& source, const Address& target,
                                    std::uint8_t protocol,
                                    std::span<const std::byte> segment) noexcept {
  return checksum_be(segment, pseudo_header_sum(source, target, protocol,
                                                static_cast<std::uint32_t>(segment.size())));
}

// A computed UDP checksum of 0 is sent as 0xFFFF: 0 means that there is none.
constexpr std::uint16_t udp_wire_checksum_be(std::uint16_t computed_be) noexcept {
  return computed_be == 0 ? 0xFFFF : computed_be;
}

// Collects what changed in a packet, then moves any checksum that covers it.
class ChecksumDelta {
 public:
  // Both values in the packet's byte order, at an even distance from the start of what the checksum
  // covers.
  constexpr void replace(std::uint16_t before_be, std::uint16_t after_be) noexcept {
    sum_ += static_cast<std::uint16_t>(~before_be);
    sum_ += after_be;
  }

  constexpr void replace(std::uint32_t before_be, std::uint32_t after_be) noexcept {
    sum_ += static_cast<std::uint32_t>(~before_be);
    sum_ += after_be;
  }

  void replace(const tables::Address4& before, const tables::Address4& after) noexcept {
    replace_words(before, after);
  }

  void replace(const tables::Address6& before, const tables::Address6& after) noexcept {
    replace_words(before, after);
  }

  // IPv4 header, TCP, ICMP.
  constexpr std::uint16_t apply(std::uint16_t checksum_before_be) const noexcept {
    const std::uint16_t inverted = static_cast<std::uint16_t>(~checksum_before_be);
    return static_cast<std::uint16_t>(~fold_sum(sum_ + inverted));
  }

  // UDP: none stays none, and one that becomes 0 is sent as 0xFFFF.
  constexpr std::uint16_t apply_udp(std::uint16_t checksum_before_be) const noexcept {
    return checksum_before_be == 0 ? checksum_before_be
                                   : udp_wire_checksum_be(apply(checksum_before_be));
  }

 private:
  template <std::size_t kBytes>
  void replace_words(const std::array<std::uint8_t, kBytes>& before,
                     const std::array<std::uint8_t, kBytes>& after) noexcept {
    static_assert(kBytes % 4 == 0);
    const auto before_bytes = std::as_bytes(std::span(before));
    const auto after_bytes = std::as_bytes(std::span(after));
    for (std::size_t at = 0; at < kBytes; at += 4) {
      replace(load_raw<std::uint32_t>(before_bytes.data() + at),
              load_raw<std::uint32_t>(after_bytes.data() + at));
    }
  }

  std::uint64_t sum_ = 0;
};

}  // namespace twinplane::dataplane
