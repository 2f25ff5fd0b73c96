// SPDX-License-Identifier: BSD-3-Clause
// session_traits.hpp - how the slot table reads a session; the pattern for every other kind of
// entry.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    slot_table.hpp.
#pragma once

#include "tables/base/equal_bytes.hpp"
#include "tables/session.hpp"

namespace twinplane::tables {

template <class Address>
struct SessionTraits {
  using Entry = SessionOf<Address>;
  using Key = FlowKey<Address>;

  static constexpr bool kTellsArrivals = false;  // its core alone looks at it

  static bool is_live(const Entry& entry) noexcept { return (entry.flags & kLive) != 0; }

  static bool is_local_only(const Entry& entry) noexcept { return (entry.flags & kLocalOnly) != 0; }

  static std::uint16_t& generation(Entry& entry) noexcept { return entry.state.generation; }

  static std::uint16_t generation(const Entry& entry) noexcept { return entry.state.generation; }

  static std::uint8_t& marks(Entry& entry) noexcept { return entry.state.marks; }

  static std::uint8_t marks(const Entry& entry) noexcept { return entry.state.marks; }

  static bool has_second_key(const Entry& entry) noexcept {
    return (entry.flags & kTranslated) != 0;
  }

  // Holds for every entry without a second key that is whole: both sides are one.
  static bool has_one_key(const Entry& entry) noexcept {
    return equal_bytes<sizeof entry.client_side>(&entry.client_side, &entry.server_side);
  }

  static Key key(const Entry& entry, Side side) noexcept { return key_of(entry, side); }

  static bool matches(const Entry& entry, Side side, const Key& key) noexcept {
    const KeyEnds<Address>& ends = side == Side::kClient ? entry.client_side : entry.server_side;
    // Protocol and virtual system are read as one; no branch before the last, which is nearly
    // always taken.
    return is_live(entry) & equal_bytes<2>(&entry.protocol, &key.protocol) &
           equal_bytes<sizeof ends>(&ends, &key);
  }

  static bool same_keys(const Entry& left, const Entry& right) noexcept {
    return equal_bytes<sizeof left.client_side>(&left.client_side, &right.client_side) &&
           equal_bytes<sizeof left.server_side>(&left.server_side, &right.server_side) &&
           left.protocol == right.protocol && left.vsys == right.vsys &&
           ((left.flags ^ right.flags) & kTranslated) == 0;
  }

  // Could a box have written this full entry? Asked of what an earlier life left behind.
  static bool is_sound(const Entry& entry) noexcept {
    constexpr unsigned kKnownFlags = kReplicatedFlags | kLocalOnly | kHeld | kYoung | kDecrypted;
    return (entry.flags & ~kKnownFlags) == 0 && entry.state.generation <= kGenerationMask &&
           tcp_rank(entry.state, kFromClient) <= TcpRank::kReset &&
           tcp_rank(entry.state, kFromServer) <= TcpRank::kReset &&
           entry.state.timeout_class < kTimeoutClassCount && is_canonical(entry.client_side) &&
           is_canonical(entry.server_side);
  }

  // What only the life that wrote the entry could know.
  static void forget_life(Entry& entry) noexcept {
    if (entry.state.marks != 0) entry.state.marks = 0;
    if (entry.state.is_opened_here != 0) entry.state.is_opened_here = 0;
    if (entry.state.line_marks != 0) entry.state.line_marks = 0;
    if ((entry.flags & kHeld) != 0) entry.flags &= static_cast<std::uint16_t>(~kHeld);
  }

  // Everything but the generation and the marks goes to zero.
  static void make_empty(Entry& entry) noexcept {
    const std::uint16_t generation = entry.state.generation;
    const std::uint8_t marks = entry.state.marks;
    entry = Entry{};
    entry.state.generation = generation;
    entry.state.marks = marks;
  }
};

}  // namespace twinplane::tables
