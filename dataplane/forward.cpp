// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/forward.hpp"

#include <algorithm>
#include <type_traits>

#include "dataplane/error_source.hpp"
#include "dataplane/helper.hpp"
#include "dataplane/packet_shift.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/rules_in_use.hpp"
#include "dataplane/session_steps.hpp"
#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::DirectedKey;
using tables::Direction;
using tables::Endpoint;
using tables::Found;
using tables::kFromClient;
using tables::kFromServer;
using tables::SessionOf;
using tables::Side;

// The client's and the server's end as one side of the session names them.
template <class Address>
tables::DirectedKey<Address> client_view(const SessionOf<Address>& session, Side side) noexcept {
  return {tables::key_of(session, side), tables::client_is_a(session, side)};
}

// Which way a packet goes that matched `side` of the session; a translated session's keys carry one
// direction each.
template <class Address>
bool try_direction(const SessionOf<Address>& session, Side side, bool source_is_a,
                   Direction& direction) noexcept {
  direction = source_is_a == tables::client_is_a(session, side) ? kFromClient : kFromServer;
  if ((session.flags & tables::kTranslated) == 0) return true;
  return direction == (side == Side::kClient ? kFromClient : kFromServer);
}

// Of a client: replies follow who brings its session, but not whoever knows its ends.
template <class Address>
bool is_believable(const SessionOf<Address>& session, const PacketView& view) noexcept {
  return view.l4_kind != L4Kind::kTcp ||
         tables::tcp_is_believable(session.state, kFromClient, view.tcp.sequence);
}

// `cut_bytes`: what pieces it is to be cut into, 0 for none.
template <class Address>
ForwardResult leaving(const RouteResult<Address>& route,
                      const std::optional<tables::ReturnPath>& back,
                      std::uint16_t cut_bytes) noexcept {
  ForwardResult result{
      .verdict = ForwardVerdict::kForward, .mtu_bytes = cut_bytes, .port_index = route.port_index};
  if (back) {
    result.is_returned = true;
    result.return_mac = back->mac;
  }
  if constexpr (std::is_same_v<Address, Address4>)
    result.next_hop4 = route.next_hop;
  else
    result.next_hop6 = route.next_hop;
  return result;
}

// By how much a packet may grow: what the buffer has, and the link that it leaves by.
std::size_t room_of(std::span<const std::byte> frame, const PacketView& view,
                    std::uint16_t mtu_bytes) noexcept {
  const std::size_t end = view.l3_offset + std::size_t{view.l3_bytes};
  const std::size_t buffer = frame.size() > end ? frame.size() - end : 0;
  const std::size_t link = mtu_bytes > view.l3_bytes ? mtu_bytes - view.l3_bytes : 0;
  return std::min(buffer, link);
}

}  // namespace

// Is it to the IPv6 address that the port's MAC makes, as which the box solicits neighbors?
bool Forwarder::is_own_link_local(const PacketView& view, std::uint8_t port_index) const noexcept {
  const MacAddress mac = virtual_mac(context_.config.ports[port_index], port_index);
  return view.kind == PacketKind::kIp6 && view.target6.address == link_local_of(mac);
}

// `back`: whatever the routes say.
template <class Address>
RouteResult<Address> Forwarder::route_to(
    const Address& target, const std::optional<tables::ReturnPath>& back) const noexcept {
  if (!back) return context_.routes.lookup(target);
  return {.kind = RouteKind::kConnected, .port_index = back->port, .next_hop = target};
}

// Of a packet in that direction.
template <class Address>
std::optional<tables::ReturnPath> Forwarder::try_way_back(const tables::Partition& partition,
                                                          std::uint32_t slot,
                                                          Direction direction) const noexcept {
  const auto& session = partition.sessions<Address>().slots().entry(slot);
  if ((session.flags & tables::kReturned) == 0) [[likely]]
    return std::nullopt;
  if (direction != kFromServer || context_.returns == nullptr) return std::nullopt;
  return context_.returns->try_way<Address>(partition, slot);
}

