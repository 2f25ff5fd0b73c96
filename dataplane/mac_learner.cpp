// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/mac_learner.hpp"

#include <algorithm>

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kMsPerS = 1000;
constexpr std::uint64_t kNeverMs = std::uint64_t{1} << 30U;  // looked at again in twelve days

constexpr std::uint32_t seconds(std::uint64_t ms) noexcept {
  return static_cast<std::uint32_t>(ms / kMsPerS);
}

}  // namespace

MacLearner::MacLearner(Bridging& bridging, tables::Partition& home, FrameSink& frames)
    : bridging_(bridging),
      home_(home),
      announcer_(bridging, home, frames),
      shown_(home.slot_count(tables::TableKind::kMac)),
      moves_(home.slot_count(tables::TableKind::kMac)) {}

void MacLearner::set_active(bool is_active, std::uint64_t now_ms) noexcept {
  show_arrivals();  // what the stream of the old owner has said last
  is_active_ = is_active;
  if (!is_active) return announcer_.stop();
  active_since_s_ = seconds(now_ms);
  last_age_ms_ = now_ms;
  for (std::size_t i = 0; i < bridging_.domains.count(); ++i)
    for (const BridgeMacConfig& entry : bridging_.domains[i].config.macs)
      set_static(mac_key(entry.mac, entry.vlan, static_cast<std::uint8_t>(i)), entry.port_index,
                 now_ms);
  announcer_.start(now_ms);
}

void MacLearner::announce(std::uint64_t now_ms) noexcept {
  if (is_active_) announcer_.start(now_ms);
}

std::size_t MacLearner::poll(std::uint64_t now_ms) noexcept {
  std::size_t done = show_arrivals() + take_events(now_ms);
  if (!is_active_) return done;
  done += announcer_.poll(now_ms);
  if (now_ms != last_age_ms_) age(now_ms);
  return done;
}

std::size_t MacLearner::take_events(std::uint64_t now_ms) noexcept {
  std::size_t done = 0;
  for (std::uint16_t worker = 0; worker < bridging_.worker_count(); ++worker) {
    MacEvent event{};
    for (std::size_t i = 0; i < kEventsMax && bridging_.events(worker).try_take(event); ++i) {
      if (is_active_) on_heard(event, now_ms);
      ++done;
    }
  }
  return done;
}

void MacLearner::on_heard(const MacEvent& event, std::uint64_t now_ms) noexcept {
  const std::uint32_t slot = macs().slots().find(event.key).slot;
  if (slot == tables::kNoSlot) return learn(event, now_ms);
  const Body& known = body(slot);
  if (known.flags != 0 || known.port == event.port) return;
  move(slot, event.port, now_ms);
}

void MacLearner::learn(const MacEvent& event, std::uint64_t now_ms) noexcept {
  const auto domain = static_cast<std::uint8_t>(event.key.domain);
  const BridgeConfig& config = bridging_.domains[domain].config;
  MacStats& stats = bridging_.mac_stats(domain);
  if (domain_counts_[domain] >= config.address_limit ||
      port_counts_[event.port] >= config.port_address_limit)
    return stats.refused_limit.add(1);
  Body made{};
  made.key = event.key;
  made.port = event.port;
  const tables::InsertResult created = macs().create(made, seconds(now_ms));
  if (created.status != tables::InsertStatus::kInserted) return stats.refused_room.add(1);
  moves_[created.slot] = {};
  show(created.slot);
  set_seen(created.slot, now_ms);
  stats.learned.add(1);
}

void MacLearner::move(std::uint32_t slot, std::uint8_t port, std::uint64_t now_ms) noexcept {
  const auto domain = static_cast<std::uint8_t>(body(slot).key.domain);
  const BridgeConfig& config = bridging_.domains[domain].config;
  MacStats& stats = bridging_.mac_stats(domain);
  // It stays where it is known: otherwise a port that is full could take anybody's address away.
  if (port_counts_[port] >= config.port_address_limit) return stats.refused_limit.add(1);
  stats.moved.add(1);
  if (moves_too_often(slot, now_ms)) return hold(slot, now_ms);
  macs().change(slot, [port](Body& known) {
    known.port = port;
    known.move_count = static_cast<std::uint16_t>(std::min(known.move_count + 1, 65535));
  });
  show(slot);
  set_seen(slot, now_ms);
}

