// SPDX-License-Identifier: BSD-3-Clause
// partition.hpp - one table of each kind: what one core owns, and the unit in which ownership
// moves.
//
// Thread:  the core that owns the partition.
// Memory:  bytes(limits), cut from one block (see Carver) that starts on a cache line and outlives
//          the partition.
// Limits:  SlotTable's, for each table.
// Errors:  CHECK when the block is too small.
// Spec:    tables/DESIGN.md D-T1; dataplane/DESIGN.md D-D1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tables/session_table.hpp"

namespace twinplane::tables {

// The kinds of table, as they are numbered on the wire and in table files.
enum class TableKind : std::uint8_t { kSession4 = 0, kSession6 = 1 };
inline constexpr std::size_t kTableKindCount = 2;

struct PartitionLimits {
  SlotLimits session4;
  SlotLimits session6;
  SessionPolicy policy;
};

class Partition {
 public:
  Partition(Carver& carver, const PartitionLimits& limits, HashSeed seed) noexcept
      : session4_(carver, limits.session4, seed, limits.policy),
        session6_(carver, limits.session6, HashSeed{seed.value ^ 0x9E3779B97F4A7C15U},
                  limits.policy) {}

  static std::size_t bytes(const PartitionLimits& limits) noexcept {
    Carver counter;
    const Partition partition(counter, limits, HashSeed{});
    return counter.bytes();
  }

  // Ends the sessions whose timeout is shorter than the time that nobody saw their packets.
  std::uint64_t end_idle(std::uint64_t idle_ms) noexcept {
    return session4_.end_idle(idle_ms) + session6_.end_idle(idle_ms);
  }

  // What a used block holds becomes this partition's: SlotTable::adopt().
  AdoptedSlots adopt() noexcept {
    const AdoptedSlots adopted4 = session4_.slots().adopt();
    const AdoptedSlots adopted6 = session6_.slots().adopt();
    return {adopted4.kept + adopted6.kept, adopted4.refused + adopted6.refused};
  }

  SessionTable4& session4() noexcept { return session4_; }

  SessionTable6& session6() noexcept { return session6_; }

  const SessionTable4& session4() const noexcept { return session4_; }

  const SessionTable6& session6() const noexcept { return session6_; }

  template <class Address>
  SessionTable<Address>& sessions() noexcept {
    if constexpr (sizeof(Address) == 4)
      return session4_;
    else
      return session6_;
  }

  template <class Address>
  const SessionTable<Address>& sessions() const noexcept {
    if constexpr (sizeof(Address) == 4)
      return session4_;
    else
      return session6_;
  }

  std::uint32_t slot_count(TableKind kind) const noexcept {
    return kind == TableKind::kSession4 ? session4_.slots().slot_count()
                                        : session6_.slots().slot_count();
  }

  std::uint32_t live_count() const noexcept {
    return session4_.slots().live_count() + session6_.slots().live_count();
  }

 private:
  SessionTable4 session4_;
  SessionTable6 session6_;
};

}  // namespace twinplane::tables
