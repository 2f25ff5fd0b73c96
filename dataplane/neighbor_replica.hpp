// SPDX-License-Identifier: BSD-3-Clause
// neighbor_replica.hpp - the neighbors as the pair keeps them equal: what the resolver finds out
// goes into the home partition, and what the peer's stream puts there is shown to the workers.
//
// Thread:  the home worker.
// Memory:  17 bytes a slot of the two tables, taken by the constructor.
// Limits:  those of the tables.
// Errors:  a neighbor that finds no room in a table is known here and not at the peer, or is asked
//          for again after a takeover; unshown_count() and the tables' refusals count them.
// Spec:    tables/neighbor.hpp; dataplane/DESIGN.md D-D19. Addresses that are being asked for do
//          not travel: whoever takes over asks when a packet needs them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/neighbor_resolver.hpp"
#include "dataplane/neighbor_table.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

class NeighborReplica final : public NeighborWatcher {
 public:
  // Both must outlive it.
  NeighborReplica(tables::Partition& home, NeighborTable& table, std::size_t port_count);

  // Of the box that owns the home partition.
  void on_known(const NeighborEntry& entry, std::uint64_t now_ms) noexcept override;
  void on_gone(const NeighborKey& key) noexcept override;

  // Shows what the stream has changed since the last call. Returns how much that was.
  std::size_t poll() noexcept;

  // Neighbors of the peer for which the workers' table had no room, or behind ports that there are
  // not.
  std::uint64_t unshown_count() const noexcept { return unshown_count_; }

 private:
  template <class Address>
  void note(const NeighborEntry& entry, std::uint32_t now_s) noexcept;
  template <class Address>
  void drop(const NeighborKey& key) noexcept;
  template <class Address>
  std::size_t show_arrivals() noexcept;
  template <class Address>
  void show(std::uint32_t slot) noexcept;

  template <class Address>
  auto& replicated() noexcept {
    return home_.table<tables::NeighborBody<Address>::kKind>();
  }

  template <class Address>
  std::vector<NeighborKey>& shown() noexcept {
    return shown_[sizeof(Address) == sizeof(tables::Address4) ? 0 : 1];
  }

  tables::Partition& home_;
  NeighborTable& table_;
  std::size_t port_count_;
  // by slot: whom the workers were shown for it; port kNobody for none
  std::array<std::vector<NeighborKey>, 2> shown_;
  std::uint64_t unshown_count_ = 0;
};

// Of a home partition whose tables were kept: after that long who was confirmed is to be probed.
void age_kept_neighbors(tables::Partition& home, std::uint64_t down_ms) noexcept;

}  // namespace twinplane::dataplane
