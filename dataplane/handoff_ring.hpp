// SPDX-License-Identifier: BSD-3-Clause
// handoff_ring.hpp - packets on their way to one core: any core may put in, one takes out; full
// means drop.
//
// Thread:  put: any; take: the one core it belongs to.
// Memory:  8 bytes a place, taken at start.
// Limits:  capacity given at construction, a power of two.
// Errors:  put returns false when full; the caller drops and counts: a drop is cheap, waiting is
//          not.
// Spec:    DPDK 22.11, ring library; dataplane/DESIGN.md D-D1.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace twinplane::dataplane {

class HandoffRing {
 public:
  HandoffRing(const std::string& name, std::uint32_t capacity)
      : ring_(rte_ring_create(name.c_str(), capacity, SOCKET_ID_ANY, RING_F_SC_DEQ)) {
    if (ring_ == nullptr)
      throw std::runtime_error("no memory for the hand-over ring " + name +
                               ": raise eal.memory_mib");
  }

  ~HandoffRing() {
    rte_mbuf* packet = nullptr;
    while (take(&packet, 1) != 0) rte_pktmbuf_free(packet);
    rte_ring_free(ring_);
  }

  HandoffRing(const HandoffRing&) = delete;
  HandoffRing& operator=(const HandoffRing&) = delete;

  [[nodiscard]] bool try_put(rte_mbuf* packet) noexcept {
    return rte_ring_enqueue(ring_, packet) == 0;
  }

  std::uint16_t take(rte_mbuf** packets, std::uint16_t count) noexcept {
    return static_cast<std::uint16_t>(
        rte_ring_dequeue_burst(ring_, reinterpret_cast<void**>(packets), count, nullptr));
  }

 private:
  rte_ring* ring_;
};

}  // namespace twinplane::dataplane
