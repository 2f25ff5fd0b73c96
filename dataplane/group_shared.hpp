// SPDX-License-Identifier: BSD-3-Clause
// group_shared.hpp - what of multicast several threads see: routes, counts of packets, and who asks
// on each port.
//
// Thread:  as its members say: the home worker writes routes and queriers, each worker its counts,
//          any thread reads.
// Memory:  taken by the constructor: 256 bytes for each of multicast_slots, 64 more a worker.
// Limits:  those of the configuration.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D21.
#pragma once

#include <array>
#include <cstring>

#include "dataplane/config.hpp"
#include "dataplane/group_routes.hpp"
#include "dataplane/group_traffic.hpp"
#include "dataplane/sequence_locked.hpp"

namespace twinplane::dataplane {

// Who asks who listens, by port and family.
class GroupQueriers {
 public:
  void set(std::size_t port_index, GroupFamily family, const tables::Address6& querier) noexcept {
    Line& line = line_of(port_index, family);
    Line::Words words;
    std::memcpy(words.data(), querier.data(), sizeof words);
    if (line.own_words() != words) line.write(words);
  }

  // kNoAddress: nobody, or it changed at that very moment.
  tables::Address6 get(std::size_t port_index, GroupFamily family) const noexcept {
    Line::Words words;
    tables::Address6 querier{};
    if (line_of(port_index, family).try_read(words))
      std::memcpy(querier.data(), words.data(), sizeof words);
    return querier;
  }

 private:
  using Line = SequenceLocked<2>;

  Line& line_of(std::size_t port_index, GroupFamily family) noexcept {
    return lines_[port_index * kGroupFamilyCount + static_cast<std::size_t>(family)];
  }

  const Line& line_of(std::size_t port_index, GroupFamily family) const noexcept {
    return lines_[port_index * kGroupFamilyCount + static_cast<std::size_t>(family)];
  }

  std::array<Line, kPortsMax * kGroupFamilyCount> lines_{};
};

struct GroupShared {
  GroupShared(const Config& config, std::size_t worker_count, tables::HashSeed seed)
      : routes(2 * config.tables.multicast_slots, seed),
        traffic(worker_count, routes.place_count()) {}

  GroupRouteTable routes;
  GroupTraffic traffic;
  GroupQueriers queriers;
};

}  // namespace twinplane::dataplane
