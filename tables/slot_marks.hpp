// SPDX-License-Identifier: BSD-3-Clause
// slot_marks.hpp - what every kind of entry says of its slot: is it full, may it leave the box, how
// often was it filled, what changed since it was last sent.
//
// Thread:  the core that owns the partition; values.
// Memory:  see SlotHead; a session keeps the same in fields of its own.
// Limits:  generation 14 bits.
// Errors:  none.
// Spec:    tables/DESIGN.md D-T1, D-T4; ha2/DESIGN.md D-H4.
#pragma once

#include <cstdint>

namespace twinplane::tables {

// Flags that every entry has; a kind's own stand beside them.
inline constexpr std::uint16_t kLive = 1U << 0U;       // the slot is full
inline constexpr std::uint16_t kLocalOnly = 1U << 4U;  // never leaves this box: stated as empty

// Of entries that are not sessions: this box has made it, and not the peer. Its own; never sent.
inline constexpr std::uint8_t kMadeHere = 1U << 7U;

// Field groups for the dirty marks: what changed since it was last sent.
enum DirtyMark : std::uint8_t {
  kMarkWhole = 1U << 0U,   // new, emptied, or to be repaired: state everything
  kMarkState = 1U << 1U,   // the kind's patch: TCP ranks and flags, a neighbor's state, ...
  kMarkWindow = 1U << 2U,  // the kind's refresh, which may wait: window edges, counters
};

inline constexpr std::uint16_t kGenerationMask = 0x3FFF;

// Which of an entry's two keys. Of a session: the one its client's packets carry, or the one its
// server's replies carry.
enum class Side : std::uint8_t { kClient = 0, kServer = 1 };

// The same of an entry that is not a session.
struct SlotHead {
  std::uint16_t generation = 0;  // 14 bits; rises by one each time the slot is filled
  std::uint8_t marks = 0;        // DirtyMark; this box's own
  std::uint8_t flags = 0;        // kLive, kLocalOnly, kMadeHere
};

}  // namespace twinplane::tables
