// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sim_link.hpp"

#include <algorithm>

#include "ha2/wire.hpp"

namespace twinplane::tests {

std::span<std::byte> SimLink::try_frame() noexcept {
  if (now_ns_ < refuse_until_ns_) return {};
  if (prng_.chance(faults_.refuse)) {
    refuse_until_ns_ = now_ns_ + prng_.below(faults_.refuse_ns_max + 1);
    return {};
  }
  // What was in the buffer before is none of the stream's business.
  std::ranges::fill(scratch_, std::byte{0xA5});
  return scratch_;
}

bool SimLink::is_lost(std::span<const std::byte> frame) noexcept {
  if (is_cut_) return true;
  if (burst_left_ != 0) {
    --burst_left_;
    return true;
  }
  if (prng_.chance(faults_.burst_start)) {
    burst_left_ = prng_.below(faults_.burst_frames_max + 1);
    return true;
  }
  const auto type = static_cast<ha2::FrameType>(frame[offsetof(ha2::FrameHeader, type)]);
  if (type == ha2::FrameType::kStatus && prng_.chance(faults_.status_loss)) return true;
  return prng_.chance(faults_.loss);
}

void SimLink::damage(std::vector<std::byte>& frame) noexcept {
  if (prng_.chance(faults_.flip)) {
    const std::uint32_t flip_count = prng_.between(1, 8);
    for (std::uint32_t i = 0; i < flip_count; ++i)
      frame[prng_.below(static_cast<std::uint32_t>(frame.size()))] ^= std::byte{1}
                                                                      << prng_.below(8);
  }
  if (prng_.chance(faults_.truncate))
    frame.resize(prng_.below(static_cast<std::uint32_t>(frame.size())));
}

void SimLink::put_under_way(std::span<const std::byte> frame) {
  std::uint64_t delay_ns = prng_.between(faults_.delay_ns_min, faults_.delay_ns_max);
  if (prng_.chance(faults_.reorder)) delay_ns += prng_.below(faults_.reorder_ns_max + 1);
  std::vector<std::byte> copy(frame.begin(), frame.end());
  damage(copy);
  under_way_.emplace(now_ns_ + delay_ns, std::move(copy));
}

void SimLink::send(std::size_t frame_bytes, std::uint16_t) noexcept {
  const std::span<const std::byte> frame = std::span(scratch_).first(frame_bytes);
  ++sent_count_;
  // The archive keeps frames of all ages: each goes to a random place.
  archive_[prng_.below(kArchiveFrames)].assign(frame.begin(), frame.end());
  if (!is_lost(frame)) {
    put_under_way(frame);
    if (prng_.chance(faults_.duplicate)) put_under_way(frame);
  }
  if (!is_cut_ && prng_.chance(faults_.replay)) {
    const std::vector<std::byte>& old = archive_[prng_.below(kArchiveFrames)];
    if (!old.empty()) put_under_way(old);
  }
}

bool SimLink::try_receive(std::vector<std::byte>& frame) {
  const auto next = under_way_.begin();
  if (next == under_way_.end() || next->first > now_ns_) return false;
  frame = std::move(next->second);
  under_way_.erase(next);
  return true;
}

}  // namespace twinplane::tests
