// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rematch.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/mapped_endpoint.hpp"
#include "dataplane/session_steps.hpp"
#include "tables/session_shift.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::DirectedKey;
using tables::SessionOf;
using tables::Side;
using tables::TableKind;

// kDefaultRule is the last.
std::size_t index_of_rule(std::uint16_t rule) noexcept {
  return std::min<std::size_t>(rule, kRulesMax);
}

template <class Address>
DirectedKey<Address> client_names(const SessionOf<Address>& session, Side side) noexcept {
  return {tables::key_of(session, side), tables::client_is_a(session, side)};
}

// The address that the side opened the association by.
Address6 primary_of(const tables::SctpState& state, tables::Direction side) noexcept {
  for (std::size_t place = 0; place < tables::kSctpAddressesMax; ++place)
    if ((state.address_flags[side][place] & tables::kSctpAddressPrimary) != 0)
      return state.addresses[side][place];
  return {};
}

}  // namespace

Rematch::Rematch(const Config& config, const HeldPlaces& held, RematchStats& stats)
    : config_(config),
      stats_(stats),
      announced_(config),
      mode_(config.tables.rematch ? RematchMode::kEnforce : RematchMode::kRename),
      held_(held) {}

void Rematch::add(std::uint32_t number, tables::Partition& partition) {
  parts_.push_back({number, &partition});
  slot_count_ += partition.slot_count(TableKind::kSession4) +
                 std::uint64_t{partition.slot_count(TableKind::kSession6)} +
                 partition.slot_count(TableKind::kSctp);
}

void Rematch::begin(const RuleSet& rules, RematchCause cause) noexcept {
  rules_ = &rules;
  cause_ = cause;
  is_done_ = false;
  place_ = 0;
  next_slot_ = 0;
  slots_before_ = 0;
  stats_.began_ns.set(0);
  stats_.ended_ns.set(0);
  stats_.slots_passed.set(0);
  stats_.slots_total.set(slot_count_);
  stats_.looked.set(0);
  stats_.reassigned.set(0);
  stats_.ended.set(0);
  for (Gauge& gauge : stats_.sessions) gauge.set(0);
  for (Gauge& gauge : stats_.ended_by) gauge.set(0);
  stats_.state.set(static_cast<std::uint64_t>(RematchState::kWaiting));
}

void Rematch::suspend() noexcept {
  if (is_running() || (rules_ != nullptr && cause_ == RematchCause::kLoaded))
    begin(*rules_, cause_);
}

std::uint32_t Rematch::step(std::uint32_t budget, std::uint64_t now_ns) noexcept {
  if (!is_running()) return 0;
  now_ns_ = now_ns;
  if (stats_.began_ns.get() == 0) {
    stats_.began_ns.set(now_ns);
    stats_.state.set(static_cast<std::uint64_t>(RematchState::kRunning));
  }
  std::uint32_t left = budget;
  while (left != 0 && place_ != kTablesEach * parts_.size()) {
    if (!step_in(left)) break;
    slots_before_ += next_slot_;
    next_slot_ = 0;
    ++place_;
  }
  stats_.slots_passed.set(std::min(slots_before_ + next_slot_, slot_count_));
  if (place_ == kTablesEach * parts_.size()) {
    is_done_ = true;
    stats_.ended_ns.set(now_ns);
    stats_.state.set(static_cast<std::uint64_t>(RematchState::kDone));
  }
  return budget - left;
}

// True at the end of the table.
bool Rematch::step_in(std::uint32_t& budget) noexcept {
  switch (place_ % kTablesEach) {
    case 0:
      return walk(partition().session4().slots(), budget,
                  [this](std::uint32_t slot) { return judge<Address4>(slot); });
    case 1:
      return walk(partition().session6().slots(), budget,
                  [this](std::uint32_t slot) { return judge<Address6>(slot); });
    default:
      return walk(partition().slots<TableKind::kSctp>(), budget, [this](std::uint32_t slot) {
        judge_association(slot);
        return Judged::kDone;
      });
  }
}

template <class Slots, class Judge>
bool Rematch::walk(const Slots& slots, std::uint32_t& budget, Judge&& judge) noexcept {
  while (next_slot_ < slots.slot_count()) {
    if (budget == 0) return false;
    --budget;
    const std::uint64_t live = slots.live().live_word(next_slot_ / 64) >> (next_slot_ % 64);
    if (live == 0) {
      next_slot_ = std::min((next_slot_ / 64 + 1) * 64, slots.slot_count());
      continue;
    }
    next_slot_ += static_cast<std::uint32_t>(std::countr_zero(live));
    if (judge(next_slot_) == Judged::kLater) {
      budget = 0;
      return false;
    }
    ++next_slot_;
  }
  return true;
}

// Rules speak of the destination as the client does, and of the zone where it really is.
template <class Address>
RuleVerdict Rematch::verdict_of(const SessionOf<Address>& session) const noexcept {
  const DirectedKey<Address> names = client_names(session, Side::kClient);
  const auto source = tables::source_of(names);
  const auto target = tables::target_of(names);
  const std::uint8_t zone_from = zone_of(session.state.ingress_role);
  const std::uint8_t zone_to = zone_of(session.state.egress_role);
  if (AnnouncedRule::concerns(session.state.application)) [[unlikely]] {
    const DirectedKey<Address> far = client_names(session, Side::kServer);
    return announced_.lookup<Address>(*rules_, session.state.application,
                                      {.opener = source.address,
                                       .target_as_named = target.address,
                                       .target = tables::target_of(far).address,
                                       .opener_as_known = tables::source_of(far).address,
                                       .zone_opener = zone_from,
                                       .zone_target = zone_to});
  }
  return rules_->lookup(RuleQuery<Address>{.source = source.address,
                                           .destination = target.address,
                                           .destination_port_be = target.port_be,
                                           .protocol = session.protocol,
                                           .zone_from = zone_from,
                                           .zone_to = zone_to});
}

