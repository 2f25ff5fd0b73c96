// SPDX-License-Identifier: BSD-3-Clause
// replica.hpp - one partition's end of the pair: its tables, and the stream it sends or receives,
// as its role says.
//
// Thread:  the core that owns the partition.
// Memory:  the two streams'; see there.
// Limits:  StreamConfig's.
// Errors:  frames that do not belong to the present stream are dropped, each under its own counter;
//          nothing changes.
// Spec:    PROTOCOL.md section 5.1; invariant I5.
#pragma once

#include <cstdint>
#include <span>

#include "ha2/mirror_stream.hpp"
#include "ha2/owner_stream.hpp"
#include "ha2/sync_matrix.hpp"

namespace twinplane::ha2 {

enum class Holding : std::uint8_t {
  kNothing,  // before the first role: frames are refused
  kOwner,    // this box changes the partition
  kMirror,   // the peer does
};

// What a partition is to do: decided by Pair for the box, carried out by each core for its
// partitions.
struct Assignment {
  Holding holding = Holding::kNothing;
  bool has_peer = false;  // a session with a peer that takes part: streams run
  StreamName name;
  std::uint16_t frame_bytes = 0;   // what both boxes can take
  bool peer_holds_tables = false;  // it did not start empty in this life
  tables::KindSet kinds = kept_kinds(HaMode::kActivePassive);  // what both keep equal

  friend bool operator==(const Assignment&, const Assignment&) noexcept = default;
};

class Replica {
 public:
  Replica(const StreamConfig& config, tables::Partition& partition, FrameBuilder& builder)
      : partition_(partition),
        partition_index_(config.partition),
        owner_(config, partition, builder, counters_, differences_),
        mirror_(config, partition, counters_, differences_) {}

  // Takes the role. A stream begins when session, term or role changed, and goes on when only the
  // pairing had been interrupted.
  // Cost: nothing that grows with the table from mirror to owner; else one bit a slot, never the
  // entries.
  void assume(const Assignment& assignment) noexcept;

  // A decoded data, heartbeat or status frame; `bytes` is the whole frame it was decoded from.
  void on_frame(const FrameView& frame, std::span<const std::byte> bytes,
                std::uint64_t now_ns) noexcept;

  // Sends what is due. Returns how many frames went out.
  std::uint32_t poll(std::uint64_t now_ns, Link& link) noexcept;

  const Assignment& assignment() const noexcept { return assignment_; }

  tables::Partition& partition() noexcept { return partition_; }

  OwnerStream& owner() noexcept { return owner_; }

  const OwnerStream& owner() const noexcept { return owner_; }

  const MirrorStream& mirror() const noexcept { return mirror_; }

  // What verifications found, as either end.
  DifferenceLog& differences() noexcept { return differences_; }

  Counters& counters() noexcept { return counters_; }

  const Counters& counters() const noexcept { return counters_; }

 private:
  tables::Partition& partition_;
  std::uint16_t partition_index_;
  Counters counters_;
  DifferenceLog differences_;
  OwnerStream owner_;
  MirrorStream mirror_;
  Assignment assignment_;
  Holding last_holding_ = Holding::kNothing;  // of the stream that ran last
  StreamName last_name_;
};

}  // namespace twinplane::ha2
