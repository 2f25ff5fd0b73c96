// SPDX-License-Identifier: BSD-3-Clause
// neighbor_table.hpp - which MAC address a neighbor has: one writer, readers on every core without
// locks.
//
// Thread:  try_lookup() on any number of threads at once; everything else on one thread, the home
//          worker.
// Memory:  64 bytes a neighbor of capacity (twice the slots at 32 bytes, two to a cache line),
//          taken by the constructor.
// Limits:  capacity 16..65536; a lookup looks at up to kProbesMax slots.
// Errors:  insert() answers kNoSlot when the table is full. try_lookup() may miss a neighbor that
//          is being written at that very moment; one that is left alone is always found. A miss
//          goes to the resolver, which knows.
// Spec:    dataplane/DESIGN.md D-D6 (reads that retry). A sequence lock a slot; open addressing in
//          which entries never move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/neighbor_key.hpp"
#include "dataplane/sequence_locked.hpp"
#include "tables/base/hash.hpp"

namespace twinplane::dataplane {

enum class NeighborState : std::uint8_t {
  kFree,        // never used since the last free run: lookups stop here
  kRemoved,     // was used: lookups go on
  kIncomplete,  // asked for, MAC not known
  kReachable,   // confirmed of late
  kStale,       // used as it is while it is being confirmed
  kPermanent,   // configured: never asked, never changed by what others say
};

struct NeighborEntry {
  NeighborKey key{};
  MacAddress mac{};
  NeighborState state{NeighborState::kFree};

  bool is_usable() const noexcept {
    return state == NeighborState::kReachable || state == NeighborState::kStale ||
           state == NeighborState::kPermanent;
  }
};

class NeighborTable {
 public:
  static constexpr std::uint32_t kNoSlot = 0xFFFFFFFFU;
  static constexpr std::uint32_t kProbesMax = 64;

  NeighborTable(std::uint32_t capacity, tables::HashSeed seed);

  // Any thread. False: not known, or not yet.
  [[nodiscard]] bool try_lookup(const NeighborKey& key, MacAddress& mac) const noexcept;

  // The home worker only, from here on. A slot stands for its neighbor until erase().
  std::uint32_t find(const NeighborKey& key) const noexcept;
  // `key` must not be in the table.
  [[nodiscard]] std::uint32_t insert(const NeighborKey& key, NeighborState state,
                                     const MacAddress& mac) noexcept;
  void update(std::uint32_t slot, NeighborState state, const MacAddress& mac) noexcept;
  void erase(std::uint32_t slot) noexcept;
  NeighborEntry entry(std::uint32_t slot) const noexcept;

  std::uint32_t slot_count() const noexcept { return slot_mask_ + 1; }

  std::uint32_t capacity() const noexcept { return capacity_; }

  std::uint32_t live_count() const noexcept { return live_count_; }

 private:
  // The two halves of the address; then MAC in the low 48 bits, port index, state.
  static constexpr std::size_t kAddressHigh = 0;
  static constexpr std::size_t kAddressLow = 1;
  static constexpr std::size_t kLink = 2;

  struct alignas(32) Slot : SequenceLocked<3> {};

  using Words = Slot::Words;

  static Words words_of(const NeighborEntry& entry) noexcept;
  static bool is_same_key(const Words& left, const Words& right) noexcept;
  std::uint32_t home_of(const NeighborKey& key) const noexcept;
  NeighborState state_at(std::uint32_t slot) const noexcept;

  std::unique_ptr<Slot[]> slots_;
  std::uint32_t slot_mask_;
  std::uint32_t capacity_;
  std::uint32_t live_count_ = 0;
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
