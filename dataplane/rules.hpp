// SPDX-License-Identifier: BSD-3-Clause
// rules.hpp - the compiled rule set: which rule decides on the first packet of a session.
//
// Thread:  built at start; lookup is const and may run on any number of cores at once.
// Memory:  built once, about 100 bytes a rule and 8 (IPv4) or 32 (IPv6) a prefix; lookup allocates
//          nothing.
// Limits:  kRulesMax rules, kZonesMax zones. Lookup walks the rules in order: 0.8 ns a rule that
//          zones or protocol rule out, 3 ns one whose addresses are compared (measured), so 0.4 to
//          1.5 us for kRulesMax; a session's first packet alone pays that. Thousands of rules would
//          want a classifier instead.
// Errors:  none; no match is a verdict (drop, kDefaultRule).
// Spec:    none; TCP's "only from a SYN" is the worker's to ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/config.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// The rule number of a verdict that no rule gave.
inline constexpr std::uint16_t kDefaultRule = 0xFFFF;

template <class Address>
struct RuleQuery {
  Address source;
  Address destination;
  std::uint16_t destination_port_be;  // network byte order; looked at only for TCP, UDP and SCTP
  std::uint8_t protocol;
  std::uint8_t zone_from;  // into Config::zones, below kZonesMax
  std::uint8_t zone_to;
};

using RuleQuery4 = RuleQuery<tables::Address4>;
using RuleQuery6 = RuleQuery<tables::Address6>;

struct RuleVerdict {
  std::uint16_t rule;  // into Config::rules, or kDefaultRule
  RuleAction action;
  bool sync;
  bool hold{};
  std::uint32_t sync_after_s{};

  friend bool operator==(const RuleVerdict&, const RuleVerdict&) = default;
};

class RuleSet {
 public:
  explicit RuleSet(const Config& config);

  RuleVerdict lookup(const RuleQuery4& query) const noexcept;
  RuleVerdict lookup(const RuleQuery6& query) const noexcept;

  // The age that sessions of the rule need to be synced; 0 = none.
  std::uint32_t sync_after_s(std::uint16_t rule) const noexcept {
    return rule < rows_.size() ? rows_[rule].verdict.sync_after_s : 0;
  }

  std::size_t size() const noexcept { return rows_.size(); }

 private:
  // Where a rule's items stand in the array they are of, as a half-open interval.
  struct Slice {
    std::uint32_t begin;
    std::uint32_t end;
  };

  // The prefixes of one side of a rule. A rule that names prefixes of one family only does not
  // match the other.
  struct Networks {
    bool any;
    Slice slice4;
    Slice slice6;
  };

  struct Network4 {
    std::uint32_t address;
    std::uint32_t mask;
  };

  struct Network6 {
    std::uint64_t address[2];
    std::uint64_t mask[2];
  };

  struct Row {
    std::uint64_t zones_from;  // a bit for each zone
    std::uint64_t zones_to;
    std::uint16_t protocols[2];  // kAnyProtocol in the first stands for all
    Slice ports;                 // empty = any
    Networks source;
    Networks destination;
    RuleVerdict verdict;
  };

  static constexpr std::uint16_t kAnyProtocol = 0xFFFF;

  template <class Address>
  RuleVerdict find(const RuleQuery<Address>& query) const noexcept;
  Networks compile(const std::vector<IpPrefix>& networks);
  bool matches(const Networks& networks, const tables::Address4& address) const noexcept;
  bool matches(const Networks& networks, const tables::Address6& address) const noexcept;
  bool matches_port(Slice ports, std::uint8_t protocol, std::uint16_t port_be) const noexcept;

  std::vector<Row> rows_;
  std::vector<Network4> networks4_;
  std::vector<Network6> networks6_;
  std::vector<PortRange> ports_;
};

}  // namespace twinplane::dataplane
