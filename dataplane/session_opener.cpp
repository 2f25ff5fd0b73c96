// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session_opener.hpp"

#include "dataplane/destination_nat.hpp"
#include "dataplane/expectations.hpp"
#include "dataplane/helper.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/mapped_endpoint.hpp"
#include "dataplane/return_paths.hpp"
#include "dataplane/routes.hpp"
#include "dataplane/rss.hpp"
#include "dataplane/rules_in_use.hpp"
#include "dataplane/session_steps.hpp"
#include "dataplane/steered_port.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::DirectedKey;
using tables::Endpoint;
using tables::Found;
using tables::SessionOf;
using tables::Side;

}  // namespace

ForwardResult to_self(const PacketView& view) noexcept {
  if (view.l4_kind == L4Kind::kIcmpEcho) return {.verdict = ForwardVerdict::kToSelf};
  return ForwardResult::error(IcmpErrorKind::kPortUnreachable, DropReason::kLocalRefused);
}

// What a packet that opens a session was found to want.
template <class Address>
struct SessionOpener::Opening {
  Endpoint<Address> server;  // where it really goes
  RuleVerdict rule;
  std::uint8_t zone_from;
  std::uint8_t zone_to;
  std::uint8_t port_index;                         // it leaves by
  std::optional<ExpectationBoard::Seen> expected;  // which lets it in, and no rule
};

template <class Address>
ForwardResult SessionOpener::open(tables::Partition& partition, const PacketView& view,
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
  const ForwardResult judged = find_opening(view, ingress_port, opening);
  if (judged.verdict != ForwardVerdict::kForward) return judged;

  SessionOf<Address> session =
      opened_session(view, key, opening.rule, {ingress_port, opening.port_index}, time.seconds());
  const auto& expected = opening.expected;
  session.state.application =
      expected ? expected->body.application : application_of(view.protocol, opening.server.port_be);
  if (const DropReason refused = translate_new(partition, view, opening, session);
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
ForwardResult SessionOpener::judge(const PacketView& view,
                                   std::uint8_t ingress_port) const noexcept {
  if (view.is_unspecified_source || view.is_link_local)
    return ForwardResult::drop(DropReason::kNotForwardable);
  Opening<Address> opening;
  return find_opening(view, ingress_port, opening);
}

// Route and rule of a packet that would open a session; kForward: it may.
template <class Address>
ForwardResult SessionOpener::find_opening(const PacketView& view, std::uint8_t ingress_port,
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
  const RouteResult<Address> route = context_.routes.lookup(server.address);
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

// The server's side of a new session.
template <class Address>
DropReason SessionOpener::translate_new(tables::Partition& partition, const PacketView& view,
                                        const Opening<Address>& opening,
                                        SessionOf<Address>& session) const noexcept {
  Endpoint<Address> client = view.source<Address>();
  Endpoint<Address> real = opening.server;
  const auto fixed = context_.destinations.try_public_source(client.address, opening.zone_to);
  if (opening.expected) {
    // As the announcing session has it, whatever a rule says.
    const Address6& new_source = opening.expected->body.new_source;
    if (new_source != Address6{}) {
      const Address source = unmapped<Address>(new_source);
      const auto port_be = expected_port(partition, view, opening, source);
      if (!port_be) return DropReason::kNatExhausted;
      client = {source, *port_be};
    }
  } else if (fixed) {
    client.address = *fixed;
  } else {
    const NatChoice<Address> choice = choose_source(partition, view, opening);
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
RuleVerdict SessionOpener::rule_of(const ExpectationBoard::Seen& expected, const PacketView& view,
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
std::optional<ExpectationBoard::Seen> SessionOpener::find_expected(
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
std::optional<std::uint16_t> SessionOpener::expected_port(const tables::Partition& partition,
                                                          const PacketView& view,
                                                          const Opening<Address>& opening,
                                                          const Address& source) const noexcept {
  const Endpoint<Address>& server = opening.server;
  const std::uint32_t partition_count = context_.config.tables.partitions;
  const Endpoint<Address>& opener = view.source<Address>();
  const std::uint32_t hash = flow_hash(view.protocol, opener, server);
  const std::uint32_t home = partition_of(hash, partition_count);
  const auto& slots = partition.sessions<Address>().slots();
  const auto fits = [&](std::uint16_t port_be) {
    const Arrival<Address> reply{.protocol = view.protocol,
                                 .source = server,
                                 .target = {source, port_be},
                                 .zone = opening.zone_to};
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
                        .zone_from = opening.zone_from,
                        .zone_to = opening.zone_to,
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

std::uint16_t SessionOpener::application_of(std::uint8_t protocol,
                                            std::uint16_t port_be) const noexcept {
  if (protocol != kProtocolTcp) return kUnknownApplication;
  for (const HelperConfig& helper : context_.config.helpers)
    if (helper.port == network_order(port_be)) return helper.application;
  return kUnknownApplication;
}

// The translated source is one whose reply belongs to this very partition, has no session yet, and
// is for nobody else.
template <class Address>
NatChoice<Address> SessionOpener::choose_source(tables::Partition& partition,
                                                const PacketView& view,
                                                const Opening<Address>& opening) const noexcept {
  const Endpoint<Address>& server = opening.server;
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
                        .zone_from = opening.zone_from,
                        .zone_to = opening.zone_to,
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
                                     .zone = opening.zone_to};
        const auto key = tables::make_key(reply.source, reply.target, view.protocol, 0).key;
        return slots.find(key).slot == tables::kNoSlot &&
               !context_.destinations.try_real_target(reply);
      });
}

template ForwardResult SessionOpener::open(tables::Partition&, const PacketView&,
                                           const DirectedKey<Address4>&, std::uint8_t,
                                           std::span<const std::byte>, BurstTime,
                                           Found&) const noexcept;
template ForwardResult SessionOpener::open(tables::Partition&, const PacketView&,
                                           const DirectedKey<Address6>&, std::uint8_t,
                                           std::span<const std::byte>, BurstTime,
                                           Found&) const noexcept;
template ForwardResult SessionOpener::judge<Address4>(const PacketView&,
                                                      std::uint8_t) const noexcept;
template ForwardResult SessionOpener::judge<Address6>(const PacketView&,
                                                      std::uint8_t) const noexcept;

}  // namespace twinplane::dataplane
