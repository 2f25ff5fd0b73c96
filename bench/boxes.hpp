// SPDX-License-Identifier: BSD-3-Clause
// boxes.hpp - two engines with real tables and a link that keeps the frames, so that each side can
// be timed alone.
//
// Thread:  one, unless the boxes are given to two cores; then each is used by its own.
// Memory:  a partition a box in the bench's pages; 4096 frames in the link.
// Limits:  one partition, frames of 1500 bytes.
// Errors:  CHECK when a frame is refused or the engines disagree.
// Spec:    PROTOCOL.md; the window is the largest, so that a round is one window of frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bench/environment.hpp"
#include "ha2/decode.hpp"
#include "ha2/frame_builder.hpp"
#include "ha2/link.hpp"
#include "ha2/replica.hpp"
#include "tables/base/check.hpp"
#include "tables/partition.hpp"

namespace twinplane::bench {

inline constexpr std::uint16_t kFrameBytes = 1500;

inline ha2::StreamConfig stream_config(std::uint16_t window_frames) {
  ha2::StreamConfig config;
  config.window_frames = window_frames;
  config.frame_bytes_max = kFrameBytes;
  config.frames_per_poll_max = window_frames;
  return config;
}

// Keeps what is sent, frame by frame, until clear().
class FrameStore final : public ha2::Link {
 public:
  explicit FrameStore(std::size_t frame_count)
      : bytes_(frame_count * kFrameBytes), sizes_(frame_count) {}

  std::span<std::byte> try_frame() noexcept override {
    if (count_ == sizes_.size()) return {};
    return {bytes_.data() + count_ * kFrameBytes, kFrameBytes};
  }

  void send(std::size_t frame_bytes, std::uint16_t) noexcept override {
    sizes_[count_++] = static_cast<std::uint16_t>(frame_bytes);
    sent_bytes_ += frame_bytes;
  }

  std::span<const std::byte> frame(std::size_t index) const {
    return {bytes_.data() + index * kFrameBytes, sizes_[index]};
  }

  std::size_t count() const { return count_; }

  std::size_t sent_bytes() const { return sent_bytes_; }

  void clear() { count_ = sent_bytes_ = 0; }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::uint16_t> sizes_;
  std::size_t count_ = 0;
  std::size_t sent_bytes_ = 0;
};

// Gives every frame of `frames` to the replica, decoding included: what a worker does with a
// received frame.
inline void deliver(const FrameStore& frames, ha2::Replica& replica, std::uint64_t now_ns) {
  for (std::size_t i = 0; i < frames.count(); ++i) {
    const std::span<const std::byte> bytes = frames.frame(i);
    const ha2::Decoded decoded = ha2::decode(bytes);
    TWINPLANE_CHECK(static_cast<int>(decoded.error), ==, 0);
    replica.on_frame(decoded.frame, bytes, now_ns);
  }
}

class Box {
 public:
  Box(const tables::PartitionLimits& limits, ha2::Holding holding, std::uint16_t window_frames,
      const ha2::StreamConfig* config = nullptr)
      : limits_(limits),
        config_(config == nullptr ? stream_config(window_frames) : *config),
        block_(take_block(tables::Partition::bytes(limits))),
        builder_(kFrameBytes) {
    make(holding, tables::Carver::Block::kZeroed);
    replica_->assume({holding, true, {1, 1}, kFrameBytes});
  }

  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  ~Box() { give_back(block_); }

  // Another process over the same memory, as after a restart with tables kept; no peer yet.
  tables::AdoptedSlots restart(ha2::Holding holding) {
    make(holding, tables::Carver::Block::kUsed);
    return partition_->adopt();
  }

  tables::Partition& partition() { return *partition_; }

  auto& slots4() { return partition_->session4().slots(); }

  auto& slots6() { return partition_->session6().slots(); }

  ha2::Replica& replica() { return *replica_; }

  std::size_t table_bytes() const { return block_.size(); }

 private:
  void make(ha2::Holding holding, tables::Carver::Block state) {
    replica_.reset();
    tables::Carver carver(block_, state);
    partition_.emplace(carver, limits_,
                       tables::HashSeed{holding == ha2::Holding::kOwner ? 0x11U : 0x22U});
    replica_.emplace(config_, *partition_, builder_);
  }

  tables::PartitionLimits limits_;
  ha2::StreamConfig config_;
  std::span<std::byte> block_;
  ha2::FrameBuilder builder_;
  std::optional<tables::Partition> partition_;
  std::optional<ha2::Replica> replica_;
};

// Owner and mirror, joined by hand.
class Boxes {
 public:
  static constexpr std::uint16_t kWindowFrames = 4096;

  explicit Boxes(const tables::PartitionLimits& limits)
      : owner_(limits, ha2::Holding::kOwner, kWindowFrames),
        mirror_(limits, ha2::Holding::kMirror, kWindowFrames),
        frames_(kWindowFrames),
        answers_(16) {}

  Box& owner() { return owner_; }

  Box& mirror() { return mirror_; }

  const FrameStore& frames() const { return frames_; }

  std::uint64_t now_ns() const { return now_ns_; }

  // Makes frames of what is dirty, up to a window. What does not fill a frame goes with the second
  // poll, past its flush time.
  void send() {
    frames_.clear();
    now_ns_ += 10'000'000;
    owner_.replica().poll(now_ns_, frames_);
    if (!has_changes()) return;
    now_ns_ += 10'000'000;
    owner_.replica().poll(now_ns_, frames_);
  }

  void apply() { deliver(frames_, mirror_.replica(), now_ns_); }

  // The mirror's status reaches the owner: the window is empty again.
  void answer() {
    answers_.clear();
    now_ns_ += 10'000'000;
    mirror_.replica().poll(now_ns_, answers_);
    deliver(answers_, owner_.replica(), now_ns_);
    TWINPLANE_CHECK(owner_.replica().owner().in_flight_count(), ==, 0U);
  }

  // Until the mirror has everything.
  void settle() {
    while (!owner_.replica().owner().is_quiet()) {
      send();
      apply();
      answer();
    }
  }

 private:
  bool has_changes() {
    bool has_any = false;
    tables::for_each_kind([&](auto kind) {
      has_any |= !owner_.partition().template slots<kind()>().changes().empty();
    });
    return has_any;
  }

  Box owner_;
  Box mirror_;
  FrameStore frames_;
  FrameStore answers_;
  std::uint64_t now_ns_ = 1'000'000'000'000;
};

inline tables::PartitionLimits limits4(std::uint32_t slot_count, std::uint32_t keys_per_slot = 1) {
  return {{slot_count, keys_per_slot}, {64, 1}, {}};
}

}  // namespace twinplane::bench
