// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_resolver.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNoFrameWaitMs = 50;    // when a frame was due and there was no buffer
constexpr std::uint64_t kStaleSpreadMs = 1000;  // who was learned is probed within

constexpr NeighborCounter counter_of(NeighborDrop reason) noexcept {
  switch (reason) {
    case NeighborDrop::kDisplaced:
      return NeighborCounter::kDropDisplaced;
    case NeighborDrop::kUnreachable:
      return NeighborCounter::kDropUnreachable;
    case NeighborDrop::kRateLimited:
      return NeighborCounter::kDropRateLimited;
    case NeighborDrop::kTableFull:
      return NeighborCounter::kDropTableFull;
    case NeighborDrop::kNotNeighbor:
      return NeighborCounter::kDropNotNeighbor;
    case NeighborDrop::kPassive:
      break;
  }
  return NeighborCounter::kDropPassive;
}

}  // namespace

NeighborResolver::NeighborResolver(const NeighborOptions& options, const OwnAddresses& own,
                                   NeighborTable& table, NeighborSender& sender,
                                   HeldPacketSink& packets, NeighborCounters& counters)
    : options_(options),
      own_(own),
      table_(table),
      sender_(sender),
      packets_(packets),
      counters_(counters),
      requests_(own.zone_count(), TokenBucket(options.requests, 0)),
      learns_(own.zone_count(), TokenBucket(options.learns, 0)),
      unresolved_(own.zone_count(), 0),
      timers_(table.slot_count(), Timer{kNever, 0}) {
  TWINPLANE_CHECK(options.reachable_min_ms, <=, options.reachable_max_ms);
}

std::uint64_t NeighborResolver::random_ms(std::uint64_t below) noexcept {
  // Knuth's 64-bit linear congruential generator: it only has to spread.
  random_ = random_ * 6364136223846793005U + 1442695040888963407U;
  return below == 0 ? 0 : (random_ >> 33U) % below;
}

void NeighborResolver::set_active(bool is_active, std::uint64_t now_ms) noexcept {
  if (is_active == is_active_) return;
  is_active_ = is_active;
  last_poll_ms_ = now_ms;
  for (std::uint32_t slot = 0; slot < table_.slot_count(); ++slot) {
    const NeighborEntry entry = table_.entry(slot);
    if (entry.state == NeighborState::kIncomplete && !is_active)
      give_up(slot, entry.key, NeighborDrop::kPassive);
    else if (entry.state == NeighborState::kPermanent)
      timers_[slot] = {kNever, 0};
    else if (entry.is_usable())
      timers_[slot] = {now_ms + activation_wait_ms(entry.state), 0};
    if (is_active && entry.is_usable()) tell(slot, now_ms);
  }
}

// Nobody is asked anew because of a takeover alone: who was confirmed of late to the peer is
// confirmed.
std::uint64_t NeighborResolver::activation_wait_ms(NeighborState state) noexcept {
  const std::uint64_t half_ms = options_.reachable_min_ms / 2;
  return state == NeighborState::kReachable ? half_ms + random_ms(half_ms)
                                            : random_ms(options_.activation_spread_ms);
}

void NeighborResolver::tell(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  if (watcher_ != nullptr && is_active_) watcher_->on_known(table_.entry(slot), now_ms);
}

void NeighborResolver::resolve(const NeighborKey& key, void* packet,
                               std::uint64_t now_ms) noexcept {
  if (!is_active_) return drop(packet, key.port_index, NeighborDrop::kPassive);
  std::uint32_t slot = table_.find(key);
  if (slot != NeighborTable::kNoSlot) {
    const NeighborEntry entry = table_.entry(slot);
    if (entry.is_usable()) return release(packet, key.port_index, entry.mac);
    return hold(slot, packet);
  }
  if (!own_.is_neighbor(key.port_index, key.ip()))
    return drop(packet, key.port_index, NeighborDrop::kNotNeighbor);
  const std::uint8_t zone = own_.zone(key.port_index);
  if (unresolved_[zone] >= options_.unresolved_max || !requests_[zone].try_take(now_ms * kNsPerMs))
    return drop(packet, key.port_index, NeighborDrop::kRateLimited);
  slot = table_.insert(key, NeighborState::kIncomplete, {});
  if (slot == NeighborTable::kNoSlot) return drop(packet, key.port_index, NeighborDrop::kTableFull);
  ++unresolved_[zone];
  timers_[slot].sent = 0;
  request(slot, key, now_ms);
  hold(slot, packet);
}