template <class Address>
ForwardResult Forwarder::forward(tables::Partition& partition, std::span<std::byte> frame,
                                 PacketView& view, const DirectedKey<Address>& key, Found found,
                                 std::uint8_t ingress_port, BurstTime time) const noexcept {
  if (view.is_group_target || view.is_group_frame)
    return ForwardResult::drop(DropReason::kGroupFrame);
  if (view.is_unspecified_source) return ForwardResult::drop(DropReason::kNotForwardable);
  if (view.is_link_local)
    return is_own_link_local(view, ingress_port) ? to_self(view)
                                                 : ForwardResult::drop(DropReason::kNotForwardable);
  auto& sessions = partition.sessions<Address>();
  auto& slots = sessions.slots();
  using Traits = tables::SessionTraits<Address>;

  // What the burst's lookup said may be past: another packet of the burst has made or ended the
  // session since.
  if (found.slot == tables::kNoSlot ||
      !Traits::matches(slots.entry(found.slot), found.side, key.key))
    found = slots.find(key.key);
  if (found.slot != tables::kNoSlot && view.l4_kind == L4Kind::kTcp && is_first_syn(view) &&
      tables::tcp_is_over(slots.entry(found.slot).state)) {
    sessions.end(found.slot);
    found.slot = tables::kNoSlot;
  }
  if (found.slot == tables::kNoSlot) {
    const ForwardResult opened =
        opener_.open(partition, view, key, ingress_port, frame, time, found);
    if (found.slot == tables::kNoSlot) return opened;
  }

  SessionOf<Address>& session = slots.changeable(found.slot);
  const bool was_taken_over = session.state.is_opened_here == 0;
  Direction direction{};
  if (!try_direction(session, found.side, key.source_is_a, direction))
    return ForwardResult::drop(DropReason::kWrongDirection);
  const std::uint8_t expected_port =
      direction == kFromClient ? session.state.ingress_role : session.state.egress_role;
  if (expected_port != ingress_port && zone_of(expected_port) != zone_of(ingress_port))
    return ForwardResult::drop(DropReason::kWrongZone);
  Translation<Address> to;
  const auto back = try_way_back<Address>(partition, found.slot, direction);
  ForwardResult result = way_out(view, session, direction, back, was_taken_over, to);
  // What does not arrive has done nothing: a FIN or RST of a short life must not end the session.
  if (result.verdict != ForwardVerdict::kForward) return result;
  TextChange change;
  if (session.state.application != kUnknownApplication) [[unlikely]] {
    const std::uint16_t mtu_bytes = context_.config.ports[result.port_index].mtu_bytes;
    const ControlPacket packet{frame, view, direction, room_of(frame, view, mtu_bytes)};
    change = controls_.inspect<Address>(partition, found.slot, packet, time);
    if (change.refused != DropReason::kNone) return ForwardResult::drop(change.refused);
    ControlSessions::note_passed(session.state, packet);
    // A box that takes over knows by the edges where lines begin.
    if (try_helper(session.state.application) != nullptr)
      slots.mark(found.slot, tables::kMarkWindow);
  }
  const PacketShift shift = PacketShift::of<Address>(partition, found.slot);
  if (const DropReason refused = shift.refusal(view, direction); refused != DropReason::kNone)
    return ForwardResult::drop(refused);
  if (direction == kFromClient && (session.flags & tables::kReturned) != 0 &&
      context_.returns != nullptr) [[unlikely]]
    context_.returns->follow<Address>(partition, found.slot, frame, ingress_port, time,
                                      [&] { return is_believable(session, view); });
  if (const std::uint8_t marks =
          advance(session, direction, view, shift.acknowledgement(view, direction));
      marks != 0)
    slots.mark(found.slot, marks);
  if ((session.flags & tables::kHeld) != 0) result.held_slot = found.slot;
  touch<Address>(partition, found.slot, context_.rules, time);
  if ((session.flags & tables::kTranslated) != 0) translate(frame, view, to);
  shift.rewrite(frame, view, direction);
  if (change.is_any()) {
    ControlSessions::write(frame.data(), view, change);
    result.frame_bytes = static_cast<std::uint16_t>(view.l3_offset + view.l3_bytes);
  }
  decrement_ttl(frame, view);
  return result;
}

// Where the packet goes and what it shall carry; nothing is changed yet.
template <class Address>
ForwardResult Forwarder::way_out(const PacketView& view, const SessionOf<Address>& session,
                                 Direction direction, const std::optional<tables::ReturnPath>& back,
                                 bool was_taken_over, Translation<Address>& to) const noexcept {
  if (view.ttl <= 1)
    return ForwardResult::error(IcmpErrorKind::kTimeExceeded, DropReason::kTtlExceeded);
  to = {view.source<Address>(), view.target<Address>()};
  if ((session.flags & tables::kTranslated) != 0) {
    // Towards the server the packet wears the server side's names, back to the client the client
    // side's.
    const auto names =
        client_view(session, direction == kFromClient ? Side::kServer : Side::kClient);
    to = direction == kFromClient
             ? Translation<Address>{tables::source_of(names), tables::target_of(names)}
             : Translation<Address>{tables::target_of(names), tables::source_of(names)};
  }
  const RouteResult<Address> route = route_to(to.target.address, back);
  if (route.kind != RouteKind::kConnected && route.kind != RouteKind::kVia)
    return ForwardResult::error(IcmpErrorKind::kNoRoute, DropReason::kNoRoute);
  const std::uint16_t mtu_bytes = context_.config.ports[route.port_index].mtu_bytes;
  const bool fits = view.l3_bytes <= mtu_bytes;
  if (!fits && view.dont_fragment)
    return ForwardResult::error(IcmpErrorKind::kTooBig, DropReason::kTooBig, mtu_bytes);
  ForwardResult result = leaving(route, back, fits ? std::uint16_t{0} : mtu_bytes);
  result.was_taken_over = was_taken_over;
  return result;
}

