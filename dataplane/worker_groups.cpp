// SPDX-License-Identifier: BSD-3-Clause
// What a worker does with packets to groups: judged here, begun by the home worker, sent by each
// port with a link header of its own.
#include <bit>

#include "dataplane/packet_pieces.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/virtual_mac.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

namespace {

tables::Address6 group_of(const PacketView& view) noexcept {
  return view.kind == PacketKind::kIp4 ? mapped(view.target4.address) : view.target6.address;
}

}  // namespace

void Worker::drop_group(rte_mbuf* packet, GroupDrop reason) noexcept {
  stats_.group_drops[static_cast<std::size_t>(reason)].add(1);
  rte_pktmbuf_free(packet);
}

// IGMP and MLD go to the home worker, in either role, as neighbors do. True: it took the packet.
bool Worker::take_membership(rte_mbuf* packet, ParseResult parsed, const PacketView& view,
                             std::uint8_t ingress_port, std::uint64_t now_ns) noexcept {
  if (shared_.groups == nullptr || !Groups::concerns(parsed, view)) return false;
  const std::uint16_t vlan = view.vlan_count == 0 ? 0 : view.vlan_tcis[0] & kVlanNumberMask;
  if (view.vlan_count > 1 || vlan != shared_.config.ports[ingress_port].vlan) {
    drop(packet, DropReason::kWrongVlan);
  } else if (home_ != nullptr) {
    home_->on_group_packet(packet, view, ingress_port, now_ns);
  } else {
    note_of(packet) = PacketNote{};
    if (!shared_.home_ring.try_put(packet)) drop(packet, DropReason::kRingFull);
  }
  return true;
}

// Fragments have met their first here, and know its ports.
void Worker::take_group(Admitted& admitted, std::uint64_t now_ns) noexcept {
  const PacketView& view = admitted.view;
  GroupVerdict verdict = group_forwarder_->judge(view, admitted.ingress_port);
  if (verdict.drop == GroupDrop::kNone && verdict.begins) {
    if (home_ == nullptr) {
      PacketNote& note = note_of(admitted.packet);
      note = PacketNote{};
      note.protocol = view.protocol;
      note.source_port_be =
          view.kind == PacketKind::kIp4 ? view.source4.port_be : view.source6.port_be;
      note.target_port_be =
          view.kind == PacketKind::kIp4 ? view.target4.port_be : view.target6.port_be;
      if (!shared_.group_ring.try_put(admitted.packet))
        drop_group(admitted.packet, GroupDrop::kRingFull);
      return;
    }
    const GroupDrop refusal =
        shared_.orders.are_doors_closed()
            ? GroupDrop::kClosing
            : home_->begin_stream(GroupForwarder::key_of(view), admitted.ingress_port, now_ns);
    if (refusal != GroupDrop::kNone) return drop_group(admitted.packet, refusal);
    verdict = group_forwarder_->judge(view, admitted.ingress_port);
  }
  const auto withhold = [this](GroupDrop reason, std::uint64_t count) {
    stats_.group_withheld[static_cast<std::size_t>(reason)].add(count);
  };
  withhold(GroupDrop::kRule, verdict.withheld_by_rule);
  withhold(GroupDrop::kTranslated, verdict.withheld_by_nat);
  if (verdict.place != GroupRouteTable::kNoPlace && verdict.drop != GroupDrop::kWrongIngress)
    shared_.groups->traffic.add(index_, verdict.place, view.l3_bytes);
  if (verdict.drop != GroupDrop::kNone) return drop_group(admitted.packet, verdict.drop);
  stats_.group_packets.add(1);
  send_to_group(admitted, verdict.egress);
}

// Each port but the last gets a copy: TTL, checksum and what lies behind are alike in all, link
// header and MTU are the port's.
void Worker::send_to_group(Admitted& admitted, tables::PortSet egress) noexcept {
  decrement_ttl(bytes_of(admitted.packet), admitted.view);
  while (egress != 0) {
    const auto port_index = static_cast<std::uint8_t>(std::countr_zero(egress));
    egress &= egress - 1;
    rte_mbuf* const packet =
        egress == 0 ? admitted.packet
                    : rte_pktmbuf_copy(admitted.packet, shared_.packet_pool.get(), 0, UINT32_MAX);
    if (packet == nullptr) {
      stats_.group_withheld[static_cast<std::size_t>(GroupDrop::kNoBuffer)].add(1);
      continue;
    }
    PacketView view = admitted.view;
    if (const GroupDrop refusal = send_copy(packet, view, port_index);
        refusal != GroupDrop::kNone) {
      stats_.group_withheld[static_cast<std::size_t>(refusal)].add(1);
      rte_pktmbuf_free(packet);
    }
  }
}

// kNone: it has been taken over.
GroupDrop Worker::send_copy(rte_mbuf* packet, PacketView& view, std::uint8_t port_index) noexcept {
  const PortConfig& port = shared_.config.ports[port_index];
  const bool fits = view.l3_bytes <= port.mtu_bytes;
  if (!fits && view.dont_fragment) return GroupDrop::kTooBig;
  const LinkHeader header{.target = group_mac_of(group_of(view)),
                          .source = virtual_mac(port, port_index),
                          .vlan = port.vlan};
  const std::ptrdiff_t growth = link_header_growth(view, header);
  if (growth > 0 && rte_pktmbuf_prepend(packet, static_cast<std::uint16_t>(growth)) == nullptr)
    return GroupDrop::kNoBuffer;
  if (growth < 0) rte_pktmbuf_adj(packet, static_cast<std::uint16_t>(-growth));
  write_link_header(bytes_of(packet), view, header);
  if (fits) {
    stats_.group_copies.add(1);
    egress_.put(port_index, packet);
    return GroupDrop::kNone;
  }
  PieceArray array;
  const std::span<rte_mbuf*> pieces =
      cut(bytes_of(packet), view, port.mtu_bytes, shared_.packet_pool, array);
  if (pieces.empty()) return GroupDrop::kNoBuffer;
  for (rte_mbuf* const piece : pieces) egress_.put(port_index, piece);
  stats_.group_copies.add(1);
  stats_.packets_fragmented.add(1);
  stats_.fragments_made.add(pieces.size());
  rte_pktmbuf_free(packet);
  return GroupDrop::kNone;
}

// First packets of streams, which other workers leave to the home worker.
std::uint32_t Worker::take_beginnings(std::uint64_t now_ns) noexcept {
  std::array<rte_mbuf*, kBurst> packets;
  const std::uint16_t count = shared_.group_ring.take(packets.data(), kBurst);
  for (std::uint16_t i = 0; i < count; ++i) {
    Admitted admitted;
    admitted.packet = packets[i];
    admitted.ingress_port = config_port_of_[packets[i]->port];
    PacketView& view = admitted.view;
    if (!is_active_ || parse(bytes_of(packets[i]), view) != ParseResult::kOk) {
      drop(packets[i], DropReason::kNotActive);
      continue;
    }
    const PacketNote& note = note_of(packets[i]);
    view.protocol = note.protocol;
    view.source4.port_be = view.source6.port_be = note.source_port_be;
    view.target4.port_be = view.target6.port_be = note.target_port_be;
    take_group(admitted, now_ns);
  }
  return count;
}

}  // namespace twinplane::dataplane
