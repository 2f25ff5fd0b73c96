// SPDX-License-Identifier: BSD-3-Clause
// partition.hpp - one table of each kind: what one core owns, and the unit in which ownership
// moves.
//
// Thread:  the core that owns the partition.
// Memory:  bytes(limits), cut from one block (see Carver) that starts on a cache line and outlives
//          the partition. A kind without slots costs 64 bytes.
// Limits:  SlotTable's, for each table.
// Errors:  CHECK when the block is too small.
// Spec:    tables/DESIGN.md D-T1, D-T11; dataplane/DESIGN.md D-D1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "tables/dos_block.hpp"
#include "tables/expectation.hpp"
#include "tables/ipsec_sequence.hpp"
#include "tables/mac.hpp"
#include "tables/multicast.hpp"
#include "tables/neighbor.hpp"
#include "tables/plain_table.hpp"
#include "tables/return_mac.hpp"
#include "tables/sctp.hpp"
#include "tables/security_association.hpp"
#include "tables/sequence_shift.hpp"
#include "tables/session_table.hpp"
#include "tables/table_kind.hpp"
#include "tables/virtual_mac.hpp"

namespace twinplane::tables {

struct PartitionLimits {
  SlotLimits session4;
  SlotLimits session6;
  SessionPolicy policy;
  // of every other kind, by its number; 0 = this partition has none
  std::array<std::uint32_t, kTableKindCount> plain_slots{};

  std::uint32_t& plain(TableKind kind) noexcept { return plain_slots[index_of(kind)]; }

  std::uint32_t plain(TableKind kind) const noexcept { return plain_slots[index_of(kind)]; }
};

class Partition {
  template <TableKind kKind, class Self>
  static auto& table_in(Self& self) noexcept {
    if constexpr (kKind == TableKind::kSession4)
      return self.session4_;
    else if constexpr (kKind == TableKind::kSession6)
      return self.session6_;
    else if constexpr (kKind == TableKind::kArp)
      return self.arp_;
    else if constexpr (kKind == TableKind::kNd)
      return self.nd_;
    else if constexpr (kKind == TableKind::kMac)
      return self.mac_;
    else if constexpr (kKind == TableKind::kMulticast4)
      return self.multicast4_;
    else if constexpr (kKind == TableKind::kMulticast6)
      return self.multicast6_;
    else if constexpr (kKind == TableKind::kVirtualMac)
      return self.virtual_mac_;
    else if constexpr (kKind == TableKind::kSecurityAssociation)
      return self.security_association_;
    else if constexpr (kKind == TableKind::kDosBlock)
      return self.dos_block_;
    else if constexpr (kKind == TableKind::kSctp)
      return self.sctp_;
    else if constexpr (kKind == TableKind::kSequenceShift)
      return self.sequence_shift_;
    else if constexpr (kKind == TableKind::kIpsecSequence)
      return self.ipsec_sequence_;
    else if constexpr (kKind == TableKind::kExpectation)
      return self.expectation_;
    else
      return self.return_mac_;
  }

 public:
  Partition(Carver& carver, const PartitionLimits& limits, HashSeed seed) noexcept
      : session4_(carver, limits.session4, seed, limits.policy),
        session6_(carver, limits.session6, seed_of(seed, TableKind::kSession6), limits.policy),
        arp_(make<ArpBody>(carver, limits, seed)),
        nd_(make<NdBody>(carver, limits, seed)),
        mac_(make<MacBody>(carver, limits, seed)),
        multicast4_(make<Multicast4Body>(carver, limits, seed)),
        multicast6_(make<Multicast6Body>(carver, limits, seed)),
        virtual_mac_(make<VirtualMacBody>(carver, limits, seed)),
        security_association_(make<SecurityAssociationBody>(carver, limits, seed)),
        dos_block_(make<DosBlockBody>(carver, limits, seed)),
        sctp_(make<SctpBody>(carver, limits, seed)),
        sequence_shift_(make<SequenceShiftBody>(carver, limits, seed)),
        ipsec_sequence_(make<IpsecSequenceBody>(carver, limits, seed)),
        expectation_(make<ExpectationBody>(carver, limits, seed)),
        return_mac_(make<ReturnMacBody>(carver, limits, seed)) {}

  static std::size_t bytes(const PartitionLimits& limits) noexcept {
    Carver counter;
    const Partition partition(counter, limits, HashSeed{});
    return counter.bytes();
  }

  // The table of a kind: SessionTable or PlainTable.
  template <TableKind kKind>
  auto& table() noexcept {
    return table_in<kKind>(*this);
  }

  template <TableKind kKind>
  const auto& table() const noexcept {
    return table_in<kKind>(*this);
  }

  // The same by the number alone: its SlotTable.
  template <TableKind kKind>
  auto& slots() noexcept {
    return table<kKind>().slots();
  }

  template <TableKind kKind>
  const auto& slots() const noexcept {
    return table<kKind>().slots();
  }

  // Ends the sessions whose timeout is shorter than the time that nobody saw their packets.
  std::uint64_t end_idle(std::uint64_t idle_ms) noexcept {
    return session4_.end_idle(idle_ms) + session6_.end_idle(idle_ms);
  }

  // What a used block holds becomes this partition's: SlotTable::adopt().
  AdoptedSlots adopt() noexcept {
    AdoptedSlots adopted;
    for_each_kind([&](auto kind) {
      const AdoptedSlots of_kind = slots<kind()>().adopt();
      adopted.kept += of_kind.kept;
      adopted.refused += of_kind.refused;
    });
    return adopted;
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
    return with_kind(kind, [this](auto of) { return slots<of()>().slot_count(); });
  }

  // of one kind
  std::uint32_t live_count(TableKind kind) const noexcept {
    return with_kind(kind, [this](auto of) { return slots<of()>().live_count(); });
  }

  // of all kinds
  std::uint32_t live_count() const noexcept {
    std::uint32_t count = 0;
    for_each_kind([&](auto kind) { count += slots<kind()>().live_count(); });
    return count;
  }

 private:
  // The kinds must not hash alike.
  static HashSeed seed_of(HashSeed seed, TableKind kind) noexcept {
    return HashSeed{seed.value ^ 0x9E3779B97F4A7C15U * index_of(kind)};
  }

  template <class Body>
  static PlainTable<Body> make(Carver& carver, const PartitionLimits& limits,
                               HashSeed seed) noexcept {
    return PlainTable<Body>(carver, limits.plain(Body::kKind), seed_of(seed, Body::kKind));
  }

  SessionTable4 session4_;
  SessionTable6 session6_;
  PlainTable<ArpBody> arp_;
  PlainTable<NdBody> nd_;
  PlainTable<MacBody> mac_;
  PlainTable<Multicast4Body> multicast4_;
  PlainTable<Multicast6Body> multicast6_;
  PlainTable<VirtualMacBody> virtual_mac_;
  PlainTable<SecurityAssociationBody> security_association_;
  PlainTable<DosBlockBody> dos_block_;
  PlainTable<SctpBody> sctp_;
  PlainTable<SequenceShiftBody> sequence_shift_;
  PlainTable<IpsecSequenceBody> ipsec_sequence_;
  PlainTable<ExpectationBody> expectation_;
  PlainTable<ReturnMacBody> return_mac_;
};

// SessionTable or PlainTable.
template <TableKind kKind>
using TableOf = std::remove_cvref_t<decltype(std::declval<Partition&>().template table<kKind>())>;

// Of a plain kind.
template <TableKind kKind>
using BodyOf = typename TableOf<kKind>::Body;

}  // namespace twinplane::tables
