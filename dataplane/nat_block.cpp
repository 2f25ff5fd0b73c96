// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat_block.hpp"

#include <algorithm>

namespace twinplane::dataplane {
namespace {

// Above this a prefix has more addresses than there can be blocks.
constexpr unsigned kHostBitsMax = 32;

unsigned host_bits(const IpPrefix& prefix) noexcept {
  return std::min<unsigned>(bits_of(prefix.address.family) - prefix.length_bits, kHostBitsMax);
}

std::uint64_t size_of(const IpPrefix& prefix) noexcept {
  return std::uint64_t{1} << host_bits(prefix);
}

// Where the last 32 bits of an address stand.
std::size_t tail_of(const IpAddress& address) noexcept { return address.is4() ? 0 : 12; }

std::uint32_t low_word(const IpAddress& address) noexcept {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) word = word << 8U | address.bytes[tail_of(address) + i];
  return word;
}

// The address `offset` above the network's first.
IpAddress nth_of(const IpPrefix& network, std::uint32_t offset) noexcept {
  IpAddress address = network.address;
  const std::uint32_t word = low_word(address) | offset;
  for (std::size_t i = 0; i < 4; ++i)
    address.bytes[tail_of(address) + i] = static_cast<std::uint8_t>(word >> (24 - 8 * i));
  return address;
}

std::uint32_t blocks_an_address(const NatConfig& nat) noexcept {
  return (nat.ports.last - nat.ports.first + 1U) / nat.block_ports;
}

std::string line(const NatConfig& nat, const IpAddress& inside) {
  const std::optional<std::uint32_t> ordinal = try_ordinal(nat, inside);
  if (!ordinal) return {};
  const NatBlock block = block_of(nat, *ordinal);
  return "nat \"" + nat.name + "\": " + to_text(inside) + " has ports " +
         std::to_string(block.ports.first) + "-" + std::to_string(block.ports.last) + " of " +
         to_text(nat.addresses[block.address_index]) + "\n";
}

}  // namespace

std::uint64_t inside_count(const NatConfig& nat) noexcept {
  std::uint64_t count = 0;
  for (const IpPrefix& network : nat.source) count += size_of(network);
  return count;
}

std::uint64_t block_count(const NatConfig& nat) noexcept {
  return std::uint64_t{blocks_an_address(nat)} * nat.addresses.size();
}

std::optional<std::uint32_t> try_ordinal(const NatConfig& nat, const IpAddress& inside) noexcept {
  std::uint64_t before = 0;
  for (const IpPrefix& network : nat.source) {
    if (contains(network, inside)) {
      const std::uint64_t offset = low_word(inside) & (size_of(network) - 1);
      return static_cast<std::uint32_t>(before + offset);
    }
    before += size_of(network);
  }
  return std::nullopt;
}

NatBlock block_of(const NatConfig& nat, std::uint32_t ordinal) noexcept {
  const auto address_count = static_cast<std::uint32_t>(nat.addresses.size());
  const std::uint32_t first = nat.ports.first + ordinal / address_count * nat.block_ports;
  return {.address_index = ordinal % address_count,
          .ports = {static_cast<std::uint16_t>(first),
                    static_cast<std::uint16_t>(first + nat.block_ports - 1)}};
}

std::optional<IpAddress> try_inside_of(const NatConfig& nat, const IpAddress& address,
                                       std::uint16_t port) noexcept {
  const auto found = std::find(nat.addresses.begin(), nat.addresses.end(), address);
  if (found == nat.addresses.end() || port < nat.ports.first) return std::nullopt;
  const std::uint32_t turn = (port - nat.ports.first) / std::uint32_t{nat.block_ports};
  if (turn >= blocks_an_address(nat)) return std::nullopt;
  std::uint64_t ordinal = std::uint64_t{turn} * nat.addresses.size() +
                          static_cast<std::uint64_t>(found - nat.addresses.begin());
  for (const IpPrefix& network : nat.source) {
    if (ordinal < size_of(network)) return nth_of(network, static_cast<std::uint32_t>(ordinal));
    ordinal -= size_of(network);
  }
  return std::nullopt;
}

std::string blocks_text(const Config& config, std::string_view asked) {
  const std::optional<IpAddress> inside = parse_address(asked);
  const std::optional<SocketAddress> end = parse_socket_address(asked);
  std::string text;
  for (const NatConfig& nat : config.nat) {
    if (nat.block_ports == 0) continue;
    const std::optional<IpAddress> who = end ? try_inside_of(nat, end->address, end->port) : inside;
    if (who) text += line(nat, *who);
  }
  return text;
}

}  // namespace twinplane::dataplane
