// SPDX-License-Identifier: BSD-3-Clause
// group_filter.hpp - the rules of one group on one port: what a record, a query and the passing of
// time make of its mode, timers and sources.
//
// Thread:  the home worker.
// Memory:  changes a slot of the table; allocates nothing.
// Limits:  the first kGroupSourcesMax sources of a record or a query.
// Errors:  sources for which there is no room count as not named, and are counted.
// Spec:    RFC 3376 sections 6.2 to 6.6, RFC 3810 sections 7.2 to 7.6: the tables are the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/group_counters.hpp"
#include "dataplane/group_message.hpp"
#include "dataplane/group_options.hpp"
#include "dataplane/group_table.hpp"

namespace twinplane::dataplane {

// What of a group is other than before: some sources, or it as a whole. More sources than there is
// room for are the whole.
class GroupChanges {
 public:
  static constexpr std::size_t kSourcesMax = 16;

  void add_whole() noexcept { is_whole_ = true; }

  void add(const tables::Address6& source) noexcept {
    if (count_ == kSourcesMax) return add_whole();
    sources_[count_++] = source;
  }

  bool is_whole() const noexcept { return is_whole_; }

  std::span<const tables::Address6> sources() const noexcept {
    return std::span(sources_).first(count_);
  }

 private:
  std::array<tables::Address6, kSourcesMax> sources_{};
  std::size_t count_ = 0;
  bool is_whole_ = false;
};

// What the querier asks for after a record: "Send Q(G,X)" and "Send Q(G)" of the RFC's tables.
enum class GroupAsk : std::uint8_t { kNothing, kNamed, kUnnamed };

struct GroupAction {
  // those that are forwarded and named, or not, by the record
  GroupAsk sources{GroupAsk::kNothing};
  bool asks_group{};
};

struct GroupTimes {
  std::uint64_t now_ms{};
  std::uint64_t membership_ms{};   // the group membership interval
  std::uint64_t last_member_ms{};  // the last member query time
};

class GroupFilter {
 public:
  GroupFilter(GroupTable& table, GroupCounters& counters) noexcept
      : table_(table), counters_(counters) {}

  // Whether the record would make a group that is not there yet.
  static bool is_beginning(const GroupRecord& record) noexcept;

  // One row of the RFC's tables. Afterwards the sources' `is_named` says which the record named;
  // a group in INCLUDE mode without sources is for the caller to erase. expire() comes first.
  GroupAction apply(std::uint32_t slot, const GroupRecord& record, const GroupTimes& times,
                    GroupChanges& changes) noexcept;

  // Timers that have run out. Answers whether anybody listens still; if not, erase it.
  bool expire(std::uint32_t slot, std::uint64_t now_ms, GroupChanges& changes) noexcept;

  // Does what the action's queries do to timers, and leaves `queries` of each to be sent.
  void begin_queries(std::uint32_t slot, const GroupAction& action, const GroupTimes& times,
                     std::uint8_t queries) noexcept;

  // Another router has sent a query about the group that does not suppress it (RFC 3376 6.6.1).
  void lower_timers(std::uint32_t slot, const GroupSources& sources,
                    const GroupTimes& times) noexcept;

  bool is_forwarded(std::uint32_t slot, const tables::Address6& source) const noexcept;

 private:
  void mark_named(std::uint32_t slot, const GroupSources& sources) noexcept;
  void add_named(std::uint32_t slot, const GroupRecord& record, std::uint64_t due_ms,
                 GroupChanges& changes) noexcept;

  GroupTable& table_;
  GroupCounters& counters_;
};

}  // namespace twinplane::dataplane
