// SPDX-License-Identifier: BSD-3-Clause
// return_mac.hpp - which neighbor brought a session, so that what goes back goes to it, whatever
// the routes say: the port that its packets come in by, and the MAC that they come from.
//
// Thread:  the core that owns the partition; values.
// Memory:  an entry of 32 bytes.
// Limits:  one a session.
// Errors:  none.
// Spec:    D-T23; ha2/PROTOCOL.md 4.8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tables/hash_index.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::tables {

struct ReturnMacBody {
  static constexpr TableKind kKind = TableKind::kReturnMac;

  // Ports of a box are fewer.
  static constexpr std::uint8_t kPortMax = 63;

  // Which slot of which table of the same partition holds the session.
  struct Key {
    std::uint32_t slot;
    std::uint8_t table;  // TableKind: kSession4 or kSession6
    std::array<std::uint8_t, 3> zero;
  };

  Key key;
  std::uint16_t generation;         // under which the slot holds it: another is another session
  std::array<std::uint8_t, 6> mac;  // of the neighbor
  std::uint8_t port;                // its number, agreed in the hello by name
  std::array<std::uint8_t, 3> zero;

  static constexpr auto fields() noexcept {
    return std::array{
        FieldPlace{"session", offsetof(ReturnMacBody, key), sizeof(Key)},
        FieldPlace{"generation", offsetof(ReturnMacBody, generation), sizeof(std::uint16_t)},
        FieldPlace{"MAC", offsetof(ReturnMacBody, mac), 6},
        FieldPlace{"port", offsetof(ReturnMacBody, port), 1}};
  }

  // Could a frame have come from it? No group address, and not none.
  static constexpr bool is_neighbor(const std::array<std::uint8_t, 6>& mac) noexcept {
    return (mac[0] & 1U) == 0 && mac != std::array<std::uint8_t, 6>{};
  }

  bool is_sound() const noexcept {
    constexpr std::array<std::uint8_t, 3> kZero{};
    return key.slot <= HashIndex::kSlotMask && key.table <= index_of(TableKind::kSession6) &&
           key.zero == kZero && generation <= kGenerationMask && is_neighbor(mac) &&
           port <= kPortMax && zero == kZero;
  }
};

static_assert(sizeof(ReturnMacBody) == 20 && sizeof(PlainEntry<ReturnMacBody>) == 32);

}  // namespace twinplane::tables
