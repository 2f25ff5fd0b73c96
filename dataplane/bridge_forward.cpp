// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/bridge_forward.hpp"

#include <bit>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/session_steps.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tables::DirectedKey;
using tables::Direction;
using tables::Endpoint;
using tables::Found;
using tables::SessionOf;
using tables::Side;

constexpr std::uint8_t first_port(PortBits ports) noexcept {
  return static_cast<std::uint8_t>(std::countr_zero(ports));
}

template <class Address>
RuleQuery<Address> query_of(std::uint8_t protocol, const Endpoint<Address>& client,
                            const Endpoint<Address>& server) noexcept {
  return {.source = client.address,
          .destination = server.address,
          .destination_port_be = server.port_be,
          .protocol = protocol,
          .zone_from = 0,
          .zone_to = 0};
}

// Of `ports` those for which `may_leave_by(port)`.
template <class MayLeaveBy>
PortBits those_of(PortBits ports, MayLeaveBy&& may_leave_by) noexcept {
  PortBits result = 0;
  for (PortBits left = ports; left != 0; left &= left - 1)
    if (const std::uint8_t port = first_port(left); may_leave_by(port)) result |= port_bit(port);
  return result;
}

// What the burst's lookup said may be past: as in Forwarder.
template <class Slots, class Address>
Found found_now(const Slots& slots, const DirectedKey<Address>& key, Found found) noexcept {
  if (found.slot != tables::kNoSlot &&
      tables::SessionTraits<Address>::matches(slots.entry(found.slot), found.side, key.key))
    return found;
  return slots.find(key.key);
}

}  // namespace

template <class Address>
BridgeVerdict BridgeForwarder::filter(const PacketView& view,
                                      const BridgeArrival& arrival) const noexcept {
  const bool resolves =
      view.l4_kind == L4Kind::kNeighbor &&
      (view.icmp_type == kNdNeighborSolicitation || view.icmp_type == kNdNeighborAdvertisement);
  if (resolves && domains_[arrival.domain].config.unfiltered.nd) return {.ports = arrival.ports};
  RuleQuery<Address> query =
      query_of(view.protocol, view.source<Address>(), view.target<Address>());
  query.zone_from = zone_of(arrival.ingress_port);
  const PortBits ports = those_of(arrival.ports, [&](std::uint8_t port) {
    query.zone_to = zone_of(port);
    return rules_.lookup(query).action == RuleAction::kAllow;
  });
  return ports == 0 ? BridgeVerdict::drop(DropReason::kRuleDrop) : BridgeVerdict{.ports = ports};
}

template <class Address>
BridgeVerdict BridgeForwarder::forward(tables::Partition& partition, const PacketView& view,
                                       const DirectedKey<Address>& key, Found found,
                                       const BridgeArrival& arrival) const noexcept {
  auto& sessions = partition.sessions<Address>();
  auto& slots = sessions.slots();
  found = found_now(slots, key, found);
  if (found.slot != tables::kNoSlot && view.l4_kind == L4Kind::kTcp && is_first_syn(view) &&
      tables::tcp_is_over(slots.entry(found.slot).state)) {
    sessions.end(found.slot);
    found.slot = tables::kNoSlot;
  }
  if (found.slot == tables::kNoSlot) {
    const BridgeVerdict opened = open_session(partition, view, key, arrival, found);
    if (found.slot == tables::kNoSlot) return opened;
  }
  SessionOf<Address>& session = slots.changeable(found.slot);
  const bool was_taken_over = session.state.is_opened_here == 0;
  const Direction direction = key.source_is_a == tables::client_is_a(session, Side::kClient)
                                  ? tables::kFromClient
                                  : tables::kFromServer;
  const PortBits ports = permitted(session, direction, arrival);
  // What does not arrive has done nothing to the session.
  if (ports == 0) return BridgeVerdict::drop(DropReason::kWrongZone);
  if (const std::uint8_t marks = advance(session, direction, view, view.tcp.acknowledgement);
      marks != 0)
    slots.mark(found.slot, marks);
  touch<Address>(partition, found.slot, rules_, arrival.time);
  return {.ports = ports,
          .was_taken_over = was_taken_over,
          .held_slot = (session.flags & tables::kHeld) != 0 ? found.slot : tables::kNoSlot};
}

