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

#include "ha2/plain_codec.hpp"
#include "ha2/session_codec.hpp"
#include "ha2/sync_matrix.hpp"
#include "tables/partition.hpp"
#include "tests/fuzz/kit/require.hpp"

namespace twinplane::fuzz {

template <class Address>
void require_sound_entry(const tables::SessionOf<Address>& entry) {
  for (const auto direction : {tables::kFromClient, tables::kFromServer})
    require(tables::tcp_rank(entry.state, direction) <= tables::TcpRank::kReset,
            "a TCP rank that does not exist");
  require(entry.state.timeout_class < tables::kTimeoutClassCount,
          "a timeout class that does not exist");
}

template <class Body>
void require_sound_entry(const tables::PlainEntry<Body>& entry) {
  require(entry.body.is_sound(), "a body that no box writes");
}

// Of a SessionTable or a PlainTable.
template <class Table>
void require_sound(const Table& table) {
  using Traits = typename Table::Slots::TraitsType;
  const auto& slots = table.slots();
  std::uint64_t key_count = 0;
  std::uint32_t live_count = 0;
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    const bool is_live = Traits::is_live(entry);
    require(is_live == slots.live().is_live(slot), "an entry and the live map differ");
    if (!is_live) continue;
    ++live_count;
    ++key_count;
    require(slots.find(Traits::key(entry, tables::Side::kClient)).slot == slot,
            "I4: an entry is not found by its client-side key");
    if (Traits::has_second_key(entry)) {
      ++key_count;
      require(slots.find(Traits::key(entry, tables::Side::kServer)).slot == slot,
              "I4: an entry is not found by its server-side key");
    }
    require_sound_entry(entry);
    require(Traits::generation(entry) <= tables::kGenerationMask, "a generation out of range");
  }
  require(live_count == slots.live_count(), "the table miscounts what is live");
  require(key_count == slots.index().key_count(), "I4: the index has more keys, or fewer");
  require(slots.unindexed_count() == 0, "a key found no place in the index");
}

inline void require_sound(const tables::Partition& partition) {
  tables::for_each_kind([&](auto kind) { require_sound(partition.table<kind()>()); });
}

// All that replicates is the same.
inline void require_equal(const tables::Partition& left, const tables::Partition& right,
                          std::string_view what) {
  tables::for_each_kind([&](auto kind) {
    if (!ha2::row_of(kind).is_kept(ha2::HaMode::kActivePassive)) return;
    const auto& here = left.slots<kind()>();
    const auto& there = right.slots<kind()>();
    for (std::uint32_t slot = 0; slot < here.slot_count(); ++slot)
      require(ha2::image_of(here.entry(slot)) == ha2::image_of(there.entry(slot)), what);
  });
}

}  // namespace twinplane::fuzz
