// SPDX-License-Identifier: BSD-3-Clause
// packet_pieces.hpp - a packet cut for an MTU, its pieces in buffers of their own.
//
// The pieces are copies: no device need know how to send one packet from several buffers, and each
// can wait for a neighbor by itself.
//
// Thread:  any that may take from the pool; the object is its caller's.
// Memory:  a buffer of the pool a piece; they are the caller's from then on.
// Limits:  kPiecesMax: a packet of 9000 bytes or a little more for the smallest MTU.
// Errors:  no pieces at all when they are too many or the pool has not enough buffers.
// Spec:    ip4_fragments.hpp.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <span>

#include "dataplane/ip4_fragments.hpp"
#include "dataplane/packet_pool.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kPiecesMax = 32;

using PieceArray = std::array<rte_mbuf*, kPiecesMax>;

// `frame` and `view` as the packet is to leave. What is returned is the used part of `pieces`.
[[nodiscard]] inline std::span<rte_mbuf*> cut(std::span<const std::byte> frame,
                                              const PacketView& view, std::uint16_t mtu_bytes,
                                              const PacketPool& pool, PieceArray& pieces) noexcept {
  const Ip4Fragments fragments(frame, view, mtu_bytes);
  const std::size_t count = fragments.count();
  if (count > pieces.size() ||
      rte_pktmbuf_alloc_bulk(pool.get(), pieces.data(), static_cast<unsigned>(count)) != 0)
    return {};
  for (std::size_t place = 0; place < count; ++place) {
    rte_mbuf* const piece = pieces[place];
    const std::size_t bytes =
        fragments.write(place, {rte_pktmbuf_mtod(piece, std::byte*), rte_pktmbuf_tailroom(piece)});
    piece->data_len = static_cast<std::uint16_t>(bytes);
    piece->pkt_len = piece->data_len;
  }
  return {pieces.data(), count};
}

}  // namespace twinplane::dataplane
