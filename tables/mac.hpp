// SPDX-License-Identifier: BSD-3-Clause
// mac.hpp - behind which port of a bridge domain a MAC address is.
//
// Thread:  the home core; values.
// Memory:  an entry of 32 bytes.
// Limits:  VLAN 0 to 4094, ports up to 255.
// Errors:  none.
// Spec:    IEEE 802.1Q section 8.8 (filtering database); ha2/PROTOCOL.md section 4.6.
#pragma once

#include <array>
#include <cstdint>

#include "tables/neighbor.hpp"

namespace twinplane::tables {

enum MacFlag : std::uint8_t {
  kIsStatic = 1U << 0U,  // configured: never moves, never ages
  kIsHeld = 1U << 1U,    // moved too often: neither sends nor is sent to until it is forgotten
};

struct MacBody {
  static constexpr TableKind kKind = TableKind::kMac;
  static constexpr std::uint16_t kVlanMax = 4094;

  struct Key {
    MacBytes mac;
    std::uint16_t vlan;    // 0 = untagged
    std::uint16_t domain;  // the bridge domain's number, agreed in the hello by name
    std::uint16_t zero;
  };

  Key key;
  std::uint16_t move_count;  // since it was learned, up to 65535
  std::uint8_t port;
  std::uint8_t flags;  // MacFlag

  static constexpr auto fields() noexcept {
    return std::array{FieldPlace{"mac", offsetof(MacBody, key), sizeof(Key)},
                      FieldPlace{"move_count", offsetof(MacBody, move_count), 2},
                      FieldPlace{"port", offsetof(MacBody, port), 1},
                      FieldPlace{"flags", offsetof(MacBody, flags), 1}};
  }

  bool is_sound() const noexcept {
    const bool is_group = (key.mac[0] & 1U) != 0;
    const bool is_both = (flags & kIsStatic) != 0 && (flags & kIsHeld) != 0;
    return !is_group && key.vlan <= kVlanMax && key.zero == 0 &&
           (flags & ~(kIsStatic | kIsHeld)) == 0 && !is_both;
  }
};

static_assert(sizeof(MacBody) == 16 && sizeof(PlainEntry<MacBody>) == 32);

}  // namespace twinplane::tables