bool NeighborResolver::try_set_permanent(const NeighborKey& key, const MacAddress& mac,
                                         std::uint64_t now_ms) noexcept {
  std::uint32_t slot = table_.find(key);
  if (slot == NeighborTable::kNoSlot) slot = table_.insert(key, NeighborState::kPermanent, mac);
  if (slot == NeighborTable::kNoSlot) return false;
  if (!table_.entry(slot).is_usable())
    set_known(slot, NeighborState::kPermanent, mac, now_ms);  // packets may wait for it
  table_.update(slot, NeighborState::kPermanent, mac);
  timers_[slot] = {kNever, 0};
  tell(slot, now_ms);
  return true;
}

void NeighborResolver::unset_permanent(const NeighborKey& key, std::uint64_t now_ms) noexcept {
  const std::uint32_t slot = table_.find(key);
  if (slot == NeighborTable::kNoSlot) return;
  table_.update(slot, NeighborState::kStale, table_.entry(slot).mac);
  timers_[slot] = {now_ms + random_ms(kStaleSpreadMs), 0};
  tell(slot, now_ms);
}

void NeighborResolver::learn(const NeighborKey& key, const MacAddress& mac,
                             std::uint64_t now_ms) noexcept {
  std::uint32_t slot = table_.find(key);
  if (slot != NeighborTable::kNoSlot) {
    const NeighborEntry entry = table_.entry(slot);
    if (entry.is_usable() && entry.mac == mac) return;
    if (entry.state == NeighborState::kPermanent)
      return counters_.add(NeighborCounter::kIgnoredPermanent);
    return set_known(slot, NeighborState::kStale, mac, now_ms);
  }
  // Half of the table stays free for those whom this box asks for.
  const bool has_room = table_.live_count() < table_.capacity() / 2;
  if (!has_room || !learns_[own_.zone(key.port_index)].try_take(now_ms * kNsPerMs))
    return counters_.add(NeighborCounter::kIgnoredFlood);
  slot = table_.insert(key, NeighborState::kStale, mac);
  if (slot == NeighborTable::kNoSlot) return counters_.add(NeighborCounter::kIgnoredFlood);
  timers_[slot] = {now_ms + random_ms(kStaleSpreadMs), 0};
  tell(slot, now_ms);
  counters_.add(NeighborCounter::kLearned);
}

void NeighborResolver::on_advertisement(const NeighborKey& key, const NeighborMessage& message,
                                        std::uint64_t now_ms) noexcept {
  const std::uint32_t slot = table_.find(key);
  if (slot == NeighborTable::kNoSlot) return counters_.add(NeighborCounter::kIgnoredUnasked);
  const NeighborEntry entry = table_.entry(slot);
  if (entry.state == NeighborState::kPermanent)
    return counters_.add(NeighborCounter::kIgnoredPermanent);
  const NeighborState state = message.is_answer ? NeighborState::kReachable : NeighborState::kStale;
  if (!entry.is_usable()) {
    if (message.has_mac) set_known(slot, state, message.mac, now_ms);
    return;
  }
  // RFC 4861 section 7.2.5.
  const bool is_same = !message.has_mac || message.mac == entry.mac;
  if (is_same) {
    if (message.is_answer) set_known(slot, state, entry.mac, now_ms);
  } else if (message.is_override) {
    set_known(slot, state, message.mac, now_ms);
  } else if (entry.state == NeighborState::kReachable) {
    set_known(slot, NeighborState::kStale, entry.mac, now_ms);
  }
}

// The one way in which a MAC address becomes known, changes or is confirmed.
void NeighborResolver::set_known(std::uint32_t slot, NeighborState state, const MacAddress& mac,
                                 std::uint64_t now_ms) noexcept {
  const NeighborEntry before = table_.entry(slot);
  Timer& timer = timers_[slot];
  table_.update(slot, state, mac);
  tell(slot, now_ms);
  timer.sent = 0;
  if (state == NeighborState::kReachable) {
    const std::uint64_t spread_ms = options_.reachable_max_ms - options_.reachable_min_ms;
    timer.due_ms = now_ms + options_.reachable_min_ms + random_ms(spread_ms + 1);
  } else {
    // Not later than planned: who keeps on changing it must not keep it from being probed.
    timer.due_ms = std::min(timer.due_ms, now_ms + random_ms(kStaleSpreadMs));
  }
  if (before.is_usable()) {
    if (before.mac != mac)
      counters_.add(NeighborCounter::kMoved);
    else if (state == NeighborState::kReachable)
      counters_.add(NeighborCounter::kConfirmed);
    return;
  }
  --unresolved_[own_.zone(before.key.port_index)];
  counters_.add(NeighborCounter::kResolved);
  const HeldPackets::Taken taken = held_.take(slot);
  for (std::size_t i = 0; i < taken.count; ++i)
    release(taken.packets[i], before.key.port_index, mac);
}

