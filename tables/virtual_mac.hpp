// SPDX-License-Identifier: BSD-3-Clause
// virtual_mac.hpp - a floating address of the pair: the group and the MAC address that it answers
// with, and which box answers now.
//
// Thread:  the home core; values.
// Memory:  an entry of 64 bytes.
// Limits:  groups 0 to 255, boxes 0 and 1.
// Errors:  none.
// Spec:    RFC 5798 for who answers; ha2/PROTOCOL.md section 4.6.
#pragma once

#include <array>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/neighbor.hpp"

namespace twinplane::tables {

inline constexpr std::uint8_t kNoHolder = 0xFF;  // nobody answers

struct VirtualMacBody {
  static constexpr TableKind kKind = TableKind::kVirtualMac;

  struct Key {
    Address6 address;  // IPv4 as ::ffff:a.b.c.d
    std::uint8_t group;
    std::uint8_t port;
    std::array<std::uint8_t, 2> zero;
  };

  struct Patch {
    std::uint8_t holder;
    std::uint8_t priority;
  };

  Key key;
  MacBytes mac;
  std::uint8_t holder;    // the box that answers: 0, 1, or kNoHolder
  std::uint8_t priority;  // of the holder in this group

  static constexpr auto fields() noexcept {
    return std::array{FieldPlace{"address", offsetof(VirtualMacBody, key), sizeof(Key)},
                      FieldPlace{"mac", offsetof(VirtualMacBody, mac), sizeof(MacBytes)},
                      FieldPlace{"holder", offsetof(VirtualMacBody, holder), 1},
                      FieldPlace{"priority", offsetof(VirtualMacBody, priority), 1}};
  }

  bool is_sound() const noexcept {
    return key.zero == std::array<std::uint8_t, 2>{} && is_sound(patch());
  }

  static bool is_sound(Patch patch) noexcept {
    return patch.holder <= 1 || patch.holder == kNoHolder;
  }

  Patch patch() const noexcept { return {holder, priority}; }

  void set(Patch patch) noexcept {
    holder = patch.holder;
    priority = patch.priority;
  }
};

static_assert(sizeof(VirtualMacBody) == 28 && sizeof(PlainEntry<VirtualMacBody>) == 64);

}  // namespace twinplane::tables
