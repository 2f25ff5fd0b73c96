// SPDX-License-Identifier: BSD-3-Clause
// group_membership.hpp - learns who listens to which group and source behind which port, asks where
// nobody else does, and says what has changed.
//
// Thread:  the home worker.
// Memory:  GroupTable, 8 bytes more a group, and 500 a port, taken by the
//          constructor.
// Limits:  GroupOptions; kPortsMax ports. poll() looks at slot_count / kScanRoundMs groups for each
//          millisecond, up to kDueMax of them with something to do, so a timer fires up to
//          kScanRoundMs late. Time comes in, in milliseconds, and must not go back. A report costs
//          as many records as the port's rate lets through, each up to kGroupSourcesMax sources.
// Errors:  what does not fit is not learned, and counted; a query that finds no buffer is tried
//          again. CHECK for options out of range.
// Spec:    RFC 3376 section 6 and 7.3, RFC 3810 section 7 and 8.3 (router); RFC 4541 sections 2.1
//          and 3 (snooping); RFC 3590.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/frame_sink.hpp"
#include "dataplane/group_counters.hpp"
#include "dataplane/group_filter.hpp"
#include "dataplane/group_message.hpp"
#include "dataplane/group_options.hpp"
#include "dataplane/group_querier.hpp"
#include "dataplane/group_table.hpp"
#include "dataplane/token_bucket.hpp"
#include "tables/multicast.hpp"

namespace twinplane::dataplane {

struct GroupChangeSink {
  virtual ~GroupChangeSink() = default;
  // To whom the group goes may be another now: all of it, or (unless nullptr) the one source. May
  // ask, but not change. That a timer was renewed is not said.
  virtual void on_membership_changed(const tables::Address6& group,
                                     const tables::Address6* source) noexcept = 0;
};

// A part of what is known, such that all of them together, put back in any order, are the whole.
struct GroupEntry {
  // As left_ms: a whole membership interval. For who takes over and cannot know when a timer was
  // last renewed: within that time everybody is asked.
  static constexpr std::uint32_t kWholeInterval = 0xFFFFFFFFU;

  tables::Address6 group{};
  tables::Address6 source{};  // kNoAddress: the group as a whole, which all sources are wanted of
  std::uint32_t left_ms{};
  std::uint8_t port_index{};
  GroupVersion version{GroupVersion::k3};  // of the group as a whole: the earliest one spoken
  bool is_blocked{};                       // a source that alone is not wanted; left_ms is 0

  friend bool operator==(const GroupEntry&, const GroupEntry&) = default;
};

enum class GroupRestore : std::uint8_t { kDone, kRefused, kFull };

class GroupMembership {
 public:
  static constexpr std::uint64_t kScanRoundMs = 32;
  static constexpr std::size_t kDueMax = 64;

  // `changes` and `frames` outlive it. `seed` keeps others from choosing who shares a bucket.
  GroupMembership(const GroupOptions& options, std::span<const GroupPort> ports, FrameSink& frames,
                  GroupChangeSink& changes, GroupCounters& counters, tables::HashSeed seed);

  // Starts passive: learns, and follows the election, but sends nothing. Becoming active it asks
  // everybody anew on each port where no other querier is present.
  void set_active(bool is_active, std::uint64_t now_ms) noexcept;

  // read_group_message() has said kNone.
  void on_message(std::size_t port_index, const GroupMessage& message,
                  std::uint64_t now_ms) noexcept;

  // A router has made itself known on the port in another way, as by PIM's hello.
  void on_router(std::size_t port_index, GroupFamily family, std::uint64_t now_ms,
                 std::uint64_t hold_ms) noexcept;

  // How many queries it sent and groups it did something about.
  std::size_t poll(std::uint64_t now_ms) noexcept;

  // Behind which ports somebody listens to what `source` sends to `group`.
  tables::PortSet egress_ports(const tables::Address6& source,
                               const tables::Address6& group) const noexcept;
  // Behind which ports other routers have been heard of.
  tables::PortSet router_ports(GroupFamily family, std::uint64_t now_ms) const noexcept;
  bool is_querier(std::size_t port_index, GroupFamily family) const noexcept;

  // Who asks on the port: this pair, another router, or (kNoAddress) nobody that is known.
  tables::Address6 querier_of(std::size_t port_index, GroupFamily family) const noexcept {
    return link_of(port_index, family).querier.current();
  }

  // Each entry of the group in the slot, if there is one. `visit` takes a GroupEntry.
  template <class Visit>
  void for_each_entry(std::uint32_t slot, std::uint64_t now_ms, Visit visit) const;
  // Each entry of the group, on all ports.
  template <class Visit>
  void for_each_entry(const tables::Address6& group, std::uint64_t now_ms, Visit visit) const;

