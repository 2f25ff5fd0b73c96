// SPDX-License-Identifier: BSD-3-Clause
// packet_shift.hpp - the sequence shift of one packet's session, from finding it to what its
// acknowledgement settles.
//
// Thread:  the core that owns the partition.
// Memory:  a value, for one packet: what it found may be gone with the next.
// Limits:  none.
// Errors:  refusal() says why the packet cannot be sent on.
// Spec:    tables/DESIGN.md D-T20.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/forward_result.hpp"
#include "dataplane/sequence_rewrite.hpp"
#include "tables/session_shift.hpp"

namespace twinplane::dataplane {

class PacketShift {
 public:
  // Of the session in `slot`.
  template <class Address>
  static PacketShift of(tables::Partition& partition, std::uint32_t slot) noexcept {
    const auto& session = partition.sessions<Address>().slots().entry(slot);
    if ((session.flags & tables::kShifted) == 0) [[likely]]
      return {};
    return PacketShift(partition.table<tables::TableKind::kSequenceShift>(),
                       tables::shift_slot_of<Address>(partition, slot));
  }

  bool is_any() const noexcept { return table_ != nullptr; }

  bool is_lost() const noexcept { return is_any() && slot_ == tables::kNoSlot; }

  // Asked first; with a refusal nothing else may be asked.
  DropReason refusal(const PacketView& view, tables::Direction direction) const noexcept {
    if (!is_any()) return DropReason::kNone;
    if (is_lost()) return DropReason::kShiftLost;
    const bool is_cut = view.l4_kind == L4Kind::kTcp &&
                        tables::cuts_text(ways()[direction], view.tcp.sequence, view.payload_bytes);
    return is_cut ? DropReason::kShiftCut : DropReason::kNone;
  }

  // What the packet acknowledges, as who sent that counts.
  std::uint32_t acknowledgement(const PacketView& view,
                                tables::Direction direction) const noexcept {
    const std::uint32_t stated = view.tcp.acknowledgement;
    return is_any() ? tables::own_number(ways()[tables::opposite(direction)], stated) : stated;
  }

  void rewrite(std::span<std::byte> frame, PacketView& view,
               tables::Direction direction) const noexcept {
    if (!is_any() || view.l4_kind != L4Kind::kTcp) return;
    const std::uint32_t stated = view.tcp.acknowledgement;
    rewrite_sequences(frame, view, ways(), direction);
    if ((view.tcp.flags & kTcpAck) != 0)
      tables::settle(*table_, slot_, tables::opposite(direction), stated);
  }

  void rewrite_quote(std::span<std::byte> frame, const PacketView& error, PacketView& quote,
                     tables::Direction direction) const noexcept {
    if (is_any()) rewrite_quoted_sequences(frame, error, quote, ways(), direction);
  }

 private:
  using Table = tables::PlainTable<tables::SequenceShiftBody>;

  PacketShift() noexcept = default;

  PacketShift(Table& table, std::uint32_t slot) noexcept : table_(&table), slot_(slot) {}

  const ShiftWays& ways() const noexcept { return table_->slots().entry(slot_).body.ways; }

  Table* table_ = nullptr;
  std::uint32_t slot_ = tables::kNoSlot;
};

}  // namespace twinplane::dataplane
