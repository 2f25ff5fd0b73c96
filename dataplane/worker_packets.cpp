// SPDX-License-Identifier: BSD-3-Clause
// What a worker does with packets: admit, hand over, look up as a burst, forward. How they leave is
// in worker_send.cpp, what their senders are told in worker_errors.cpp.
#include <rte_prefetch.h>

#include "dataplane/destination_nat.hpp"
#include "dataplane/named_flow.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/rss.hpp"
#include "dataplane/sctp_packet.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

std::uint32_t Worker::take_packets(std::uint64_t now_ns) noexcept {
  std::array<rte_mbuf*, kGatherMax> packets;
  std::uint16_t gathered = 0;
  std::uint32_t work = 0;
  const auto process_gathered = [&] {
    if (gathered != 0) process({packets.data(), gathered}, now_ns, false);
    work += gathered;
    gathered = 0;
  };
  for (std::size_t port = 0; port < shared_.ports.size(); ++port) {
    if (!shared_.ports[port]->has_receive_queue(index_)) continue;
    if (gathered + kBurst > kGatherMax) process_gathered();
    const std::uint16_t count =
        shared_.ports[port]->receive(index_, packets.data() + gathered, kBurst);
    stats_.packets_received.add(count);
    gathered = static_cast<std::uint16_t>(gathered + count);
  }
  process_gathered();
  if (const std::uint16_t count = shared_.packet_rings[index_]->take(packets.data(), kBurst);
      count != 0) {
    process({packets.data(), count}, now_ns, true);
    work += count;
  }
  if (home_ == nullptr) return work;
  std::uint16_t count = shared_.home_ring.take(packets.data(), kBurst);
  for (std::uint16_t i = 0; i < count; ++i) take_home(packets[i], now_ns);
  work += count + take_beginnings(now_ns);
  for (std::size_t port = 0; port < shared_.port_rings.size(); ++port) {
    count = shared_.port_rings[port]->take(packets.data(), kBurst);
    for (std::uint16_t i = 0; i < count; ++i) egress_.put(port, packets[i]);
    work += count;
  }
  return work;
}

// What other workers leave to the home worker: neighbor messages as they came in, and packets whose
// neighbor is not known.
void Worker::take_home(rte_mbuf* packet, std::uint64_t now_ns) noexcept {
  if (packet->port == RTE_MBUF_PORT_INVALID) return home_->resolve(packet, now_ns);
  PacketView view;
  const ParseResult parsed = parse(bytes_of(packet), view);
  const std::uint8_t ingress_port = config_port_of_[packet->port];
  if (take_membership(packet, parsed, view, ingress_port, now_ns)) return;
  if (parsed != ParseResult::kOk) return rte_pktmbuf_free(packet);
  home_->on_neighbor_packet(packet, view, ingress_port, now_ns);
}

void Worker::drop(rte_mbuf* packet, DropReason reason) noexcept {
  stats_.drops[static_cast<std::size_t>(reason)].add(1);
  rte_pktmbuf_free(packet);
}

void Worker::process(std::span<rte_mbuf*> packets, std::uint64_t now_ns,
                     bool is_handed_over) noexcept {
  for (rte_mbuf* packet : packets) rte_prefetch0(rte_pktmbuf_mtod(packet, void*));
  std::size_t count = 0;
  for (rte_mbuf* packet : packets)
    if (admit(packet, now_ns, is_handed_over, burst_[count])) ++count;
  const std::span<Admitted> admitted{burst_.data(), count};
  look_up(admitted);
  const bool are_doors_closed = shared_.orders.are_doors_closed();
  for (Admitted& one : admitted) {
    if (one.found.slot == tables::kNoSlot && are_doors_closed) {
      drop(one.packet, DropReason::kNotActive);
      continue;
    }
    if (one.domain != kNoDomain) {
      forward_bridged(one, now_ns);
      continue;
    }
    if (one.found.slot == tables::kNoSlot) {
      if (keeps_out(one, now_ns)) continue;
    } else if (is_of_handshake(one, now_ns)) {
      continue;
    }
    carry_out(one, forward(one, now_ns), now_ns);
  }
}

ForwardResult Worker::forward(Admitted& one, std::uint64_t now_ns) noexcept {
  tables::Partition& mine = partition(one.partition);
  const auto by = [&](const auto& key) {
    return forward_named(forwarder_, mine, roomy_bytes_of(one.packet), one.view, one.quote, key,
                         one.found, one.ingress_port, BurstTime{now_ns});
  };
  const ForwardResult result = one.view.kind == PacketKind::kIp4 ? by(one.key4) : by(one.key6);
  if (result.frame_bytes != 0) {
    one.packet->data_len = result.frame_bytes;
    one.packet->pkt_len = result.frame_bytes;
  }
  return result;
}

