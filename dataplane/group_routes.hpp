// SPDX-License-Identifier: BSD-3-Clause
// group_routes.hpp - where packets to a group go, as every worker reads it: one writer, readers on
// every core without locks.
//
// Thread:  try_lookup(), wanted_ports() and try_at() on any number of threads at once; everything
//          else on one thread, the home worker.
// Memory:  128 bytes a route of capacity (twice the places at 64 bytes), taken by the constructor.
// Limits:  capacity 16..65536; see probed_table.hpp.
// Errors:  insert() answers kNoPlace when the table is full. try_lookup() may miss a route that is
//          being written at that very moment: the packet then goes to the home worker, who knows.
// Spec:    dataplane/DESIGN.md D-D21; tables/multicast.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/group_address.hpp"
#include "dataplane/probed_table.hpp"
#include "tables/base/hash.hpp"
#include "tables/multicast.hpp"

namespace twinplane::dataplane {

struct GroupRouteKey {
  tables::Address6 source{};  // kNoAddress: (*,G)
  tables::Address6 group{};
  std::uint16_t domain{};  // the bridge domain's number; 0 = routed
  std::uint16_t vlan{};

  bool is_star() const noexcept { return source == kNoAddress; }

  // The (*,G) of the same group.
  GroupRouteKey star() const noexcept {
    GroupRouteKey key = *this;
    key.source = kNoAddress;
    return key;
  }

  friend bool operator==(const GroupRouteKey&, const GroupRouteKey&) = default;
};

static_assert(std::has_unique_object_representations_v<GroupRouteKey>);

struct GroupRoute {
  // all that is left when (*,G), blocked ports and ingress are counted in
  tables::PortSet egress{};
  std::uint32_t since_s{};  // the home worker's clock
  std::uint8_t ingress{tables::kAnyPort};
  tables::MulticastState state{tables::MulticastState::kMembership};

  friend bool operator==(const GroupRoute&, const GroupRoute&) = default;
};

class GroupRouteTable {
 public:
  static constexpr std::uint32_t kNoPlace = 0xFFFFFFFFU;

  GroupRouteTable(std::uint32_t capacity, tables::HashSeed seed);

  // ---- any thread -------------------------------------------------------------------------------

  // The route's place, or kNoPlace and `out` as it was.
  std::uint32_t try_lookup(const GroupRouteKey& key, GroupRoute& out) const noexcept;

  // The ports of the key's domain behind which somebody wants what its source sends to its group:
  // by (S,G) where there is one, else by (*,G). Ports of routers are not among them (RFC 4541
  // section 2.1.1 sends to those too).
  tables::PortSet wanted_ports(const GroupRouteKey& key) const noexcept;

  // What stands at a place below place_count(), if anything.
  bool try_at(std::uint32_t place, GroupRouteKey& key, GroupRoute& out) const noexcept;

  std::uint32_t place_count() const noexcept { return table_.slot_count(); }

  // ---- the home worker --------------------------------------------------------------------------

  std::uint32_t find(const GroupRouteKey& key) const noexcept;
  // `key` must not be in the table.
  [[nodiscard]] std::uint32_t insert(const GroupRouteKey& key, const GroupRoute& route) noexcept;
  void update(std::uint32_t place, const GroupRoute& route) noexcept;

  void erase(std::uint32_t place) noexcept { table_.erase(place); }

  GroupRoute route(std::uint32_t place) const noexcept;

  std::uint32_t live_count() const noexcept { return table_.live_count(); }

 private:
  // Source, group, egress, then ingress, state and use, then domain, VLAN and time.
  struct Format {
    static constexpr std::size_t kWords = 7;
    using Words = std::array<std::uint64_t, kWords>;

    static constexpr std::size_t kKeyWords = 4;
    static constexpr std::size_t kEgress = 4;
    static constexpr std::size_t kLink = 5;
    static constexpr std::size_t kOrigin = 6;

    static constexpr unsigned kUseShift = 16;
    static constexpr std::uint64_t kLive = 2;
    static constexpr Words kFree{};
    static constexpr Words kRemoved{0, 0, 0, 0, 0, std::uint64_t{1} << kUseShift};

    static Words words_of(const GroupRouteKey& key, const GroupRoute& route) noexcept;
    static GroupRoute route_of(const Words& words) noexcept;
    static GroupRouteKey key_of(const Words& words) noexcept;
    static bool is_same_key(const Words& left, const Words& right) noexcept;

    static constexpr bool is_free(const Words& words) noexcept {
      return words[kLink] >> kUseShift == 0;
    }

    static constexpr bool is_live(const Words& words) noexcept {
      return words[kLink] >> kUseShift == kLive;
    }
  };

  std::uint64_t hash(const GroupRouteKey& key) const noexcept {
    return tables::hash_of(key, seed_);
  }

  ProbedTable<Format> table_;
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
