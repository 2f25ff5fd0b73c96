// SPDX-License-Identifier: BSD-3-Clause
// session_receipts.hpp - the question whether the peer has a session and all that stands beside it:
// its sequence shift and its return path travel in records of their own.
//
// Thread:  the core that owns the partition; values.
// Memory:  152 bytes, the caller's.
// Limits:  as ha2/receipt.hpp.
// Errors:  none.
// Spec:    DESIGN.md D-H30.
#pragma once

#include <array>
#include <cstdint>

#include "ha2/owner_stream.hpp"
#include "ha2/receipt.hpp"
#include "tables/session_shift.hpp"

namespace twinplane::ha2 {

struct SessionReceipts {
  Receipt session;
  std::array<Receipt, 2> beside{};
  std::uint32_t beside_count = 0;
};

// Of the session in this slot, as OwnerStream::ask_receipt().
template <class Address>
SessionReceipts ask_receipts(OwnerStream& stream, const tables::Partition& partition,
                             std::uint32_t slot) noexcept {
  using tables::TableKind;
  constexpr bool kIs4 = sizeof(Address) == sizeof(tables::Address4);
  SessionReceipts receipts;
  const auto ask_beside = [&](TableKind kind, std::uint32_t place) {
    if (place != tables::kNoSlot)
      receipts.beside[receipts.beside_count++] = stream.ask_receipt(kind, place);
  };
  ask_beside(TableKind::kSequenceShift, tables::shift_slot_of<Address>(partition, slot));
  ask_beside(TableKind::kReturnMac, tables::return_slot_of<Address>(partition, slot));
  receipts.session = stream.ask_receipt(kIs4 ? TableKind::kSession4 : TableKind::kSession6, slot);
  return receipts;
}

// kReceived: of all. What beside it has changed since is asked for again.
inline ReceiptState look_at(OwnerStream& stream, SessionReceipts& receipts) noexcept {
  const ReceiptState state = stream.look_at(receipts.session);
  if (state != ReceiptState::kReceived) return state;
  for (std::uint32_t i = 0; i < receipts.beside_count; ++i) {
    Receipt& beside = receipts.beside[i];
    const ReceiptState its = stream.look_at(beside);
    if (its == ReceiptState::kGone) beside = stream.ask_receipt(beside.kind, beside.slot);
    if (its == ReceiptState::kWaiting || its == ReceiptState::kGone) return ReceiptState::kWaiting;
  }
  return state;
}

}  // namespace twinplane::ha2