// True when the packet is for a session of this worker; else it has gone where it belongs.
bool Worker::admit(rte_mbuf* packet, std::uint64_t now_ns, bool is_handed_over,
                   Admitted& admitted) noexcept {
  admitted.packet = packet;
  admitted.ingress_port = config_port_of_[packet->port];
  admitted.found = {tables::kNoSlot, tables::Side::kClient};
  PacketView& view = admitted.view;
  view = PacketView{};
  if (packet->nb_segs != 1 && rte_pktmbuf_linearize(packet) != 0) {
    drop(packet, DropReason::kNoBuffer);
    return false;
  }
  if ((packet->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
      (packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD) {
    drop(packet, DropReason::kBadChecksum);
    return false;
  }
  admitted.domain =
      bridge_ ? bridge_->intake.domains().domain_of(admitted.ingress_port) : kNoDomain;
  if (admitted.domain != kNoDomain) return admit_bridged(admitted, now_ns, is_handed_over);
  const ParseResult parsed = parse(bytes_of(packet), view);
  if (take_membership(packet, parsed, view, admitted.ingress_port, now_ns)) return false;
  if (parsed != ParseResult::kOk) {
    stats_.parse_drops[static_cast<std::size_t>(parsed)].add(1);
    rte_pktmbuf_free(packet);
    return false;
  }
  const std::uint16_t vlan = view.vlan_count == 0 ? 0 : view.vlan_tcis[0] & kVlanNumberMask;
  if (view.vlan_count > 1 || vlan != shared_.config.ports[admitted.ingress_port].vlan) {
    drop(packet, DropReason::kWrongVlan);
    return false;
  }
  // Neighbors are listened to in either role: who asks for the pair's addresses is known when this
  // box takes over.
  if (Neighbors::concerns(view)) {
    if (home_ != nullptr) {
      home_->on_neighbor_packet(packet, view, admitted.ingress_port, now_ns);
    } else {
      note_of(packet) = PacketNote{};
      if (!shared_.home_ring.try_put(packet)) drop(packet, DropReason::kRingFull);
    }
    return false;
  }
  if (!is_active_) {
    drop(packet, DropReason::kNotActive);
    return false;
  }
  const std::uint8_t zone = shared_.config.ports[admitted.ingress_port].zone_index;
  if (admission_.is_blocked(view, zone)) {
    drop(packet, DropReason::kDosBlocked);
    return false;
  }
  if (view.fragment.part != FragmentPart::kWhole && view.protocol == kProtocolSctp) {
    drop(packet, DropReason::kSctpFragment);
    return false;
  }
  if (view.fragment.part != FragmentPart::kWhole &&
      !know_fragment(admitted, now_ns, is_handed_over))
    return false;
  if (group_forwarder_ && GroupForwarder::concerns(view)) {
    take_group(admitted, now_ns);
    return false;
  }
  const NamedFlow flow = named_flow(bytes_of(packet), view, admitted.quote);
  if (flow.packet == nullptr) {
    stats_.parse_drops[static_cast<std::size_t>(flow.parsed)].add(1);
    rte_pktmbuf_free(packet);
    return false;
  }
  const PacketView& named = *flow.packet;
  const bool is_error = &named != &view;
  const bool has_device_hash =
      (packet->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0 && !is_error && device_hash_holds(view);
  const DestinationNat& destinations = shared_.forward.destinations;
  // Of SCTP nothing is translated: its ports alone say where it belongs.
  std::optional<std::uint32_t> real_hash;
  if (named.l4_kind != L4Kind::kSctp)
    real_hash = view.kind == PacketKind::kIp4
                    ? try_real_hash<tables::Address4>(destinations, named, is_error, zone)
                    : try_real_hash<tables::Address6>(destinations, named, is_error, zone);
  const std::uint32_t hash =
      real_hash ? *real_hash : (has_device_hash ? packet->hash.rss : flow_hash(named));
  admitted.partition = partition_of(hash, shared_.config.tables.partitions);
  if (!is_mine(admitted.partition)) return hand_over(admitted, owner_of(admitted.partition));
  if (named.l4_kind == L4Kind::kSctp) {
    take_sctp(admitted, now_ns);
    return false;
  }
  tables::Partition& mine = partition(admitted.partition);
  if (view.kind == PacketKind::kIp4) {
    admitted.key4 = Forwarder::key_of<tables::Address4>(named);
    mine.session4().slots().start(admitted.lookup, admitted.key4.key);
  } else {
    admitted.key6 = Forwarder::key_of<tables::Address6>(named);
    mine.session6().slots().start(admitted.lookup, admitted.key6.key);
  }
  return true;
}

// They are few, and so they are not looked up as a burst.
void Worker::take_sctp(Admitted& admitted, std::uint64_t now_ns) noexcept {
  tables::Partition& mine = partition(admitted.partition);
  const PacketView& view = admitted.view;
  const std::span<std::byte> frame = bytes_of(admitted.packet);
  if (view.l4_kind == L4Kind::kIcmpError)
    return carry_out(admitted,
                     sctp_forwarder_.forward_error(mine, frame, admitted.view, admitted.quote,
                                                   admitted.ingress_port),
                     now_ns);
  const bool is_verified =
      shared_.ports[admitted.ingress_port]->verifies_sctp() &&
      (admitted.packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  tables::SctpSummary packet;
  const SctpResult parsed =
      parse_sctp(frame.subspan(view.l4_offset, view.l4_bytes),
                 is_verified ? SctpChecksum::kKnownGood : SctpChecksum::kVerify, packet);
  if (parsed != SctpResult::kOk) {
    stats_.sctp_drops[static_cast<std::size_t>(parsed)].add(1);
    return rte_pktmbuf_free(admitted.packet);
  }
  if (packet.has(tables::kSctpInit) && keeps_out(admitted, now_ns)) return;
  const SctpForwarder::Arrival arrival{.ingress_port = admitted.ingress_port,
                                       .may_open = !shared_.orders.are_doors_closed(),
                                       .time = BurstTime{now_ns}};
  carry_out(admitted, sctp_forwarder_.forward(mine, frame, admitted.view, packet, arrival), now_ns);
}

// Fragments of a datagram meet at one worker, by its addresses; there the later ones learn the
// first one's ports.
bool Worker::know_fragment(Admitted& admitted, std::uint64_t now_ns, bool is_handed_over) noexcept {
  PacketView& view = admitted.view;
  const PacketNote& note = note_of(admitted.packet);
  if (is_handed_over && note.is_fragment_known != 0) {
    view.protocol = note.protocol;
    view.source4.port_be = view.source6.port_be = note.source_port_be;
    view.target4.port_be = view.target6.port_be = note.target_port_be;
    return true;
  }
  const std::uint32_t hash = view.kind == PacketKind::kIp4
                                 ? address_hash(view.source4.address, view.target4.address)
                                 : address_hash(view.source6.address, view.target6.address);
  if (const std::uint32_t meeting =
          partition_of(hash, shared_.config.tables.partitions) % worker_count_;
      meeting != index_)
    return hand_over(admitted, meeting);
  // Ports are below kPortsMax; a bridged datagram may come by another port of its VLAN.
  const auto scope = admitted.domain == kNoDomain
                         ? std::uint16_t{admitted.ingress_port}
                         : static_cast<std::uint16_t>(vsys_of(admitted.domain) << 12U |
                                                      admitted.bridge_frame.vlan);
  switch (fragments_.on_fragment(view, scope, now_ns / 1'000'000U)) {
    case FragmentVerdict::kKnown:
      return true;
    case FragmentVerdict::kUnknown:
      drop(admitted.packet, DropReason::kNoFirstFragment);
      break;
    case FragmentVerdict::kRefused:
      drop(admitted.packet, DropReason::kBadFragment);
      break;
  }
  return false;
}

bool Worker::hand_over(Admitted& admitted, std::uint32_t owner) noexcept {
  const PacketView& view = admitted.view;
  const bool is4 = view.kind == PacketKind::kIp4;
  PacketNote& note = note_of(admitted.packet);
  note = PacketNote{};
  const std::uint32_t meeting =
      partition_of(is4 ? address_hash(view.source4.address, view.target4.address)
                       : address_hash(view.source6.address, view.target6.address),
                   shared_.config.tables.partitions) %
      worker_count_;
  if (view.fragment.part != FragmentPart::kWhole && meeting == index_) {
    note.is_fragment_known = 1;
    note.protocol = view.protocol;
    note.source_port_be = is4 ? view.source4.port_be : view.source6.port_be;
    note.target_port_be = is4 ? view.target4.port_be : view.target6.port_be;
  }
  if (shared_.packet_rings[owner]->try_put(admitted.packet))
    stats_.packets_handed_over.add(1);
  else
    drop(admitted.packet, DropReason::kRingFull);
  return false;
}

// The later steps of every packet's lookup, whatever its table: bucket, entry and compare overlap
// across packets. admit() has made the first step.
void Worker::look_up(std::span<Admitted> admitted) noexcept {
  const auto in_table_of = [this](Admitted& one, const auto& step) {
    tables::Partition& mine = partition(one.partition);
    if (one.view.kind == PacketKind::kIp4)
      step(mine.session4().slots(), one.key4.key);
    else
      step(mine.session6().slots(), one.key6.key);
  };
  for (Admitted& one : admitted)
    in_table_of(one, [&](auto& slots, auto&) { slots.advance(one.lookup); });
  for (Admitted& one : admitted)
    if (one.lookup.is_elsewhere)
      in_table_of(one, [&](auto& slots, auto&) { slots.follow(one.lookup); });
  for (Admitted& one : admitted)
    in_table_of(one, [&](auto& slots, auto& key) {
      one.found = slots.finish(one.lookup, key);
      if (one.found.slot != tables::kNoSlot) slots.prefetch_touch(one.found.slot);
    });
}

}  // namespace twinplane::dataplane
