// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint32_t kSlotsMin = 64;

// Each names the one behind it.
template <class Place>
void chain(std::vector<Place>& places) noexcept {
  for (std::size_t at = 0; at < places.size(); ++at)
    places[at].next = static_cast<std::uint32_t>(at + 1);
  places.back().next = GroupTable::kNoSlot;
}

}  // namespace

GroupTable::GroupTable(const GroupTableLimits& limits, tables::HashSeed seed)
    : limits_(limits), port_counts_(limits.port_count), seed_(seed) {
  TWINPLANE_CHECK(limits.groups_max - 1, <, 65536U);
  TWINPLANE_CHECK(limits.groups_per_port_max - 1, <, 65536U);
  TWINPLANE_CHECK(limits.sources_max - 1, <, 1048576U);
  const std::uint32_t slots = std::max(kSlotsMin, std::bit_ceil(limits.groups_max));
  groups_.resize(slots);
  buckets_.resize(slots, kNoSlot);
  sources_.resize(limits.sources_max);
  chain(groups_);
  chain(sources_);
}

std::uint32_t GroupTable::find(std::size_t port_index,
                               const tables::Address6& group) const noexcept {
  std::uint32_t found = kNoSlot;
  for_each_port(group, [&](std::uint32_t slot) {
    if (groups_[slot].port_index == port_index) found = slot;
  });
  return found;
}

std::uint32_t GroupTable::insert(std::size_t port_index, const tables::Address6& group) noexcept {
  TWINPLANE_DCHECK(find(port_index, group), ==, kNoSlot);
  if (group_count_ >= limits_.groups_max || port_counts_[port_index] >= limits_.groups_per_port_max)
    return kNoSlot;
  const std::uint32_t slot = first_free_group_;
  first_free_group_ = groups_[slot].next;
  std::uint32_t& head = buckets_[bucket_of(group)];
  groups_[slot] = GroupState{.group = group,
                             .first_source = kNoSlot,
                             .next = head,
                             .port_index = static_cast<std::uint8_t>(port_index),
                             .is_live = true};
  head = slot;
  ++group_count_;
  ++port_counts_[port_index];
  return slot;
}

void GroupTable::erase(std::uint32_t slot) noexcept {
  GroupState& state = groups_[slot];
  TWINPLANE_CHECK(state.is_live, ==, true);
  remove_sources(slot, [](const GroupSource&) { return true; });
  std::uint32_t* link = &buckets_[bucket_of(state.group)];
  while (*link != slot) link = &groups_[*link].next;
  *link = state.next;
  --group_count_;
  --port_counts_[state.port_index];
  state = GroupState{.first_source = kNoSlot, .next = first_free_group_};
  first_free_group_ = slot;
}

const GroupSource* GroupTable::find_source(std::uint32_t slot,
                                           const tables::Address6& address) const noexcept {
  for (std::uint32_t at = groups_[slot].first_source; at != kNoSlot; at = sources_[at].next) {
    if (sources_[at].address == address) return &sources_[at];
  }
  return nullptr;
}

GroupSource* GroupTable::find_source(std::uint32_t slot, const tables::Address6& address) noexcept {
  return const_cast<GroupSource*>(std::as_const(*this).find_source(slot, address));
}

GroupSource* GroupTable::add_source(std::uint32_t slot, const tables::Address6& address) noexcept {
  TWINPLANE_DCHECK(find_source(slot, address) == nullptr, ==, true);
  GroupState& state = groups_[slot];
  if (first_free_source_ == kNoSlot || state.source_count >= limits_.sources_per_group_max)
    return nullptr;
  const std::uint32_t place = first_free_source_;
  first_free_source_ = sources_[place].next;
  sources_[place] = GroupSource{.address = address, .next = state.first_source};
  state.first_source = place;
  ++state.source_count;
  ++source_count_;
  return &sources_[place];
}

}  // namespace twinplane::dataplane
