// SPDX-License-Identifier: BSD-3-Clause
// neighbor.hpp - what a box knows of a neighbor on one of its links: its MAC address and how sure
// that is. ARP and neighbor discovery alike.
//
// Thread:  the home core; values.
// Memory:  an entry of 32 (ARP) or 64 bytes (ND).
// Limits:  ports up to 255.
// Errors:  none.
// Spec:    RFC 826, RFC 4861 section 7.3.2; ha2/PROTOCOL.md section 4.6.
#pragma once

#include <array>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::tables {

using MacBytes = std::array<std::uint8_t, 6>;

enum class NeighborReach : std::uint8_t {
  kIncomplete = 0,  // asked for, MAC address not known
  kReachable = 1,   // confirmed of late
  kStale = 2,       // used as it is while it is being confirmed
  kPermanent = 3,   // configured: never asked, never changed, never aged
};

enum NeighborFlag : std::uint8_t {
  kIsRouter = 1U << 0U,  // ND: its advertisements say so
};

template <class Address>
struct NeighborBody {
  static constexpr TableKind kKind = sizeof(Address) == 4 ? TableKind::kArp : TableKind::kNd;

  struct Key {
    Address address;
    std::uint8_t port;  // the interface's role: its number, agreed in the hello by name
    std::array<std::uint8_t, 3> zero;
  };

  struct Patch {
    std::uint8_t reach;
    std::uint8_t flags;
  };

  Key key;
  MacBytes mac;
  std::uint8_t reach;  // NeighborReach
  std::uint8_t flags;  // NeighborFlag

  static constexpr auto fields() noexcept {
    return std::array{FieldPlace{"address", offsetof(NeighborBody, key), sizeof(Key)},
                      FieldPlace{"mac", offsetof(NeighborBody, mac), sizeof(MacBytes)},
                      FieldPlace{"reach", offsetof(NeighborBody, reach), 1},
                      FieldPlace{"flags", offsetof(NeighborBody, flags), 1}};
  }

  bool is_sound() const noexcept {
    return key.zero == std::array<std::uint8_t, 3>{} && is_sound(patch());
  }

  static bool is_sound(Patch patch) noexcept {
    return patch.reach <= static_cast<std::uint8_t>(NeighborReach::kPermanent) &&
           (patch.flags & ~kIsRouter) == 0;
  }

  Patch patch() const noexcept { return {reach, flags}; }

  void set(Patch patch) noexcept {
    reach = patch.reach;
    flags = patch.flags;
  }
};

using ArpBody = NeighborBody<Address4>;
using NdBody = NeighborBody<Address6>;
static_assert(sizeof(ArpBody) == 16 && sizeof(PlainEntry<ArpBody>) == 32);
static_assert(sizeof(NdBody) == 28 && sizeof(PlainEntry<NdBody>) == 64);

}  // namespace twinplane::tables
