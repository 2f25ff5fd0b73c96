// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_membership.hpp"

#include <algorithm>
#include <limits>

#include "dataplane/config.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kNsPerMs = 1'000'000;

GroupTableLimits limits_of(const GroupOptions& options, std::size_t port_count) noexcept {
  return {.groups_max = options.groups_max,
          .groups_per_port_max = options.groups_per_port_max,
          .sources_max = options.sources_max,
          .sources_per_group_max = options.sources_per_group_max,
          .port_count = static_cast<std::uint32_t>(port_count)};
}

void check_options(const GroupOptions& options, std::size_t port_count) noexcept {
  TWINPLANE_CHECK(port_count, <=, kPortsMax);
  TWINPLANE_CHECK(options.version6 == GroupVersion::k1, ==, false);
  TWINPLANE_CHECK(options.robustness - 1, <, 7U);
  TWINPLANE_CHECK(options.query_response_ms, <, options.query_interval_ms);
  TWINPLANE_CHECK(options.query_interval_ms, <=, GroupQuerier::kIntervalMaxMs);
  TWINPLANE_CHECK(options.last_member_interval_ms, >, 0U);
  TWINPLANE_CHECK(options.sources_per_group_max - 1, <, kGroupSourcesMax);
}

}  // namespace

GroupMembership::GroupMembership(const GroupOptions& options, std::span<const GroupPort> ports,
                                 FrameSink& frames, GroupChangeSink& changes,
                                 GroupCounters& counters, tables::HashSeed seed)
    : options_(options),
      frames_(frames),
      changes_(changes),
      counters_(counters),
      table_(limits_of(options, ports.size()), seed),
      filter_(table_, counters),
      due_ms_(table_.slot_count(), kNever) {
  check_options(options, ports.size());
  ports_.reserve(ports.size());
  for (const GroupPort& port : ports) {
    const bool asks = port.role == GroupPortRole::kRouter;
    ports_.push_back({port,
                      {{{GroupQuerier(options, asks ? port.own4 : kNoAddress)},
                        {GroupQuerier(options, asks ? port.own6 : kNoAddress)}}},
                      TokenBucket(options.records, 0)});
  }
}

GroupTimes GroupMembership::times_of(std::size_t port_index, GroupFamily family,
                                     std::uint64_t now_ms) const noexcept {
  const GroupQuerier& querier = link_of(port_index, family).querier;
  return {now_ms, querier.membership_ms(), querier.last_member_ms()};
}

GroupVersion GroupMembership::query_version(GroupFamily family) const noexcept {
  return family == GroupFamily::kIp4 ? options_.version4 : options_.version6;
}

// RFC 3376 section 7.3.2: the earliest that a host of the group has spoken of late. Nobody speaks a
// later one than the queries do.
GroupVersion GroupMembership::spoken_version(const GroupState& state,
                                             std::uint64_t now_ms) const noexcept {
  GroupVersion version = query_version(family_of(state.group));
  if (state.version2_until_ms > now_ms) version = std::min(version, GroupVersion::k2);
  if (state.version1_until_ms > now_ms) version = GroupVersion::k1;
  return version;
}

bool GroupMembership::may_query(std::size_t port_index, GroupFamily family) const noexcept {
  return is_active_ && is_querier(port_index, family);
}

bool GroupMembership::is_querier(std::size_t port_index, GroupFamily family) const noexcept {
  return link_of(port_index, family).querier.is_querier();
}

void GroupMembership::set_active(bool is_active, std::uint64_t now_ms) noexcept {
  if (is_active == is_active_) return;
  is_active_ = is_active;
  for (Port& port : ports_) {
    for (Link& link : port.links) link.querier.start(now_ms);
  }
}

void GroupMembership::on_message(std::size_t port_index, const GroupMessage& message,
                                 std::uint64_t now_ms) noexcept {
  Port& port = ports_[port_index];
  if (port.setup.role == GroupPortRole::kOff) return counters_.add(GroupCounter::kIgnoredPortOff);
  if (message.is_query) return on_query(port_index, message, now_ms);
  counters_.add(GroupCounter::kReportsHeard);
  const bool is_for_switches =
      message.family == GroupFamily::kIp6 && message.is_unspecified_sender();
  if (is_for_switches && port.setup.role == GroupPortRole::kRouter)
    return counters_.add(GroupCounter::kIgnoredUnspecified);
  GroupRecords records = message.records;
  for (GroupRecord record; records.try_next(record);) {
    if (is_link_scope(record.group)) {
      counters_.add(GroupCounter::kIgnoredLinkScope);
      continue;
    }
    if (!port.records.try_take(now_ms * kNsPerMs))
      return counters_.add(GroupCounter::kIgnoredFlood);
    counters_.add(GroupCounter::kRecords);
    on_record(port_index, message, record, now_ms);
  }
}

