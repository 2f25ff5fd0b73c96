// SPDX-License-Identifier: BSD-3-Clause
// egress.hpp - packets on their way out of one worker: a burst for each port, sent at the end of
// the turn.
//
// Thread:  one worker.
// Memory:  256 places a port.
// Limits:  a full burst is sent at once.
// Errors:  what a device or ring does not take is freed and counted.
// Spec:    DPDK 22.11, ethdev.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/handoff_ring.hpp"
#include "dataplane/port.hpp"
#include "dataplane/worker_stats.hpp"

namespace twinplane::dataplane {

class Egress {
 public:
  // `port_rings`: to the worker that has a queue, used where this one has none.
  Egress(std::uint16_t worker, std::vector<std::unique_ptr<Port>>& ports,
         std::vector<std::unique_ptr<HandoffRing>>& port_rings, WorkerStats& stats)
      : worker_(worker),
        ports_(ports),
        port_rings_(port_rings),
        stats_(stats),
        bursts_(ports.size()) {}

  void put(std::size_t port, rte_mbuf* packet) noexcept {
    Burst& burst = bursts_[port];
    burst.packets[burst.count++] = packet;
    if (burst.count == kBurst) flush(port);
  }

  void flush_all() noexcept {
    for (std::size_t port = 0; port < bursts_.size(); ++port) flush(port);
  }

 private:
  // More than a turn usually brings, so that packets wait for its end, behind the frames that tell
  // the peer of them.
  static constexpr std::uint16_t kBurst = 256;

  struct Burst {
    std::array<rte_mbuf*, kBurst> packets{};
    std::uint16_t count = 0;
  };

  void flush(std::size_t port) noexcept {
    Burst& burst = bursts_[port];
    if (burst.count == 0) return;
    std::uint16_t taken_count = 0;
    if (ports_[port]->has_send_queue(worker_)) {
      taken_count = ports_[port]->send(worker_, burst.packets.data(), burst.count);
      stats_.packets_sent.add(taken_count);
    } else {
      while (taken_count < burst.count && port_rings_[port]->try_put(burst.packets[taken_count]))
        ++taken_count;
    }
    if (const std::uint16_t left = static_cast<std::uint16_t>(burst.count - taken_count);
        left != 0) {
      rte_pktmbuf_free_bulk(burst.packets.data() + taken_count, left);
      stats_.drops[static_cast<std::size_t>(DropReason::kTransmitFull)].add(left);
    }
    burst.count = 0;
  }

  std::uint16_t worker_;
  std::vector<std::unique_ptr<Port>>& ports_;
  std::vector<std::unique_ptr<HandoffRing>>& port_rings_;
  WorkerStats& stats_;
  std::vector<Burst> bursts_;
};

}  // namespace twinplane::dataplane
