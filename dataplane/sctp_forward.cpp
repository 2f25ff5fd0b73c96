// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sctp_forward.hpp"

#include <type_traits>

#include "dataplane/bytes.hpp"
#include "dataplane/destination_nat.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/rules_in_use.hpp"
#include "dataplane/sctp_packet.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::Direction;
using tables::Found;
using tables::kFromClient;
using tables::kNoSlot;
using tables::SctpBody;
using tables::SctpLookup;
using tables::SctpOutcome;
using tables::SctpPath;
using tables::SctpSummary;
using tables::SctpVerdict;
using tables::Side;
using tables::TableKind;
using Table = tables::PlainTable<SctpBody>;

Address6 as_mapped(const Address4& address) noexcept { return tables::mapped_address(address); }

Address6 as_mapped(const Address6& address) noexcept { return address; }

template <class Address>
SctpPath path_of(const PacketView& view) noexcept {
  return {as_mapped(view.source<Address>().address), as_mapped(view.target<Address>().address)};
}

Found find(const Table& table, const tables::SctpKey& key) noexcept {
  return table.slots().slot_count() == 0 ? Found{kNoSlot, Side::kClient} : table.slots().find(key);
}

bool is_made_here(const Table& table, std::uint32_t slot) noexcept {
  return (table.slots().entry(slot).head.flags & tables::kMadeHere) != 0;
}

bool is_primary(const tables::SctpState& state, Direction side, const Address6& address) noexcept {
  for (std::size_t place = 0; place < tables::kSctpAddressesMax; ++place)
    if ((state.address_flags[side][place] & tables::kSctpAddressPrimary) != 0)
      return state.addresses[side][place] == address;
  return false;
}

// True when nobody has the key any more: who is opening or over gives way.
bool try_free(Table& table, std::uint32_t holder) noexcept {
  if (!tables::sctp_gives_way(table.slots().entry(holder).body.state)) return false;
  table.end(holder);
  return true;
}

// What a packet has changed.
DropReason keep(Table& table, std::uint32_t slot, const SctpBody& body,
                std::uint8_t marks) noexcept {
  if ((marks & tables::kMarkWhole) == 0) {
    if (marks != 0) table.patch(slot, body.patch());
    return DropReason::kNone;
  }
  tables::RekeyResult result = table.rekey(slot, body);
  while (result.status == tables::RekeyStatus::kKeyHeld && try_free(table, result.holder))
    result = table.rekey(slot, body);
  if (result.status == tables::RekeyStatus::kRekeyed) return DropReason::kNone;
  return result.status == tables::RekeyStatus::kKeyHeld ? DropReason::kSctpKeyHeld
                                                        : DropReason::kIndexFull;
}

// Of a quoted packet no more than ports and tag need be there; an INIT is known by its own tag.
SctpLookup lookup_of(std::span<const std::byte> frame, const PacketView& quote,
                     std::uint16_t source_port_be, std::uint16_t target_port_be) noexcept {
  constexpr std::size_t kInitiateTagEnd = kSctpHeaderBytes + 8;
  SctpSummary packet;
  packet.source_port_be = source_port_be;
  packet.target_port_be = target_port_be;
  packet.tag = load_be<std::uint32_t>(frame.data() + quote.l4_offset + 4);
  packet.first_chunk = tables::kSctpOtherChunks;
  if (packet.tag == 0 && quote.l4_bytes >= kInitiateTagEnd) {
    packet.first_chunk = tables::kSctpInit;
    packet.initiate_tag =
        load_be<std::uint32_t>(frame.data() + quote.l4_offset + kInitiateTagEnd - 4);
  }
  return tables::sctp_lookup(packet);
}

}  // namespace

tables::SctpAges sctp_ages(const TimeoutsConfig& timeouts) noexcept {
  tables::SctpAges::Timeouts timeouts_ms{};
  for (std::size_t i = 0; i < timeouts_ms.size(); ++i)
    timeouts_ms[i] = timeouts.sctp_timeout_s[i] * 1000U;
  return tables::SctpAges(timeouts_ms);
}

ForwardResult SctpForwarder::forward(tables::Partition& partition, std::span<std::byte> frame,
                                     PacketView& view, const SctpSummary& packet,
                                     const Arrival& arrival) const noexcept {
  if (view.is_group_target || view.is_group_frame)
    return ForwardResult::drop(DropReason::kGroupFrame);
  if (view.is_unspecified_source || view.is_link_local)
    return ForwardResult::drop(DropReason::kNotForwardable);
  auto& table = partition.table<TableKind::kSctp>();
  const ForwardResult result = view.kind == PacketKind::kIp4
                                   ? forward_by<Address4>(table, view, packet, arrival)
                                   : forward_by<Address6>(table, view, packet, arrival);
  if (result.verdict == ForwardVerdict::kForward) decrement_ttl(frame, view);
  return result;
}

