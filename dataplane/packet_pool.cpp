// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet_pool.hpp"

#include <rte_errno.h>
#include <rte_lcore.h>

#include <algorithm>
#include <stdexcept>

namespace twinplane::dataplane {

namespace {

constexpr std::uint32_t kCoreCachePackets = 256;

}  // namespace

PacketPool::PacketPool(const std::string& name, PoolSize size)
    : pool_(rte_pktmbuf_pool_create(
          name.c_str(), size.packet_count, std::min(kCoreCachePackets, size.packet_count / 4),
          sizeof(PacketNote), static_cast<std::uint16_t>(size.data_bytes + RTE_PKTMBUF_HEADROOM),
          SOCKET_ID_ANY)) {
  if (pool_ == nullptr)
    throw std::runtime_error("no memory for " + std::to_string(size.packet_count) +
                             " packet buffers of " + std::to_string(size.data_bytes) +
                             " bytes: " + rte_strerror(rte_errno) +
                             ". Raise eal.memory_mib, or reserve more huge pages.");
}

PacketPool::~PacketPool() { rte_mempool_free(pool_); }

}  // namespace twinplane::dataplane