// RFC 7432 section 15.1: so many moves within the window mean two stations, or a loop.
bool MacLearner::moves_too_often(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  const BridgeDomain& domain = bridging_.domains[body(slot).key.domain];
  if (domain.is_wire() || domain.config.move_limit == 0) return false;
  Moves& moves = moves_[slot];
  if (moves.count == 0 || seconds(now_ms) - moves.since_s >= domain.config.move_window_s)
    moves = {seconds(now_ms), 0};
  return ++moves.count > domain.config.move_limit;
}

void MacLearner::hold(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  const BridgeDomain& domain = bridging_.domains[body(slot).key.domain];
  macs().slots().changeable(slot).since_s = seconds(now_ms);
  macs().change(slot, [](Body& known) { known.flags |= tables::kIsHeld; });
  show(slot);
  set_deadline(slot, now_ms + domain.config.move_hold_s * kMsPerS);
  bridging_.mac_stats(static_cast<std::uint8_t>(body(slot).key.domain)).held.add(1);
}

void MacLearner::set_static(const MacKey& key, std::uint8_t port, std::uint64_t now_ms) noexcept {
  std::uint32_t slot = macs().slots().find(key).slot;
  if (slot != tables::kNoSlot) {
    const Body& known = body(slot);
    if (known.flags == tables::kIsStatic && known.port == port) return;
    macs().change(slot, [port](Body& changed) {
      changed.port = port;
      changed.flags = tables::kIsStatic;
    });
  } else {
    Body made{};
    made.key = key;
    made.port = port;
    made.flags = tables::kIsStatic;
    const tables::InsertResult created = macs().create(made, seconds(now_ms));
    if (created.status != tables::InsertStatus::kInserted)
      return bridging_.mac_stats(static_cast<std::uint8_t>(key.domain)).refused_room.add(1);
    slot = created.slot;
  }
  show(slot);
  set_deadline(slot, now_ms + kNeverMs);
}

std::size_t MacLearner::show_arrivals() noexcept {
  tables::DirtyQueue& arrivals = macs().slots().arrivals();
  const std::size_t count = arrivals.size();
  while (!arrivals.empty()) {
    const std::uint32_t slot = arrivals.pop();
    const bool is_live = macs().slots().live().is_live(slot);
    if (is_live && !is_possible(body(slot))) bridging_.mac_stats(0).refused_peer.add(1);
    show(slot);
  }
  return count;
}

// Of the peer's no more is believed than that it is one of its own records.
bool MacLearner::is_possible(const Body& body) const noexcept {
  return body.key.domain < bridging_.domains.count() &&
         bridging_.domains[body.key.domain].has_port(body.port);
}

void MacLearner::show(std::uint32_t slot) noexcept {
  const auto& slots = macs().slots();
  const bool is_there = slots.live().is_live(slot) && is_possible(body(slot));
  const bool is_same = is_there && shown_[slot].is_there &&
                       shown_[slot].key.mac == body(slot).key.mac &&
                       shown_[slot].key.vlan == body(slot).key.vlan &&
                       shown_[slot].key.domain == body(slot).key.domain;
  if (!is_same) hide(slot);
  if (!is_there) return;
  const Body& known = body(slot);
  if (is_same) count(shown_[slot], -1);
  shown_[slot] = {known.key, known.port, true};
  count(shown_[slot], 1);
  const MacRow row{
      .key = known.key, .move_count = known.move_count, .port = known.port, .flags = known.flags};
  if (const std::uint32_t place = bridging_.table.find(known.key); place != MacTable::kNoPlace)
    bridging_.table.update(place, row);
  else if (bridging_.table.insert(row) == MacTable::kNoPlace)
    bridging_.mac_stats(static_cast<std::uint8_t>(known.key.domain)).refused_room.add(1);
}

