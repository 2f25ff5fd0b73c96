// SPDX-License-Identifier: BSD-3-Clause
// digest.hpp - one number for what a range of slots holds.
//
// Thread:  the core that owns the partition.
// Memory:  none.
// Limits:  any range within the table; about 20 ns a slot.
// Errors:  none.
// Spec:    PROTOCOL.md section 7: XXH3 over the replicated fields in slot order.
#pragma once

#include <cstdint>

#include "ha2/session_codec.hpp"
#include "tables/base/hash.hpp"

namespace twinplane::ha2 {

struct SlotRange {
  std::uint32_t first_slot;
  std::uint32_t slot_count;
};

template <class Slots>
std::uint64_t digest_of(const Slots& slots, SlotRange range) noexcept {
  std::uint64_t digest = range.first_slot;
  for (std::uint32_t i = 0; i < range.slot_count; ++i)
    digest =
        tables::hash_of(image_of(slots.entry(range.first_slot + i)), tables::HashSeed{digest + i});
  return digest;
}

}  // namespace twinplane::ha2
