// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_forward.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/destination_nat.hpp"
#include "dataplane/rules_in_use.hpp"

namespace twinplane::dataplane {
namespace {

using tables::PortSet;

constexpr PortSet bit(std::uint8_t port_index) noexcept { return PortSet{1} << port_index; }

std::uint8_t count(PortSet ports) noexcept {
  return static_cast<std::uint8_t>(std::popcount(ports));
}

}  // namespace

GroupForwarder::GroupForwarder(const ForwardContext& context, const GroupRouteTable& routes,
                               tables::HashSeed seed)
    : context_(context),
      routes_(routes),
      remembered_(std::make_unique<Remembered[]>(kRememberedMax)),
      remembered_of_(context.rules.number()),
      seed_(seed) {
  static_assert(std::has_single_bit(kRememberedMax));
  const auto& ports = context.config.ports;
  for (std::size_t i = 0; i < ports.size(); ++i)
    ports_of_zone_[ports[i].zone_index] |= PortSet{1} << i;
}

GroupRouteKey GroupForwarder::key_of(const PacketView& view) noexcept {
  if (view.kind == PacketKind::kIp6)
    return {.source = view.source6.address, .group = view.target6.address};
  return {.source = mapped(view.source4.address), .group = mapped(view.target4.address)};
}

// What no router forwards, whoever listens.
GroupDrop GroupForwarder::refusal_of(const PacketView& view) const noexcept {
  if (!view.is_group_frame) return GroupDrop::kNotGroupFrame;
  if (is_link_scope(key_of(view).group)) return GroupDrop::kLinkScope;
  if (view.is_link_local || view.is_unspecified_source) return GroupDrop::kBadSource;
  switch (view.l4_kind) {
    case L4Kind::kTcp:
    case L4Kind::kSctp:
    case L4Kind::kNeighbor:
    case L4Kind::kIcmpError:
      return GroupDrop::kBadProtocol;
    default:
      return view.ttl <= 1 ? GroupDrop::kTtlExceeded : GroupDrop::kNone;
  }
}

// The ingress check: what would go to its source leaves by the port that it came in by.
bool GroupForwarder::is_from(const PacketView& view, std::uint8_t ingress_port) const noexcept {
  const auto is_way = [ingress_port](const auto& route) {
    return (route.kind == RouteKind::kConnected || route.kind == RouteKind::kVia) &&
           route.port_index == ingress_port;
  };
  return view.kind == PacketKind::kIp4 ? is_way(context_.routes.lookup(view.source4.address))
                                       : is_way(context_.routes.lookup(view.source6.address));
}

GroupVerdict GroupForwarder::judge(const PacketView& view, std::uint8_t ingress_port) noexcept {
  GroupVerdict verdict{.drop = refusal_of(view)};
  if (verdict.drop != GroupDrop::kNone) return verdict;
  const GroupRouteKey key = key_of(view);
  GroupRoute route;
  verdict.place = routes_.try_lookup(key, route);
  const bool is_stream = verdict.place != GroupRouteTable::kNoPlace &&
                         route.state != tables::MulticastState::kMembership;
  if (is_stream && route.ingress == ingress_port) {
    if (route.egress == 0) {
      verdict.drop = GroupDrop::kPruned;
      return verdict;
    }
  } else {
    verdict.begins = true;
    if (verdict.place == GroupRouteTable::kNoPlace)
      static_cast<void>(routes_.try_lookup(key.star(), route));
    // What the old ingress was left out for is not known here; the home worker counts it in.
    route.egress &= ~bit(ingress_port);
    if (route.egress == 0 && !is_stream) verdict.drop = GroupDrop::kNoListener;
    if (!is_from(view, ingress_port)) verdict.drop = GroupDrop::kWrongIngress;
    if (verdict.drop != GroupDrop::kNone) return verdict;
  }
  verdict.egress = route.egress;
  ask_rules(view, ingress_port, verdict);
  return verdict;
}

void GroupForwarder::ask_rules(const PacketView& view, std::uint8_t ingress_port,
                               GroupVerdict& verdict) noexcept {
  if (remembered_of_ != context_.rules.number()) {
    std::fill_n(remembered_.get(), kRememberedMax, Remembered{});
    remembered_of_ = context_.rules.number();
  }
  const GroupRouteKey key = key_of(view);
  const bool is4 = view.kind == PacketKind::kIp4;
  const FlowName flow{.source = key.source,
                      .group = key.group,
                      .target_port_be = is4 ? view.target4.port_be : view.target6.port_be,
                      .protocol = view.protocol,
                      .zone_from = context_.config.ports[ingress_port].zone_index};
  Remembered& known = remembered_[tables::hash_of(flow, seed_) & (kRememberedMax - 1)];
  if (known.flow != flow) known = {.flow = flow};
  for (PortSet left = verdict.egress & ~known.asked; left != 0;
       left = verdict.egress & ~known.asked) {
    const auto port_index = static_cast<std::uint8_t>(std::countr_zero(left));
    const std::uint8_t zone_to = context_.config.ports[port_index].zone_index;
    if (is4)
      ask_about<tables::Address4>(view, zone_to, known);
    else
      ask_about<tables::Address6>(view, zone_to, known);
  }
  const PortSet refused = verdict.egress & known.refused;
  const PortSet translated = verdict.egress & known.translated & ~refused;
  const PortSet allowed = verdict.egress & ~refused & ~translated;
  verdict.withheld_by_rule = count(refused);
  verdict.withheld_by_nat = count(translated);
  if (allowed == 0 && verdict.egress != 0)
    verdict.drop = refused != 0 ? GroupDrop::kRule : GroupDrop::kTranslated;
  verdict.egress = allowed;
}

template <class Address>
void GroupForwarder::ask_about(const PacketView& view, std::uint8_t zone_to,
                               Remembered& known) const noexcept {
  const Address& source = view.source<Address>().address;
  const std::uint8_t zone_from = known.flow.zone_from;
  const RuleVerdict rule =
      context_.rules.lookup(RuleQuery<Address>{.source = source,
                                               .destination = view.target<Address>().address,
                                               .destination_port_be = known.flow.target_port_be,
                                               .protocol = view.protocol,
                                               .zone_from = zone_from,
                                               .zone_to = zone_to});
  const PortSet ports = ports_of_zone_[zone_to];
  known.asked |= ports;
  if (rule.action == RuleAction::kDrop) known.refused |= ports;
  if (context_.nat.match(source, zone_from, zone_to) != kNoNatRule ||
      context_.destinations.try_public_source(source, zone_to))
    known.translated |= ports;
}

}  // namespace twinplane::dataplane
