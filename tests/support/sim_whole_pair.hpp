// SPDX-License-Identifier: BSD-3-Clause
// sim_whole_pair.hpp - two whole boxes, each with a clock of its own, HA2 and HA1 between them, and
// what may happen to a box: it stops, stalls, loses its tables, leaps in time.
//
// Nobody tells the boxes their roles: they decide, as two machines do.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  WholeBox's.
// Errors:  none; what the boxes do wrong is for the checkers to find.
// Spec:    ha2/PROTOCOL.md section 8.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/support/sim_clock.hpp"
#include "tests/support/sim_stage.hpp"
#include "tests/support/sim_whole_box.hpp"

namespace twinplane::tests {

// A machine: what of it outlives the program.
struct MachineShape {
  WholeShape box;
  BoxClock clock;
  std::uint32_t first_keepalive_count = 0;
  bool is_later_build = false;
};

class WholePair {
 public:
  WholePair(const std::array<MachineShape, 2>& shapes, std::uint64_t seed);

  std::uint64_t now_ns() const noexcept { return now_ns_; }

  std::uint64_t local_ns(std::size_t index) const noexcept {
    return machines_[index].clock.at(now_ns_);
  }

  bool is_up(std::size_t index) const noexcept { return machines_[index].box != nullptr; }

  // Requires is_up().
  WholeBox& box(std::size_t index) noexcept { return *machines_[index].box; }

  const WholeBox& box(std::size_t index) const noexcept { return *machines_[index].box; }

  SimLink& link(std::size_t from, ha2::Path path) noexcept {
    return machines_[from].links[static_cast<std::size_t>(path)];
  }

  const SimLink& link(std::size_t from, ha2::Path path) const noexcept {
    return machines_[from].links[static_cast<std::size_t>(path)];
  }

  BoxClock& clock(std::size_t index) noexcept { return machines_[index].clock; }

  OtherLife& other_life(std::size_t index) noexcept { return *machines_[index].other_life; }

  // The program ends without a word, and starts with the tables that were kept, or empty ones.
  void crash(std::size_t index, bool keeps_tables);
  void boot(std::size_t index);

  // Nothing of the box has a turn until then; what arrives waits in its rings.
  void pause(std::size_t index, std::uint64_t until_ns) noexcept;
  void hang_worker(std::size_t index, std::uint32_t worker, std::uint64_t until_ns) noexcept;
  void hang_control(std::size_t index, std::uint64_t until_ns) noexcept;
  void end_stalls() noexcept;

  // So many turns of a worker or of control are left out: orders are followed late.
  void set_skipped_turns(std::uint32_t permille) noexcept { skipped_permille_ = permille; }

  // What a receive ring holds.
  void set_ring_frames(std::size_t ring_frames) noexcept { ring_frames_ = ring_frames; }

  std::uint64_t ring_drop_count() const noexcept { return ring_drop_count_; }

  // Time passes, frames arrive, workers take them. Then comes the traffic, then poll().
  void advance(std::uint64_t step_ns);
  void poll();

  // Its worker has a turn in this step: it may change the partition, if it owns it.
  bool has_turn(std::size_t index, std::uint32_t partition) const noexcept {
    return is_up(index) &&
           machines_[index].has_worker_turn[machines_[index].box->worker_of(partition)];
  }

 private:
  struct Machine {
    Machine(const MachineShape& machine_shape, std::uint64_t seed);

    MachineShape shape;
    BoxClock clock;
    std::unique_ptr<OtherLife> other_life;
    std::unique_ptr<LaterVersion> later_version;
    std::unique_ptr<Stages> stages;
    std::array<SimLink, ha2::kPathCount> links;  // that it sends on
    std::unique_ptr<WholeBox> box;
    std::vector<TableBlock> kept;  // of the life before
    ha2::KeptTables kept_as;
    std::vector<std::uint64_t> worker_hangs_until_ns;
    std::vector<bool> has_worker_turn;
    std::uint64_t control_hangs_until_ns = 0;
    std::uint64_t paused_until_ns = 0;
  };

  void receive(std::size_t index);

  Prng prng_;
  std::array<Machine, 2> machines_;
  std::uint64_t now_ns_ = 0;
  std::uint32_t skipped_permille_ = 0;
  std::size_t ring_frames_ = FrameRing::kFramesMax;
  std::uint64_t ring_drop_count_ = 0;
};

}  // namespace twinplane::tests
