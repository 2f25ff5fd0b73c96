// SPDX-License-Identifier: BSD-3-Clause
// group_table.hpp - the memory of group membership: what is known of each group on each port, and
// of its sources.
//
// Thread:  the home worker.
// Memory:  68 bytes a group and 32 a source, taken by the constructor. A group keeps its slot until
//          erase(); a source its place until it is removed.
// Limits:  GroupTableLimits. All ports of a group are in one bucket: finding them costs as many
//          steps as there are. A source is found by looking at all of its group.
// Errors:  insert() answers kNoSlot and add_source() nullptr when there is no room.
// Spec:    RFC 3376 section 6.2 for what is kept. Knows no rules and no time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "dataplane/group_address.hpp"
#include "tables/base/hash.hpp"

namespace twinplane::dataplane {

struct GroupTableLimits {
  std::uint32_t groups_max{};           // 1..65536
  std::uint32_t groups_per_port_max{};  // 1..65536
  std::uint32_t sources_max{};          // 1..1048576
  std::uint32_t sources_per_group_max{};
  std::uint32_t port_count{};
};

struct GroupSource {
  tables::Address6 address{};
  std::uint64_t due_ms{};  // 0: its timer does not run; in EXCLUDE mode it is not forwarded then
  std::uint32_t next{};
  std::uint8_t queries_left{};
  bool is_named{};  // by the record that is being applied
};

struct GroupState {
  tables::Address6 group{};
  std::uint64_t due_ms{};  // the group timer; counts in EXCLUDE mode
  std::uint64_t version1_until_ms{};
  std::uint64_t version2_until_ms{};
  std::uint64_t next_query_ms{};  // counts while the group or a source has queries left
  std::uint32_t first_source{};
  std::uint32_t source_count{};
  std::uint32_t next{};  // in its bucket, or in the list of free ones
  std::uint8_t port_index{};
  std::uint8_t queries_left{};  // about the group as a whole
  bool is_exclude{};
  bool is_live{};
};

static_assert(sizeof(GroupState) == 64 && sizeof(GroupSource) == 32);

class GroupTable {
 public:
  static constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();

  GroupTable(const GroupTableLimits& limits, tables::HashSeed seed);

  std::uint32_t find(std::size_t port_index, const tables::Address6& group) const noexcept;
  // In INCLUDE mode, without sources. Must not be there yet.
  [[nodiscard]] std::uint32_t insert(std::size_t port_index,
                                     const tables::Address6& group) noexcept;
  void erase(std::uint32_t slot) noexcept;

  GroupState& at(std::uint32_t slot) noexcept { return groups_[slot]; }

  const GroupState& at(std::uint32_t slot) const noexcept { return groups_[slot]; }

  // A power of two, 64 at least; not each is ever used.
  std::uint32_t slot_count() const noexcept { return static_cast<std::uint32_t>(groups_.size()); }

  std::uint32_t group_count() const noexcept { return group_count_; }

  std::uint32_t source_count() const noexcept { return source_count_; }

  GroupSource* find_source(std::uint32_t slot, const tables::Address6& address) noexcept;
  const GroupSource* find_source(std::uint32_t slot,
                                 const tables::Address6& address) const noexcept;
  // Must not be there yet.
  [[nodiscard]] GroupSource* add_source(std::uint32_t slot,
                                        const tables::Address6& address) noexcept;

  template <class Visit>
  void for_each_source(std::uint32_t slot, Visit visit) noexcept {
    for (std::uint32_t at = groups_[slot].first_source; at != kNoSlot; at = sources_[at].next)
      visit(sources_[at]);
  }

  template <class Visit>
  void for_each_source(std::uint32_t slot, Visit visit) const noexcept {
    for (std::uint32_t at = groups_[slot].first_source; at != kNoSlot; at = sources_[at].next)
      visit(sources_[at]);
  }

  // Removes each source for which `is_to_go` answers true; it is asked once about each.
  template <class Predicate>
  void remove_sources(std::uint32_t slot, Predicate is_to_go) noexcept {
    std::uint32_t* link = &groups_[slot].first_source;
    while (*link != kNoSlot) {
      const std::uint32_t place = *link;
      GroupSource& source = sources_[place];
      if (!is_to_go(source)) {
        link = &source.next;
        continue;
      }
      *link = source.next;
      source.next = first_free_source_;
      first_free_source_ = place;
      --groups_[slot].source_count;
      --source_count_;
    }
  }

  // The slots of the group on all ports.
  template <class Visit>
  void for_each_port(const tables::Address6& group, Visit visit) const noexcept {
    for (std::uint32_t slot = buckets_[bucket_of(group)]; slot != kNoSlot;
         slot = groups_[slot].next) {
      if (groups_[slot].group == group) visit(slot);
    }
  }

 private:
  std::size_t bucket_of(const tables::Address6& group) const noexcept {
    return tables::hash_of(group, seed_) & (buckets_.size() - 1);
  }

  GroupTableLimits limits_;
  std::vector<GroupState> groups_;
  std::vector<GroupSource> sources_;
  std::vector<std::uint32_t> buckets_;
  std::vector<std::uint32_t> port_counts_;
  std::uint32_t first_free_group_ = 0;
  std::uint32_t first_free_source_ = 0;
  std::uint32_t group_count_ = 0;
  std::uint32_t source_count_ = 0;
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
