// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_streams.hpp"

#include <algorithm>

namespace twinplane::dataplane {
namespace {

constexpr std::uint32_t seconds(std::uint64_t now_ms) noexcept {
  return static_cast<std::uint32_t>(now_ms / 1000);
}

}  // namespace

GroupStreams::GroupStreams(const Config& config, GroupReplica& replica, const GroupTraffic& traffic,
                           GroupCounters& counters)
    : config_(config),
      replica_(replica),
      traffic_(traffic),
      counters_(counters),
      heard_(replica.slot_count()) {
  const std::uint64_t rate = config.multicast.new_streams_per_s;
  for (std::size_t i = 0; i < config.zones.size(); ++i)
    zones_.push_back({TokenBucket({.rate_per_s = rate, .burst = 2 * rate}, 0)});
}

GroupStreams::Zone* GroupStreams::zone_of(std::uint8_t ingress) noexcept {
  return ingress < config_.ports.size() ? &zones_[config_.ports[ingress].zone_index] : nullptr;
}

std::uint64_t GroupStreams::packets_of(std::uint32_t slot) const noexcept {
  const std::uint32_t place = replica_.place_of(slot);
  return place == GroupRouteTable::kNoPlace ? 0 : traffic_.total(place).packets;
}

void GroupStreams::hear(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  heard_[slot] = {packets_of(slot), seconds(now_ms)};
}

void GroupStreams::take(std::uint64_t now_ms) noexcept {
  for (Zone& zone : zones_) zone.stream_count = 0;
  for (std::uint32_t slot = 0; slot < replica_.slot_count(); ++slot) {
    GroupFacts facts;
    if (!replica_.try_facts(slot, facts) || !facts.is_stream()) continue;
    Zone* const zone = zone_of(facts.ingress);
    if (zone == nullptr) {
      // Packets of it will say where they come in here.
      replica_.end_stream(slot);
      continue;
    }
    ++zone->stream_count;
    hear(slot, now_ms);
  }
  last_poll_ms_ = now_ms;
}

GroupDrop GroupStreams::begin(const GroupRouteKey& key, std::uint8_t ingress,
                              std::uint64_t now_ms) noexcept {
  Zone* const zone = zone_of(ingress);
  if (zone == nullptr) return GroupDrop::kWrongIngress;
  GroupFacts facts;
  const std::uint32_t known = replica_.find(key);
  const bool is_known =
      known != GroupReplica::kNoSlot && replica_.try_facts(known, facts) && facts.is_stream();
  if (is_known && facts.ingress == ingress) return GroupDrop::kNone;
  if (zone->stream_count >= config_.multicast.streams_per_zone) return GroupDrop::kZoneFull;
  if (!zone->beginnings.try_take(now_ms * 1'000'000)) return GroupDrop::kFlood;
  const std::uint32_t slot = replica_.open_stream(key, ingress, seconds(now_ms));
  if (slot == GroupReplica::kNoSlot) return GroupDrop::kTableFull;
  if (Zone* const left = is_known ? zone_of(facts.ingress) : nullptr; left != nullptr)
    --left->stream_count;
  ++zone->stream_count;
  hear(slot, now_ms);
  counters_.add(GroupCounter::kStreamsBegun);
  return GroupDrop::kNone;
}

std::size_t GroupStreams::poll(std::uint64_t now_ms) noexcept {
  if (now_ms <= last_poll_ms_) return 0;
  const std::uint64_t elapsed_ms = std::min(now_ms - last_poll_ms_, kScanRoundMs);
  const std::uint64_t slots_due = replica_.slot_count() * elapsed_ms / kScanRoundMs;
  if (slots_due == 0) return 0;
  last_poll_ms_ = now_ms;
  std::size_t ended = 0;
  for (std::uint64_t i = 0; i < slots_due; ++i) {
    cursor_ = cursor_ + 1 == replica_.slot_count() ? 0 : cursor_ + 1;
    GroupFacts facts;
    if (!replica_.try_facts(cursor_, facts) || !facts.is_stream()) continue;
    if (packets_of(cursor_) != heard_[cursor_].packets) {
      hear(cursor_, now_ms);
      continue;
    }
    if (seconds(now_ms) - heard_[cursor_].at_s < config_.multicast.stream_timeout_s) continue;
    if (Zone* const zone = zone_of(facts.ingress); zone != nullptr) --zone->stream_count;
    replica_.end_stream(cursor_);
    counters_.add(GroupCounter::kStreamsEnded);
    ++ended;
  }
  return ended;
}

}  // namespace twinplane::dataplane
