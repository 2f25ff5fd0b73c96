// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/home.hpp"

#include <algorithm>
#include <cstring>

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

}  // namespace

Home::~Home() {
  neighbors_.set_active(false, 0);  // gives back what is held
  free_unreachable();
  rte_pktmbuf_free(open_);
}

void Home::set_active(bool is_active, std::uint64_t now_ns) noexcept {
  // What the stream of the old owner has said last.
  replica_.poll();
  holders_.poll();
  neighbors_.set_active(is_active, now_ns / kNsPerMs);
  if (groups_ != nullptr) groups_->set_active(is_active, now_ns / kNsPerMs);
  if (macs_) macs_->set_active(is_active, now_ns / kNsPerMs);
  if (!is_active) return block_list_.clear();
  holders_.take(static_cast<std::uint32_t>(now_ns / 1'000'000'000U));
  neighbors_.announce(now_ns / kNsPerMs);
  // The routers are asked for before the first packet needs them.
  for (const NeighborKey& router : routers_) neighbors_.resolve(router, nullptr, now_ns / kNsPerMs);
}

void Home::announce(std::uint64_t now_ns) noexcept {
  neighbors_.announce(now_ns / kNsPerMs);
  if (macs_) macs_->announce(now_ns / kNsPerMs);
}

void Home::on_neighbor_packet(rte_mbuf* packet, const PacketView& view, std::size_t port_index,
                              std::uint64_t now_ns) noexcept {
  neighbors_.on_packet({rte_pktmbuf_mtod(packet, const std::byte*), packet->data_len}, view,
                       port_index, now_ns / kNsPerMs);
  rte_pktmbuf_free(packet);
}

void Home::on_group_packet(rte_mbuf* packet, const PacketView& view, std::size_t port_index,
                           std::uint64_t now_ns) noexcept {
  groups_->on_packet({rte_pktmbuf_mtod(packet, const std::byte*), packet->data_len}, view,
                     port_index, now_ns / kNsPerMs);
  rte_pktmbuf_free(packet);
}

void Home::resolve(rte_mbuf* packet, std::uint64_t now_ns) noexcept {
  const PacketNote& note = note_of(packet);
  NeighborKey key{.address = {}, .port_index = note.egress_port};
  std::copy_n(note.next_hop, key.address.size(), key.address.begin());
  neighbors_.resolve(key, packet, now_ns / kNsPerMs);
}

void Home::poll(std::uint64_t now_ns) noexcept {
  free_unreachable();
  replica_.poll();
  holders_.poll();
  ipsec_->poll(now_ns);
  neighbors_.poll(now_ns / kNsPerMs);
  if (groups_ != nullptr) groups_->poll(now_ns / kNsPerMs);
  block_list_.poll(now_ns);
  if (macs_) macs_->poll(now_ns / kNsPerMs);
}

void Home::free_unreachable() noexcept {
  if (unreachable_count_ == 0) return;
  rte_pktmbuf_free_bulk(unreachable_.data(), static_cast<unsigned>(unreachable_count_));
  unreachable_count_ = 0;
}

std::span<std::byte> Home::try_frame(std::size_t /*port_index*/) noexcept {
  if (open_ == nullptr) open_ = rte_pktmbuf_alloc(pool_->get());
  if (open_ == nullptr) return {};
  return {rte_pktmbuf_mtod(open_, std::byte*), rte_pktmbuf_tailroom(open_)};
}

void Home::send(std::size_t port_index, std::size_t frame_bytes) noexcept {
  open_->data_len = static_cast<std::uint16_t>(frame_bytes);
  open_->pkt_len = open_->data_len;
  egress_->put(port_index, open_);
  open_ = nullptr;
}

void Home::release(void* packet, std::size_t port_index, const MacAddress& mac) noexcept {
  auto* const waiting = static_cast<rte_mbuf*>(packet);
  std::memcpy(rte_pktmbuf_mtod(waiting, std::byte*), mac.data(), mac.size());
  egress_->put(port_index, waiting);
}

void Home::drop(void* packet, std::size_t /*port_index*/, NeighborDrop reason) noexcept {
  auto* const waited = static_cast<rte_mbuf*>(packet);
  // A poll gives up no more than were held.
  if (reason == NeighborDrop::kUnreachable && unreachable_count_ < unreachable_.size())
    unreachable_[unreachable_count_++] = waited;
  else
    rte_pktmbuf_free(waited);
  if (stats_ != nullptr) stats_->drops[static_cast<std::size_t>(DropReason::kNoNeighbor)].add(1);
}

}  // namespace twinplane::dataplane
