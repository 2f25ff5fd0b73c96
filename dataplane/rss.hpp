// SPDX-License-Identifier: BSD-3-Clause
// rss.hpp - the hash that spreads flows over partitions, both directions alike, as devices compute
// it and in software.
//
// Thread:  any; pure.
// Memory:  tables of 2 KiB, made by the compiler.
// Limits:  16 bits of hash in effect: partitions up to 65536. Nobody is kept from aiming at one
//          partition (the key is public and must be, for both directions to agree); the index
//          inside a partition is seeded.
// Errors:  none.
// Spec:    Toeplitz as Microsoft RSS defines it, with the symmetric key 0x6d5a repeated (Woo and
//          Park, "Scalable TCP session monitoring with symmetric receive-side scaling", 2012).
//          dataplane/DESIGN.md D-D1, D-D5.
//
// Why it is fast. Toeplitz is linear over XOR: the hash is the XOR of one 32-bit window of the key
// for each bit set in the input. This key repeats every 16 bits, so a bit's window depends on its
// place within its 16-bit word alone, and both halves of a window are equal. The hash of any input
// is therefore port_hash(XOR of all its 16-bit words) * 0x10001: fold, two look-ups.
//
// How a device is to be set up. The low bits of the hash name the partition; a device uses the low
// bits as index of its redirection table (RETA). Entry i must send to the worker that owns
// partition i modulo the partition count. With fewer entries than partitions, all partitions that
// are equal modulo the number of entries must have one worker.
//
// Where a device's hash is not the flow's: fragments (it sees no ports), ICMP echo (it sees no
// identifier), SCTP (by its ports alone), IPv6 extension headers (devices differ), two tags. See
// device_hash_holds(); for those the software computes flow_hash() and hands the packet over.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/packet_view.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

inline constexpr std::uint16_t kRssKeyWord = 0x6D5A;

// For the device: 40 bytes, enough for IPv6 with ports.
inline constexpr auto kRssKey = [] {
  std::array<std::uint8_t, 40> key{};
  for (std::size_t at = 0; at < key.size(); ++at)
    key[at] = static_cast<std::uint8_t>(at % 2 == 0 ? kRssKeyWord >> 8U : kRssKeyWord & 0xFFU);
  return key;
}();

namespace rss_internal {

// The definition: one rotated key word for each bit set, the highest bit first.
constexpr std::uint16_t port_hash_bitwise(std::uint16_t word) noexcept {
  unsigned hash = 0;
  for (int bit = 0; bit < 16; ++bit) {
    if ((word >> (15 - bit) & 1) != 0) hash ^= std::rotl(kRssKeyWord, bit);
  }
  return static_cast<std::uint16_t>(hash);
}

// As a polynomial over GF(2) modulo x^16 - 1 the key word p has an odd number of terms, so p^16 = 1
// and p^15 is its inverse.
constexpr std::uint16_t inverse_bitwise(std::uint16_t hash) noexcept {
  for (int power = 0; power < 15; ++power) hash = port_hash_bitwise(hash);
  return hash;
}

static_assert(std::popcount(kRssKeyWord) % 2 == 1);

// A linear function of 16 bits as two tables of bytes.
struct LinearTable {
  std::array<std::uint16_t, 256> low{};
  std::array<std::uint16_t, 256> high{};

  template <class Function>
  explicit constexpr LinearTable(Function function) noexcept {
    for (std::uint16_t byte = 0; byte < 256; ++byte) {
      low[byte] = function(byte);
      high[byte] = function(static_cast<std::uint16_t>(byte << 8U));
    }
  }

  constexpr std::uint16_t operator()(std::uint16_t word) const noexcept {
    return static_cast<std::uint16_t>(low[word & 0xFFU] ^ high[word >> 8U]);
  }
};

extern const LinearTable kHashTable;
extern const LinearTable kInverseTable;

constexpr std::uint32_t widen(std::uint16_t hash) noexcept { return hash * 0x10001U; }

// XOR of all 16-bit words, as the packet has them.
inline std::uint16_t fold_be(const tables::Address4& address) noexcept {
  const auto word = std::bit_cast<std::uint32_t>(address);
  return static_cast<std::uint16_t>(word ^ (word >> 16U));
}

inline std::uint16_t fold_be(const tables::Address6& address) noexcept {
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(address);
  std::uint64_t word = words[0] ^ words[1];
  word ^= word >> 32U;
  return static_cast<std::uint16_t>(word ^ (word >> 16U));
}

constexpr bool counts_once(std::uint8_t protocol) noexcept {
  return protocol == kProtocolIcmp || protocol == kProtocolIcmp6;
}

}  // namespace rss_internal

// What a port (host order) adds, by XOR, to the low 16 bits of any hash it is part of.
inline std::uint16_t port_hash(std::uint16_t port) noexcept {
  return rss_internal::kHashTable(port);
}

