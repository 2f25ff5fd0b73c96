// SPDX-License-Identifier: BSD-3-Clause
// group_replica.hpp - groups and streams as the pair keeps them equal: entries (*,G) and (S,G) in
// the home partition, which the owner writes and the peer's stream fills, and the routes that the
// workers read, which follow from them on either box.
//
//     what a route sends to = (egress of (*,G) - blocked of (S,G) + egress of (S,G)) - ingress
//
// Thread:  the home worker.
// Memory:  56 bytes a slot of the two tables, taken by the constructor.
// Limits:  slots are numbered through: those of IPv4, then those of IPv6. A change of (*,G) costs a
//          step for each stream of the group, anything else a few lookups.
// Errors:  an entry that finds no room is refused and counted by its table; one for which the
//          workers' table has none is counted by unshown_count(), and its packets find no route.
//          Ports that this box does not have are left out, wherever they come from.
// Spec:    tables/multicast.hpp; dataplane/DESIGN.md D-D19, D-D21.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/group_routes.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

// An entry of either family.
struct GroupFacts {
  GroupRouteKey key{};
  tables::PortSet egress{};   // where the source, or (*,G) any, is wanted
  tables::PortSet blocked{};  // where this source alone is not
  std::uint8_t ingress{tables::kAnyPort};
  tables::MulticastState state{tables::MulticastState::kMembership};

  bool is_stream() const noexcept { return state != tables::MulticastState::kMembership; }
};

class GroupReplica {
 public:
  static constexpr std::uint32_t kNoSlot = tables::kNoSlot;

  // Both must outlive it. `seed` keeps others from choosing which groups share a bucket.
  GroupReplica(tables::Partition& home, GroupRouteTable& routes, std::size_t port_count,
               tables::HashSeed seed);

  // ---- either box -------------------------------------------------------------------------------

  // Shows the workers what the stream has changed since the last call. Returns how much that was.
  std::size_t poll() noexcept;

  std::uint32_t slot_count() const noexcept { return slot_count4_ + slot_count6_; }

  // False: the slot is empty.
  bool try_facts(std::uint32_t slot, GroupFacts& out) const noexcept;
  std::uint32_t find(const GroupRouteKey& key) const noexcept;

  // Where the workers find the slot's route; GroupRouteTable::kNoPlace: nowhere.
  std::uint32_t place_of(std::uint32_t slot) const noexcept { return shown_[slot].place; }

  // visit(slot) for each entry of the group, (*,G) too, in any domain. It may change or end that
  // one.
  template <class Visit>
  void for_each_of_group(const tables::Address6& group, Visit visit) const {
    for (std::uint32_t slot = buckets_[bucket_of(group)]; slot != kNoSlot;) {
      const std::uint32_t next = shown_[slot].next;
      if (shown_[slot].key.group == group) visit(slot);
      slot = next;
    }
  }

  std::uint64_t unshown_count() const noexcept { return unshown_count_; }

  // ---- the owner --------------------------------------------------------------------------------

  // By membership alone. An entry that nobody wants or blocks, and that no packets come for, ends.
  // False: there was no room.
  bool set_wanted(const GroupRouteKey& key, tables::PortSet egress, tables::PortSet blocked,
                  std::uint32_t now_s) noexcept;

  // Packets of the key's source come in by that port. kNoSlot: there was no room.
  std::uint32_t open_stream(const GroupRouteKey& key, std::uint8_t ingress,
                            std::uint32_t now_s) noexcept;

  // They come no more: what membership says remains.
  void end_stream(std::uint32_t slot) noexcept;

 private:
  struct Shown {
    GroupRouteKey key{};
    std::uint32_t place{GroupRouteTable::kNoPlace};
    std::uint32_t next{kNoSlot};  // of the same bucket
    bool is_linked{};
  };

  template <class Visit>
  decltype(auto) with_table(bool is_ip4, Visit visit) const noexcept;
  template <class Visit>
  decltype(auto) with_slot(std::uint32_t slot, Visit visit) const noexcept;

  std::size_t bucket_of(const tables::Address6& group) const noexcept {
    return tables::hash_of(group, seed_) & (buckets_.size() - 1);
  }

  template <class Body>
  static typename Body::Key replicated_key(const GroupRouteKey& key) noexcept;
  tables::PortSet wanted(const GroupFacts& facts) const noexcept;
  std::uint32_t since_s(std::uint32_t slot) const noexcept;
  std::uint32_t create(const GroupFacts& facts, std::uint32_t now_s) noexcept;
  void patch(std::uint32_t slot, const GroupFacts& facts) noexcept;
  void end(std::uint32_t slot) noexcept;
  void show(std::uint32_t slot) noexcept;
  void show_route(std::uint32_t slot, const GroupFacts& facts) noexcept;
  void hide(std::uint32_t slot) noexcept;
  void settle(const GroupRouteKey& key) noexcept;

  tables::Partition& home_;
  GroupRouteTable& routes_;
  tables::PortSet own_ports_;
  std::uint32_t slot_count4_;
  std::uint32_t slot_count6_;
  std::vector<Shown> shown_;            // by slot: what the workers were shown of it
  std::vector<std::uint32_t> buckets_;  // first slot of each chain, by group
  tables::HashSeed seed_;
  std::uint64_t unshown_count_ = 0;
};

}  // namespace twinplane::dataplane
