// SPDX-License-Identifier: BSD-3-Clause
// replay_wire.hpp - one direction of the HA2 link: a DPDK ring device, and the loss that is
// rehearsed on it.
//
// Thread:  main.
// Memory:  the ring's 1024 places.
// Limits:  what does not fit the ring is dropped by the sender, as on a device; who receives after
//          each partition never sees that.
// Errors:  throws at set-up.
// Spec:    DPDK 22.11, net_ring: what a ring device sends, it receives.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <string>

#include "dataplane/packet_pool.hpp"
#include "dataplane/port.hpp"

namespace twinplane::dataplane {

struct LossConfig {
  double percent = 0;
  std::uint64_t seed = 1;
};

class ReplayWire {
 public:
  ReplayWire(const std::string& device, std::uint16_t mtu_bytes, const PacketPool& pool,
             LossConfig loss)
      : port_({.device = device,
               .mtu_bytes = mtu_bytes,
               .worker_count = 1,
               .partition_count = 1,
               .wants_rss = false},
              pool),
        loss_of_2_32_(static_cast<std::uint64_t>(loss.percent / 100.0 * 4294967296.0)),
        random_(loss.seed) {}

  Port& port() noexcept { return port_; }

  // Calls on_packet(rte_mbuf*) for what came through; the packet stays the wire's.
  template <class OnPacket>
  void receive_all(OnPacket&& on_packet) noexcept {
    constexpr std::uint16_t kBurst = 32;
    rte_mbuf* packets[kBurst];
    for (std::uint16_t count = 0; (count = port_.receive(0, packets, kBurst)) != 0;) {
      for (std::uint16_t i = 0; i < count; ++i) {
        if (is_lost())
          ++lost_count_;
        else
          on_packet(packets[i]);
        rte_pktmbuf_free(packets[i]);
      }
    }
  }

  std::uint64_t lost_count() const noexcept { return lost_count_; }

 private:
  // splitmix64 (Steele, Lea and Flood, 2014).
  bool is_lost() noexcept {
    if (loss_of_2_32_ == 0) return false;
    std::uint64_t value = (random_ += 0x9E3779B97F4A7C15U);
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return ((value ^ (value >> 31U)) >> 32U) < loss_of_2_32_;
  }

  Port port_;
  std::uint64_t loss_of_2_32_;
  std::uint64_t random_;
  std::uint64_t lost_count_ = 0;
};

}  // namespace twinplane::dataplane
