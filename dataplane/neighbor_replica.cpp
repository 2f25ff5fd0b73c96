// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_replica.hpp"

#include <algorithm>

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::NeighborBody;
using tables::NeighborReach;

constexpr NeighborKey kNobody{.address = {}, .port_index = 0xFF};

constexpr NeighborReach reach_of(NeighborState state) noexcept {
  if (state == NeighborState::kPermanent) return NeighborReach::kPermanent;
  return state == NeighborState::kReachable ? NeighborReach::kReachable : NeighborReach::kStale;
}

constexpr NeighborState state_of(std::uint8_t reach) noexcept {
  switch (static_cast<NeighborReach>(reach)) {
    case NeighborReach::kReachable:
      return NeighborState::kReachable;
    case NeighborReach::kPermanent:
      return NeighborState::kPermanent;
    case NeighborReach::kIncomplete:
    case NeighborReach::kStale:
      break;
  }
  return NeighborState::kStale;
}

template <class Address>
typename NeighborBody<Address>::Key key_of(const NeighborKey& key) noexcept {
  typename NeighborBody<Address>::Key replicated{};
  std::copy(key.address.end() - static_cast<std::ptrdiff_t>(sizeof(Address)), key.address.end(),
            replicated.address.begin());
  replicated.port = key.port_index;
  return replicated;
}

}  // namespace

NeighborReplica::NeighborReplica(tables::Partition& home, NeighborTable& table,
                                 std::size_t port_count)
    : home_(home), table_(table), port_count_(port_count) {
  shown<Address4>().resize(home.slot_count(tables::TableKind::kArp), kNobody);
  shown<Address6>().resize(home.slot_count(tables::TableKind::kNd), kNobody);
}

void NeighborReplica::on_known(const NeighborEntry& entry, std::uint64_t now_ms) noexcept {
  const auto now_s = static_cast<std::uint32_t>(now_ms / 1000);
  if (entry.key.is4())
    note<Address4>(entry, now_s);
  else
    note<Address6>(entry, now_s);
}

void NeighborReplica::on_gone(const NeighborKey& key) noexcept {
  if (key.is4())
    drop<Address4>(key);
  else
    drop<Address6>(key);
}

template <class Address>
void NeighborReplica::note(const NeighborEntry& entry, std::uint32_t now_s) noexcept {
  auto& table = replicated<Address>();
  const auto key = key_of<Address>(entry.key);
  const auto reach = static_cast<std::uint8_t>(reach_of(entry.state));
  const std::uint32_t slot = table.slots().find(key).slot;
  if (slot == tables::kNoSlot) {
    NeighborBody<Address> body{};
    body.key = key;
    body.mac = entry.mac;
    body.reach = reach;
    const tables::InsertResult created = table.create(body, now_s);
    if (created.status == tables::InsertStatus::kInserted)
      shown<Address>()[created.slot] = entry.key;
    return;
  }
  auto& known = table.slots().changeable(slot);
  known.since_s = now_s;
  if (known.body.mac != entry.mac)
    table.change(slot, [&](NeighborBody<Address>& body) {
      body.mac = entry.mac;
      body.reach = reach;
    });
  else if (known.body.reach != reach)
    table.patch(slot, typename NeighborBody<Address>::Patch{reach, known.body.flags});
}

template <class Address>
void NeighborReplica::drop(const NeighborKey& key) noexcept {
  auto& table = replicated<Address>();
  const std::uint32_t slot = table.slots().find(key_of<Address>(key)).slot;
  if (slot == tables::kNoSlot) return;
  shown<Address>()[slot] = kNobody;
  table.end(slot);
}

std::size_t NeighborReplica::poll() noexcept {
  return show_arrivals<Address4>() + show_arrivals<Address6>();
}

template <class Address>
std::size_t NeighborReplica::show_arrivals() noexcept {
  tables::DirtyQueue& arrivals = replicated<Address>().slots().arrivals();
  const std::size_t count = arrivals.size();
  while (!arrivals.empty()) show<Address>(arrivals.pop());
  return count;
}

template <class Address>
void NeighborReplica::show(std::uint32_t slot) noexcept {
  const auto& slots = replicated<Address>().slots();
  const auto& entry = slots.entry(slot);
  const bool is_live = slots.live().is_live(slot);
  const bool is_possible = is_live && entry.body.key.port < port_count_;
  const NeighborKey key =
      is_possible ? NeighborKey::of(entry.body.key.port, entry.body.key.address) : kNobody;
  NeighborKey& shown_key = shown<Address>()[slot];
  if (shown_key != key && shown_key != kNobody) {
    // Unless another slot holds it by now.
    const std::uint32_t place = table_.find(shown_key);
    if (place != NeighborTable::kNoSlot &&
        slots.find(key_of<Address>(shown_key)).slot == tables::kNoSlot)
      table_.erase(place);
  }
  shown_key = key;
  if (!is_possible) {
    if (is_live) ++unshown_count_;
    return;
  }
  const NeighborState state = state_of(entry.body.reach);
  const std::uint32_t place = table_.find(key);
  if (place != NeighborTable::kNoSlot)
    table_.update(place, state, entry.body.mac);
  else if (table_.insert(key, state, entry.body.mac) == NeighborTable::kNoSlot)
    ++unshown_count_;
}

namespace {

template <class Address>
void make_stale(tables::PlainTable<NeighborBody<Address>>& table) noexcept {
  for (std::uint32_t slot = 0; slot < table.slots().slot_count(); ++slot) {
    if (!table.slots().live().is_live(slot)) continue;
    auto& reach = table.slots().changeable(slot).body.reach;
    if (reach == static_cast<std::uint8_t>(NeighborReach::kReachable))
      reach = static_cast<std::uint8_t>(NeighborReach::kStale);
  }
}

}  // namespace

void age_kept_neighbors(tables::Partition& home, std::uint64_t down_ms) noexcept {
  if (down_ms < NeighborOptions{}.reachable_min_ms) return;
  make_stale(home.table<tables::TableKind::kArp>());
  make_stale(home.table<tables::TableKind::kNd>());
}

}  // namespace twinplane::dataplane
