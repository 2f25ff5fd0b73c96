// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_filter.hpp"

#include <algorithm>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

// What a record type does, whatever the mode: the two tables of RFC 3376 section 6.4 differ in the
// timer of a source that is new, and in that TO_IN asks about the group.
struct Rule {
  bool allows;    // named sources are forwarded for a whole interval
  bool excludes;  // EXCLUDE mode for a whole interval; sources that are not named go
  GroupAsk asks;
};

constexpr Rule rule_of(GroupRecordType type) noexcept {
  switch (type) {
    case GroupRecordType::kIsInclude:
    case GroupRecordType::kAllow:
      return {true, false, GroupAsk::kNothing};
    case GroupRecordType::kIsExclude:
      return {false, true, GroupAsk::kNothing};
    case GroupRecordType::kToInclude:
      return {true, false, GroupAsk::kUnnamed};
    case GroupRecordType::kToExclude:
      return {false, true, GroupAsk::kNamed};
    case GroupRecordType::kBlock:
      break;
  }
  return {false, false, GroupAsk::kNamed};
}

// The timer of a source that the record is the first to name.
std::uint64_t new_due_ms(const GroupState& state, GroupRecordType type,
                         const GroupTimes& times) noexcept {
  const std::uint64_t whole_ms = times.now_ms + times.membership_ms;
  if (rule_of(type).allows) return whole_ms;
  if (!state.is_exclude) return 0;
  return type == GroupRecordType::kIsExclude ? whole_ms : state.due_ms;
}

std::size_t looked_at(const GroupSources& sources) noexcept {
  return std::min(sources.count(), kGroupSourcesMax);
}

}  // namespace

bool GroupFilter::is_beginning(const GroupRecord& record) noexcept {
  const Rule rule = rule_of(record.type);
  return rule.excludes || (rule.allows && record.sources.count() > 0);
}

void GroupFilter::mark_named(std::uint32_t slot, const GroupSources& sources) noexcept {
  table_.for_each_source(slot, [](GroupSource& source) { source.is_named = false; });
  for (std::size_t at = 0; at < looked_at(sources); ++at) {
    if (GroupSource* source = table_.find_source(slot, sources[at]); source != nullptr)
      source->is_named = true;
  }
}

void GroupFilter::add_named(std::uint32_t slot, const GroupRecord& record, std::uint64_t due_ms,
                            GroupChanges& changes) noexcept {
  for (std::size_t at = 0; at < looked_at(record.sources); ++at) {
    const tables::Address6 address = record.sources[at];
    if (!is_group_source(address, family_of(record.group))) {
      counters_.add(GroupCounter::kIgnoredBadSource);
      continue;
    }
    if (table_.find_source(slot, address) != nullptr) continue;
    GroupSource* source = table_.add_source(slot, address);
    if (source == nullptr) {
      counters_.add(GroupCounter::kIgnoredSourcesFull);
      continue;
    }
    source->due_ms = due_ms;
    source->is_named = true;
    changes.add(address);
  }
}

GroupAction GroupFilter::apply(std::uint32_t slot, const GroupRecord& record,
                               const GroupTimes& times, GroupChanges& changes) noexcept {
  const Rule rule = rule_of(record.type);
  GroupState& state = table_.at(slot);
  const bool was_exclude = state.is_exclude;
  if (record.sources.count() > kGroupSourcesMax) counters_.add(GroupCounter::kIgnoredManySources);
  mark_named(slot, record.sources);
  if (rule.excludes) {
    // Before any is added, so that there is room.
    table_.remove_sources(slot, [&](const GroupSource& source) {
      if (!source.is_named) changes.add(source.address);
      return !source.is_named;
    });
  }
  const bool is_block = !rule.allows && !rule.excludes;
  if (was_exclude || !is_block)
    add_named(slot, record, new_due_ms(state, record.type, times), changes);
  if (rule.allows) {
    table_.for_each_source(slot, [&](GroupSource& source) {
      if (!source.is_named) return;
      if (source.due_ms == 0) changes.add(source.address);
      source.due_ms = times.now_ms + times.membership_ms;
    });
  }
  if (rule.excludes) {
    if (!was_exclude) changes.add_whole();
    state.is_exclude = true;
    state.due_ms = times.now_ms + times.membership_ms;
  }
  return {rule.asks, record.type == GroupRecordType::kToInclude && was_exclude};
}

bool GroupFilter::expire(std::uint32_t slot, std::uint64_t now_ms, GroupChanges& changes) noexcept {
  GroupState& state = table_.at(slot);
  if (state.is_exclude && state.due_ms <= now_ms) {
    state.is_exclude = false;
    state.queries_left = 0;
    changes.add_whole();
    table_.remove_sources(slot, [](const GroupSource& source) { return source.due_ms == 0; });
  }
  if (state.is_exclude) {
    table_.for_each_source(slot, [&](GroupSource& source) {
      if (source.due_ms == 0 || source.due_ms > now_ms) return;
      source.due_ms = 0;
      source.queries_left = 0;
      changes.add(source.address);
    });
    return true;
  }
  table_.remove_sources(slot, [&](const GroupSource& source) {
    const bool is_over = source.due_ms <= now_ms;
    if (is_over) changes.add(source.address);
    return is_over;
  });
  return state.source_count > 0;
}

void GroupFilter::begin_queries(std::uint32_t slot, const GroupAction& action,
                                const GroupTimes& times, std::uint8_t queries) noexcept {
  GroupState& state = table_.at(slot);
  const std::uint64_t lowered_ms = times.now_ms + times.last_member_ms;
  if (action.asks_group) {
    state.queries_left = queries;
    state.due_ms = std::min(state.due_ms, lowered_ms);
    state.next_query_ms = times.now_ms;
  }
  if (action.sources == GroupAsk::kNothing) return;
  const bool wants_named = action.sources == GroupAsk::kNamed;
  table_.for_each_source(slot, [&](GroupSource& source) {
    // One whose timer is lower already is being asked for.
    if (source.is_named != wants_named || source.due_ms <= lowered_ms) return;
    source.queries_left = queries;
    source.due_ms = lowered_ms;
    state.next_query_ms = times.now_ms;
  });
}

void GroupFilter::lower_timers(std::uint32_t slot, const GroupSources& sources,
                               const GroupTimes& times) noexcept {
  GroupState& state = table_.at(slot);
  const std::uint64_t lowered_ms = times.now_ms + times.last_member_ms;
  if (sources.count() == 0) {
    state.due_ms = std::min(state.due_ms, lowered_ms);
    return;
  }
  if (sources.count() > kGroupSourcesMax) counters_.add(GroupCounter::kIgnoredManySources);
  for (std::size_t at = 0; at < looked_at(sources); ++at) {
    GroupSource* source = table_.find_source(slot, sources[at]);
    // A timer that does not run is 0, and stays so.
    if (source != nullptr) source->due_ms = std::min(source->due_ms, lowered_ms);
  }
}

bool GroupFilter::is_forwarded(std::uint32_t slot, const tables::Address6& source) const noexcept {
  const GroupSource* known = table_.find_source(slot, source);
  return known == nullptr ? table_.at(slot).is_exclude : known->due_ms != 0;
}

}  // namespace twinplane::dataplane
