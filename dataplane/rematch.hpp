// SPDX-License-Identifier: BSD-3-Clause
// rematch.hpp - other rules hold: every session and association is looked at again, a few in each
// turn.
//
// What the rules now drop is ended, which the peer is told; what another rule allows is that
// rule's, and may leave the box or not as that one says. Translations stay.
//
// Thread:  one worker, for its partitions.
// Memory:  none beyond the object; its figures are about 8 KiB.
// Limits:  step() looks at as many sessions, or empty groups of 64 slots, as it is told.
// Errors:  none. A session whose packets wait for the peer is waited for (ha2.hold_max_us).
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/announced_rule.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/rules.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

enum class RematchMode : std::uint8_t {
  kEnforce,  // as above
  kRename,   // all go on; each gets the number of the rule that would allow it, or of none
};

enum class RematchState : std::uint8_t {
  kNone,     // none was asked for
  kWaiting,  // until the partitions are this box's to change
  kRunning,
  kDone,
};

// Of the last rematch, or the one under way.
struct RematchStats {
  Gauge state;     // RematchState
  Gauge began_ns;  // of the first step
  Gauge ended_ns;
  Gauge slots_passed;  // of slots_total
  Gauge slots_total;
  Gauge looked;      // sessions and associations
  Gauge reassigned;  // that are another rule's now, or may leave the box where they might not
  Gauge ended;
  std::array<Gauge, kRulesMax + 1> sessions;  // by the rule that has them now; the last: none
  std::array<Gauge, kRulesMax + 1> ended_by;  // by the rule that drops them; the last: none
};

class Rematch {
 public:
  Rematch(const Config& config, RematchStats& stats);

  void add(tables::Partition& partition);

  // By these rules, from the first slot on; they must live until the next begin().
  void begin(const RuleSet& rules) noexcept;

  // The partitions are another box's to change: what was begun begins again when they are not.
  void suspend() noexcept;

  // Only the owner of the partitions. Returns how many it looked at; 0: there is nothing to do.
  std::uint32_t step(std::uint32_t budget, std::uint64_t now_ns) noexcept;

  bool is_running() const noexcept { return rules_ != nullptr; }

 private:
  enum class Judged : std::uint8_t { kDone, kLater };
  static constexpr std::uint32_t kTablesEach = 3;

  bool step_in(tables::Partition& partition, std::uint32_t& budget) noexcept;
  template <class Slots, class Judge>
  bool walk(const Slots& slots, std::uint32_t& budget, Judge&& judge) noexcept;
  template <class Address>
  RuleVerdict verdict_of(const tables::SessionOf<Address>& session) const noexcept;
  RuleVerdict verdict_of(const tables::SctpBody& body) const noexcept;
  template <class Address>
  Judged judge(tables::Partition& partition, std::uint32_t slot) noexcept;
  void judge_association(tables::Partition& partition, std::uint32_t slot) noexcept;
  void count_ended(std::uint16_t rule) noexcept;
  void count_kept(std::uint16_t rule, bool has_changed) noexcept;

  std::uint8_t zone_of(std::uint8_t port) const noexcept {
    return config_.ports[port % config_.ports.size()].zone_index;
  }

  const Config& config_;  // ports, zones and helpers, which do not change
  RematchStats& stats_;
  AnnouncedRule announced_;
  RematchMode mode_;
  std::vector<tables::Partition*> partitions_;
  std::uint64_t slot_count_ = 0;    // of all
  const RuleSet* rules_ = nullptr;  // null: nothing to do
  std::size_t place_ = 0;           // which table of which partition
  std::uint32_t next_slot_ = 0;     // in it
  std::uint64_t slots_before_ = 0;  // in those before it
};

}  // namespace twinplane::dataplane
