// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ha2_link.hpp"

namespace twinplane::dataplane {

Ha2Link::Ha2Link(Port* port, std::uint16_t worker, HandoffRing* relay, const PacketPool& pool,
                 const ha2::EncapConfig& encap, const PeerMac& peer_mac,
                 std::uint16_t frame_bytes_max) noexcept
    : port_(port),
      worker_(worker),
      relay_(relay),
      pool_(pool.get()),
      encap_(encap),
      peer_mac_(peer_mac),
      frame_bytes_max_(frame_bytes_max),
      encap_bytes_(ha2::encap_bytes(encap)) {}

Ha2Link::~Ha2Link() {
  flush();
  rte_pktmbuf_free(open_);
}

std::span<std::byte> Ha2Link::try_frame() noexcept {
  if (open_ == nullptr) open_ = rte_pktmbuf_alloc(pool_);
  if (open_ == nullptr) return {};
  return {rte_pktmbuf_mtod_offset(open_, std::byte*, encap_bytes_), frame_bytes_max_};
}

void Ha2Link::send(std::size_t frame_bytes, std::uint16_t partition) noexcept {
  auto* const start = rte_pktmbuf_mtod(open_, std::byte*);
  encap_.peer_mac = peer_mac_.get();
  ha2::write_encap(encap_, partition, {start, encap_bytes_}, {start + encap_bytes_, frame_bytes});
  open_->data_len = static_cast<std::uint16_t>(encap_bytes_ + frame_bytes);
  open_->pkt_len = open_->data_len;
  pass_on(open_);
  open_ = nullptr;
}

void Ha2Link::pass_on(rte_mbuf* packet) noexcept {
  waiting_[waiting_count_++] = packet;
  if (waiting_count_ == kBurst) flush();
}

void Ha2Link::flush() noexcept {
  if (waiting_count_ == 0) return;
  std::uint16_t taken_count = 0;
  if (relay_ == nullptr) {
    taken_count = port_->send(worker_, waiting_.data(), waiting_count_);
  } else {
    while (taken_count < waiting_count_ && relay_->try_put(waiting_[taken_count])) ++taken_count;
  }
  const std::uint16_t left_count = static_cast<std::uint16_t>(waiting_count_ - taken_count);
  if (left_count != 0) {
    rte_pktmbuf_free_bulk(waiting_.data() + taken_count, left_count);
    dropped_count_.store(dropped_count_.load(std::memory_order_relaxed) + left_count,
                         std::memory_order_relaxed);
  }
  waiting_count_ = 0;
}

}  // namespace twinplane::dataplane
