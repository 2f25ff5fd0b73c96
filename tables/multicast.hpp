// SPDX-License-Identifier: BSD-3-Clause
// multicast.hpp - where packets of a group go: (*,G), made by membership reports, and (S,G), made
// by reports that name sources and by the packets themselves.
//
// Packets of source S to group G go to (sources and groups as in RFC 3376 section 6.3)
//   the egress set of (*,G) without the blocked set of (S,G), and the egress set of (S,G)
//   without the port that they came in by.
//
// Thread:  the core that owns the partition; values.
// Memory:  an entry of 64 (IPv4) or 64 bytes (IPv6).
// Limits:  ports 0 to 63 of a set.
// Errors:  none.
// Spec:    RFC 3376, RFC 3810; ha2/PROTOCOL.md section 4.6.
#pragma once

#include <array>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::tables {

// Bit i: the port of number i.
using PortSet = std::uint64_t;

enum class MulticastState : std::uint8_t {
  kMembership = 0,  // reports only: no packet came
  kForwarding = 1,  // packets come and go on
  kPruned = 2,      // packets come and nobody wants them: dropped without asking again
};

inline constexpr std::uint8_t kAnyPort = 0xFF;  // (*,G) has no ingress

template <class Address>
struct MulticastBody {
  static constexpr TableKind kKind =
      sizeof(Address) == 4 ? TableKind::kMulticast4 : TableKind::kMulticast6;

  struct Key {
    Address source;  // zero: (*,G)
    Address group;
    std::uint16_t domain;  // the bridge domain's number; 0 = routed
    std::uint16_t vlan;
  };

  struct Patch {
    PortSet egress;
    PortSet blocked;
    std::uint8_t ingress;
    std::uint8_t state;
    std::array<std::uint8_t, 6> zero;
  };

  Key key;
  std::uint8_t ingress;  // where packets must come in; kAnyPort: wherever
  std::uint8_t state;    // MulticastState
  std::array<std::uint8_t, 2> zero;
  PortSet egress;
  PortSet blocked;

  static constexpr auto fields() noexcept {
    return std::array{FieldPlace{"group", offsetof(MulticastBody, key), sizeof(Key)},
                      FieldPlace{"ingress", offsetof(MulticastBody, ingress), 1},
                      FieldPlace{"state", offsetof(MulticastBody, state), 1},
                      FieldPlace{"egress", offsetof(MulticastBody, egress), sizeof(PortSet)},
                      FieldPlace{"blocked", offsetof(MulticastBody, blocked), sizeof(PortSet)}};
  }

  bool is_sound() const noexcept {
    const bool is_group =
        sizeof(Address) == 4 ? (key.group[0] & 0xF0U) == 0xE0U : key.group[0] == 0xFFU;
    return is_group && zero == std::array<std::uint8_t, 2>{} && is_sound(patch());
  }

  static bool is_sound(const Patch& patch) noexcept {
    return patch.state <= static_cast<std::uint8_t>(MulticastState::kPruned) &&
           patch.zero == std::array<std::uint8_t, 6>{};
  }

  Patch patch() const noexcept { return {egress, blocked, ingress, state, {}}; }

  void set(const Patch& patch) noexcept {
    egress = patch.egress;
    blocked = patch.blocked;
    ingress = patch.ingress;
    state = patch.state;
  }
};

using Multicast4Body = MulticastBody<Address4>;
using Multicast6Body = MulticastBody<Address6>;
static_assert(sizeof(Multicast4Body) == 32 && sizeof(PlainEntry<Multicast4Body>) == 64);
static_assert(sizeof(Multicast6Body) == 56 && sizeof(PlainEntry<Multicast6Body>) == 64);

}  // namespace twinplane::tables
