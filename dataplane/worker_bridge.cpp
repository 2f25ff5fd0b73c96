// SPDX-License-Identifier: BSD-3-Clause
// What a worker does with frames of bridge domains. Those that a session is found by join the
// routed packets' burst; all others leave from here.
#include <bit>

#include "dataplane/named_flow.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/rss.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

// True when the packet may belong to a session; else it has gone where it belongs.
bool Worker::admit_bridged(Admitted& admitted, std::uint64_t now_ns, bool is_handed_over) noexcept {
  // The passive box is silent: two that bridge between the same switches would be a loop.
  if (!is_active_ || shared_.orders.is_bridging_stopped()) {
    drop(admitted.packet, DropReason::kNotActive);
    return false;
  }
  BridgeIntake& intake = bridge_->intake;
  BridgeFrame& frame = admitted.bridge_frame;
  std::optional<BridgeOutcome> refused =
      intake.refuse(bytes_of(admitted.packet), admitted.domain, frame);
  if (!refused && !is_handed_over)
    refused = intake.refuse_sender(frame, admitted.domain, admitted.ingress_port, now_ns);
  if (refused) {
    drop_bridged(admitted, *refused);
    return false;
  }
  if (!frame.is_ip()) {
    if (find_bridge_way(admitted, now_ns))
      send_bridged(admitted, {.ports = admitted.bridge_way.ports}, now_ns);
    return false;
  }
  PacketView& view = admitted.view;
  if (const ParseResult parsed = parse(bytes_of(admitted.packet), view, ParseScope::kLink);
      parsed != ParseResult::kOk) {
    stats_.parse_drops[static_cast<std::size_t>(parsed)].add(1);
    rte_pktmbuf_free(admitted.packet);
    return false;
  }
  const std::uint8_t zone = shared_.config.ports[admitted.ingress_port].zone_index;
  if (admission_.is_blocked(view, zone)) {
    drop(admitted.packet, DropReason::kDosBlocked);
    return false;
  }
  if (!BridgeForwarder::is_stateless(view)) return place_bridged(admitted, now_ns, is_handed_over);
  if (!find_bridge_way(admitted, now_ns)) return false;
  const BridgeArrival arrival{.domain = admitted.domain,
                              .ingress_port = admitted.ingress_port,
                              .ports = admitted.bridge_way.ports,
                              .time = BurstTime{now_ns}};
  send_bridged(admitted,
               view.kind == PacketKind::kIp4
                   ? bridge_->forwarder.filter<tables::Address4>(view, arrival)
                   : bridge_->forwarder.filter<tables::Address6>(view, arrival),
               now_ns);
  return false;
}

// True when the packet is for a session of this worker: its partition follows from its flow, as of
// routed packets that are not translated.
bool Worker::place_bridged(Admitted& admitted, std::uint64_t now_ns, bool is_handed_over) noexcept {
  const PacketView& view = admitted.view;
  if (view.fragment.part != FragmentPart::kWhole &&
      !know_fragment(admitted, now_ns, is_handed_over))
    return false;
  const NamedFlow flow = named_flow(bytes_of(admitted.packet), view, admitted.quote);
  if (flow.packet == nullptr) {
    stats_.parse_drops[static_cast<std::size_t>(flow.parsed)].add(1);
    rte_pktmbuf_free(admitted.packet);
    return false;
  }
  const PacketView& named = *flow.packet;
  admitted.partition = partition_of(flow_hash(named), shared_.config.tables.partitions);
  if (!is_mine(admitted.partition)) return hand_over(admitted, owner_of(admitted.partition));
  if (!find_bridge_way(admitted, now_ns)) return false;
  tables::Partition& mine = partition(admitted.partition);
  if (view.kind == PacketKind::kIp4) {
    admitted.key4 = BridgeForwarder::key_of<tables::Address4>(named, admitted.domain);
    mine.session4().slots().start(admitted.lookup, admitted.key4.key);
  } else {
    admitted.key6 = BridgeForwarder::key_of<tables::Address6>(named, admitted.domain);
    mine.session6().slots().start(admitted.lookup, admitted.key6.key);
  }
  return true;
}

