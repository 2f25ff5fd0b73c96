// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/mac_announcer.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint16_t kEtherTypeReverseArp = 0x8035;
constexpr std::uint16_t kReverseRequest = 3;
constexpr std::size_t kFrameBytesMin = 60;  // without its checksum

}  // namespace

std::size_t write_mac_announcement(std::span<std::byte> frame, const tables::MacBytes& mac,
                                   std::uint16_t vlan) noexcept {
  const std::size_t link_bytes = kEthernetBytes + (vlan == 0 ? 0 : kVlanTagBytes);
  const std::size_t frame_bytes = std::max(kFrameBytesMin, link_bytes + kArpBytes);
  if (frame.size() < frame_bytes) return 0;
  std::ranges::fill(frame.first(frame_bytes), std::byte{0});
  std::byte* const at = frame.data();
  std::fill_n(at, 6, std::byte{0xFF});
  store_raw(at + 6, mac);
  if (vlan != 0) {
    store_be(at + 12, kEtherTypeVlan);
    store_be(at + 14, vlan);
  }
  std::byte* const arp = at + link_bytes;
  store_be(arp - 2, kEtherTypeReverseArp);
  store_be(arp, std::uint16_t{1});  // Ethernet
  store_be(arp + 2, kEtherTypeIp4);
  store_be(arp + 4, std::uint16_t{0x0604});  // lengths of both kinds of address
  store_be(arp + 6, kReverseRequest);
  store_raw(arp + 8, mac);
  store_raw(arp + 18, mac);
  return frame_bytes;
}

void MacAnnouncer::start(std::uint64_t now_ms) noexcept {
  rounds_left_ = kRounds;
  start_ms_ = next_ms_ = now_ms;
  next_slot_ = 0;
  poll(now_ms);
}

std::size_t MacAnnouncer::poll(std::uint64_t now_ms) noexcept {
  if (rounds_left_ == 0 || now_ms < next_ms_) return 0;
  const auto& slots = home_.slots<tables::TableKind::kMac>();
  next_ms_ = now_ms + kPaceMs;
  std::size_t done = 0;
  while (next_slot_ < slots.slot_count() && done < kBatchMax) {
    const std::uint64_t live = slots.live().live_word(next_slot_ / 64) >> (next_slot_ % 64)
                                                                              << (next_slot_ % 64);
    if (live == 0) {
      next_slot_ = (next_slot_ / 64 + 1) * 64;
      continue;
    }
    const std::uint32_t slot =
        next_slot_ / 64 * 64 + static_cast<std::uint32_t>(std::countr_zero(live));
    announce(slots.entry(slot).body);
    next_slot_ = slot + 1;
    ++done;
  }
  if (next_slot_ < slots.slot_count()) return done;
  next_slot_ = 0;
  --rounds_left_;
  start_ms_ = next_ms_ = std::max(now_ms + kPaceMs, start_ms_ + kAgainMs);
  return done;
}

// By every port but the one that it is behind: there the switches see the box's port for it.
void MacAnnouncer::announce(const tables::MacBody& body) noexcept {
  if (body.key.domain >= bridging_.domains.count() || (body.flags & tables::kIsHeld) != 0) return;
  const auto domain = static_cast<std::uint8_t>(body.key.domain);
  if (!bridging_.domains[domain].has_port(body.port)) return;
  MacStats& stats = bridging_.mac_stats(domain);
  for (PortBits ports = bridging_.domains.flood_ports(domain, body.port); ports != 0;
       ports &= ports - 1) {
    const auto port = static_cast<std::size_t>(std::countr_zero(ports));
    const std::span<std::byte> frame = frames_.try_frame(port);
    const std::size_t frame_bytes = write_mac_announcement(frame, body.key.mac, body.key.vlan);
    if (frame_bytes == 0) {
      stats.announce_missed.add(1);
      continue;
    }
    frames_.send(port, frame_bytes);
    stats.announced.add(1);
  }
}

}  // namespace twinplane::dataplane
