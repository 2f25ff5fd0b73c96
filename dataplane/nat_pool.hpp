// SPDX-License-Identifier: BSD-3-Clause
// nat_pool.hpp - source NAT: which rule translates a session, and which address and port it gets.
//
// Thread:  built at start; everything else is const and may run on any number of cores at once: the
//          pool remembers nothing. Cores cannot choose the same port for one server, because the
//          reply's flow hash decides the partition and so the core.
// Memory:  built once, 4 or 16 bytes an address; choosing allocates nothing.
// Limits:  kNatRulesMax rules, kListItemsMax addresses a rule. A choice tries at most `tries_max`
//          pairs of address and port.
// Errors:  NatResult; the caller counts.
// Spec:    dataplane/DESIGN.md D-D18 (nat_block.hpp) and D-D5: the translated port is chosen so
//          that the reply hashes to the same partition. RFC 4787: REQ-2, one inside address keeps
//          one outside address while that has ports.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/bytes.hpp"
#include "dataplane/config.hpp"
#include "dataplane/nat_block.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

inline constexpr std::uint16_t kNoNatRule = 0xFFFF;

enum class NatResult : std::uint8_t {
  kChosen,
  kNoRule,  // the session stays untranslated
  // no free pair that the partition accepts within the tries: the session cannot be made
  kExhausted,
  kBlockExhausted,  // the same of the source's own block of ports
};

template <class Address>
struct NatQuery {
  Address source;
  std::uint8_t zone_from;  // into Config::zones, below kZonesMax
  std::uint8_t zone_to;
  bool
      has_ports;  // TCP and UDP ports or an ICMP identifier; false: the address alone is translated
  std::uint64_t flow_hash;  // before the source is translated: where the walk starts
};

template <class Address>
struct NatChoice {
  NatResult result{NatResult::kNoRule};
  std::uint16_t rule{kNoNatRule};  // into Config::nat
  Address address{};
  std::uint16_t port_be{};  // network byte order; 0 without ports
  std::uint32_t tries_count{};
};

class NatPool {
 public:
  // The seed makes the walks' starts unguessable; boxes may have different ones.
  NatPool(const Config& config, std::uint64_t seed);

  // The first rule that matches, or kNoNatRule.
  std::uint16_t match(const tables::Address4& source, std::uint8_t zone_from,
                      std::uint8_t zone_to) const noexcept;
  std::uint16_t match(const tables::Address6& source, std::uint8_t zone_from,
                      std::uint8_t zone_to) const noexcept;

  // The first pair that accepts(address, port_be) -> bool (the reply's tuple hashes to the
  // session's partition) and is_free(address, port_be) -> bool (no session has the reply's key)
  // both take; is_free is only asked about accepted ones. Of `tries_max` each address gets an equal
  // share, so that a full one does not hide a free one. With P partitions one port in P is
  // accepted: 64 * P tries see about 64 accepted ones.
  template <class Address, class Accepts, class IsFree>
  NatChoice<Address> choose(const NatQuery<Address>& query, std::uint32_t tries_max,
                            Accepts&& accepts, IsFree&& is_free) const;

 private:
  struct Row {
    std::uint64_t zones_from;  // a bit for each zone
    std::uint64_t zones_to;
    Family family;
    std::uint32_t source_begin;  // [source_begin, source_end) of sources_; empty = any
    std::uint32_t source_end;
    std::uint32_t address_begin;  // of addresses4_ or addresses6_
    std::uint32_t address_count;
    std::uint32_t port_first;  // host byte order
    std::uint32_t port_count;
    std::uint32_t block_rule;  // into block_rules_, or kNoBlocks
  };

  // What a source may be given: addresses of the row from one of them on, and ports of each.
  struct Range {
    std::uint32_t address_first;
    std::uint32_t address_count;
    std::uint32_t port_first;
    std::uint32_t port_count;
  };

  static constexpr std::uint32_t kNoBlocks = 0xFFFFFFFF;

  std::uint16_t match(const IpAddress& source, std::uint8_t zone_from,
                      std::uint8_t zone_to) const noexcept;
  template <class Address>
  Range range_of(const Row& row, const Address& source) const noexcept;
  std::uint64_t address_start(const std::uint8_t* bytes, std::size_t byte_count) const noexcept;
  std::uint64_t port_start(std::uint64_t flow_hash) const noexcept;

  const tables::Address4& address_at(const tables::Address4&, std::uint32_t index) const noexcept {
    return addresses4_[index];
  }

  const tables::Address6& address_at(const tables::Address6&, std::uint32_t index) const noexcept {
    return addresses6_[index];
  }

  std::uint64_t seed_;
  std::vector<Row> rows_;
  std::vector<NatConfig> block_rules_;
  std::vector<IpPrefix> sources_;
  std::vector<tables::Address4> addresses4_;
  std::vector<tables::Address6> addresses6_;
};

// What match() took is in one of the rule's prefixes, so it has a block where there are any.
template <class Address>
NatPool::Range NatPool::range_of(const Row& row, const Address& source) const noexcept {
  if (row.block_rule == kNoBlocks) {
    const std::uint64_t start = address_start(source.data(), source.size());
    return {.address_first = static_cast<std::uint32_t>(start % row.address_count),
            .address_count = row.address_count,
            .port_first = row.port_first,
            .port_count = row.port_count};
  }
  const NatConfig& rule = block_rules_[row.block_rule];
  const NatBlock block = block_of(rule, try_ordinal(rule, IpAddress::of(source)).value_or(0));
  return {.address_first = block.address_index,
          .address_count = 1,
          .port_first = block.ports.first,
          .port_count = rule.block_ports};
}

template <class Address, class Accepts, class IsFree>
NatChoice<Address> NatPool::choose(const NatQuery<Address>& query, std::uint32_t tries_max,
                                   Accepts&& accepts, IsFree&& is_free) const {
  NatChoice<Address> choice;
  choice.rule = match(query.source, query.zone_from, query.zone_to);
  if (choice.rule == kNoNatRule) return choice;
  const Row& row = rows_[choice.rule];
  choice.result = row.block_rule == kNoBlocks ? NatResult::kExhausted : NatResult::kBlockExhausted;
  const Range range = range_of(row, query.source);
  const std::uint32_t port_count = query.has_ports ? range.port_count : 1;
  const std::uint32_t share =
      std::min(port_count, std::max<std::uint32_t>(1, tries_max / range.address_count));
  const auto first_port = static_cast<std::uint32_t>(port_start(query.flow_hash) % port_count);
  for (std::uint32_t i = 0; i < range.address_count; ++i) {
    const std::uint32_t index = (range.address_first + i) % row.address_count;
    const Address& address = address_at(query.source, row.address_begin + index);
    for (std::uint32_t k = 0; k < share && choice.tries_count < tries_max; ++k) {
      ++choice.tries_count;
      const auto port =
          static_cast<std::uint16_t>(range.port_first + (first_port + k) % port_count);
      const std::uint16_t port_be = query.has_ports ? network_order(port) : std::uint16_t{0};
      if (!accepts(address, port_be) || !is_free(address, port_be)) continue;
      choice.result = NatResult::kChosen;
      choice.address = address;
      choice.port_be = port_be;
      return choice;
    }
  }
  return choice;
}

}  // namespace twinplane::dataplane