template <class Address>
ForwardResult SctpForwarder::forward_by(Table& table, PacketView& view, const SctpSummary& packet,
                                        const Arrival& arrival) const noexcept {
  if (leads_on<Address>(view, arrival.ingress_port))
    return ForwardResult::drop(DropReason::kSctpTranslated);
  const SctpLookup lookup = tables::sctp_lookup(packet);
  const Found found = find(table, lookup.key);
  if (found.slot == kNoSlot) {
    const SctpOutcome outcome = tables::sctp_out_of_the_blue(packet);
    return outcome == SctpOutcome::kOpens ? open<Address>(table, view, packet, arrival)
                                          : ForwardResult::drop(drop_reason_of(outcome));
  }
  SctpBody body = table.slots().entry(found.slot).body;
  const bool was_over = tables::sctp_is_over(body.state);
  const Direction direction = tables::sctp_direction(found.side, lookup.is_against);
  const SctpVerdict verdict =
      tables::sctp_advance(body.state, direction, packet, path_of<Address>(view));
  if (verdict.outcome == SctpOutcome::kOpens) return open<Address>(table, view, packet, arrival);
  if (verdict.outcome != SctpOutcome::kForward)
    return ForwardResult::drop(drop_reason_of(verdict.outcome));
  ForwardResult way = way_out<Address>(view);
  if (way.verdict != ForwardVerdict::kForward) return way;
  DropReason refusal =
      why_refused<Address>(body, view, direction, arrival.ingress_port, way.port_index);
  if (refusal == DropReason::kNone) refusal = keep(table, found.slot, body, verdict.marks);
  if (refusal != DropReason::kNone) return ForwardResult::drop(refusal);
  way.was_taken_over = !is_made_here(table, found.slot);
  if (!was_over) ages_.touch(table, found.slot, arrival.time.milliseconds());
  return way;
}

// True when a rule for destinations would have the packet go elsewhere than it says.
template <class Address>
bool SctpForwarder::leads_on(const PacketView& view, std::uint8_t ingress_port) const noexcept {
  return context_.destinations
      .try_real_target(dataplane::Arrival<Address>{.protocol = view.protocol,
                                                   .source = view.source<Address>(),
                                                   .target = view.target<Address>(),
                                                   .zone = zone_of(ingress_port)})
      .has_value();
}

template <class Address>
ForwardResult SctpForwarder::open(Table& table, const PacketView& view, const SctpSummary& init,
                                  const Arrival& arrival) const noexcept {
  if (!arrival.may_open) return ForwardResult::drop(DropReason::kNotActive);
  const RouteResult<Address> route = context_.routes.lookup(view.target<Address>().address);
  const bool is_way = route.kind == RouteKind::kConnected || route.kind == RouteKind::kVia;
  DropReason refusal = DropReason::kNone;
  RuleVerdict rule{};
  if (is_way)
    rule = ask_rules<Address>(view, kFromClient, arrival.ingress_port, route.port_index, refusal);
  if (refusal != DropReason::kNone) return ForwardResult::drop(refusal);
  const ForwardResult way = way_out<Address>(view);
  if (way.verdict != ForwardVerdict::kForward) return way;

  SctpBody body{};
  body.client_port_be = init.source_port_be;
  body.server_port_be = init.target_port_be;
  tables::sctp_open(body.state, init, path_of<Address>(view));
  body.rule = rule.rule;
  body.ingress_role = arrival.ingress_port;
  body.egress_role = way.port_index;
  const Found holder = find(table, body.key(Side::kClient));
  if (holder.slot != kNoSlot && !try_free(table, holder.slot))
    return ForwardResult::drop(DropReason::kSctpKeyHeld);
  const tables::InsertResult inserted = table.create(body, arrival.time.seconds(), !rule.sync);
  if (inserted.status == tables::InsertStatus::kFull)
    return ForwardResult::drop(DropReason::kTableFull);
  if (inserted.status == tables::InsertStatus::kIndexFull)
    return ForwardResult::drop(DropReason::kIndexFull);
  ages_.touch(table, inserted.slot, arrival.time.milliseconds());
  return way;
}

// By route, as each packet of an association has a way of its own.
template <class Address>
ForwardResult SctpForwarder::way_out(const PacketView& view) const noexcept {
  const RouteResult<Address> route = context_.routes.lookup(view.target<Address>().address);
  if (route.kind == RouteKind::kLocal)
    return ForwardResult::error(IcmpErrorKind::kPortUnreachable, DropReason::kLocalRefused);
  if (route.kind == RouteKind::kNone)
    return ForwardResult::error(IcmpErrorKind::kNoRoute, DropReason::kNoRoute);
  if (view.ttl <= 1)
    return ForwardResult::error(IcmpErrorKind::kTimeExceeded, DropReason::kTtlExceeded);
  const std::uint16_t mtu_bytes = context_.config.ports[route.port_index].mtu_bytes;
  const bool fits = view.l3_bytes <= mtu_bytes;
  if (!fits && view.dont_fragment)
    return ForwardResult::error(IcmpErrorKind::kTooBig, DropReason::kTooBig, mtu_bytes);
  ForwardResult way{.verdict = ForwardVerdict::kForward,
                    .mtu_bytes = fits ? std::uint16_t{0} : mtu_bytes,
                    .port_index = route.port_index};
  if constexpr (std::is_same_v<Address, Address4>)
    way.next_hop4 = route.next_hop;
  else
    way.next_hop6 = route.next_hop;
  return way;
}

