// SPDX-License-Identifier: BSD-3-Clause
// packet_pool.hpp - packet buffers, and the note that travels with one from core to core.
//
// Thread:  any core, by DPDK's per-core caches.
// Memory:  taken at start.
// Limits:  frames up to the data room given.
// Errors:  throws at start; an empty pool later is a drop, counted by who asked.
// Spec:    DPDK 22.11, mbuf library; private area of 24 bytes.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <string>

namespace twinplane::dataplane {

// What a core found out about a packet before it handed it to another.
struct PacketNote {
  std::uint16_t source_port_be;
  std::uint16_t target_port_be;
  std::uint8_t protocol;
  std::uint8_t is_fragment_known;  // the ports and the protocol above are the first fragment's
  std::uint8_t egress_port;        // to the home worker: send by this port
  std::uint8_t unused;
  // to this neighbor, whose MAC is not known yet: NeighborKey::address
  std::uint8_t next_hop[16];
};

static_assert(sizeof(PacketNote) == 24);

inline PacketNote& note_of(rte_mbuf* packet) noexcept {
  return *static_cast<PacketNote*>(rte_mbuf_to_priv(packet));
}

struct PoolSize {
  std::uint32_t packet_count;
  std::uint16_t data_bytes;  // without headroom
};

class PacketPool {
 public:
  PacketPool(const std::string& name, PoolSize size);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  rte_mempool* get() const noexcept { return pool_; }

 private:
  rte_mempool* pool_;
};

}  // namespace twinplane::dataplane