// By the path that it was opened on; its others are asked about packet by packet.
RuleVerdict Rematch::verdict_of(const tables::SctpBody& body) const noexcept {
  const Address6 client = primary_of(body.state, tables::kFromClient);
  const Address6 server = primary_of(body.state, tables::kFromServer);
  const auto ask = [&]<class Address>(const Address& source, const Address& destination) {
    return rules_->lookup(RuleQuery<Address>{.source = source,
                                             .destination = destination,
                                             .destination_port_be = body.server_port_be,
                                             .protocol = kProtocolSctp,
                                             .zone_from = zone_of(body.ingress_role),
                                             .zone_to = zone_of(body.egress_role)});
  };
  const auto client4 = unmapped<Address4>(client);
  return client == mapped(client4) ? ask(client4, unmapped<Address4>(server)) : ask(client, server);
}

// A mark alone says that the session's next packet is to wait: the one that set it may be gone.
template <class Address>
bool Rematch::is_waiting(std::uint32_t slot) const noexcept {
  const auto& session = partition().sessions<Address>().slots().entry(slot);
  constexpr TableKind kKind =
      sizeof(Address) == sizeof(Address4) ? TableKind::kSession4 : TableKind::kSession6;
  return (session.flags & tables::kHeld) != 0 &&
         held_.is_waiting(
             {parts_[place_ / kTablesEach].number, kKind, slot, session.state.generation});
}

// An open connection that is young is due when it comes of age, any other one by its timeout.
template <class Address>
void Rematch::set_age(tables::SessionTable<Address>& sessions, std::uint32_t slot,
                      const RuleVerdict& rule, bool was_young) noexcept {
  const auto& session = sessions.slots().entry(slot);
  const BurstTime time{now_ns_};
  if ((session.flags & tables::kYoung) != 0)
    tables::touch_young<Address>(partition(), slot, time.milliseconds(),
                                 ages_in_ms(session, rule.sync_after_s, time.seconds()));
  else if (was_young)
    sessions.touch(slot, time.milliseconds());
}

template <class Address>
Rematch::Judged Rematch::judge(std::uint32_t slot) noexcept {
  auto& sessions = partition().sessions<Address>();
  const SessionOf<Address>& session = sessions.slots().entry(slot);
  const RuleVerdict rule = verdict_of(session);
  const bool is_dropped = rule.action == RuleAction::kDrop;
  if (is_dropped && mode_ == RematchMode::kEnforce) {
    // Packets that wait for the peer are found to have no session, and dropped.
    sessions.end(slot);
    count_ended(rule.rule);
    return Judged::kDone;
  }
  std::uint16_t number = rule.rule;
  auto local = static_cast<std::uint16_t>(session.flags & (tables::kLocalOnly | tables::kYoung));
  if (mode_ == RematchMode::kRename) {
    if (is_dropped) number = kDefaultRule;
  } else {
    const bool is_synced = (session.flags & tables::kLocalOnly) == 0;
    local = 0;
    if ((session.flags & tables::kDecrypted) != 0 || !rule.sync)
      local = tables::kLocalOnly;
    else if (rule.sync_after_s != 0 && !is_synced)
      local = tables::kLocalOnly | tables::kYoung;
  }
  // Its packets wait for a receipt of this generation: for some milliseconds at most.
  if (sessions.would_reassign(slot, number, local) && is_waiting<Address>(slot))
    return Judged::kLater;
  const bool was_young = (session.flags & tables::kYoung) != 0;
  count_kept(number, tables::reassign<Address>(partition(), slot, number, local));
  if (mode_ == RematchMode::kEnforce) set_age(sessions, slot, rule, was_young);
  return Judged::kDone;
}

void Rematch::judge_association(std::uint32_t slot) noexcept {
  auto& table = partition().table<TableKind::kSctp>();
  const auto& entry = table.slots().entry(slot);
  const RuleVerdict rule = verdict_of(entry.body);
  const bool is_dropped = rule.action == RuleAction::kDrop;
  if (is_dropped && mode_ == RematchMode::kEnforce) {
    table.end(slot);
    return count_ended(rule.rule);
  }
  const bool was_local = (entry.head.flags & tables::kLocalOnly) != 0;
  const bool is_local = mode_ == RematchMode::kRename ? was_local : !rule.sync;
  const std::uint16_t number = is_dropped ? kDefaultRule : rule.rule;
  const bool changes = entry.body.rule != number || is_local != was_local;
  if (changes)
    table.change(slot, is_local, [number](tables::SctpBody& body) { body.rule = number; });
  count_kept(number, changes);
}

void Rematch::count_ended(std::uint16_t rule) noexcept {
  stats_.looked.add(1);
  stats_.ended.add(1);
  stats_.ended_by[index_of_rule(rule)].add(1);
}

void Rematch::count_kept(std::uint16_t rule, bool has_changed) noexcept {
  stats_.looked.add(1);
  if (has_changed) stats_.reassigned.add(1);
  stats_.sessions[index_of_rule(rule)].add(1);
}

}  // namespace twinplane::dataplane