// The port whose port_hash is `hash`: there is exactly one.
inline std::uint16_t port_with_hash(std::uint16_t hash) noexcept {
  return rss_internal::kInverseTable(hash);
}

// As a device computes it over {source, destination}: for whatever has no ports in sight, fragments
// first of all. All fragments of a datagram meet where this leads, and so does their fragment
// table.
template <class Address>
inline std::uint32_t address_hash(const Address& source, const Address& target) noexcept {
  const auto folded_be =
      static_cast<std::uint16_t>(rss_internal::fold_be(source) ^ rss_internal::fold_be(target));
  return rss_internal::widen(port_hash(network_order(folded_be)));
}

// As a device computes it over {source, destination, source port, destination port}. Ports of 0
// leave the address_hash.
template <class Address>
inline std::uint32_t tuple_hash(const tables::Endpoint<Address>& source,
                                const tables::Endpoint<Address>& target) noexcept {
  const auto folded_be = static_cast<std::uint16_t>(rss_internal::fold_be(source.address) ^
                                                    rss_internal::fold_be(target.address) ^
                                                    source.port_be ^ target.port_be);
  return rss_internal::widen(port_hash(network_order(folded_be)));
}

// The hash of a flow, which names its partition, from either direction. That is tuple_hash, but an
// ICMP identifier, which stands in both ports and would cancel out, counts once: so echoes spread
// too, and NAT can steer their replies.
template <class Address>
inline std::uint32_t flow_hash(std::uint8_t protocol, const tables::Endpoint<Address>& source,
                               const tables::Endpoint<Address>& target) noexcept {
  const bool once = rss_internal::counts_once(protocol);
  return tuple_hash(source, {target.address, once ? std::uint16_t{0} : target.port_be});
}

template <class Address>
inline std::uint32_t flow_hash(const tables::FlowKey<Address>& key) noexcept {
  return flow_hash<Address>(key.protocol, {key.address_a, key.port_a_be},
                            {key.address_b, key.port_b_be});
}

// Of both ports alone, from either direction: all paths of an SCTP association have these in
// common. Equal ports, which SCTP likes, must not cancel out.
constexpr std::uint32_t port_pair_hash(std::uint16_t source_port_be,
                                       std::uint16_t target_port_be) noexcept {
  const auto [low, high] = std::minmax(source_port_be, target_port_be);
  const std::uint64_t pair = std::uint64_t{low} << 16U | high;
  return static_cast<std::uint32_t>(pair * 0x9E3779B97F4A7C15U >> 32U);
}

// Of a parsed IPv4 or IPv6 packet, SCTP by port_pair_hash(); of a later fragment only after the
// fragment table has filled in its ports.
std::uint32_t flow_hash(const PacketView& view) noexcept;

// Does a device set up with kRssKey for addresses, TCP and UDP compute flow_hash() for this packet?
bool device_hash_holds(const PacketView& view) noexcept;

// `partition_count` is a power of two.
constexpr std::uint32_t partition_of(std::uint32_t hash, std::uint32_t partition_count) noexcept {
  return hash & (partition_count - 1);
}

// Source NAT's choice. The reply to a translated packet goes from the server to the NAT address and
// the chosen port; it must land in the partition that owns the session. Its hash is this base XOR
// port_hash(chosen port), so a candidate costs two look-ups, and nth_port() walks exactly the ports
// that fit. A reply tuple lands in one partition only: so no two partitions, and no two boxes,
// since each partition has one owner, can ever give out the same one. No range is divided and
// nobody is asked.
struct ReplyBase {
  std::uint16_t hash{};

  // `server` as the packet names it; of ICMP its port (the identifier) does not count.
  template <class Address>
  static ReplyBase of(std::uint8_t protocol, const tables::Endpoint<Address>& server,
                      const Address& nat_address) noexcept {
    const bool once = rss_internal::counts_once(protocol);
    return {static_cast<std::uint16_t>(tuple_hash<Address>(
        {server.address, once ? std::uint16_t{0} : server.port_be}, {nat_address, 0}))};
  }

  // `port` in host order.
  std::uint32_t partition_with(std::uint16_t port, std::uint32_t partition_count) const noexcept {
    return partition_of(static_cast<std::uint32_t>(hash ^ port_hash(port)), partition_count);
  }

  // Each of the 65536 ports (0 among them) comes up once, for one partition and one `n` in [0,
  // 65536 / partition_count). partition_count is a power of two up to 65536, partition below it.
  std::uint16_t nth_port(std::uint32_t n, std::uint32_t partition,
                         std::uint32_t partition_count) const noexcept {
    return port_with_hash(static_cast<std::uint16_t>(hash ^ (n * partition_count + partition)));
  }
};

}  // namespace twinplane::dataplane
