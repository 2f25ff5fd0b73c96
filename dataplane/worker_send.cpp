// SPDX-License-Identifier: BSD-3-Clause
// How packets leave a worker: with a link header, whole or in pieces, or by way of the home worker,
// who finds the neighbor.
#include "dataplane/local_reply.hpp"
#include "dataplane/packet_pieces.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/virtual_mac.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

void Worker::carry_out(Admitted& admitted, const ForwardResult& result,
                       std::uint64_t now_ns) noexcept {
  switch (result.verdict) {
    case ForwardVerdict::kDrop:
      return drop(admitted.packet, result.reason);
    case ForwardVerdict::kIcmpError:
      return answer_with_error(admitted, result, now_ns);
    case ForwardVerdict::kToSelf:
      return answer_echo(admitted, now_ns);
    case ForwardVerdict::kForward:
      return send_on(admitted, result, now_ns);
  }
}

// Echo requests to the box itself are answered by any worker: no state is needed.
void Worker::answer_echo(Admitted& admitted, std::uint64_t now_ns) noexcept {
  const std::uint8_t port_index = admitted.ingress_port;
  const PortConfig& port = shared_.config.ports[port_index];
  PacketView& view = admitted.view;
  if (reply_to_echo(bytes_of(admitted.packet), view, virtual_mac(port, port_index)) !=
      LocalReplyVerdict::kReplied)
    return drop(admitted.packet, DropReason::kLocalRefused);
  // It came as large as it is: put together on its way here, perhaps.
  const bool fits = view.l3_bytes <= port.mtu_bytes;
  if (!fits && view.dont_fragment) return drop(admitted.packet, DropReason::kTooBig);
  const NextHop hop{.key = {.address = {}, .port_index = port_index}, .is_known = true};
  if (fits) return put_out(admitted.packet, hop, now_ns);
  put_out_in_pieces(admitted, port.mtu_bytes, hop, nullptr, now_ns);
}

void Worker::send_on(Admitted& admitted, const ForwardResult& result,
                     std::uint64_t now_ns) noexcept {
  rte_mbuf* const packet = admitted.packet;
  const PortConfig& port = shared_.config.ports[result.port_index];
  MacAddress neighbor = result.return_mac;
  NextHop hop{.key = admitted.view.kind == PacketKind::kIp4
                         ? NeighborKey::of(result.port_index, result.next_hop4)
                         : NeighborKey::of(result.port_index, result.next_hop6),
              .is_known = false};
  hop.is_known = result.is_returned || shared_.neighbors.try_lookup(hop.key, neighbor);
  const LinkHeader header{
      .target = neighbor, .source = virtual_mac(port, result.port_index), .vlan = port.vlan};
  const std::ptrdiff_t growth = link_header_growth(admitted.view, header);
  if (growth > 0 && rte_pktmbuf_prepend(packet, static_cast<std::uint16_t>(growth)) == nullptr)
    return drop(packet, DropReason::kNoBuffer);
  if (growth < 0) rte_pktmbuf_adj(packet, static_cast<std::uint16_t>(-growth));
  write_link_header(bytes_of(packet), admitted.view, header);
  if (result.was_taken_over && awaits_first_packet_ && hop.is_known) {
    awaits_first_packet_ = false;
    stats_.first_packet_ns.set(now_ns);
  }
  const bool is_held = result.held_slot != tables::kNoSlot;
  const HeldPlace place = is_held ? place_of(admitted, result.held_slot) : HeldPlace{};
  const HeldPlace* const held = is_held ? &place : nullptr;
  if (result.mtu_bytes == 0) return put_out_or_hold(packet, hop, held, now_ns);
  put_out_in_pieces(admitted, result.mtu_bytes, hop, held, now_ns);
}

void Worker::put_out(rte_mbuf* packet, const NextHop& hop, std::uint64_t now_ns) noexcept {
  if (hop.is_known) return egress_.put(hop.key.port_index, packet);
  PacketNote& note = note_of(packet);
  note = PacketNote{};
  note.egress_port = hop.key.port_index;
  std::memcpy(note.next_hop, hop.key.address.data(), hop.key.address.size());
  if (home_ != nullptr) return home_->resolve(packet, now_ns);
  // to the home worker: not one that came in, but one to resolve
  packet->port = RTE_MBUF_PORT_INVALID;
  if (!shared_.home_ring.try_put(packet)) drop(packet, DropReason::kRingFull);
}

void Worker::put_out_in_pieces(Admitted& admitted, std::uint16_t mtu_bytes, const NextHop& hop,
                               const HeldPlace* place, std::uint64_t now_ns) noexcept {
  PieceArray array;
  const std::span<rte_mbuf*> pieces =
      cut(bytes_of(admitted.packet), admitted.view, mtu_bytes, shared_.packet_pool, array);
  if (pieces.empty()) return drop(admitted.packet, DropReason::kNotFragmented);
  for (rte_mbuf* const piece : pieces) put_out_or_hold(piece, hop, place, now_ns);
  stats_.packets_fragmented.add(1);
  stats_.fragments_made.add(pieces.size());
  rte_pktmbuf_free(admitted.packet);
}

}  // namespace twinplane::dataplane
