// SPDX-License-Identifier: BSD-3-Clause
// told_sink.hpp - who wants to know what the peer has of a slot, and not only what was sent of it.
//
// A change made now travels in frame OwnerStream::next_seq() or a later one. Whoever notes that
// number with the change knows that the peer has it (or what came after it) from the first call on
// that names the slot and no lower seq. A frame that was lost calls nobody: its slots are stated
// again, in a frame of their own. Seqs begin anew with each stream, and what a stream does not
// carry (a kind that is off, an entry that is local) is never told.
//
// Thread:  the core that owns the partition, within OwnerStream::on_status().
// Memory:  none.
// Limits:  one sink a stream. Runs of empty slots are not named.
// Errors:  none.
// Spec:    PROTOCOL.md rule S4; DESIGN.md D-H27.
#pragma once

#include <cstdint>
#include <span>

#include "ha2/wire.hpp"
#include "tables/table_kind.hpp"

namespace twinplane::ha2 {

class ToldSink {
 public:
  // The mirror has applied frame `seq`, which said this of these slots as they were when it was
  // built. A slot may stand in it twice. Nothing may be changed but marks and what is the sink's.
  virtual void on_told(tables::TableKind kind, Operation operation,
                       std::span<const std::uint32_t> slots, std::uint64_t seq) noexcept = 0;

 protected:
  ~ToldSink() = default;
};

}  // namespace twinplane::ha2