// The workers find the slot's old address no more, unless another slot holds it by now.
void MacLearner::hide(std::uint32_t slot) noexcept {
  Shown& shown = shown_[slot];
  if (!shown.is_there) return;
  const std::uint32_t holder = macs().slots().find(shown.key).slot;
  const std::uint32_t place = bridging_.table.find(shown.key);
  if (place != MacTable::kNoPlace && (holder == slot || holder == tables::kNoSlot))
    bridging_.table.erase(place);
  count(shown, -1);
  shown.is_there = false;
}

void MacLearner::count(const Shown& shown, int step) noexcept {
  const auto domain = static_cast<std::uint8_t>(shown.key.domain);
  const BridgeConfig& config = bridging_.domains[domain].config;
  domain_counts_[domain] += static_cast<std::uint32_t>(step);
  port_counts_[shown.port] += static_cast<std::uint32_t>(step);
  bridging_.mac_stats(domain).entries.set(domain_counts_[domain]);
  bridging_.set_full(domain, domain_counts_[domain] >= config.address_limit);
  bridging_.set_port_full(shown.port, port_counts_[shown.port] >= config.port_address_limit);
}

void MacLearner::age(std::uint64_t now_ms) noexcept {
  const std::uint64_t past_ms = std::min(now_ms - last_age_ms_, kFullScanMs);
  last_age_ms_ = now_ms;
  const auto budget =
      static_cast<std::uint32_t>(macs().slots().slot_count() * past_ms / kFullScanMs) + 64;
  macs().expire(
      static_cast<std::uint32_t>(now_ms), budget,
      [&](std::uint32_t slot) { return is_over(slot, now_ms); },
      [&](std::uint32_t slot) { set_deadline(slot, deadline_ms(slot, now_ms)); });
}

// Its deadline has passed: is that so for the workers too? If so the workers find it no more.
bool MacLearner::is_over(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  const Body& known = body(slot);
  const std::uint64_t deadline = deadline_ms(slot, now_ms);
  if (deadline > now_ms) {
    set_deadline(slot, deadline);
    return false;
  }
  if (is_possible(known)) {
    MacStats& stats = bridging_.mac_stats(static_cast<std::uint8_t>(known.key.domain));
    ((known.flags & tables::kIsHeld) != 0 ? stats.released : stats.aged).add(1);
  }
  hide(slot);
  return true;
}

// Of a mirror's entry at a takeover too: nobody was seen by this box, so all get a whole time anew,
// and up to a tenth more, so that they do not end together.
std::uint64_t MacLearner::deadline_ms(std::uint32_t slot, std::uint64_t now_ms) const noexcept {
  const auto& entry = macs().slots().entry(slot);
  const Body& known = entry.body;
  if (!is_possible(known)) return now_ms;
  if ((known.flags & tables::kIsStatic) != 0) return now_ms + kNeverMs;
  const BridgeConfig& config = bridging_.domains[known.key.domain].config;
  if ((known.flags & tables::kIsHeld) != 0)
    return (std::uint64_t{entry.since_s} + config.move_hold_s) * kMsPerS;
  const std::uint32_t place = bridging_.table.find(known.key);
  const std::uint32_t seen_s = place == MacTable::kNoPlace ? 0 : bridging_.last_seen_s(place);
  const std::uint64_t grace_ms =
      seen_s > active_since_s_ ? 0 : config.aging_s * kMsPerS / 10 * (slot % 64) / 64;
  return (std::uint64_t{std::max(seen_s, active_since_s_)} + config.aging_s) * kMsPerS + grace_ms;
}

void MacLearner::set_seen(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  if (const std::uint32_t place = bridging_.table.find(body(slot).key); place != MacTable::kNoPlace)
    bridging_.set_seen(place, seconds(now_ms));
  set_deadline(slot, deadline_ms(slot, now_ms));
}

void MacLearner::set_deadline(std::uint32_t slot, std::uint64_t deadline_ms) noexcept {
  macs().slots().set_deadline(slot, static_cast<std::uint32_t>(deadline_ms));
}

}  // namespace twinplane::dataplane
