// SPDX-License-Identifier: BSD-3-Clause
// port_link.hpp - frames over one queue of a DPDK port, behind an Ethernet header.
//
// Thread:  the core that polls the replica.
// Memory:  mbufs of its own pool.
// Limits:  one queue; bursts of 32.
// Errors:  frames that the device does not take are dropped and counted.
// Spec:    ha2/PROTOCOL.md section 1: EtherType 0x7261.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "bench/boxes.hpp"

namespace twinplane::bench {

inline void start_port(std::uint16_t port, rte_mempool* pool) {
  const rte_eth_conf config{};
  if (rte_eth_dev_configure(port, 1, 1, &config) != 0 ||
      rte_eth_rx_queue_setup(port, 0, 1024, 0, nullptr, pool) != 0 ||
      rte_eth_tx_queue_setup(port, 0, 1024, 0, nullptr) != 0 || rte_eth_dev_start(port) != 0)
    throw std::runtime_error("port " + std::to_string(port) + " does not start");
}

inline std::uint16_t port_named(const char* name) {
  std::uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(name, &port) != 0)
    throw std::runtime_error(std::string("no port ") + name);
  return port;
}

class PortLink final : public ha2::Link {
 public:
  static constexpr std::uint16_t kBurst = 32;
  static constexpr std::uint16_t kHeaderBytes = 14;

  PortLink(std::uint16_t send_port, std::uint16_t receive_port, rte_mempool* pool)
      : send_port_(send_port), receive_port_(receive_port), pool_(pool) {}

  std::span<std::byte> try_frame() noexcept override {
    if (next_ == nullptr) next_ = rte_pktmbuf_alloc(pool_);
    if (next_ == nullptr) return {};
    return {rte_pktmbuf_mtod_offset(next_, std::byte*, kHeaderBytes), kFrameBytes};
  }

  void send(std::size_t frame_bytes, std::uint16_t) noexcept override {
    static constexpr std::array<std::uint8_t, kHeaderBytes> kHeader{2, 0, 0, 0, 0, 1,    2,
                                                                    0, 0, 0, 0, 2, 0x72, 0x61};
    std::memcpy(rte_pktmbuf_mtod(next_, void*), kHeader.data(), kHeader.size());
    next_->data_len = static_cast<std::uint16_t>(kHeaderBytes + frame_bytes);
    next_->pkt_len = next_->data_len;
    waiting_[waiting_count_++] = next_;
    next_ = nullptr;
    if (waiting_count_ == kBurst) flush();
  }

  void flush() noexcept {
    if (waiting_count_ == 0) return;
    const std::uint16_t sent = rte_eth_tx_burst(send_port_, 0, waiting_.data(), waiting_count_);
    for (std::uint16_t i = sent; i < waiting_count_; ++i) rte_pktmbuf_free(waiting_[i]);
    dropped_count_ += waiting_count_ - sent;
    waiting_count_ = 0;
  }

  // Gives what has come to the replica; returns how many frames that were.
  std::uint16_t receive(ha2::Replica& replica, std::uint64_t now_ns) noexcept {
    std::array<rte_mbuf*, kBurst> frames;
    const std::uint16_t count = rte_eth_rx_burst(receive_port_, 0, frames.data(), kBurst);
    for (std::uint16_t i = 0; i < count; ++i) {
      const std::span<const std::byte> bytes{
          rte_pktmbuf_mtod_offset(frames[i], const std::byte*, kHeaderBytes),
          std::size_t{frames[i]->data_len} - kHeaderBytes};
      const ha2::Decoded decoded = ha2::decode(bytes);
      if (decoded.error == ha2::DecodeError::kNone) replica.on_frame(decoded.frame, bytes, now_ns);
    }
    if (count != 0) rte_pktmbuf_free_bulk(frames.data(), count);
    return count;
  }

  std::uint64_t dropped_count() const { return dropped_count_; }

 private:
  std::uint16_t send_port_;
  std::uint16_t receive_port_;
  rte_mempool* pool_;
  rte_mbuf* next_ = nullptr;
  std::array<rte_mbuf*, kBurst> waiting_{};
  std::uint16_t waiting_count_ = 0;
  std::uint64_t dropped_count_ = 0;
};

}  // namespace twinplane::bench
