// SPDX-License-Identifier: BSD-3-Clause
// digest.hpp - one number for what a range of slots holds.
//
// Thread:  the core that owns the partition.
// Memory:  none.
// Limits:  any range within the table; some 10 ns a full slot.
// Errors:  none.
// Spec:    PROTOCOL.md section 7: the sum of XXH3 over the replicated fields of each full slot.
#pragma once

#include <cstdint>

#include "ha2/plain_codec.hpp"
#include "ha2/session_codec.hpp"
#include "tables/base/hash.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

struct SlotRange {
  std::uint32_t first_slot;
  std::uint32_t slot_count;
};

// Whose slots are summed up.
enum class DigestEnd : std::uint8_t {
  kOwner,   // what it says of them: an entry that never leaves the box reads as empty
  kMirror,  // what it holds: one that it kept to itself while it was the owner is a leftover
};

// A sum, so that the processor hashes several slots at once, and an empty slot costs a look at it.
// The slot's number is the seed: content that moved to another slot is other content.
template <class Slots>
std::uint64_t digest_of(const Slots& slots, SlotRange range, DigestEnd end) noexcept {
  std::uint64_t digest = 0;
  for (std::uint32_t slot = range.first_slot; slot < range.first_slot + range.slot_count; ++slot) {
    const auto& entry = slots.entry(slot);
    if (is_replicated(entry))
      digest += tables::hash_of(image_of(entry), tables::HashSeed{slot});
    else if (end == DigestEnd::kMirror && Slots::TraitsType::is_live(entry) &&
             !tables::is_mutant(tables::Mutant::kKeepsLeftovers))
      digest += tables::hash_of(std::uint64_t{slot}, tables::HashSeed{slot});
  }
  return digest;
}

}  // namespace twinplane::ha2