template <class Address>
BridgeVerdict BridgeForwarder::open_session(tables::Partition& partition, const PacketView& view,
                                            const DirectedKey<Address>& key,
                                            const BridgeArrival& arrival,
                                            Found& found) const noexcept {
  if (view.fragment.part == FragmentPart::kLater)
    return BridgeVerdict::drop(DropReason::kNoFirstFragment);
  if (view.l4_kind == L4Kind::kTcp && !is_first_syn(view))
    return BridgeVerdict::drop(DropReason::kTcpNotSyn);
  const std::uint8_t echo = view.kind == PacketKind::kIp4 ? kIcmpEchoRequest : kIcmp6EchoRequest;
  if (view.l4_kind == L4Kind::kIcmpOther ||
      (view.l4_kind == L4Kind::kIcmpEcho && view.icmp_type != echo))
    return BridgeVerdict::drop(DropReason::kIcmpNoSession);
  const BridgeVerdict allowed = filter<Address>(view, arrival);
  if (allowed.reason != DropReason::kNone) return allowed;
  // Where several ports are possible the reply tells; permitted() asks the rules about it.
  const std::uint8_t egress_port = first_port(allowed.ports);
  RuleQuery<Address> query =
      query_of(view.protocol, view.source<Address>(), view.target<Address>());
  query.zone_from = zone_of(arrival.ingress_port);
  query.zone_to = zone_of(egress_port);
  const tables::InsertResult inserted = partition.sessions<Address>().create(
      opened_session(view, key, rules_.lookup(query), {arrival.ingress_port, egress_port},
                     arrival.time.seconds()),
      arrival.time.milliseconds());
  if (inserted.status == tables::InsertStatus::kFull)
    return BridgeVerdict::drop(DropReason::kTableFull);
  if (inserted.status == tables::InsertStatus::kIndexFull)
    return BridgeVerdict::drop(DropReason::kIndexFull);
  found = {inserted.slot, Side::kClient};
  return allowed;
}

// A session was allowed between two zones. Stations move: between others the rules are asked anew,
// as often as it takes.
template <class Address>
PortBits BridgeForwarder::permitted(const SessionOf<Address>& session, Direction direction,
                                    const BridgeArrival& arrival) const noexcept {
  const bool is_from_client = direction == tables::kFromClient;
  const std::uint8_t client_zone = zone_of(session.state.ingress_role);
  const std::uint8_t server_zone = zone_of(session.state.egress_role);
  const std::uint8_t here = zone_of(arrival.ingress_port);
  return those_of(arrival.ports, [&](std::uint8_t port) {
    const std::uint8_t from = is_from_client ? here : zone_of(port);
    const std::uint8_t to = is_from_client ? zone_of(port) : here;
    if (from == client_zone && to == server_zone) return true;
    const DirectedKey<Address> client{tables::key_of(session, Side::kClient),
                                      tables::client_is_a(session, Side::kClient)};
    RuleQuery<Address> query =
        query_of(session.protocol, tables::source_of(client), tables::target_of(client));
    query.zone_from = from;
    query.zone_to = to;
    return rules_.lookup(query).action == RuleAction::kAllow;
  });
}

template <class Address>
BridgeVerdict BridgeForwarder::forward_error(tables::Partition& partition,
                                             const DirectedKey<Address>& key, Found found,
                                             const BridgeArrival& arrival) const noexcept {
  const auto& slots = partition.sessions<Address>().slots();
  found = found_now(slots, key, found);
  if (found.slot == tables::kNoSlot) return BridgeVerdict::drop(DropReason::kIcmpNoSession);
  const SessionOf<Address>& session = slots.entry(found.slot);
  // The error goes the other way than the packet that it quotes.
  const Direction direction = key.source_is_a == tables::client_is_a(session, Side::kClient)
                                  ? tables::kFromServer
                                  : tables::kFromClient;
  const PortBits ports = permitted(session, direction, arrival);
  if (ports == 0) return BridgeVerdict::drop(DropReason::kWrongZone);
  return {.ports = ports, .was_taken_over = session.state.is_opened_here == 0};
}

template BridgeVerdict BridgeForwarder::filter<Address4>(const PacketView&,
                                                         const BridgeArrival&) const noexcept;
template BridgeVerdict BridgeForwarder::filter<Address6>(const PacketView&,
                                                         const BridgeArrival&) const noexcept;
template BridgeVerdict BridgeForwarder::forward(tables::Partition&, const PacketView&,
                                                const DirectedKey<Address4>&, Found,
                                                const BridgeArrival&) const noexcept;
template BridgeVerdict BridgeForwarder::forward(tables::Partition&, const PacketView&,
                                                const DirectedKey<Address6>&, Found,
                                                const BridgeArrival&) const noexcept;
template BridgeVerdict BridgeForwarder::forward_error(tables::Partition&,
                                                      const DirectedKey<Address4>&, Found,
                                                      const BridgeArrival&) const noexcept;
template BridgeVerdict BridgeForwarder::forward_error(tables::Partition&,
                                                      const DirectedKey<Address6>&, Found,
                                                      const BridgeArrival&) const noexcept;

}  // namespace twinplane::dataplane
