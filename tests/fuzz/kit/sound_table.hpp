// SPDX-License-Identifier: BSD-3-Clause
// sound_table.hpp - what must hold of a table whatever it was told: each live entry is found by its
// keys, nothing else is, and every value is one that exists.
//
// Thread:  one.
// Memory:  none.
// Limits:  linear in the slots.
// Errors:  require().
// Spec:    ha2/PROTOCOL.md section 10, I4 and I8; section 4.2.
#pragma once

#include <cstdint>

#include "ha2/session_codec.hpp"
#include "tables/partition.hpp"
#include "tests/fuzz/kit/require.hpp"

namespace twinplane::fuzz {

template <class Address>
void require_sound(const tables::SessionTable<Address>& sessions) {
  const auto& slots = sessions.slots();
  std::uint64_t key_count = 0;
  std::uint32_t live_count = 0;
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    const bool is_live = (entry.flags & tables::kLive) != 0;
    require(is_live == slots.live().is_live(slot), "an entry and the live map differ");
    if (!is_live) continue;
    ++live_count;
    ++key_count;
    require(slots.find(tables::key_of(entry, tables::Side::kClient)).slot == slot,
            "I4: an entry is not found by its client-side key");
    if ((entry.flags & tables::kTranslated) != 0) {
      ++key_count;
      require(slots.find(tables::key_of(entry, tables::Side::kServer)).slot == slot,
              "I4: an entry is not found by its server-side key");
    }
    for (const auto direction : {tables::kFromClient, tables::kFromServer})
      require(tables::tcp_rank(entry.state, direction) <= tables::TcpRank::kReset,
              "a TCP rank that does not exist");
    require(entry.state.timeout_class < tables::kTimeoutClassCount,
            "a timeout class that does not exist");
    require(entry.state.generation <= tables::kGenerationMask, "a generation out of range");
  }
  require(live_count == slots.live_count(), "the table miscounts what is live");
  require(key_count == slots.index().key_count(), "I4: the index has more keys, or fewer");
  require(slots.unindexed_count() == 0, "a key found no place in the index");
}

inline void require_sound(const tables::Partition& partition) {
  require_sound(partition.session4());
  require_sound(partition.session6());
}

template <class Address>
void require_equal(const tables::SessionTable<Address>& left,
                   const tables::SessionTable<Address>& right, std::string_view what) {
  for (std::uint32_t slot = 0; slot < left.slots().slot_count(); ++slot)
    require(ha2::image_of(left.slots().entry(slot)) == ha2::image_of(right.slots().entry(slot)),
            what);
}

// All that replicates is the same.
inline void require_equal(const tables::Partition& left, const tables::Partition& right,
                          std::string_view what) {
  require_equal(left.session4(), right.session4(), what);
  require_equal(left.session6(), right.session6(), what);
}

}  // namespace twinplane::fuzz