std::uint32_t NeighborResolver::unresolved_count() const noexcept {
  return std::accumulate(unresolved_.begin(), unresolved_.end(), 0U);
}

std::size_t NeighborResolver::poll(std::uint64_t now_ms) noexcept {
  if (!is_active_ || now_ms <= last_poll_ms_) return 0;
  const std::uint64_t elapsed_ms = std::min(now_ms - last_poll_ms_, kScanRoundMs);
  last_poll_ms_ = now_ms;
  const std::uint64_t slots_due = table_.slot_count() * elapsed_ms / kScanRoundMs;
  std::size_t done = 0;
  for (std::uint64_t i = 0; i < slots_due; ++i) {
    cursor_ = (cursor_ + 1) & (table_.slot_count() - 1);
    if (timers_[cursor_].due_ms > now_ms) continue;
    on_due(cursor_, now_ms);
    ++done;
  }
  return done;
}

void NeighborResolver::on_due(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  const NeighborEntry entry = table_.entry(slot);
  if (entry.is_usable()) return probe(slot, entry, now_ms);
  if (timers_[slot].sent < options_.request_waits_ms.size())
    return request(slot, entry.key, now_ms);
  counters_.add(NeighborCounter::kFailed);
  give_up(slot, entry.key, NeighborDrop::kUnreachable);
}

void NeighborResolver::request(std::uint32_t slot, const NeighborKey& key,
                               std::uint64_t now_ms) noexcept {
  Timer& timer = timers_[slot];
  const bool is_sent = sender_.try_request(key);
  // One that found no buffer counts as well, so that packets are not held for ever.
  timer.due_ms = now_ms + (is_sent ? options_.request_waits_ms[timer.sent] : kNoFrameWaitMs);
  ++timer.sent;
}

void NeighborResolver::probe(std::uint32_t slot, const NeighborEntry& entry,
                             std::uint64_t now_ms) noexcept {
  Timer& timer = timers_[slot];
  if (timer.sent >= options_.probes_max) {
    counters_.add(NeighborCounter::kExpired);
    return forget(slot);
  }
  if (entry.state == NeighborState::kReachable) {
    table_.update(slot, NeighborState::kStale, entry.mac);
    tell(slot, now_ms);
  }
  timer.due_ms = now_ms + kNoFrameWaitMs;
  // One that found no buffer does not count: the neighbor has done nothing wrong.
  if (!sender_.try_probe(entry.key, entry.mac)) return;
  timer.due_ms = now_ms + options_.probe_wait_ms;
  ++timer.sent;
}

void NeighborResolver::give_up(std::uint32_t slot, const NeighborKey& key,
                               NeighborDrop reason) noexcept {
  // The slot may be another's as soon as the first packet has been given back.
  const HeldPackets::Taken taken = held_.take(slot);
  --unresolved_[own_.zone(key.port_index)];
  forget(slot);
  for (std::size_t i = 0; i < taken.count; ++i) drop(taken.packets[i], key.port_index, reason);
}

void NeighborResolver::forget(std::uint32_t slot) noexcept {
  const NeighborEntry entry = table_.entry(slot);
  if (watcher_ != nullptr && is_active_ && entry.is_usable()) watcher_->on_gone(entry.key);
  table_.erase(slot);
  timers_[slot] = {kNever, 0};
}

void NeighborResolver::hold(std::uint32_t slot, void* packet) noexcept {
  if (packet == nullptr) return;
  counters_.add(NeighborCounter::kPacketsHeld);
  const HeldPackets::Held displaced = held_.hold(slot, packet);
  if (displaced.packet == nullptr) return;
  drop(displaced.packet, table_.entry(displaced.slot).key.port_index, NeighborDrop::kDisplaced);
}

void NeighborResolver::release(void* packet, std::size_t port_index,
                               const MacAddress& mac) noexcept {
  if (packet == nullptr) return;
  counters_.add(NeighborCounter::kPacketsReleased);
  packets_.release(packet, port_index, mac);
}

void NeighborResolver::drop(void* packet, std::size_t port_index, NeighborDrop reason) noexcept {
  if (packet == nullptr) return;
  counters_.add(counter_of(reason));
  packets_.drop(packet, port_index, reason);
}

}  // namespace twinplane::dataplane
