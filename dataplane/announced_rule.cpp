// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/announced_rule.hpp"

#include <algorithm>

#include "dataplane/bytes.hpp"
#include "dataplane/helper.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {

AnnouncedRule::AnnouncedRule(const Config& config) {
  for (const HelperConfig& helper : config.helpers) {
    const Helper* const kind = try_helper(helper.application);
    if (kind == nullptr) continue;
    ports_.push_back({kind->data, kind->data_by_server, network_order(helper.port)});
    for (const NatConfig& nat : config.nat)
      if (nat.destination && nat.destination->ports && nat.destination->real_port == helper.port)
        ports_.push_back(
            {kind->data, kind->data_by_server, network_order(nat.destination->ports->first)});
  }
}

bool AnnouncedRule::concerns(std::uint16_t application) noexcept {
  return std::ranges::any_of(kHelpers, [application](const Helper& helper) {
    return helper.data == application || helper.data_by_server == application;
  });
}

template <class Address>
RuleVerdict AnnouncedRule::lookup(const RuleSet& rules, std::uint16_t application,
                                  const AnnouncedEnds<Address>& ends) const noexcept {
  const RuleQuery<Address> by_client{.source = ends.opener,
                                     .destination = ends.target_as_named,
                                     .destination_port_be = 0,
                                     .protocol = kProtocolTcp,
                                     .zone_from = ends.zone_opener,
                                     .zone_to = ends.zone_target};
  const RuleQuery<Address> by_server{.source = ends.target,
                                     .destination = ends.opener_as_known,
                                     .destination_port_be = 0,
                                     .protocol = kProtocolTcp,
                                     .zone_from = ends.zone_target,
                                     .zone_to = ends.zone_opener};
  RuleVerdict last{kDefaultRule, RuleAction::kDrop, false};
  for (const ControlPort& control : ports_) {
    if (application != control.data && application != control.data_by_server) continue;
    RuleQuery<Address> query = application == control.data ? by_client : by_server;
    query.destination_port_be = control.port_be;
    const RuleVerdict verdict = rules.lookup(query);
    if (verdict.action == RuleAction::kAllow) return verdict;
    if (verdict.rule != kDefaultRule) last = verdict;
  }
  return last;
}

template RuleVerdict AnnouncedRule::lookup(const RuleSet&, std::uint16_t,
                                           const AnnouncedEnds<tables::Address4>&) const noexcept;
template RuleVerdict AnnouncedRule::lookup(const RuleSet&, std::uint16_t,
                                           const AnnouncedEnds<tables::Address6>&) const noexcept;

}  // namespace twinplane::dataplane
