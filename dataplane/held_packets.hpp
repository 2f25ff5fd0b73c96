// SPDX-License-Identifier: BSD-3-Clause
// held_packets.hpp - the packets that wait for a neighbor's MAC address, and whom they are given
// back to.
//
// Thread:  the home worker.
// Memory:  6 KiB inside the object; the packets stay their owner's, and are handles here.
// Limits:  kPerNeighborMax for a neighbor, kMax in all; each call looks at every place once.
// Errors:  none: when there is no room the oldest is handed back, of the neighbor or of all.
// Spec:    RFC 1122 section 2.3.2.2 and RFC 4861 section 7.2.2 (hold at least the latest).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

enum class NeighborDrop : std::uint8_t {
  kDisplaced,    // a newer packet took its place
  kUnreachable,  // nobody answered: worth an ICMP host unreachable
  kRateLimited,  // too many new neighbors at once
  kTableFull,
  // an address that no host of the link can have: this box's own, a broadcast address, another
  // network
  kNotNeighbor,
  kPassive,  // the peer owns the addresses
};

// Who hands packets to the resolver gets each of them back exactly once, from any call that takes a
// time, possibly from within resolve() itself. Both functions may call resolve() again.
struct HeldPacketSink {
  virtual ~HeldPacketSink() = default;
  virtual void release(void* packet, std::size_t port_index, const MacAddress& mac) noexcept = 0;
  virtual void drop(void* packet, std::size_t port_index, NeighborDrop reason) noexcept = 0;
};

class HeldPackets {
 public:
  static constexpr std::size_t kPerNeighborMax = 4;
  static constexpr std::size_t kMax = 256;

  struct Held {
    void* packet{};
    std::uint64_t order{};
    std::uint32_t slot{};  // of the NeighborTable
  };

  struct Taken {
    std::array<void*, kPerNeighborMax> packets{};
    std::size_t count{};
  };

  // What had to make room; its packet is nullptr when nothing had to. `packet` is not nullptr.
  [[nodiscard]] Held hold(std::uint32_t slot, void* packet) noexcept {
    std::size_t own_count = 0;
    Held* own_oldest = nullptr;
    Held* oldest = nullptr;
    Held* place = nullptr;
    for (Held& held : places_) {
      if (held.packet == nullptr) {
        place = &held;
        continue;
      }
      if (oldest == nullptr || held.order < oldest->order) oldest = &held;
      if (held.slot != slot) continue;
      ++own_count;
      if (own_oldest == nullptr || held.order < own_oldest->order) own_oldest = &held;
    }
    if (own_count == kPerNeighborMax) place = own_oldest;
    if (place == nullptr) place = oldest;
    const Held displaced = *place;
    if (displaced.packet == nullptr) ++count_;
    *place = {packet, ++last_order_, slot};
    return displaced;
  }

  // All that wait for the neighbor, oldest first.
  [[nodiscard]] Taken take(std::uint32_t slot) noexcept {
    Taken taken;
    std::array<std::uint64_t, kPerNeighborMax> orders{};
    for (Held& held : places_) {
      if (held.packet == nullptr || held.slot != slot) continue;
      std::size_t at = taken.count++;
      for (; at > 0 && orders[at - 1] > held.order; --at) {
        orders[at] = orders[at - 1];
        taken.packets[at] = taken.packets[at - 1];
      }
      orders[at] = held.order;
      taken.packets[at] = held.packet;
      held.packet = nullptr;
    }
    count_ -= taken.count;
    return taken;
  }

  std::size_t count() const noexcept { return count_; }

 private:
  std::array<Held, kMax> places_{};
  std::size_t count_ = 0;
  std::uint64_t last_order_ = 0;
};

}  // namespace twinplane::dataplane
