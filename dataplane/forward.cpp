// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/forward.hpp"

#include <algorithm>
#include <type_traits>

#include "dataplane/error_source.hpp"
#include "dataplane/helper.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/mapped_endpoint.hpp"
#include "dataplane/packet_shift.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/rss.hpp"
#include "dataplane/session_steps.hpp"
#include "dataplane/steered_port.hpp"
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

// To one of the box's own addresses: nothing but echo is answered here.
ForwardResult to_self(const PacketView& view) noexcept {
  if (view.l4_kind == L4Kind::kIcmpEcho) return {.verdict = ForwardVerdict::kToSelf};
  return ForwardResult::error(IcmpErrorKind::kPortUnreachable, DropReason::kLocalRefused);
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

template <class Address>
struct Forwarder::Way {
  RouteResult<Address> route;
};

// What a packet that opens a session was found to want.
template <class Address>
struct Forwarder::Opening {
  Endpoint<Address> server;  // where it really goes
  RuleVerdict rule;
  std::uint8_t zone_from;
  std::uint8_t zone_to;
  std::uint8_t port_index;                         // it leaves by
  std::optional<ExpectationBoard::Seen> expected;  // which lets it in, and no rule
};

template <class Address>
Forwarder::Way<Address> Forwarder::way_to(const Address& target) const noexcept {
  if constexpr (std::is_same_v<Address, Address4>)
    return {context_.routes.lookup4(target)};
  else
    return {context_.routes.lookup6(target)};
}

// `back`: whatever the routes say.
template <class Address>
Forwarder::Way<Address> Forwarder::way_to(
    const Address& target, const std::optional<tables::ReturnPath>& back) const noexcept {
  if (!back) return way_to(target);
  return {{.kind = RouteKind::kConnected, .port_index = back->port, .next_hop = target}};
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
        open_session(partition, view, key, ingress_port, frame, time, found);
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
    context_.returns->follow<Address>(partition, found.slot, frame, ingress_port, time);
  if (const std::uint8_t marks =
          advance(session, direction, view, shift.acknowledgement(view, direction));
      marks != 0)
    slots.mark(found.slot, marks);
  if ((session.flags & tables::kHeld) != 0) result.held_slot = found.slot;
  touch(sessions, found.slot, context_.rules, time);
  if ((session.flags & tables::kTranslated) != 0) translate(frame, view, to);
  shift.rewrite(frame, view, direction);
  if (change.is_any()) {
    ControlSessions::write(frame.data(), view, change);
    result.frame_bytes = static_cast<std::uint16_t>(view.l3_offset + view.l3_bytes);
  }
  decrement_ttl(frame, view);
  return result;
}

template <class Address>
ForwardResult Forwarder::open_session(tables::Partition& partition, PacketView& view,
                                      const DirectedKey<Address>& key, std::uint8_t ingress_port,
                                      std::span<const std::byte> frame, BurstTime time,
                                      Found& found) const noexcept {
  if (view.fragment.part == FragmentPart::kLater)
    return ForwardResult::drop(DropReason::kNoFirstFragment);
  if (view.l4_kind == L4Kind::kTcp && !is_first_syn(view))
    return ForwardResult::drop(DropReason::kTcpNotSyn);
  const bool is_icmp = view.l4_kind == L4Kind::kIcmpError || view.l4_kind == L4Kind::kIcmpOther ||
                       view.l4_kind == L4Kind::kNeighbor;
  const bool is_echo_reply = view.l4_kind == L4Kind::kIcmpEcho &&
                             view.icmp_type != (view.kind == PacketKind::kIp4 ? 8 : 128);
  if (is_icmp || is_echo_reply) return ForwardResult::drop(DropReason::kIcmpNoSession);

  Opening<Address> opening;
  const ForwardResult judged = judge(view, ingress_port, opening);
  if (judged.verdict != ForwardVerdict::kForward) return judged;

  SessionOf<Address> session =
      opened_session(view, key, opening.rule, {ingress_port, opening.port_index}, time.seconds());
  const auto& expected = opening.expected;
  session.state.application =
      expected ? expected->body.application : application_of(view.protocol, opening.server.port_be);
  if (const DropReason refused =
          translate_new(partition, view, opening.server, opening.zone_from, opening.zone_to,
                        expected ? &expected->body : nullptr, session);
      refused != DropReason::kNone)
    return ForwardResult::drop(refused);

  const auto brought_by = context_.returns == nullptr
                              ? std::nullopt
                              : context_.returns->try_bringer(frame, ingress_port);
  if (brought_by) session.flags |= tables::kReturned;
  const tables::InsertResult inserted =
      partition.sessions<Address>().create(session, time.milliseconds());
  if (inserted.status == tables::InsertStatus::kFull)
    return ForwardResult::drop(DropReason::kTableFull);
  if (inserted.status == tables::InsertStatus::kIndexFull)
    return ForwardResult::drop(DropReason::kIndexFull);
  if (expected && !context_.expectations->board().try_claim(*expected)) {
    // Another packet was before it; the next one comes under the rules.
    context_.expectations->add(ExpectationCounter::kClaimedTwice);
    partition.sessions<Address>().end(inserted.slot);
    return ForwardResult::drop(DropReason::kRuleDrop);
  }
  if (brought_by) context_.returns->give<Address>(partition, inserted.slot, *brought_by, time);
  found = {inserted.slot, Side::kClient};
  return {.verdict = ForwardVerdict::kForward};
}

template <class Address>
ForwardResult Forwarder::judge_opening(const PacketView& view,
                                       std::uint8_t ingress_port) const noexcept {
  if (view.is_unspecified_source || view.is_link_local)
    return ForwardResult::drop(DropReason::kNotForwardable);
  Opening<Address> opening;
  return judge(view, ingress_port, opening);
}

// Route and rule of a packet that would open a session; kForward: it may.
template <class Address>
ForwardResult Forwarder::judge(const PacketView& view, std::uint8_t ingress_port,
                               Opening<Address>& opening) const noexcept {
  const std::uint8_t zone_from = zone_of(ingress_port);
  const Endpoint<Address>& target = view.target<Address>();
  const auto expected = find_expected<Address>(view, zone_from);
  const Endpoint<Address> server =
      expected ? Endpoint<Address>{unmapped<Address>(expected->body.real_address),
                                   expected->body.real_port_be}
               : context_.destinations
                     .try_real_target(Arrival<Address>{.protocol = view.protocol,
                                                       .source = view.source<Address>(),
                                                       .target = target,
                                                       .zone = zone_from})
                     .value_or(target);
  const RouteResult<Address> route = way_to(server.address).route;
  if (route.kind == RouteKind::kLocal) return to_self(view);
  if (route.kind == RouteKind::kNone)
    return ForwardResult::error(IcmpErrorKind::kNoRoute, DropReason::kNoRoute);

  // Rules speak of the destination as the client does, and of the zone where it really is.
  const std::uint8_t zone_to = zone_of(route.port_index);
  const RuleVerdict rule =
      expected ? rule_of<Address>(*expected, view, zone_from, zone_to)
               : context_.rules.lookup(RuleQuery<Address>{.source = view.source<Address>().address,
                                                          .destination = target.address,
                                                          .destination_port_be = target.port_be,
                                                          .protocol = view.protocol,
                                                          .zone_from = zone_from,
                                                          .zone_to = zone_to});
  if (rule.action == RuleAction::kDrop) return ForwardResult::drop(DropReason::kRuleDrop);
  if (view.ttl <= 1)
    return ForwardResult::error(IcmpErrorKind::kTimeExceeded, DropReason::kTtlExceeded);

  opening = {.server = server,
             .rule = rule,
             .zone_from = zone_from,
             .zone_to = zone_to,
             .port_index = route.port_index,
             .expected = expected};
  return {.verdict = ForwardVerdict::kForward};
}

// The server's side of a new session: `server` is where the packet really goes.
template <class Address>
DropReason Forwarder::translate_new(tables::Partition& partition, const PacketView& view,
                                    const Endpoint<Address>& server, std::uint8_t zone_from,
                                    std::uint8_t zone_to, const tables::ExpectationBody* expected,
                                    SessionOf<Address>& session) const noexcept {
  Endpoint<Address> client = view.source<Address>();
  Endpoint<Address> real = server;
  const auto fixed = context_.destinations.try_public_source(client.address, zone_to);
  if (expected != nullptr) {
    // As the announcing session has it, whatever a rule says.
    const Address source = unmapped<Address>(expected->new_source);
    if (expected->new_source != Address6{}) {
      const auto port_be = expected_port(partition, view, server, source, zone_from, zone_to);
      if (!port_be) return DropReason::kNatExhausted;
      client = {source, *port_be};
    }
  } else if (fixed) {
    client.address = *fixed;
  } else {
    const NatChoice<Address> choice = choose_source(partition, view, server, zone_from, zone_to);
    if (choice.result == NatResult::kExhausted) return DropReason::kNatExhausted;
    if (choice.result == NatResult::kBlockExhausted) return DropReason::kNatBlockExhausted;
    if (choice.result == NatResult::kChosen) {
      client = {choice.address, choice.port_be};
      if (view.l4_kind == L4Kind::kIcmpEcho) real.port_be = choice.port_be;
    }
  }
  if (client == view.source<Address>() && real == view.target<Address>()) return DropReason::kNone;
  const auto translated = tables::make_key(client, real, view.protocol, 0);
  const auto& slots = partition.sessions<Address>().slots();
  if (client.address == real.address || slots.find(translated.key).slot != tables::kNoSlot)
    return DropReason::kNatConflict;
  session.server_side = ends_of(translated.key);
  session.flags =
      static_cast<std::uint16_t>((session.flags & ~tables::kClientIsA1) | tables::kTranslated |
                                 (translated.source_is_a ? tables::kClientIsA1 : 0));
  return DropReason::kNone;
}

// Not the announcing session's number: by now other rules may hold.
template <class Address>
RuleVerdict Forwarder::rule_of(const ExpectationBoard::Seen& expected, const PacketView& view,
                               std::uint8_t zone_from, std::uint8_t zone_to) const noexcept {
  const Address& opener = view.source<Address>().address;
  const bool is_hidden = expected.body.new_source != Address6{};
  RuleVerdict rule = announced_.lookup<Address>(
      context_.rules.get(), expected.body.application,
      {.opener = opener,
       .target_as_named = view.target<Address>().address,
       .target = unmapped<Address>(expected.body.real_address),
       .opener_as_known = is_hidden ? unmapped<Address>(expected.body.new_source) : opener,
       .zone_opener = zone_from,
       .zone_target = zone_to});
  rule.sync &= !expected.is_local_only;
  rule.hold = false;
  rule.sync_after_s = 0;
  return rule;
}

template <class Address>
std::optional<ExpectationBoard::Seen> Forwarder::find_expected(
    const PacketView& view, std::uint8_t zone_from) const noexcept {
  if (context_.expectations == nullptr || !context_.expectations->board().may_have_any() ||
      view.l4_kind != L4Kind::kTcp)
    return std::nullopt;
  return context_.expectations->board().try_find({.source = mapped(view.source<Address>().address),
                                                  .target = mapped(view.target<Address>().address),
                                                  .target_port_be = view.target<Address>().port_be,
                                                  .protocol = view.protocol,
                                                  .zone = zone_from});
}

// Of an expected session's opener behind `source`: its own port if replies to that one come here,
// else one that a rule may give it, else any. Replies come here if what they become by the rules
// for destinations, or what they are, leads to this partition.
template <class Address>
std::optional<std::uint16_t> Forwarder::expected_port(const tables::Partition& partition,
                                                      const PacketView& view,
                                                      const Endpoint<Address>& server,
                                                      const Address& source, std::uint8_t zone_from,
                                                      std::uint8_t zone_to) const noexcept {
  const std::uint32_t partition_count = context_.config.tables.partitions;
  const Endpoint<Address>& opener = view.source<Address>();
  const std::uint32_t hash = flow_hash(view.protocol, opener, server);
  const std::uint32_t home = partition_of(hash, partition_count);
  const auto& slots = partition.sessions<Address>().slots();
  const auto fits = [&](std::uint16_t port_be) {
    const Arrival<Address> reply{
        .protocol = view.protocol, .source = server, .target = {source, port_be}, .zone = zone_to};
    const auto real = context_.destinations.try_real_target(reply);
    if (real && !(*real == opener)) return false;
    const auto reply_hash = flow_hash(view.protocol, server, real.value_or(reply.target));
    const auto key = tables::make_key(reply.source, reply.target, view.protocol, 0).key;
    return partition_of(reply_hash, partition_count) == home &&
           slots.find(key).slot == tables::kNoSlot;
  };
  if (fits(opener.port_be)) return opener.port_be;
  bool is_of_rule = false;
  const NatChoice<Address> choice = context_.nat.choose(
      NatQuery<Address>{.source = opener.address,
                        .zone_from = zone_from,
                        .zone_to = zone_to,
                        .has_ports = true,
                        .flow_hash = hash},
      256 * partition_count,
      [&](const Address& address, std::uint16_t) {
        is_of_rule |= address == source;
        return address == source;
      },
      [&](const Address&, std::uint16_t port_be) { return fits(port_be); });
  if (choice.result == NatResult::kChosen) return choice.port_be;
  if (is_of_rule) return std::nullopt;
  return try_steered_port(
      ReplyBase::of(view.protocol, server, source),
      {.preferred_be = opener.port_be, .home = home, .partition_count = partition_count}, fits);
}

std::uint16_t Forwarder::application_of(std::uint8_t protocol,
                                        std::uint16_t port_be) const noexcept {
  if (protocol != kProtocolTcp) return kUnknownApplication;
  for (const HelperConfig& helper : context_.config.helpers)
    if (helper.port == network_order(port_be)) return helper.application;
  return kUnknownApplication;
}

// The translated source is one whose reply belongs to this very partition, has no session yet, and
// is for nobody else.
template <class Address>
NatChoice<Address> Forwarder::choose_source(tables::Partition& partition, const PacketView& view,
                                            const Endpoint<Address>& server, std::uint8_t zone_from,
                                            std::uint8_t zone_to) const noexcept {
  const auto partition_count = context_.config.tables.partitions;
  const std::uint32_t hash = flow_hash(view.protocol, view.source<Address>(), server);
  const std::uint32_t home = partition_of(hash, partition_count);
  const bool has_ports = view.l4_kind == L4Kind::kTcp || view.l4_kind == L4Kind::kUdp ||
                         view.l4_kind == L4Kind::kIcmpEcho;
  const bool is_echo = view.l4_kind == L4Kind::kIcmpEcho;
  // An echo reply carries the identifier on both ends.
  const auto server_of = [&](std::uint16_t port_be) {
    return is_echo ? Endpoint<Address>{server.address, port_be} : server;
  };
  const auto& slots = partition.sessions<Address>().slots();
  return context_.nat.choose(
      NatQuery<Address>{.source = view.source<Address>().address,
                        .zone_from = zone_from,
                        .zone_to = zone_to,
                        .has_ports = has_ports,
                        .flow_hash = hash},
      256 * partition_count,
      [&](const Address& address, std::uint16_t port_be) {
        const Endpoint<Address> translated{address, port_be};
        return partition_of(flow_hash(view.protocol, server_of(port_be), translated),
                            partition_count) == home;
      },
      [&](const Address& address, std::uint16_t port_be) {
        const Arrival<Address> reply{.protocol = view.protocol,
                                     .source = server_of(port_be),
                                     .target = {address, port_be},
                                     .zone = zone_to};
        const auto key = tables::make_key(reply.source, reply.target, view.protocol, 0).key;
        return slots.find(key).slot == tables::kNoSlot &&
               !context_.destinations.try_real_target(reply);
      });
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
  const RouteResult<Address> route = way_to(to.target.address, back).route;
  if (route.kind != RouteKind::kConnected && route.kind != RouteKind::kVia)
    return ForwardResult::error(IcmpErrorKind::kNoRoute, DropReason::kNoRoute);
  const std::uint16_t mtu_bytes = context_.config.ports[route.port_index].mtu_bytes;
  const bool fits = view.l3_bytes <= mtu_bytes;
  if (!fits && view.dont_fragment)
    return ForwardResult::error(IcmpErrorKind::kTooBig, DropReason::kTooBig, mtu_bytes);
  ForwardResult result{.verdict = ForwardVerdict::kForward,
                       .mtu_bytes = fits ? std::uint16_t{0} : mtu_bytes,
                       .port_index = route.port_index,
                       .was_taken_over = was_taken_over};
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
  const RouteResult<Address> route = way_to(to.target.address, back).route;
  if (route.kind != RouteKind::kConnected && route.kind != RouteKind::kVia)
    return ForwardResult::drop(DropReason::kNoRoute);
  const std::uint16_t mtu_bytes = context_.config.ports[route.port_index].mtu_bytes;
  const bool fits = view.l3_bytes <= mtu_bytes;
  if (!fits && view.dont_fragment) return ForwardResult::drop(DropReason::kTooBig);
  const PacketShift shift = PacketShift::of<Address>(partition, found.slot);
  if (shift.is_lost()) return ForwardResult::drop(DropReason::kShiftLost);
  const bool is_own = way_to(view.source<Address>().address).route.kind == RouteKind::kLocal;
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
  ForwardResult result{.verdict = ForwardVerdict::kForward,
                       .mtu_bytes = fits ? std::uint16_t{0} : mtu_bytes,
                       .port_index = route.port_index,
                       .was_taken_over = session.state.is_opened_here == 0};
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

template ForwardResult Forwarder::judge_opening<Address4>(const PacketView&,
                                                          std::uint8_t) const noexcept;
template ForwardResult Forwarder::judge_opening<Address6>(const PacketView&,
                                                          std::uint8_t) const noexcept;
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