// As of a packet of the client, whichever way this one goes.
template <class Address>
RuleVerdict SctpForwarder::ask_rules(const PacketView& view, Direction direction,
                                     std::uint8_t ingress_port, std::uint8_t egress_port,
                                     DropReason& refusal) const noexcept {
  const bool is_from_client = direction == kFromClient;
  const auto& client = is_from_client ? view.source<Address>() : view.target<Address>();
  const auto& server = is_from_client ? view.target<Address>() : view.source<Address>();
  const std::uint8_t zone_from = zone_of(is_from_client ? ingress_port : egress_port);
  const std::uint8_t zone_to = zone_of(is_from_client ? egress_port : ingress_port);
  const RuleVerdict rule =
      context_.rules.lookup(RuleQuery<Address>{.source = client.address,
                                               .destination = server.address,
                                               .destination_port_be = server.port_be,
                                               .protocol = view.protocol,
                                               .zone_from = zone_from,
                                               .zone_to = zone_to});
  if (rule.action == RuleAction::kDrop)
    refusal = DropReason::kRuleDrop;
  else if (context_.nat.match(client.address, zone_from, zone_to) != kNoNatRule ||
           context_.destinations.try_public_source(client.address, zone_to))
    refusal = DropReason::kSctpTranslated;
  return rule;
}

// The path that was opened is in its zones; another, which the ends have told each other of, must
// be one that the rules allow too.
template <class Address>
DropReason SctpForwarder::why_refused(const SctpBody& body, const PacketView& view,
                                      Direction direction, std::uint8_t ingress_port,
                                      std::uint8_t egress_port) const noexcept {
  const SctpPath path = path_of<Address>(view);
  DropReason refusal = DropReason::kNone;
  if (!is_primary(body.state, direction, path.source) ||
      !is_primary(body.state, tables::opposite(direction), path.target)) {
    ask_rules<Address>(view, direction, ingress_port, egress_port, refusal);
    return refusal;
  }
  const std::uint8_t expected_port =
      direction == kFromClient ? body.ingress_role : body.egress_role;
  return expected_port == ingress_port || zone_of(expected_port) == zone_of(ingress_port)
             ? DropReason::kNone
             : DropReason::kWrongZone;
}

ForwardResult SctpForwarder::forward_error(const tables::Partition& partition,
                                           std::span<std::byte> frame, PacketView& view,
                                           const PacketView& quote,
                                           std::uint8_t ingress_port) const noexcept {
  if (view.is_group_target || view.is_group_frame)
    return ForwardResult::drop(DropReason::kGroupFrame);
  // A redirect is advice for its own link.
  const bool is_redirect = view.kind == PacketKind::kIp4 && view.icmp_type == kIcmpRedirect;
  if (view.is_link_local || view.is_unspecified_source || is_redirect)
    return ForwardResult::drop(DropReason::kNotForwardable);
  const auto& table = partition.table<TableKind::kSctp>();
  const ForwardResult result =
      view.kind == PacketKind::kIp4
          ? forward_error_by<Address4>(table, frame, view, quote, ingress_port)
          : forward_error_by<Address6>(table, frame, view, quote, ingress_port);
  if (result.verdict == ForwardVerdict::kForward) decrement_ttl(frame, view);
  return result;
}

template <class Address>
ForwardResult SctpForwarder::forward_error_by(const Table& table, std::span<const std::byte> frame,
                                              const PacketView& view, const PacketView& quote,
                                              std::uint8_t ingress_port) const noexcept {
  const SctpLookup lookup =
      lookup_of(frame, quote, quote.source<Address>().port_be, quote.target<Address>().port_be);
  const Found found = find(table, lookup.key);
  if (found.slot == kNoSlot) return ForwardResult::drop(DropReason::kIcmpNoSession);
  const SctpBody& body = table.slots().entry(found.slot).body;
  // of the quoted packet
  const Direction direction = tables::sctp_direction(found.side, lookup.is_against);
  if (!tables::sctp_knows_path(body.state, direction, path_of<Address>(quote)))
    return ForwardResult::drop(DropReason::kSctpUnknownAddress);
  const std::uint8_t expected_port =
      direction == kFromClient ? body.egress_role : body.ingress_role;
  if (expected_port != ingress_port && zone_of(expected_port) != zone_of(ingress_port))
    return ForwardResult::drop(DropReason::kWrongZone);
  // No error is answered with an error.
  ForwardResult way = way_out<Address>(view);
  if (way.verdict != ForwardVerdict::kForward) return ForwardResult::drop(way.reason);
  way.was_taken_over = !is_made_here(table, found.slot);
  return way;
}

}  // namespace twinplane::dataplane
