// SPDX-License-Identifier: BSD-3-Clause
// table_block.hpp - a slot table in a block of the bench's pages.
//
// Thread:  one.
// Memory:  SlotTable's.
// Limits:  SlotTable's.
// Errors:  throws when there is no memory.
// Spec:    none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "bench/environment.hpp"
#include "tables/session_traits.hpp"
#include "tables/slot_table.hpp"

namespace twinplane::bench {

template <class Traits>
class SlotBlock {
 public:
  using Slots = tables::SlotTable<Traits>;

  explicit SlotBlock(std::uint32_t slot_count, std::uint32_t keys_per_slot)
      : limits_{slot_count, keys_per_slot}, block_(take_block(Slots::bytes(limits_))) {
    make();
  }

  SlotBlock(const SlotBlock&) = delete;
  SlotBlock& operator=(const SlotBlock&) = delete;

  ~SlotBlock() { give_back(block_); }

  void clear() {
    std::memset(block_.data(), 0, block_.size());
    make();
  }

  Slots& slots() { return *slots_; }

 private:
  void make() {
    tables::Carver carver(block_);
    slots_.emplace(carver, limits_, tables::HashSeed{0x7E57});
  }

  tables::SlotLimits limits_;
  std::span<std::byte> block_;
  std::optional<Slots> slots_;
};

// One key a slot, as the rival has one an entry.
struct TableBlock : SlotBlock<tables::SessionTraits<tables::Address4>> {
  explicit TableBlock(std::uint32_t slot_count) : SlotBlock(slot_count, 1) {}
};

}  // namespace twinplane::bench
