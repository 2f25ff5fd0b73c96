// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat_pool.hpp"

#include <xxhash.h>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {

NatPool::NatPool(const Config& config, std::uint64_t seed) : seed_(seed) {
  TWINPLANE_CHECK(config.nat.size(), <=, kNatRulesMax);
  for (const NatConfig& nat : config.nat) {
    Row row{};
    if (nat.destination) {
      rows_.push_back(row);  // no zone: matches nothing, and holds the rule's number
      continue;
    }
    TWINPLANE_CHECK(nat.addresses.size(), >=, std::size_t{1});
    row.zones_from = zone_bits(nat.from_zones);
    row.zones_to = zone_bits(nat.to_zones);
    row.family = nat.addresses.front().family;
    row.source_begin = static_cast<std::uint32_t>(sources_.size());
    for (const IpPrefix& network : nat.source) sources_.push_back(network_of(network));
    row.source_end = static_cast<std::uint32_t>(sources_.size());
    row.address_begin = static_cast<std::uint32_t>(
        row.family == Family::kIpv4 ? addresses4_.size() : addresses6_.size());
    row.address_count = static_cast<std::uint32_t>(nat.addresses.size());
    for (const IpAddress& address : nat.addresses) {
      TWINPLANE_CHECK(static_cast<int>(address.family), ==, static_cast<int>(row.family));
      if (address.is4()) {
        addresses4_.push_back(address.v4());
      } else {
        addresses6_.push_back(address.v6());
      }
    }
    row.port_first = nat.ports.first;
    row.port_count = nat.ports.last - nat.ports.first + 1U;
    row.block_rule = kNoBlocks;
    if (nat.block_ports != 0) {
      row.block_rule = static_cast<std::uint32_t>(block_rules_.size());
      block_rules_.push_back(nat);
    }
    rows_.push_back(row);
  }
}

std::uint16_t NatPool::match(const IpAddress& source, std::uint8_t zone_from,
                             std::uint8_t zone_to) const noexcept {
  const std::uint64_t from = std::uint64_t{1} << (zone_from % kZonesMax);
  const std::uint64_t to = std::uint64_t{1} << (zone_to % kZonesMax);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (row.family != source.family || (row.zones_from & from) == 0 || (row.zones_to & to) == 0)
      continue;
    const bool source_matches =
        row.source_begin == row.source_end ||
        std::any_of(sources_.begin() + row.source_begin, sources_.begin() + row.source_end,
                    [&source](const IpPrefix& network) { return contains(network, source); });
    if (source_matches) return static_cast<std::uint16_t>(i);
  }
  return kNoNatRule;
}

std::uint16_t NatPool::match(const tables::Address4& source, std::uint8_t zone_from,
                             std::uint8_t zone_to) const noexcept {
  return match(IpAddress::of(source), zone_from, zone_to);
}

std::uint16_t NatPool::match(const tables::Address6& source, std::uint8_t zone_from,
                             std::uint8_t zone_to) const noexcept {
  return match(IpAddress::of(source), zone_from, zone_to);
}

std::uint64_t NatPool::address_start(const std::uint8_t* bytes,
                                     std::size_t byte_count) const noexcept {
  return XXH3_64bits_withSeed(bytes, byte_count, seed_);
}

std::uint64_t NatPool::port_start(std::uint64_t flow_hash) const noexcept {
  return XXH3_64bits_withSeed(&flow_hash, sizeof flow_hash, seed_);
}

}  // namespace twinplane::dataplane