  std::uint32_t slot_count() const noexcept { return table_.slot_count(); }

  // The group in the slot, or kNoAddress.
  tables::Address6 group_at(std::uint32_t slot) const noexcept { return table_.at(slot).group; }

  std::uint32_t group_count() const noexcept { return table_.group_count(); }

  std::uint32_t source_count() const noexcept { return table_.source_count(); }

  // Takes back what for_each_entry() gave, here or on the other box, and says what it changes.
  GroupRestore restore(const GroupEntry& entry, std::uint64_t now_ms) noexcept;

 private:
  // A port in one family.
  struct Link {
    GroupQuerier querier;
    std::uint64_t router_until_ms = 0;
  };

  struct Port {
    GroupPort setup;
    std::array<Link, kGroupFamilyCount> links;
    TokenBucket records;
  };

  Link& link_of(std::size_t port_index, GroupFamily family) noexcept {
    return ports_[port_index].links[static_cast<std::size_t>(family)];
  }

  const Link& link_of(std::size_t port_index, GroupFamily family) const noexcept {
    return ports_[port_index].links[static_cast<std::size_t>(family)];
  }

  GroupTimes times_of(std::size_t port_index, GroupFamily family,
                      std::uint64_t now_ms) const noexcept;
  GroupVersion query_version(GroupFamily family) const noexcept;
  GroupVersion spoken_version(const GroupState& state, std::uint64_t now_ms) const noexcept;
  bool may_query(std::size_t port_index, GroupFamily family) const noexcept;

  void on_query(std::size_t port_index, const GroupMessage& message, std::uint64_t now_ms) noexcept;
  void on_query_of_link(std::size_t port_index, const GroupMessage& message,
                        std::uint64_t now_ms) noexcept;
  void on_record(std::size_t port_index, const GroupMessage& message, GroupRecord record,
                 std::uint64_t now_ms) noexcept;
  bool try_adapt(GroupRecord& record, GroupVersion version) noexcept;
  std::uint32_t find_or_insert(std::size_t port_index, const GroupRecord& record,
                               std::uint64_t now_ms, GroupChanges& changes) noexcept;

  // The slot may be empty afterwards.
  void settle(std::uint32_t slot, std::uint64_t now_ms, GroupChanges& changes) noexcept;
  void publish(const tables::Address6& group, const GroupChanges& changes) noexcept;
  void plan(std::uint32_t slot) noexcept;

  std::size_t poll_links(std::uint64_t now_ms) noexcept;
  void send_queries(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  bool try_send_sources(std::uint32_t slot, bool is_suppressing, std::uint64_t now_ms) noexcept;
  bool try_send(std::size_t port_index, const tables::Address6& group,
                std::span<const tables::Address6> sources, bool is_suppressing,
                GroupFamily family) noexcept;

  GroupOptions options_;
  FrameSink& frames_;
  GroupChangeSink& changes_;
  GroupCounters& counters_;
  GroupTable table_;
  GroupFilter filter_;
  std::vector<Port> ports_;
  std::vector<std::uint64_t> due_ms_;  // by the table's slot: when there is something to do
  std::uint64_t last_poll_ms_ = 0;
  std::uint32_t cursor_ = 0;
  bool is_active_ = false;
};

template <class Visit>
void GroupMembership::for_each_entry(std::uint32_t slot, std::uint64_t now_ms, Visit visit) const {
  const GroupState& state = table_.at(slot);
  if (!state.is_live) return;
  const auto left_ms = [now_ms](std::uint64_t due_ms) {
    return static_cast<std::uint32_t>(due_ms > now_ms ? due_ms - now_ms : 0);
  };
  GroupEntry entry{.group = state.group, .port_index = state.port_index};
  if (state.is_exclude) {
    entry.left_ms = left_ms(state.due_ms);
    entry.version = spoken_version(state, now_ms);
    visit(std::as_const(entry));
  }
  table_.for_each_source(slot, [&](const GroupSource& source) {
    visit(GroupEntry{.group = state.group,
                     .source = source.address,
                     .left_ms = left_ms(source.due_ms),
                     .port_index = state.port_index,
                     .is_blocked = source.due_ms == 0});
  });
}

template <class Visit>
void GroupMembership::for_each_entry(const tables::Address6& group, std::uint64_t now_ms,
                                     Visit visit) const {
  table_.for_each_port(group, [&](std::uint32_t slot) { for_each_entry(slot, now_ms, visit); });
}

}  // namespace twinplane::dataplane