template <class Address>
ForwardResult Forwarder::forward_error(tables::Partition& partition, std::span<std::byte> frame,
                                       PacketView& view, PacketView& quote,
                                       const DirectedKey<Address>& key, Found found,
                                       std::uint8_t ingress_port) const noexcept {
  if (view.is_group_target || view.is_group_frame)
    return ForwardResult::drop(DropReason::kGroupFrame);
  // A redirect is advice for its own link.
  const bool is_redirect = view.kind == PacketKind::kIp4 && view.icmp_type == kIcmpRedirect;
  if (view.is_link_local || view.is_unspecified_source || is_redirect)
    return ForwardResult::drop(DropReason::kNotForwardable);
  const auto& slots = partition.sessions<Address>().slots();
  if (found.slot == tables::kNoSlot ||
      !tables::SessionTraits<Address>::matches(slots.entry(found.slot), found.side, key.key))
    found = slots.find(key.key);
  if (found.slot == tables::kNoSlot) return ForwardResult::drop(DropReason::kIcmpNoSession);

  const SessionOf<Address>& session = slots.entry(found.slot);
  const bool is_translated = (session.flags & tables::kTranslated) != 0;
  // the quoted packet
  const bool is_from_client = key.source_is_a == tables::client_is_a(session, found.side);
  // It is quoted as it was seen behind the box: with the server side's names when the client had
  // sent it.
  if (is_translated && is_from_client != (found.side == Side::kServer))
    return ForwardResult::drop(DropReason::kWrongDirection);
  const std::uint8_t expected_port =
      is_from_client ? session.state.egress_role : session.state.ingress_role;
  if (expected_port != ingress_port && zone_of(expected_port) != zone_of(ingress_port))
    return ForwardResult::drop(DropReason::kWrongZone);
  if (view.ttl <= 1) return ForwardResult::drop(DropReason::kTtlExceeded);

  const auto inner = client_view(session, Side::kClient);
  const auto outer = client_view(session, Side::kServer);
  Translation<Address> to{view.source<Address>(), view.target<Address>()};
  // Towards either end the error wears the names that this end knows, and so does whoever sends it
  // from behind a translated one.
  if (is_translated && is_from_client) {
    to.target.address = tables::source_of(inner).address;
    if (tables::target_of(inner).address != tables::target_of(outer).address)
      to.source.address = tables::target_of(inner).address;
  }
  if (is_translated && !is_from_client) {
    to.target.address = tables::target_of(outer).address;
    if (tables::source_of(inner).address != tables::source_of(outer).address)
      to.source.address = tables::source_of(outer).address;
  }
  // An error about what the client sent goes to the client.
  const auto back =
      try_way_back<Address>(partition, found.slot, is_from_client ? kFromServer : kFromClient);
  const RouteResult<Address> route = route_to(to.target.address, back);
  if (route.kind != RouteKind::kConnected && route.kind != RouteKind::kVia)
    return ForwardResult::drop(DropReason::kNoRoute);
  const std::uint16_t mtu_bytes = context_.config.ports[route.port_index].mtu_bytes;
  const bool fits = view.l3_bytes <= mtu_bytes;
  if (!fits && view.dont_fragment) return ForwardResult::drop(DropReason::kTooBig);
  const PacketShift shift = PacketShift::of<Address>(partition, found.slot);
  if (shift.is_lost()) return ForwardResult::drop(DropReason::kShiftLost);
  const bool is_own =
      context_.routes.lookup(view.source<Address>().address).kind == RouteKind::kLocal;
  if (is_own) {
    const Address own = error_source(context_.config, route.port_index, to.target.address);
    if (own != Address{}) to.source.address = own;
  }
  if (is_translated)
    translate_quote(frame, view, quote,
                    is_from_client
                        ? Translation<Address>{tables::source_of(inner), tables::target_of(inner)}
                        : Translation<Address>{tables::target_of(outer), tables::source_of(outer)});
  shift.rewrite_quote(frame, view, quote, is_from_client ? kFromClient : kFromServer);
  if (is_translated || is_own) translate(frame, view, to);
  decrement_ttl(frame, view);
  ForwardResult result = leaving(route, back, fits ? std::uint16_t{0} : mtu_bytes);
  result.was_taken_over = session.state.is_opened_here == 0;
  return result;
}

template ForwardResult Forwarder::forward_error(tables::Partition&, std::span<std::byte>,
                                                PacketView&, PacketView&,
                                                const DirectedKey<Address4>&, Found,
                                                std::uint8_t) const noexcept;
template ForwardResult Forwarder::forward_error(tables::Partition&, std::span<std::byte>,
                                                PacketView&, PacketView&,
                                                const DirectedKey<Address6>&, Found,
                                                std::uint8_t) const noexcept;
template ForwardResult Forwarder::forward(tables::Partition&, std::span<std::byte>, PacketView&,
                                          const DirectedKey<Address4>&, Found, std::uint8_t,
                                          BurstTime) const noexcept;
template ForwardResult Forwarder::forward(tables::Partition&, std::span<std::byte>, PacketView&,
                                          const DirectedKey<Address6>&, Found, std::uint8_t,
                                          BurstTime) const noexcept;

}  // namespace twinplane::dataplane
