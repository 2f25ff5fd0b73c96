// SPDX-License-Identifier: BSD-3-Clause
// end.hpp - one box's end of a stream: small tables, a real Replica, and what it sends, kept.
//
// Thread:  one.
// Memory:  some 100 KB an end; the tables' block is as large as they need and no larger, so that
//          AddressSanitizer sees a step beyond it.
// Limits:  64 slots of each kind, a window of 16 frames of 300 bytes: small enough that an input
//          fills them.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md sections 5 and 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ha2/digest.hpp"
#include "ha2/frame_builder.hpp"
#include "ha2/replica.hpp"
#include "tests/fuzz/kit/chunks.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::fuzz {

inline constexpr std::uint16_t kFrameBytes = 300;
inline constexpr std::uint32_t kSlotCount = 64;
inline constexpr std::uint64_t kStartNs = 1'000'000'000;

// Keeps what is sent on it; may be out of buffers.
class Outbox final : public ha2::Link {
 public:
  std::span<std::byte> try_frame() noexcept override {
    return has_buffer ? std::span<std::byte>(room_) : std::span<std::byte>();
  }

  void send(std::size_t frame_bytes, std::uint16_t) noexcept override {
    frames_.emplace_back(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(frame_bytes));
  }

  std::vector<Bytes> take() { return std::exchange(frames_, {}); }

  bool has_buffer = true;

 private:
  Bytes room_ = Bytes(1500);
  std::vector<Bytes> frames_;
};

inline ha2::StreamConfig stream_config() {
  ha2::StreamConfig config;
  config.window_frames = 16;
  config.frame_bytes_max = kFrameBytes;
  return config;
}

inline tables::PartitionLimits partition_limits() {
  tables::PartitionLimits limits;
  limits.session4 = {kSlotCount, 2};
  limits.session6 = {kSlotCount, 2};
  tables::for_each_kind([&limits](auto kind) {
    if (!tables::is_session(kind)) limits.plain(kind) = kSlotCount;
  });
  return limits;
}

class End {
 public:
  End() : End(stream_config()) {}

  explicit End(const ha2::StreamConfig& config)
      : partition_(partition_limits(), tables::HashSeed{5}),
        builder_(config.frame_bytes_max),
        replica_(config, *partition_, builder_) {}

  void assume(ha2::Holding holding, ha2::StreamName name) {
    ha2::Assignment assignment;
    assignment.holding = holding;
    assignment.has_peer = true;
    assignment.name = name;
    assignment.frame_bytes = kFrameBytes;
    replica_.assume(assignment);
  }

  // As a worker does with what its link delivered.
  void receive(std::span<const std::byte> frame, std::uint64_t now_ns) {
    const ha2::Decoded decoded = ha2::decode(frame);
    if (decoded.error != ha2::DecodeError::kNone)
      replica_.counters().add(ha2::counter_of(decoded.error));
    else
      replica_.on_frame(decoded.frame, frame, now_ns);
  }

  std::vector<Bytes> poll(std::uint64_t now_ns) {
    replica_.poll(now_ns, link_);
    return link_.take();
  }

  tables::Partition& partition() noexcept { return *partition_; }

  ha2::Replica& replica() noexcept { return replica_; }

  Outbox& link() noexcept { return link_; }

  std::uint64_t count(ha2::Counter counter) const noexcept {
    return replica_.counters().get(counter);
  }

  // One number for every byte of every entry.
  std::uint64_t fingerprint() const noexcept {
    const auto of = [](const auto& slots, std::uint64_t seed) {
      return XXH3_64bits_withSeed(&slots.entry(0), sizeof slots.entry(0) * slots.slot_count(),
                                  seed);
    };
    return of((*partition_).session6().slots(), of((*partition_).session4().slots(), 0));
  }

 private:
  mutable tests::InBlock<tables::Partition> partition_;
  ha2::FrameBuilder builder_;
  ha2::Replica replica_;
  Outbox link_;
};

// An owner and a mirror that hear each other well: until the owner says that all is quiet, at most
// `rounds_max` rounds of a millisecond. Returns the time then.
inline std::uint64_t settle(End& owner, End& mirror, std::uint64_t now_ns, int rounds_max) {
  for (int round = 0; round < rounds_max && !(owner.replica().owner().is_quiet() && round > 2);
       ++round) {
    now_ns += 1'000'000;
    for (const Bytes& frame : owner.poll(now_ns)) mirror.receive(frame, now_ns);
    for (const Bytes& frame : mirror.poll(now_ns)) owner.receive(frame, now_ns);
  }
  return now_ns;
}

}  // namespace twinplane::fuzz
