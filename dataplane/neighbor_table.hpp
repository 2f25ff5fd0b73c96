// SPDX-License-Identifier: BSD-3-Clause
// neighbor_table.hpp - which MAC address a neighbor has: one writer, readers on every core without
// locks.
//
// Thread:  try_lookup() on any number of threads at once; everything else on one thread, the home
//          worker.
// Memory:  64 bytes a neighbor of capacity (twice the slots at 32 bytes, two to a cache line),
//          taken by the constructor.
// Limits:  those of ProbedTable.
// Errors:  insert() answers kNoSlot when the table is full. What try_lookup() misses goes to the
//          resolver, which knows.
// Spec:    probed_table.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/neighbor_key.hpp"
#include "dataplane/probed_table.hpp"
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

// What the words of a slot mean: the two halves of the address; then MAC in the low 48 bits, port
// index, state.
struct NeighborForm {
  static constexpr std::size_t kWords = 3;
  static constexpr std::size_t kAddressHigh = 0;
  static constexpr std::size_t kAddressLow = 1;
  static constexpr std::size_t kLink = 2;
  static constexpr unsigned kPortShift = 48;
  static constexpr unsigned kStateShift = 56;

  using Words = std::array<std::uint64_t, kWords>;

  static constexpr Words kFree{};
  static constexpr Words kRemoved{
      0, 0, static_cast<std::uint64_t>(NeighborState::kRemoved) << kStateShift};

  static constexpr NeighborState state_of(const Words& words) noexcept {
    return static_cast<NeighborState>(words[kLink] >> kStateShift);
  }

  static constexpr bool is_free(const Words& words) noexcept {
    return state_of(words) == NeighborState::kFree;
  }

  static constexpr bool is_live(const Words& words) noexcept {
    return !is_free(words) && state_of(words) != NeighborState::kRemoved;
  }

  static constexpr bool is_same_key(const Words& left, const Words& right) noexcept {
    constexpr std::uint64_t kPortMask = std::uint64_t{0xFF} << kPortShift;
    return left[kAddressLow] == right[kAddressLow] && left[kAddressHigh] == right[kAddressHigh] &&
           ((left[kLink] ^ right[kLink]) & kPortMask) == 0;
  }
};

class NeighborTable {
 public:
  static constexpr std::uint32_t kNoSlot = ProbedTable<NeighborForm>::kNoSlot;
  static constexpr std::uint32_t kProbesMax = ProbedTable<NeighborForm>::kProbesMax;

  NeighborTable(std::uint32_t capacity, tables::HashSeed seed) : table_(capacity), seed_(seed) {}

  // Any thread. False: not known, or not yet.
  [[nodiscard]] bool try_lookup(const NeighborKey& key, MacAddress& mac) const noexcept;

  // The home worker only, from here on. A slot stands for its neighbor until erase().
  std::uint32_t find(const NeighborKey& key) const noexcept;
  // `key` must not be in the table.
  [[nodiscard]] std::uint32_t insert(const NeighborKey& key, NeighborState state,
                                     const MacAddress& mac) noexcept;
  void update(std::uint32_t slot, NeighborState state, const MacAddress& mac) noexcept;

  void erase(std::uint32_t slot) noexcept { table_.erase(slot); }

  NeighborEntry entry(std::uint32_t slot) const noexcept;

  std::uint32_t slot_count() const noexcept { return table_.slot_count(); }

  std::uint32_t capacity() const noexcept { return table_.capacity(); }

  std::uint32_t live_count() const noexcept { return table_.live_count(); }

 private:
  std::uint64_t hash_of(const NeighborKey& key) const noexcept {
    return tables::hash_of(key, seed_);
  }

  ProbedTable<NeighborForm> table_;
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
