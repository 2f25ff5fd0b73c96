// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_replica.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace twinplane::dataplane {
namespace {

using tables::MulticastState;
using tables::PortSet;
using tables::TableKind;

constexpr bool is_port(std::uint8_t ingress) noexcept { return ingress < 64; }

bool is4(const GroupRouteKey& key) noexcept { return family_of(key.group) == GroupFamily::kIp4; }

template <class Address>
Address narrow(const tables::Address6& address) noexcept {
  Address result{};
  std::copy(address.end() - static_cast<std::ptrdiff_t>(sizeof(Address)), address.end(),
            result.begin());
  return result;
}

tables::Address6 widen(const tables::Address4& address) noexcept { return mapped(address); }

tables::Address6 widen(const tables::Address6& address) noexcept { return address; }

template <class Body>
GroupFacts facts_of(const Body& body) noexcept {
  const bool is_star = body.key.source == decltype(body.key.source){};
  return {.key = {.source = is_star ? kNoAddress : widen(body.key.source),
                  .group = widen(body.key.group),
                  .domain = body.key.domain,
                  .vlan = body.key.vlan},
          .egress = body.egress,
          .blocked = body.blocked,
          .ingress = body.ingress,
          .state = static_cast<MulticastState>(body.state)};
}

}  // namespace

GroupReplica::GroupReplica(tables::Partition& home, GroupRouteTable& routes, std::size_t port_count,
                           tables::HashSeed seed)
    : home_(home),
      routes_(routes),
      own_ports_((PortSet{1} << port_count) - 1),
      slot_count4_(home.slot_count(TableKind::kMulticast4)),
      slot_count6_(home.slot_count(TableKind::kMulticast6)),
      shown_(slot_count4_ + slot_count6_),
      buckets_(std::bit_ceil<std::size_t>(slot_count4_ + slot_count6_ + 1), kNoSlot),
      seed_(seed) {}

// visit(PlainTable) of the family.
template <class Visit>
decltype(auto) GroupReplica::with_table(bool is_ip4, Visit visit) const noexcept {
  if (is_ip4) return visit(home_.table<TableKind::kMulticast4>());
  return visit(home_.table<TableKind::kMulticast6>());
}

// visit(PlainTable, the slot's number in it).
template <class Visit>
decltype(auto) GroupReplica::with_slot(std::uint32_t slot, Visit visit) const noexcept {
  if (slot < slot_count4_) return visit(home_.table<TableKind::kMulticast4>(), slot);
  return visit(home_.table<TableKind::kMulticast6>(), slot - slot_count4_);
}

template <class Body>
typename Body::Key GroupReplica::replicated_key(const GroupRouteKey& key) noexcept {
  using Address = decltype(Body::Key::group);
  return {narrow<Address>(key.source), narrow<Address>(key.group), key.domain, key.vlan};
}

std::uint32_t GroupReplica::find(const GroupRouteKey& key) const noexcept {
  return with_table(is4(key), [&](auto& table) {
    using Body = typename std::remove_cvref_t<decltype(table)>::Body;
    const std::uint32_t slot = table.slots().find(replicated_key<Body>(key)).slot;
    return slot == kNoSlot || is4(key) ? slot : slot + slot_count4_;
  });
}

bool GroupReplica::try_facts(std::uint32_t slot, GroupFacts& out) const noexcept {
  return with_slot(slot, [&](auto& table, std::uint32_t place) {
    if (!table.slots().live().is_live(place)) return false;
    out = facts_of(table.slots().entry(place).body);
    return true;
  });
}

std::uint32_t GroupReplica::since_s(std::uint32_t slot) const noexcept {
  return with_slot(
      slot, [](auto& table, std::uint32_t place) { return table.slots().entry(place).since_s; });
}

// What is left for the packets of an entry.
PortSet GroupReplica::wanted(const GroupFacts& facts) const noexcept {
  PortSet ports = facts.egress;
  if (!facts.key.is_star()) {
    GroupFacts star;
    if (const std::uint32_t slot = find(facts.key.star()); slot != kNoSlot && try_facts(slot, star))
      ports |= star.egress & ~facts.blocked;
  }
  if (is_port(facts.ingress)) ports &= ~(PortSet{1} << facts.ingress);
  return ports & own_ports_;
}

std::size_t GroupReplica::poll() noexcept {
  std::size_t count = 0;
  for (const bool is_ip4 : {true, false}) {
    with_table(is_ip4, [&](auto& table) {
      tables::DirtyQueue& arrivals = table.slots().arrivals();
      count += arrivals.size();
      while (!arrivals.empty()) show(arrivals.pop() + (is_ip4 ? 0 : slot_count4_));
    });
  }
  return count;
}

// ---- the owner ----------------------------------------------------------------------------------

std::uint32_t GroupReplica::create(const GroupFacts& facts, std::uint32_t now_s) noexcept {
  const std::uint32_t slot = with_table(is4(facts.key), [&](auto& table) {
    using Body = typename std::remove_cvref_t<decltype(table)>::Body;
    const Body body{.key = replicated_key<Body>(facts.key),
                    .ingress = facts.ingress,
                    .state = static_cast<std::uint8_t>(facts.state),
                    .zero = {},
                    .egress = facts.egress,
                    .blocked = facts.blocked};
    const tables::InsertResult created = table.create(body, now_s);
    if (created.status != tables::InsertStatus::kInserted) return kNoSlot;
    return is4(facts.key) ? created.slot : created.slot + slot_count4_;
  });
  if (slot != kNoSlot) show(slot);
  return slot;
}

