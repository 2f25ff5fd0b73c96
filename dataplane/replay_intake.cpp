// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_intake.hpp"

#include "dataplane/error_source.hpp"
#include "dataplane/named_flow.hpp"
#include "dataplane/packet_pieces.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/replay_pick_up.hpp"
#include "dataplane/rss.hpp"
#include "dataplane/sctp_packet.hpp"

namespace twinplane::dataplane {

namespace {

constexpr TokenBucketLimits kIcmpErrorLimits{.rate_per_s = 1000, .burst = 100};

std::span<std::byte> bytes_of(rte_mbuf* packet) noexcept {
  return {rte_pktmbuf_mtod(packet, std::byte*), packet->data_len};
}

}  // namespace

ReplayIntake::ReplayIntake(const IntakeSetup& setup, std::uint64_t now_ns)
    : setup_(setup),
      forwarder_(setup.forward),
      sctp_forwarder_(setup.forward),
      home_(setup.forward.config, setup.box.home()),
      fragments_(FragmentLimits{}, tables::HashSeed{setup.seed}),
      icmp_errors_(kIcmpErrorLimits, now_ns) {}

void ReplayIntake::take(rte_mbuf* packet, std::uint64_t now_ns) noexcept {
  ++counts_.packets;
  counts_.bytes += packet->pkt_len;
  home_.poll(now_ns);
  if (packet->nb_segs != 1 && rte_pktmbuf_linearize(packet) != 0) {
    counts_.drop(DropReason::kNoBuffer);
    return rte_pktmbuf_free(packet);
  }
  PacketView view;
  const std::optional<ForwardResult> result = decide(bytes_of(packet), view, now_ns);
  if (!result) return rte_pktmbuf_free(packet);
  switch (result->verdict) {
    case ForwardVerdict::kForward:
      return send_on(packet, view, *result);
    case ForwardVerdict::kToSelf:
      ++counts_.to_box;
      break;
    case ForwardVerdict::kIcmpError:
      answer_with_error(bytes_of(packet), view, *result, now_ns);
      [[fallthrough]];
    case ForwardVerdict::kDrop:
      counts_.drop(result->reason);
      break;
  }
  rte_pktmbuf_free(packet);
}

std::optional<ForwardResult> ReplayIntake::decide(std::span<std::byte> frame, PacketView& view,
                                                  std::uint64_t now_ns) noexcept {
  const ParseResult parsed = parse(frame, view);
  ingress_port_ = parsed == ParseResult::kOk ? ingress_of(view) : std::uint8_t{0};
  // Who has no address yet reports his groups from 0.0.0.0.
  if ((parsed == ParseResult::kOk || parsed == ParseResult::kIp4BadSource) &&
      view.is_group_target && home_.hears_group(frame, view, ingress_port_, now_ns)) {
    ++counts_.to_box;
    return std::nullopt;
  }
  if (parsed != ParseResult::kOk) {
    counts_.drop(parsed);
    return std::nullopt;
  }
  if (!is_vlan_served(view)) return ForwardResult::drop(DropReason::kWrongVlan);
  if (view.kind == PacketKind::kArp || view.l4_kind == L4Kind::kNeighbor) {
    home_.hear_neighbor(frame, view, ingress_port_, now_ns);
    ++counts_.to_box;
    return std::nullopt;
  }
  if (view.fragment.part != FragmentPart::kWhole && view.protocol == kProtocolSctp)
    return ForwardResult::drop(DropReason::kSctpFragment);
  if (view.fragment.part != FragmentPart::kWhole && !knows_fragment(view, now_ns))
    return std::nullopt;
  PacketView quote;
  const NamedFlow flow = named_flow(frame, view, quote);
  if (flow.packet == nullptr) {
    counts_.drop(flow.parsed);
    return std::nullopt;
  }
  const Intake intake{frame, view, quote, *flow.packet};
  if (intake.named.l4_kind == L4Kind::kSctp) return forward_sctp(intake, now_ns);
  return view.kind == PacketKind::kIp4 ? forward<tables::Address4>(intake, now_ns)
                                       : forward<tables::Address6>(intake, now_ns);
}

std::optional<ForwardResult> ReplayIntake::forward_sctp(const Intake& intake,
                                                        std::uint64_t now_ns) noexcept {
  const std::uint32_t index =
      partition_of(flow_hash(intake.named), setup_.forward.config.tables.partitions);
  tables::Partition& partition = setup_.box.partition(index);
  const PacketView& view = intake.view;
  if (view.l4_kind == L4Kind::kIcmpError)
    return sctp_forwarder_.forward_error(partition, intake.frame, intake.view, intake.quote,
                                         ingress_port_);
  tables::SctpSummary packet;
  const SctpResult parsed = parse_sctp(intake.frame.subspan(view.l4_offset, view.l4_bytes),
                                       SctpChecksum::kVerify, packet);
  if (parsed != SctpResult::kOk) {
    counts_.drop(parsed);
    return std::nullopt;
  }
  return sctp_forwarder_.forward(
      partition, intake.frame, intake.view, packet,
      {.ingress_port = ingress_port_, .may_open = true, .time = BurstTime{now_ns}});
}

template <class Address>
ForwardResult ReplayIntake::forward(const Intake& intake, std::uint64_t now_ns) noexcept {
  const Config& config = setup_.forward.config;
  const std::optional<std::uint32_t> real_hash =
      try_real_hash<Address>(setup_.forward.destinations, intake.named,
                             &intake.named != &intake.view, config.ports[ingress_port_].zone_index);
  const std::uint32_t index =
      partition_of(real_hash ? *real_hash : flow_hash(intake.named), config.tables.partitions);
  tables::Partition& partition = setup_.box.partition(index);
  const tables::DirectedKey<Address> key = Forwarder::key_of<Address>(intake.named);
  const tables::Found found = partition.sessions<Address>().slots().find(key.key);
  const BurstTime time{now_ns};
  const ForwardResult result = forward_named(forwarder_, partition, intake.frame, intake.view,
                                             intake.quote, key, found, ingress_port_, time);
  const bool is_midstream =
      result.verdict == ForwardVerdict::kDrop && result.reason == DropReason::kTcpNotSyn;
  if (!setup_.picks_up || !is_midstream || !can_pick_up(intake.view)) return result;
  ++counts_.picked_up;
  return pick_up(forwarder_, partition, intake.frame, intake.view, key, ingress_port_, time);
}

// A capture does not say which port a packet came in by: it is the one that the route to its source
// leads to.
std::uint8_t ReplayIntake::ingress_of(const PacketView& view) const noexcept {
  if (setup_.forward.config.ports.size() == 1) return 0;
  const RouteTable& routes = setup_.forward.routes;
  return view.kind == PacketKind::kIp6 ? routes.lookup(view.source6.address).port_index
                                       : routes.lookup(view.source4.address).port_index;
}

bool ReplayIntake::is_vlan_served(const PacketView& view) const noexcept {
  if (setup_.accepts_any_vlan) return true;
  const std::uint16_t vlan = view.vlan_count == 0 ? 0 : view.vlan_tcis[0] & kVlanNumberMask;
  return view.vlan_count <= 1 && vlan == setup_.forward.config.ports[ingress_port_].vlan;
}

bool ReplayIntake::knows_fragment(PacketView& view, std::uint64_t now_ns) noexcept {
  switch (fragments_.on_fragment(view, ingress_port_, now_ns / 1'000'000U)) {
    case FragmentVerdict::kKnown:
      return true;
    case FragmentVerdict::kUnknown:
      counts_.drop(DropReason::kNoFirstFragment);
      break;
    case FragmentVerdict::kRefused:
      counts_.drop(DropReason::kBadFragment);
      break;
  }
  return false;
}

void ReplayIntake::send_on(rte_mbuf* packet, const PacketView& view,
                           const ForwardResult& result) noexcept {
  bool is_sent = true;
  if (result.mtu_bytes == 0) {
    is_sent = try_send(packet);
  } else {
    PieceArray array;
    const std::span<rte_mbuf*> pieces =
        cut(bytes_of(packet), view, result.mtu_bytes, setup_.pool, array);
    rte_pktmbuf_free(packet);
    if (pieces.empty()) return counts_.drop(DropReason::kNotFragmented);
    for (rte_mbuf* const piece : pieces) is_sent &= try_send(piece);
    ++counts_.fragmented;
  }
  if (!is_sent) return counts_.drop(DropReason::kTransmitFull);
  ++counts_.forwarded;
}

// A box made up for the replay has no address to speak as: then nothing is written.
void ReplayIntake::answer_with_error(std::span<const std::byte> frame, const PacketView& view,
                                     const ForwardResult& result, std::uint64_t now_ns) noexcept {
  IcmpErrorOrder order{.kind = result.icmp_error, .mtu_bytes = result.mtu_bytes};
  if (may_send_icmp_error(view, order.kind) != IcmpErrorVerdict::kBuilt ||
      !try_sign(order, setup_.forward.config, view, ingress_port_) ||
      !icmp_errors_.try_take(now_ns))
    return;
  rte_mbuf* const answer = rte_pktmbuf_alloc(setup_.pool.get());
  if (answer == nullptr) return;
  const IcmpErrorResult built = build_icmp_error(
      frame, view, order, {rte_pktmbuf_mtod(answer, std::byte*), rte_pktmbuf_tailroom(answer)});
  answer->data_len = static_cast<std::uint16_t>(built.frame_bytes);
  answer->pkt_len = answer->data_len;
  if (built.verdict != IcmpErrorVerdict::kBuilt) return rte_pktmbuf_free(answer);
  if (try_send(answer)) ++counts_.icmp_errors;
}

bool ReplayIntake::try_send(rte_mbuf* packet) noexcept {
  if (setup_.writer != nullptr) return setup_.writer->try_send(packet);
  rte_pktmbuf_free(packet);
  return true;
}

}  // namespace twinplane::dataplane