void GroupMembership::on_query(std::size_t port_index, const GroupMessage& message,
                               std::uint64_t now_ms) noexcept {
  counters_.add(GroupCounter::kQueriesHeard);
  const GroupPort& setup = ports_[port_index].setup;
  if (message.version != query_version(message.family) && setup.role == GroupPortRole::kRouter)
    counters_.add(GroupCounter::kQueriesOfOtherVersion);
  if (setup.role == GroupPortRole::kRouter) {
    on_query_of_link(port_index, message, now_ms);
  } else {
    // A switch passes it on: who hears it there is behind all ports of the link.
    for (std::size_t at = 0; at < ports_.size(); ++at) {
      const GroupPort& other = ports_[at].setup;
      if (other.role == GroupPortRole::kSnoop && other.vlan == setup.vlan)
        on_query_of_link(at, message, now_ms);
    }
  }
  const GroupQuerier& querier = link_of(port_index, message.family).querier;
  // Who has no address is a switch that asks in place of a router (RFC 4541 section 2.1.1).
  if (!message.is_unspecified_sender() && message.sender != querier.own())
    on_router(port_index, message.family, now_ms, querier.membership_ms());
}

void GroupMembership::on_query_of_link(std::size_t port_index, const GroupMessage& message,
                                       std::uint64_t now_ms) noexcept {
  GroupQuerier& querier = link_of(port_index, message.family).querier;
  if (querier.on_query(message, now_ms) == QuerierChange::kLost)
    counters_.add(GroupCounter::kQuerierLost);
  if (message.query.group == kNoAddress || message.query.suppresses_timers) return;
  const std::uint32_t slot = table_.find(port_index, message.query.group);
  if (slot == GroupTable::kNoSlot) return;
  // The last member query time is the querier's, and its query tells the interval.
  GroupTimes times = times_of(port_index, message.family, now_ms);
  if (message.query.max_response_ms != 0)
    times.last_member_ms = std::uint64_t{querier.robustness()} * message.query.max_response_ms;
  filter_.lower_timers(slot, message.query.sources, times);
  plan(slot);
}

void GroupMembership::on_router(std::size_t port_index, GroupFamily family, std::uint64_t now_ms,
                                std::uint64_t hold_ms) noexcept {
  Link& link = link_of(port_index, family);
  link.router_until_ms = std::max(link.router_until_ms, now_ms + hold_ms);
}

// RFC 3376 section 7.3.2. False: the record means nothing.
bool GroupMembership::try_adapt(GroupRecord& record, GroupVersion version) noexcept {
  if (version == GroupVersion::k3) return true;
  if (record.type == GroupRecordType::kToExclude) record.sources = {};
  const bool is_leave = record.type == GroupRecordType::kToInclude;
  const bool is_void =
      record.type == GroupRecordType::kBlock || (is_leave && version == GroupVersion::k1);
  if (is_void) counters_.add(GroupCounter::kIgnoredEarlier);
  return !is_void;
}

std::uint32_t GroupMembership::find_or_insert(std::size_t port_index, const GroupRecord& record,
                                              std::uint64_t now_ms,
                                              GroupChanges& changes) noexcept {
  const std::uint32_t slot = table_.find(port_index, record.group);
  if (slot != GroupTable::kNoSlot) {
    if (filter_.expire(slot, now_ms, changes) || GroupFilter::is_beginning(record)) return slot;
    settle(slot, now_ms, changes);
    return GroupTable::kNoSlot;
  }
  if (!GroupFilter::is_beginning(record)) return GroupTable::kNoSlot;
  const std::uint32_t fresh = table_.insert(port_index, record.group);
  if (fresh == GroupTable::kNoSlot) {
    counters_.add(GroupCounter::kIgnoredGroupsFull);
    return fresh;
  }
  counters_.add(GroupCounter::kGroupsAdded);
  changes.add_whole();
  return fresh;
}

