// SPDX-License-Identifier: BSD-3-Clause
// reorder_buffer.hpp - frames that came before their turn, kept for the short time a gap may close
// by itself.
//
// Thread:  the core that owns the partition.
// Memory:  kPlaces frames, taken at construction.
// Limits:  seqs less than kPlaces ahead of the next one; others are not kept.
// Errors:  try_hold returns false: too far ahead, or held already.
// Spec:    PROTOCOL.md section 5.3; rule S3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace twinplane::ha2 {

class ReorderBuffer {
 public:
  static constexpr std::size_t kPlaces = 32;

  explicit ReorderBuffer(std::size_t frame_bytes_max)
      : frame_bytes_max_(frame_bytes_max), bytes_(kPlaces * frame_bytes_max) {}

  // `frame` is a whole decoded frame, header and checksum included.
  [[nodiscard]] bool try_hold(std::uint64_t seq, std::uint64_t next_seq,
                              std::span<const std::byte> frame) noexcept {
    Place& place = places_[seq % kPlaces];
    if (seq - next_seq >= kPlaces || place.seq == seq || frame.size() > frame_bytes_max_)
      return false;
    std::memcpy(bytes_.data() + seq % kPlaces * frame_bytes_max_, frame.data(), frame.size());
    place = {seq, frame.size()};
    ++count_;
    return true;
  }

  // The frame held for `seq`, or empty; valid until the next try_hold.
  std::span<const std::byte> get(std::uint64_t seq) const noexcept {
    const Place& place = places_[seq % kPlaces];
    if (place.seq != seq) return {};
    return {bytes_.data() + seq % kPlaces * frame_bytes_max_, place.bytes};
  }

  void release(std::uint64_t seq) noexcept {
    if (places_[seq % kPlaces].seq != seq) return;
    places_[seq % kPlaces] = {};
    --count_;
  }

  void clear() noexcept {
    places_ = {};
    count_ = 0;
  }

  std::size_t count() const noexcept { return count_; }

 private:
  struct Place {
    std::uint64_t seq = 0;  // 0 = free: streams start at 1
    std::size_t bytes = 0;
  };

  std::size_t frame_bytes_max_;
  std::vector<std::byte> bytes_;
  std::array<Place, kPlaces> places_{};
  std::size_t count_ = 0;
};

}  // namespace twinplane::ha2