// False when there is none, and the frame has been dropped.
bool Worker::find_bridge_way(Admitted& admitted, std::uint64_t now_ns) noexcept {
  admitted.bridge_way = bridge_->intake.find_way(admitted.bridge_frame, admitted.domain,
                                                 admitted.ingress_port, now_ns);
  if (!is_drop(admitted.bridge_way.outcome)) return true;
  drop_bridged(admitted, admitted.bridge_way.outcome);
  return false;
}

void Worker::drop_bridged(Admitted& admitted, BridgeOutcome outcome) noexcept {
  bridge_->intake.stats(admitted.domain).count(outcome);
  drop(admitted.packet, DropReason::kBridge);
}

template <class Address>
BridgeVerdict Worker::judge_bridged(Admitted& admitted, const tables::DirectedKey<Address>& key,
                                    std::uint64_t now_ns) noexcept {
  const BridgeArrival arrival{.domain = admitted.domain,
                              .ingress_port = admitted.ingress_port,
                              .ports = admitted.bridge_way.ports,
                              .time = BurstTime{now_ns}};
  tables::Partition& mine = partition(admitted.partition);
  if (admitted.view.l4_kind == L4Kind::kIcmpError)
    return bridge_->forwarder.forward_error(mine, key, admitted.found, arrival);
  return bridge_->forwarder.forward(mine, admitted.view, key, admitted.found, arrival);
}

// Floods are bounded as for routed packets; but a bridge answers nobody with cookies.
void Worker::forward_bridged(Admitted& admitted, std::uint64_t now_ns) noexcept {
  const std::uint8_t zone = shared_.config.ports[admitted.ingress_port].zone_index;
  if (admitted.found.slot == tables::kNoSlot) {
    const FloodAction action = admission_.judge(admitted.view, zone, now_ns);
    if (action != FloodAction::kPass)
      return drop(admitted.packet, action == FloodAction::kDropAll ? DropReason::kDosMaximum
                                                                   : DropReason::kDosRandom);
  }
  send_bridged(admitted,
               admitted.view.kind == PacketKind::kIp4
                   ? judge_bridged(admitted, admitted.key4, now_ns)
                   : judge_bridged(admitted, admitted.key6, now_ns),
               now_ns);
}

// By each of the ports; the last takes the packet itself, the others copies.
void Worker::send_bridged(Admitted& admitted, const BridgeVerdict& verdict,
                          std::uint64_t now_ns) noexcept {
  if (verdict.reason != DropReason::kNone) return drop(admitted.packet, verdict.reason);
  BridgeStats& stats = bridge_->intake.stats(admitted.domain);
  stats.count(admitted.bridge_way.outcome);
  if (verdict.was_taken_over && awaits_first_packet_) {
    awaits_first_packet_ = false;
    stats_.first_packet_ns.set(now_ns);
  }
  const bool is_held = verdict.held_slot != tables::kNoSlot;
  const HeldPlace place = is_held ? place_of(admitted, verdict.held_slot) : HeldPlace{};
  const auto put_out_by = [&](rte_mbuf* packet, PortBits ports) {
    const auto port = static_cast<std::uint8_t>(std::countr_zero(ports));
    const NextHop hop{.key = {.address = {}, .port_index = port}, .is_known = true};
    put_out_or_hold(packet, hop, is_held ? &place : nullptr, now_ns);
  };
  PortBits left = verdict.ports;
  for (; std::popcount(left) > 1; left &= left - 1) {
    rte_mbuf* const copy =
        rte_pktmbuf_copy(admitted.packet, shared_.packet_pool.get(), 0, UINT32_MAX);
    if (copy == nullptr)
      stats.copies_missed.add(1);
    else
      put_out_by(copy, left);
  }
  put_out_by(admitted.packet, left);
}

}  // namespace twinplane::dataplane
