// SPDX-License-Identifier: BSD-3-Clause
// rules_in_use.hpp - the rules that one core asks about packets now, and how often each answered.
//
// All that judges packets on a core holds a reference to the core's one; exchange() is then all it
// takes to go on by other rules.
//
// Thread:  its core alone; the counts may be read by any thread.
// Memory:  none of its own.
// Limits:  rules and counts live until the next exchange().
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/gauge.hpp"
#include "dataplane/rules.hpp"
#include "tables/base/carver.hpp"

namespace twinplane::dataplane {

// Of one core, by rule; the last is what no rule said.
struct alignas(tables::kCacheLineBytes) RuleHits {
  std::array<Gauge, kRulesMax + 1> counts{};

  void add(std::uint16_t rule) noexcept { counts[rule < kRulesMax ? rule : kRulesMax].add(1); }
};

class RulesInUse {
 public:
  // hits: null: nothing is counted.
  explicit RulesInUse(const RuleSet& rules, RuleHits* hits = nullptr) noexcept
      : rules_(&rules), hits_(hits) {}

  RulesInUse(const RulesInUse&) = delete;
  RulesInUse& operator=(const RulesInUse&) = delete;

  // As RuleSet's, for a packet.
  template <class Address>
  RuleVerdict lookup(const RuleQuery<Address>& query) const noexcept {
    const RuleVerdict verdict = rules_->lookup(query);
    if (hits_ != nullptr) hits_->add(verdict.rule);
    return verdict;
  }

  std::uint32_t sync_after_s(std::uint16_t rule) const noexcept {
    return rules_->sync_after_s(rule);
  }

  const RuleSet& get() const noexcept { return *rules_; }

  // Changes with each exchange(): what was remembered of rules under another number is past.
  std::uint32_t number() const noexcept { return number_; }

  void exchange(const RuleSet& rules, RuleHits* hits) noexcept {
    rules_ = &rules;
    hits_ = hits;
    ++number_;
  }

 private:
  const RuleSet* rules_;
  RuleHits* hits_;
  std::uint32_t number_ = 0;
};

}  // namespace twinplane::dataplane
