// SPDX-License-Identifier: BSD-3-Clause
// group_traffic.hpp - how much each worker has forwarded by each place of the route table of
// groups: what streams are counted and aged by.
//
// Thread:  add() on the worker that it names; total() on any thread.
// Memory:  16 bytes a place and worker, taken by the constructor.
// Limits:  64 bits a number. A place's numbers go on when another route takes it: who wants a
//          route's own takes the total of its beginning off. A packet that was looked up just
//          before may be counted to the next.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D21.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/worker_stats.hpp"

namespace twinplane::dataplane {

class GroupTraffic {
 public:
  struct Totals {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };

  GroupTraffic(std::size_t worker_count, std::uint32_t place_count) {
    for (std::size_t i = 0; i < worker_count; ++i)
      by_worker_.push_back(std::make_unique<Row[]>(place_count));
  }

  // `bytes` of an IP packet as it came in.
  void add(std::size_t worker, std::uint32_t place, std::uint64_t bytes) noexcept {
    Row& row = by_worker_[worker][place];
    row.packets.add(1);
    row.bytes.add(bytes);
  }

  Totals total(std::uint32_t place) const noexcept {
    Totals totals;
    for (const auto& rows : by_worker_) {
      totals.packets += rows[place].packets.get();
      totals.bytes += rows[place].bytes.get();
    }
    return totals;
  }

 private:
  struct Row {
    Gauge packets;
    Gauge bytes;
  };

  std::vector<std::unique_ptr<Row[]>> by_worker_;
};

}  // namespace twinplane::dataplane
