// SPDX-License-Identifier: BSD-3-Clause
// sim_stage.hpp - what stands between a box and its link and changes whole frames: a later build of
// the same version, another configuration, an older box, and a liar.
//
// Thread:  one.
// Memory:  none to speak of.
// Limits:  a frame grows up to what its receiver takes.
// Errors:  a frame that has no room is left as it was.
// Spec:    ha2/PROTOCOL.md sections 2 (version rules), 3, 4, 8.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/support/prng.hpp"
#include "tests/support/sim_link.hpp"

namespace twinplane::tests {

// A box of a later build within version 1: its data frames have sections of kinds that this build
// does not know, its hellos have items that need not be equal.
class LaterVersion final : public FrameStage {
 public:
  explicit LaterVersion(std::uint64_t seed) : prng_(seed) {}

  // The largest frame that the receiver takes.
  void set_frame_bytes_max(std::size_t frame_bytes_max) noexcept {
    frame_bytes_max_ = frame_bytes_max;
  }

  std::size_t rework(std::span<std::byte> room, std::size_t frame_bytes) override;

  std::uint64_t records_added() const noexcept { return records_added_; }

  std::uint64_t items_added() const noexcept { return items_added_; }

 private:
  std::size_t add_sections(std::span<std::byte> room, std::size_t frame_bytes);
  std::size_t add_items(std::span<std::byte> room, std::size_t frame_bytes);

  Prng prng_;
  std::size_t frame_bytes_max_ = 0;
  std::uint64_t records_added_ = 0;
  std::uint64_t items_added_ = 0;
};

// The box behind it says another value of its first item while told so, as after a change of its
// configuration; and its keepalives are counted from `first_count` on, as of a box that has run for
// long.
class OtherLife final : public FrameStage {
 public:
  explicit OtherLife(std::uint32_t first_count) : first_count_(first_count) {}

  void set_item_differs(bool is_different) noexcept { is_different_ = is_different; }

  std::size_t rework(std::span<std::byte> room, std::size_t frame_bytes) override;

 private:
  std::uint32_t first_count_;
  bool is_different_ = false;
};

// One stage after another.
class Stages final : public FrameStage {
 public:
  explicit Stages(std::vector<FrameStage*> stages) : stages_(std::move(stages)) {}

  std::size_t rework(std::span<std::byte> room, std::size_t frame_bytes) override {
    for (FrameStage* const stage : stages_) frame_bytes = stage->rework(room, frame_bytes);
    return frame_bytes;
  }

 private:
  std::vector<FrameStage*> stages_;
};

// I8: puts one lie into the frame that every receiver must refuse, and seals it: a slot or a rank
// that does not exist, a count that is too high, bits that are missing.
bool make_malformed(std::vector<std::byte>& frame, Prng& prng);

}  // namespace twinplane::tests
