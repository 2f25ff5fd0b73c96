// SPDX-License-Identifier: BSD-3-Clause
// Packets of sessions that the peer must have before they may leave.
#include "dataplane/clock.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

namespace {

// Its packets wait no more.
void let_go(tables::Partition& partition, const HeldPlace& place) noexcept {
  std::uint16_t& flags = place.kind == tables::TableKind::kSession4
                             ? partition.session4().slots().changeable(place.slot).flags
                             : partition.session6().slots().changeable(place.slot).flags;
  flags = static_cast<std::uint16_t>(flags & ~tables::kHeld);
}

}  // namespace

HeldPlace Worker::place_of(const Admitted& admitted, std::uint32_t slot) noexcept {
  tables::Partition& mine = partition(admitted.partition);
  const bool is4 = admitted.view.kind == PacketKind::kIp4;
  return {.partition = admitted.partition,
          .kind = is4 ? tables::TableKind::kSession4 : tables::TableKind::kSession6,
          .slot = slot,
          .generation = is4 ? mine.session4().slots().entry(slot).state.generation
                            : mine.session6().slots().entry(slot).state.generation};
}

void Worker::put_out_or_hold(rte_mbuf* packet, const NextHop& hop, const HeldPlace* place,
                             std::uint64_t now_ns) noexcept {
  if (place == nullptr) return put_out(packet, hop, now_ns);
  HoldStats& stats = stats_.hold;
  const bool is_first = !hold_.is_waiting(*place);
  const ha2::OwnerStream& stream = replicas_[place->partition]->owner();
  // A peer that is dead leaves its stream running: who has not answered for so long is not waited
  // for by others as well.
  const std::uint64_t wait_ns_max = shared_.config.ha2.hold_max_us * std::uint64_t{1000};
  if (is_first && stream.lag_ns(now_ns) >= wait_ns_max) {
    let_go(partition(place->partition), *place);
    stats.ends[static_cast<std::size_t>(HoldEnd::kNoPeer)].add(1);
    return put_out(packet, hop, now_ns);
  }
  if (hold_.try_put(*place, {packet, hop}, now_ns, [&] {
        tables::Partition& mine = partition(place->partition);
        ha2::OwnerStream& owner = replicas_[place->partition]->owner();
        return place->kind == tables::TableKind::kSession4
                   ? ha2::ask_receipts<tables::Address4>(owner, mine, place->slot)
                   : ha2::ask_receipts<tables::Address6>(owner, mine, place->slot);
      })) {
    if (is_first) stats.sessions.add(1);
    return stats.packets.add(1);
  }
  // Before those that wait it must not leave.
  if (!is_first) return drop(packet, DropReason::kHoldFull);
  let_go(partition(place->partition), *place);
  stats.full.add(1);
  put_out(packet, hop, now_ns);
}

// Returns how many sessions wait: this worker does not sleep then.
std::uint32_t Worker::release_held() noexcept {
  if (hold_.session_count() == 0) return 0;
  if (!is_active_) {
    hold_.clear([this](const HeldPacket& held) { drop(held.packet, DropReason::kNotActive); });
    stats_.hold.waiting.set(0);
    return 0;
  }
  const std::uint64_t now = now_ns();
  const std::size_t waiting = hold_.poll(
      now,
      [this](const HeldPlace& place, ha2::SessionReceipts& receipts) {
        return ha2::look_at(replicas_[place.partition]->owner(), receipts);
      },
      [this](const HeldPlace& place, HoldEnd end, std::uint64_t waited_ns) {
        stats_.hold.ends[static_cast<std::size_t>(end)].add(1);
        if (end == HoldEnd::kGone) return;  // another session's slot by now
        let_go(partition(place.partition), place);
        if (end == HoldEnd::kReceived) stats_.hold.waited[duration_class_of(waited_ns)].add(1);
      },
      [this, now](const HeldPacket& held, HoldEnd end) {
        if (end == HoldEnd::kGone) return drop(held.packet, DropReason::kHoldGone);
        put_out(held.packet, held.hop, now);
      });
  stats_.hold.waiting.set(waiting);
  return static_cast<std::uint32_t>(waiting);
}

}  // namespace twinplane::dataplane