void GroupMembership::on_record(std::size_t port_index, const GroupMessage& message,
                                GroupRecord record, std::uint64_t now_ms) noexcept {
  GroupChanges changes;
  const std::uint32_t slot = find_or_insert(port_index, record, now_ms, changes);
  if (slot == GroupTable::kNoSlot) return;
  GroupState& state = table_.at(slot);
  const GroupTimes times = times_of(port_index, message.family, now_ms);
  if (!message.is_leave) {
    // The older host present interval is as long as a membership.
    const std::uint64_t until_ms = now_ms + times.membership_ms;
    if (message.version == GroupVersion::k1) state.version1_until_ms = until_ms;
    if (message.version == GroupVersion::k2) state.version2_until_ms = until_ms;
  }
  if (try_adapt(record, spoken_version(state, now_ms))) {
    const GroupAction action = filter_.apply(slot, record, times, changes);
    if (may_query(port_index, message.family)) {
      filter_.begin_queries(slot, action, times,
                            link_of(port_index, message.family).querier.robustness());
      send_queries(slot, now_ms);
    }
  }
  settle(slot, now_ms, changes);
}

void GroupMembership::settle(std::uint32_t slot, std::uint64_t now_ms,
                             GroupChanges& changes) noexcept {
  const tables::Address6 group = table_.at(slot).group;
  if (filter_.expire(slot, now_ms, changes)) {
    plan(slot);
  } else {
    table_.erase(slot);
    due_ms_[slot] = kNever;
    counters_.add(GroupCounter::kGroupsRemoved);
    changes.add_whole();
  }
  publish(group, changes);
}

void GroupMembership::publish(const tables::Address6& group, const GroupChanges& changes) noexcept {
  if (changes.is_whole()) return changes_.on_membership_changed(group, nullptr);
  for (const tables::Address6& source : changes.sources())
    changes_.on_membership_changed(group, &source);
}

void GroupMembership::plan(std::uint32_t slot) noexcept {
  const GroupState& state = table_.at(slot);
  std::uint64_t due_ms = state.is_exclude ? state.due_ms : kNever;
  if (state.queries_left > 0) due_ms = std::min(due_ms, state.next_query_ms);
  table_.for_each_source(slot, [&](const GroupSource& source) {
    if (source.due_ms != 0) due_ms = std::min(due_ms, source.due_ms);
    if (source.queries_left > 0) due_ms = std::min(due_ms, state.next_query_ms);
  });
  due_ms_[slot] = due_ms;
}

std::size_t GroupMembership::poll_links(std::uint64_t now_ms) noexcept {
  std::size_t done = 0;
  for (std::size_t at = 0; at < ports_.size(); ++at) {
    for (const GroupFamily family : {GroupFamily::kIp4, GroupFamily::kIp6}) {
      GroupQuerier& querier = link_of(at, family).querier;
      if (querier.poll(now_ms) == QuerierChange::kWon) counters_.add(GroupCounter::kQuerierWon);
      if (!is_active_ || !querier.is_query_due(now_ms)) continue;
      if (!try_send(at, kNoAddress, {}, false, family)) {
        querier.on_query_delayed(now_ms);
        continue;
      }
      querier.on_query_sent(now_ms);
      ++done;
    }
  }
  return done;
}

std::size_t GroupMembership::poll(std::uint64_t now_ms) noexcept {
  if (now_ms <= last_poll_ms_) return 0;
  const std::uint64_t elapsed_ms = std::min(now_ms - last_poll_ms_, kScanRoundMs);
  last_poll_ms_ = now_ms;
  const std::size_t queries = poll_links(now_ms);
  const std::uint64_t slots_due = table_.slot_count() * elapsed_ms / kScanRoundMs;
  std::size_t done = 0;
  for (std::uint64_t i = 0; i < slots_due && done < kDueMax; ++i) {
    cursor_ = (cursor_ + 1) & (table_.slot_count() - 1);
    if (due_ms_[cursor_] > now_ms) continue;
    GroupChanges changes;
    if (filter_.expire(cursor_, now_ms, changes)) send_queries(cursor_, now_ms);
    settle(cursor_, now_ms, changes);
    ++done;
  }
  return queries + done;
}

tables::PortSet GroupMembership::egress_ports(const tables::Address6& source,
                                              const tables::Address6& group) const noexcept {
  tables::PortSet ports = 0;
  table_.for_each_port(group, [&](std::uint32_t slot) {
    if (filter_.is_forwarded(slot, source))
      ports |= tables::PortSet{1} << table_.at(slot).port_index;
  });
  return ports;
}

tables::PortSet GroupMembership::router_ports(GroupFamily family,
                                              std::uint64_t now_ms) const noexcept {
  tables::PortSet ports = 0;
  for (std::size_t at = 0; at < ports_.size(); ++at) {
    if (link_of(at, family).router_until_ms > now_ms) ports |= tables::PortSet{1} << at;
  }
  return ports;
}

}  // namespace twinplane::dataplane
