// SPDX-License-Identifier: BSD-3-Clause
// Whether the peer has what a slot holds: PROTOCOL.md section 5.5.
#include <algorithm>

#include "ha2/owner_stream.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;

}  // namespace

Receipt OwnerStream::ask_receipt(tables::TableKind kind, std::uint32_t slot) noexcept {
  Receipt receipt{.kind = kind, .slot = slot, .stream_number = stream_number_};
  tables::with_kind(kind, [&](auto of) {
    using Traits = typename tables::TableOf<of()>::Slots::TraitsType;
    const auto& slots = partition_.slots<of()>();
    receipt.generation = Traits::generation(slots.entry(slot));
    // A whole that waits stands by itself and will be said behind all that was sent. A patch is
    // worth nothing without its base, which may be in flight, as may all of it. A slot that a walk
    // has just said may still be queued, without its marks.
    constexpr unsigned kSaid = tables::kMarkWhole | tables::kMarkState;
    const unsigned marks = Traits::marks(slots.entry(slot));
    const bool waits = slots.changes().contains(slot) && (marks & kSaid) != 0;
    receipt.said_after_seq = waits && (marks & tables::kMarkWhole) != 0 ? next_seq_ - 1 : 0;
    receipt.is_of_earlier = !waits;
    wants_answer_ |= waits;
  });
  return receipt;
}

ReceiptState OwnerStream::look_at(Receipt& receipt) noexcept {
  return tables::with_kind(receipt.kind, [&](auto of) { return look_at<of()>(receipt); });
}

template <tables::TableKind kKind>
ReceiptState OwnerStream::look_at(Receipt& receipt) noexcept {
  using Traits = typename tables::TableOf<kKind>::Slots::TraitsType;
  const auto& slots = partition_.slots<kKind>();
  const auto& entry = slots.entry(receipt.slot);
  const bool is_same = Traits::is_live(entry) && Traits::generation(entry) == receipt.generation;
  if (!is_same && !is_mutant(Mutant::kReceiptAnyGeneration)) return ReceiptState::kGone;
  if (!is_running_ || !keeps(kKind)) return ReceiptState::kNoPeer;
  if (receipt.stream_number != stream_number_) {
    // A new stream forgets what was dirty where its walk, or its comparison, will come by.
    receipt.stream_number = stream_number_;
    receipt.is_of_earlier = true;
    receipt.said_after_seq = 0;
    receipt.high_seq = 0;
  }
  if (slots.changes().contains(receipt.slot) ||
      (receipt.is_of_earlier && is_ahead_of_walk(kKind, receipt.slot))) {
    receipt.high_seq = 0;
    wants_answer_ = true;
    return ReceiptState::kWaiting;
  }
  // It has been said, in a frame that was applied or is in flight: had it been lost, the slot would
  // be dirty again, or said anew in a frame that is in flight.
  if (receipt.high_seq == 0 || was_lost_of(receipt)) {
    receipt.low_seq = std::max(answered_seq_, receipt.said_after_seq);
    receipt.high_seq = next_seq_ - 1;
  }
  return answered_seq_ >= receipt.high_seq || is_mutant(Mutant::kReceiptAtSend)
             ? ReceiptState::kReceived
             : ReceiptState::kWaiting;
}

// Some frame that may have said it was lost. Where the window has gone on beyond one of them, a
// later loss counts as one: where nothing is lost nobody waits again.
bool OwnerStream::was_lost_of(Receipt& receipt) const noexcept {
  if (last_lost_seq_ <= receipt.low_seq) return false;
  const std::uint64_t end_seq = std::min(receipt.high_seq, answered_seq_);
  for (; receipt.low_seq < end_seq; ++receipt.low_seq) {
    const InFlight& frame = window_[(receipt.low_seq + 1) & window_mask_];
    if (frame.seq != receipt.low_seq + 1 || frame.was_lost)
      return !is_mutant(Mutant::kReceiptDespiteLoss);
  }
  return false;
}

}  // namespace twinplane::ha2
