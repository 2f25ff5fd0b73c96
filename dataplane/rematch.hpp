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
// Errors:  none. A session whose packets wait for the peer now is waited for (ha2.hold_max_us).
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/announced_rule.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/rules.hpp"
#include "dataplane/session_hold.hpp"
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

enum class RematchCause : std::uint8_t {
  kLoaded,      // the operator has loaded other rules
  kKeptTables,  // what a process before has left was let in by the rules that it had
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
  // All must outlive it.
  Rematch(const Config& config, const HeldPlaces& held, RematchStats& stats);

  // `number`: the partition's, as `held` names it.
  void add(std::uint32_t number, tables::Partition& partition);

  // By these rules, from the first slot on; they must live until the next begin().
  void begin(const RuleSet& rules, RematchCause cause = RematchCause::kLoaded) noexcept;

  // The partitions are another box's to change, by whatever rules that one has: once they are not,
  // all is looked at again, if rules were ever loaded, or what was begun is not through.
  void suspend() noexcept;

  // Only the owner of the partitions. Returns how many it looked at; 0: there is nothing to do.
  std::uint32_t step(std::uint32_t budget, std::uint64_t now_ns) noexcept;

  bool is_running() const noexcept { return rules_ != nullptr && !is_done_; }

 private:
  enum class Judged : std::uint8_t { kDone, kLater };

  struct Part {
    std::uint32_t number;
    tables::Partition* partition;
  };

  static constexpr std::uint32_t kTablesEach = 3;

  bool step_in(std::uint32_t& budget) noexcept;
  template <class Slots, class Judge>
  bool walk(const Slots& slots, std::uint32_t& budget, Judge&& judge) noexcept;
  template <class Address>
  RuleVerdict verdict_of(const tables::SessionOf<Address>& session) const noexcept;
  RuleVerdict verdict_of(const tables::SctpBody& body) const noexcept;
  template <class Address>
  Judged judge(std::uint32_t slot) noexcept;
  template <class Address>
  void set_age(tables::SessionTable<Address>& sessions, std::uint32_t slot, const RuleVerdict& rule,
               bool was_young) noexcept;
  void judge_association(std::uint32_t slot) noexcept;
  template <class Address>
  bool is_waiting(std::uint32_t slot) const noexcept;
  void count_ended(std::uint16_t rule) noexcept;
  void count_kept(std::uint16_t rule, bool has_changed) noexcept;

  tables::Partition& partition() const noexcept { return *parts_[place_ / kTablesEach].partition; }

  std::uint8_t zone_of(std::uint8_t port) const noexcept { return config_.zone_of(port); }

  const Config& config_;  // ports, zones and helpers, which do not change
  RematchStats& stats_;
  AnnouncedRule announced_;
  RematchMode mode_;
  const HeldPlaces& held_;
  std::vector<Part> parts_;
  std::uint64_t slot_count_ = 0;    // of all
  const RuleSet* rules_ = nullptr;  // null: nothing was ever begun
  RematchCause cause_{};
  bool is_done_ = false;
  std::uint64_t now_ns_ = 0;        // of this step
  std::size_t place_ = 0;           // which table of which partition
  std::uint32_t next_slot_ = 0;     // in it
  std::uint64_t slots_before_ = 0;  // in those before it
};

}  // namespace twinplane::dataplane