void GroupReplica::patch(std::uint32_t slot, const GroupFacts& facts) noexcept {
  with_slot(slot, [&](auto& table, std::uint32_t place) {
    using Body = typename std::remove_cvref_t<decltype(table)>::Body;
    table.patch(place, typename Body::Patch{.egress = facts.egress,
                                            .blocked = facts.blocked,
                                            .ingress = facts.ingress,
                                            .state = static_cast<std::uint8_t>(facts.state),
                                            .zero = {}});
  });
  show(slot);
}

void GroupReplica::end(std::uint32_t slot) noexcept {
  with_slot(slot, [](auto& table, std::uint32_t place) { table.end(place); });
  show(slot);
}

bool GroupReplica::set_wanted(const GroupRouteKey& key, PortSet egress, PortSet blocked,
                              std::uint32_t now_s) noexcept {
  const std::uint32_t slot = find(key);
  GroupFacts facts{.key = key};
  if (slot == kNoSlot) {
    if ((egress | blocked) == 0) return true;
    facts.egress = egress;
    facts.blocked = blocked;
    if (create(facts, now_s) == kNoSlot) return false;
  } else {
    static_cast<void>(try_facts(slot, facts));
    if (facts.egress == egress && facts.blocked == blocked) return true;
    facts.egress = egress;
    facts.blocked = blocked;
    if ((egress | blocked) == 0 && !facts.is_stream())
      end(slot);
    else
      patch(slot, facts);
  }
  settle(key);
  return true;
}

// A stream that nobody wants any more is pruned, and one that somebody wants again goes on.
void GroupReplica::settle(const GroupRouteKey& key) noexcept {
  const auto settle_one = [this, &key](std::uint32_t slot) {
    GroupFacts facts;
    if (!try_facts(slot, facts) || !facts.is_stream() || facts.key.star() != key.star()) return;
    const auto state = wanted(facts) == 0 ? MulticastState::kPruned : MulticastState::kForwarding;
    if (state == facts.state) return;
    facts.state = state;
    patch(slot, facts);
  };
  if (key.is_star())
    for_each_of_group(key.group, settle_one);
  else if (const std::uint32_t slot = find(key); slot != kNoSlot)
    settle_one(slot);
}

std::uint32_t GroupReplica::open_stream(const GroupRouteKey& key, std::uint8_t ingress,
                                        std::uint32_t now_s) noexcept {
  GroupFacts facts{.key = key};
  const std::uint32_t slot = find(key);
  if (slot != kNoSlot) static_cast<void>(try_facts(slot, facts));
  facts.ingress = ingress;
  facts.state = wanted(facts) == 0 ? MulticastState::kPruned : MulticastState::kForwarding;
  if (slot == kNoSlot) return create(facts, now_s);
  patch(slot, facts);
  return slot;
}

void GroupReplica::end_stream(std::uint32_t slot) noexcept {
  GroupFacts facts;
  if (!try_facts(slot, facts)) return;
  if ((facts.egress | facts.blocked) == 0) return end(slot);
  facts.ingress = tables::kAnyPort;
  facts.state = MulticastState::kMembership;
  patch(slot, facts);
}

// ---- what the workers see -----------------------------------------------------------------------

void GroupReplica::show(std::uint32_t slot) noexcept {
  GroupFacts facts;
  const bool is_live = try_facts(slot, facts);
  Shown& shown = shown_[slot];
  const GroupRouteKey before = shown.key;
  const bool was_star = shown.is_linked && before.is_star();
  if (shown.is_linked && (!is_live || before != facts.key)) hide(slot);
  if (is_live) {
    if (!shown.is_linked) {
      shown.key = facts.key;
      shown.is_linked = true;
      shown.next = std::exchange(buckets_[bucket_of(facts.key.group)], slot);
    }
    show_route(slot, facts);
  }
  const auto show_streams = [this](const GroupRouteKey& star) {
    for_each_of_group(star.group, [&](std::uint32_t other) {
      GroupFacts stream;
      if (!shown_[other].key.is_star() && shown_[other].key.star() == star &&
          try_facts(other, stream) && stream.key == shown_[other].key)
        show_route(other, stream);
    });
  };
  if (was_star) show_streams(before);
  if (is_live && facts.key.is_star() && !(was_star && before == facts.key)) show_streams(facts.key);
}

void GroupReplica::show_route(std::uint32_t slot, const GroupFacts& facts) noexcept {
  const GroupRoute route{.egress = wanted(facts),
                         .since_s = since_s(slot),
                         .ingress = facts.ingress,
                         .state = facts.state};
  std::uint32_t& place = shown_[slot].place;
  place = routes_.find(facts.key);
  if (place != GroupRouteTable::kNoPlace) return routes_.update(place, route);
  place = routes_.insert(facts.key, route);
  if (place == GroupRouteTable::kNoPlace) ++unshown_count_;
}

void GroupReplica::hide(std::uint32_t slot) noexcept {
  Shown& shown = shown_[slot];
  std::uint32_t* link = &buckets_[bucket_of(shown.key.group)];
  while (*link != slot) link = &shown_[*link].next;
  *link = shown.next;
  // Unless another slot holds it by now.
  if (const std::uint32_t place = routes_.find(shown.key);
      place != GroupRouteTable::kNoPlace && find(shown.key) == kNoSlot)
    routes_.erase(place);
  shown = Shown{};
}

}  // namespace twinplane::dataplane
