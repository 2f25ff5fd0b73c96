// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ha2_link.hpp"

#include "dataplane/clock.hpp"

namespace twinplane::dataplane {

Ha2Link::Ha2Link(Port* port, std::uint16_t worker, HandoffRing* relay, const PacketPool& pool,
                 const ha2::EncapConfig& encap, const PeerMac& peer_mac,
                 std::uint16_t frame_bytes_max, std::unique_ptr<LinkFaults> faults) noexcept
    : port_(port),
      worker_(worker),
      relay_(relay),
      pool_(pool.get()),
      encap_(encap),
      peer_mac_(peer_mac),
      frame_bytes_max_(frame_bytes_max),
      encap_bytes_(ha2::encap_bytes(encap)),
      faults_(std::move(faults)) {}

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
  waiting_[waiting_count_++] = open_;
  open_ = nullptr;
  if (waiting_count_ == kBurst) flush();
}

void Ha2Link::flush() noexcept {
  if (faults_ != nullptr) [[unlikely]]
    apply_faults();
  pass_on({waiting_.data(), waiting_count_});
  waiting_count_ = 0;
}

// Leaves what goes now in `waiting_`. What is due goes before it, and makes room to hold it.
void Ha2Link::apply_faults() noexcept {
  const std::uint64_t now = now_ns();
  std::array<rte_mbuf*, kBurst> due;
  while (const std::uint16_t count = faults_->release(due, now)) pass_on({due.data(), count});
  std::uint16_t left_count = 0;
  for (rte_mbuf* const packet : std::span(waiting_).first(waiting_count_))
    if (!faults_->take(packet, now)) waiting_[left_count++] = packet;
  waiting_count_ = left_count;
}

void Ha2Link::pass_on(std::span<rte_mbuf*> packets) noexcept {
  if (packets.empty()) return;
  std::size_t taken_count = 0;
  if (relay_ == nullptr) {
    taken_count = port_->send(worker_, packets.data(), static_cast<std::uint16_t>(packets.size()));
  } else {
    while (taken_count < packets.size() && relay_->try_put(packets[taken_count])) ++taken_count;
  }
  const std::span<rte_mbuf*> left = packets.subspan(taken_count);
  if (left.empty()) return;
  rte_pktmbuf_free_bulk(left.data(), static_cast<unsigned>(left.size()));
  dropped_count_.store(dropped_count_.load(std::memory_order_relaxed) + left.size(),
                       std::memory_order_relaxed);
}

}  // namespace twinplane::dataplane
