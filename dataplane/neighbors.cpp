// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbors.hpp"

#include <algorithm>

#include "dataplane/bytes.hpp"

namespace twinplane::dataplane {

Neighbors::Neighbors(const Config& config, const NeighborOptions& options, NeighborTable& table,
                     FrameSink& frames, HeldPacketSink& packets)
    : own_(config),
      sender_(own_, frames, counters_),
      resolver_(options, own_, table, sender_, packets, counters_),
      announcer_(own_, sender_),
      table_(table) {
  for (const NeighborConfig& neighbor : config.neighbors)
    permanent_.push_back({NeighborKey::of(neighbor.port_index, neighbor.address), neighbor.mac,
                          NeighborState::kPermanent});
  set_permanent(0);
}

void Neighbors::set_active(bool is_active, std::uint64_t now_ms) noexcept {
  is_active_ = is_active;
  if (!is_active) announcer_.stop();
  resolver_.set_active(is_active, now_ms);
  if (is_active) set_permanent(now_ms);
}

// Those of this box's configuration; what the peer had for permanent is so no more.
void Neighbors::set_permanent(std::uint64_t now_ms) noexcept {
  for (std::uint32_t slot = 0; slot < table_.slot_count(); ++slot) {
    const NeighborEntry entry = table_.entry(slot);
    if (entry.state == NeighborState::kPermanent &&
        std::ranges::find(permanent_, entry.key, &NeighborEntry::key) == permanent_.end())
      resolver_.unset_permanent(entry.key, now_ms);
  }
  for (const NeighborEntry& entry : permanent_)
    if (!resolver_.try_set_permanent(entry.key, entry.mac, now_ms))
      counters_.add(NeighborCounter::kDropTableFull);
}

void Neighbors::announce(std::uint64_t now_ms) noexcept {
  if (is_active_) announcer_.start(now_ms);
}

void Neighbors::on_packet(std::span<const std::byte> frame, const PacketView& view,
                          std::size_t port_index, std::uint64_t now_ms) noexcept {
  NeighborMessage message;
  switch (read_neighbor_message(frame, view, message)) {
    case NeighborFault::kOther:
      return counters_.add(NeighborCounter::kIgnoredOther);
    case NeighborFault::kMalformed:
      return counters_.add(NeighborCounter::kIgnoredMalformed);
    case NeighborFault::kNone:
      break;
  }
  const auto frame_source = load_raw<MacAddress>(frame.data() + 6);
  const MacAddress& speaker = message.has_mac ? message.mac : frame_source;
  if (speaker == own_.mac(port_index)) return counters_.add(NeighborCounter::kIgnoredOwn);
  if (message.is_solicitation)
    on_solicitation(message, frame_source, port_index, now_ms);
  else
    on_advertisement(message, port_index, now_ms);
}

void Neighbors::on_solicitation(const NeighborMessage& message, const MacAddress& frame_source,
                                std::size_t port_index, std::uint64_t now_ms) noexcept {
  const IpAddress& sender = message.sender;
  if (sender.is_set() && own_.is_own(port_index, sender))
    return on_conflict(sender, port_index, now_ms);
  if (!own_.is_own(port_index, message.subject))
    return counters_.add(NeighborCounter::kIgnoredNotForUs);
  if (sender.is_set() && !own_.is_neighbor(port_index, sender))
    return counters_.add(NeighborCounter::kIgnoredOffLink);
  if (sender.is_set() && message.has_mac && does_learn(sender))
    resolver_.learn(NeighborKey::of(port_index, sender), message.mac, now_ms);
  // Without a buffer the asker asks again.
  if (is_active_) static_cast<void>(sender_.try_answer(port_index, message, frame_source));
}

void Neighbors::on_advertisement(const NeighborMessage& message, std::size_t port_index,
                                 std::uint64_t now_ms) noexcept {
  if (own_.is_own(port_index, message.subject))
    return on_conflict(message.subject, port_index, now_ms);
  if (message.is_answer && !own_.is_own(port_index, message.receiver))
    return counters_.add(NeighborCounter::kIgnoredNotForUs);
  if (!own_.is_neighbor(port_index, message.subject))
    return counters_.add(NeighborCounter::kIgnoredOffLink);
  if (does_learn(message.subject))
    resolver_.on_advertisement(NeighborKey::of(port_index, message.subject), message, now_ms);
}

bool Neighbors::does_learn(const IpAddress& about) const noexcept {
  return is_active_ || !kept_.has(about.is4() ? tables::TableKind::kArp : tables::TableKind::kNd);
}

void Neighbors::on_conflict(const IpAddress& address, std::size_t port_index,
                            std::uint64_t now_ms) noexcept {
  counters_.add(NeighborCounter::kConflicts);
  if (is_active_) announcer_.defend(port_index, address, now_ms);
}

}  // namespace twinplane::dataplane
