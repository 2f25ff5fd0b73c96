// SPDX-License-Identifier: BSD-3-Clause
// receipt.hpp - the question whether the peer has what a slot holds, kept by whoever waits for it.
//
// A change is made and marked, OwnerStream::ask_receipt() is called, and from then on
// OwnerStream::look_at() says, at any time, whether the peer has applied what the slot holds. What
// must not happen before that (a packet that leaves, a number that is used) waits for kReceived.
//
// Thread:  the core that owns the partition; values.
// Memory:  48 bytes, the caller's. The stream keeps nothing of it: a receipt may be dropped.
// Limits:  looked at in each turn it is exact; seldom looked at, a loss after it may delay it.
// Errors:  none.
// Spec:    PROTOCOL.md section 5.5; DESIGN.md D-H30.
#pragma once

#include <cstdint>

#include "tables/table_kind.hpp"

namespace twinplane::ha2 {

enum class ReceiptState : std::uint8_t {
  kWaiting,   // not said yet, or not answered
  kReceived,  // the peer has what the slot held when it was asked for, or something later
  kGone,      // the slot holds another entry than it did, or none: there is nothing to wait for
  kNoPeer,    // no stream runs, or the boxes do not keep this kind equal: no answer will come
};

struct Receipt {
  tables::TableKind kind{};
  std::uint16_t generation = 0;  // of the entry that it is about
  std::uint32_t slot = 0;
  std::uint64_t stream_number = 0;  // of the stream that the rest is about
  bool is_of_earlier = false;       // the change was not dirty when the rest began to count
  std::uint64_t said_after_seq = 0;
  // Once it is said: it was said in (low_seq, high_seq], of which none up to low_seq was lost
  // since.
  std::uint64_t low_seq = 0;
  std::uint64_t high_seq = 0;  // 0 = not said yet
};

}  // namespace twinplane::ha2
