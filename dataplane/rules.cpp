// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rules.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

template <class Word>
Word load(const std::uint8_t* bytes) noexcept {
  Word value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return network_order(value);
}

// The leading `bits` ones of a word; `bits` may lie beyond either end of it.
template <class Word>
Word leading_ones(int bits) noexcept {
  constexpr int kWordBits = static_cast<int>(sizeof(Word)) * 8;
  if (bits <= 0) return 0;
  if (bits >= kWordBits) return static_cast<Word>(~Word{0});
  return static_cast<Word>(~Word{0} << (kWordBits - bits));
}

}  // namespace

RuleSet::RuleSet(const Config& config) {
  TWINPLANE_CHECK(config.rules.size(), <=, kRulesMax);
  TWINPLANE_CHECK(config.zones.size(), <=, kZonesMax);
  rows_.reserve(config.rules.size());
  for (const RuleConfig& rule : config.rules) {
    TWINPLANE_CHECK(rule.protocols.size(), <=, std::size_t{2});
    Row row{};
    row.zones_from = zone_bits(rule.from_zones);
    row.zones_to = zone_bits(rule.to_zones);
    row.protocols[0] = rule.protocols.empty() ? kAnyProtocol : rule.protocols.front();
    row.protocols[1] = rule.protocols.empty() ? kAnyProtocol : rule.protocols.back();
    row.ports.begin = static_cast<std::uint32_t>(ports_.size());
    ports_.insert(ports_.end(), rule.ports.begin(), rule.ports.end());
    row.ports.end = static_cast<std::uint32_t>(ports_.size());
    row.source = compile(rule.source);
    row.destination = compile(rule.destination);
    row.verdict = {static_cast<std::uint16_t>(rows_.size()), rule.action, rule.sync, rule.hold,
                   rule.sync_after_s};
    rows_.push_back(row);
  }
}

RuleSet::Networks RuleSet::compile(const std::vector<IpPrefix>& networks) {
  Networks result{};
  result.any = networks.empty();
  result.slice4.begin = static_cast<std::uint32_t>(networks4_.size());
  result.slice6.begin = static_cast<std::uint32_t>(networks6_.size());
  for (const IpPrefix& network : networks) {
    const std::uint8_t* const bytes = network.address.bytes.data();
    const int bits = network.length_bits;
    if (network.address.is4()) {
      const auto mask = leading_ones<std::uint32_t>(bits);
      networks4_.push_back({load<std::uint32_t>(bytes) & mask, mask});
    } else {
      const auto mask_high = leading_ones<std::uint64_t>(bits);
      const auto mask_low = leading_ones<std::uint64_t>(bits - 64);
      networks6_.push_back(
          {{load<std::uint64_t>(bytes) & mask_high, load<std::uint64_t>(bytes + 8) & mask_low},
           {mask_high, mask_low}});
    }
  }
  result.slice4.end = static_cast<std::uint32_t>(networks4_.size());
  result.slice6.end = static_cast<std::uint32_t>(networks6_.size());
  return result;
}

bool RuleSet::matches(const Networks& networks, const tables::Address4& address) const noexcept {
  if (networks.any) return true;
  const std::uint32_t value = load<std::uint32_t>(address.data());
  for (std::uint32_t i = networks.slice4.begin; i < networks.slice4.end; ++i) {
    if ((value & networks4_[i].mask) == networks4_[i].address) return true;
  }
  return false;
}

bool RuleSet::matches(const Networks& networks, const tables::Address6& address) const noexcept {
  if (networks.any) return true;
  const std::uint64_t high = load<std::uint64_t>(address.data());
  const std::uint64_t low = load<std::uint64_t>(address.data() + 8);
  for (std::uint32_t i = networks.slice6.begin; i < networks.slice6.end; ++i) {
    const Network6& network = networks6_[i];
    if ((high & network.mask[0]) == network.address[0] &&
        (low & network.mask[1]) == network.address[1])
      return true;
  }
  return false;
}

bool RuleSet::matches_port(Slice ports, std::uint8_t protocol,
                           std::uint16_t port_be) const noexcept {
  if (ports.begin == ports.end) return true;
  if (protocol != kProtocolTcp && protocol != kProtocolUdp && protocol != kProtocolSctp)
    return false;
  const std::uint16_t port = network_order(port_be);
  return std::any_of(
      ports_.begin() + ports.begin, ports_.begin() + ports.end,
      [port](const PortRange& range) { return range.first <= port && port <= range.last; });
}

template <class Address>
RuleVerdict RuleSet::find(const RuleQuery<Address>& query) const noexcept {
  TWINPLANE_DCHECK(query.zone_from, <, kZonesMax);
  TWINPLANE_DCHECK(query.zone_to, <, kZonesMax);
  const std::uint64_t from = std::uint64_t{1} << (query.zone_from % kZonesMax);
  const std::uint64_t to = std::uint64_t{1} << (query.zone_to % kZonesMax);
  for (const Row& row : rows_) {
    if ((row.zones_from & from) == 0 || (row.zones_to & to) == 0) continue;
    const bool protocol_matches = row.protocols[0] == kAnyProtocol ||
                                  row.protocols[0] == query.protocol ||
                                  row.protocols[1] == query.protocol;
    if (!protocol_matches || !matches_port(row.ports, query.protocol, query.destination_port_be))
      continue;
    if (matches(row.source, query.source) && matches(row.destination, query.destination))
      return row.verdict;
  }
  return {kDefaultRule, RuleAction::kDrop, false};
}

RuleVerdict RuleSet::lookup(const RuleQuery4& query) const noexcept { return find(query); }

RuleVerdict RuleSet::lookup(const RuleQuery6& query) const noexcept { return find(query); }

}  // namespace twinplane::dataplane
