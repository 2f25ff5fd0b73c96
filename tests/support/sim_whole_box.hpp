// SPDX-License-Identifier: BSD-3-Clause
// sim_whole_box.hpp - a box as it runs: a Pair that decides, workers that follow its orders one by
// one, partitions with real replicas, receive rings that may be full.
//
// It does what dataplane/control.cpp, orders.hpp and worker.cpp do, with the same engine and
// without threads: the caller says who has a turn.
//
// Thread:  one.
// Memory:  the partitions' tables; allocates freely outside the engine.
// Limits:  up to 8 partitions, as many workers as partitions or fewer.
// Errors:  none; what the box does wrong is for the checkers to find.
// Spec:    ha2/PROTOCOL.md section 8; dataplane/DESIGN.md D-D4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ha2/pair.hpp"
#include "tests/support/sim_link.hpp"
#include "tests/support/sim_pair.hpp"

namespace twinplane::tests {

struct WholeShape {
  std::uint32_t partition_count = 1;
  std::uint32_t worker_count = 1;
  BoxShape partition;  // of each; their streams differ in the partition's number alone
  ha2::PairConfig pair;
};

// Frames that have arrived and wait for a turn; what finds no place is dropped.
class FrameRing {
 public:
  static constexpr std::size_t kFramesMax = 256;

  FrameRing() : frames_(kFramesMax) {}

  // False when the frame was dropped.
  bool put(const SimLink::Received& frame, std::size_t frames_max);

  // Valid until the next put; no bytes when there is none.
  SimLink::Received take();

 private:
  struct Kept {
    std::vector<std::byte> bytes;
    std::uint64_t sent_ns = 0;
    bool is_malformed = false;
  };

  std::vector<Kept> frames_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

class WholeBox {
 public:
  // The links are those that it sends on, by path; `kept` are the partitions' tables that an
  // earlier life has left, if it has.
  WholeBox(const WholeShape& shape, std::uint64_t boot_id,
           std::array<SimLink*, ha2::kPathCount> out, std::vector<TableBlock> kept,
           const ha2::KeptTables& kept_as);

  // Ends the box and gives its tables for a next life.
  static std::vector<TableBlock> end(std::unique_ptr<WholeBox> box);

  // ---- the devices ------------------------------------------------------------------------------

  // A frame has arrived; the device steers it to its partition's worker. False: no room, dropped.
  bool deliver(ha2::Path path, const SimLink::Received& frame, std::size_t ring_frames);

  // ---- a worker's turn: first one, then its traffic, then the other -----------------------------

  void follow_and_receive(std::uint32_t worker, std::uint64_t local_ns);
  void send(std::uint32_t worker, std::uint64_t local_ns);

  // ---- control's turn ---------------------------------------------------------------------------

  void turn_control(std::uint64_t local_ns);

  // The box is to end in order: from now on it opens no sessions, then tells its peer, then is
  // done.
  void begin_leaving(std::uint64_t local_ns) noexcept;

  bool are_doors_closed() const noexcept { return doors_closed_ns_ != 0; }

  bool has_left(std::uint64_t local_ns) const noexcept;

  // ---- to look at -------------------------------------------------------------------------------

  const WholeShape& shape() const noexcept { return shape_; }

  std::uint64_t boot_id() const noexcept { return boot_id_; }

  ha2::Pair& pair() noexcept { return pair_; }

  const ha2::Pair& pair() const noexcept { return pair_; }

  Box& partition(std::uint32_t index) noexcept { return *partitions_[index]; }

  const Box& partition(std::uint32_t index) const noexcept { return *partitions_[index]; }

  std::uint32_t worker_of(std::uint32_t partition) const noexcept {
    return partition % shape_.worker_count;
  }

  bool is_owner(std::uint32_t partition) const noexcept {
    return partitions_[partition]->replica().assignment().holding == ha2::Holding::kOwner;
  }

  // A partition that went from mirror to owner, and the stream that it mirrored last.
  struct TakenOver {
    std::uint32_t partition;
    ha2::StreamName name;
    bool has_changed;  // the change of ownership itself changed a table
  };

  std::vector<TakenOver>& taken_over() noexcept { return taken_over_; }

  // Orders followed by any worker; starts anew with the box.
  std::uint64_t follow_count() const noexcept { return follow_count_; }

  // The newest keepalive of a path: simulator's time at which it was sent, and how often the pair
  // has decided since it came.
  struct Heard {
    std::uint64_t sent_ns = 0;
    std::uint32_t polls_since = 0;
  };

  Heard heard(ha2::Path path) const noexcept { return heard_[static_cast<std::size_t>(path)]; }

  // How long it had run itself without a keepalive on HA1 when it took its peer for dead; nothing
  // while it has not.
  std::optional<std::uint64_t> own_silence_at_takeover_ns() const noexcept {
    return own_silence_at_takeover_ns_;
  }

  // Its workers have stood still for long and it keeps silent.
  bool is_silent() const noexcept { return is_silent_; }

 private:
  void follow(std::uint32_t worker, std::uint64_t local_ns);
  void take_link_frame(ha2::Path path, const SimLink::Received& frame, std::uint64_t local_ns);
  bool are_workers_alive(std::uint64_t local_ns);
  bool are_all_followed() const noexcept;
  bool is_mirror_complete() const noexcept;
  bool are_changes_answered() const noexcept;
  void leave_in_order(std::uint64_t local_ns) noexcept;

  std::uint64_t boot_id_;
  WholeShape shape_;
  std::array<SimLink*, ha2::kPathCount> out_;
  ha2::Pair pair_;
  std::vector<std::unique_ptr<Box>> partitions_;
  std::vector<FrameRing> rings_;  // by worker
  FrameRing control_ring_;
  FrameRing ha1_ring_;

  // dataplane/orders.hpp
  ha2::Assignment order_;
  std::uint32_t order_number_ = 0;
  std::vector<std::uint32_t> followed_;  // by worker

  std::vector<std::uint64_t> turn_counts_;  // by worker, as control saw them last
  std::vector<std::uint64_t> turns_;
  std::vector<std::uint64_t> turned_ns_;
  bool is_silent_ = false;
  std::uint64_t doors_closed_ns_ = 0;
  std::uint64_t leave_until_ns_ = 0;

  std::vector<TakenOver> taken_over_;
  std::uint64_t follow_count_ = 0;
  std::array<Heard, ha2::kPathCount> heard_{};
  std::uint64_t last_turn_ns_ = 0;
  std::uint64_t own_silence_ns_ = 0;
  std::uint64_t newest_sent_ns_ = 0;  // of the keepalives that came
  std::optional<std::uint64_t> own_silence_at_takeover_ns_;
};

}  // namespace twinplane::tests
