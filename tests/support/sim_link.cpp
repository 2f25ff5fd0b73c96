// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sim_link.hpp"

#include <algorithm>
#include <cstring>

#include "ha2/wire.hpp"
#include "tests/support/allocation_count.hpp"

namespace twinplane::tests {

std::span<std::byte> SimLink::try_frame() noexcept {
  if (now_ns_ < refuse_until_ns_) return {};
  if (hits(faults_.refuse, LinkFault::kRefuse)) {
    refuse_until_ns_ = now_ns_ + prng_.below(faults_.refuse_ns_max + 1);
    return {};
  }
  // What was in the buffer before is none of the stream's business.
  std::ranges::fill(scratch_, std::byte{0xA5});
  return std::span(scratch_).first(frame_bytes_);
}

bool SimLink::hits(std::uint32_t permille, LinkFault fault) noexcept {
  if (!prng_.chance(permille)) return false;
  note(fault);
  return true;
}

bool SimLink::is_lost(std::span<const std::byte> frame) noexcept {
  if (is_cut_) {
    note(LinkFault::kCut);
    return true;
  }
  if (burst_left_ != 0) {
    --burst_left_;
    return true;
  }
  if (hits(faults_.burst_start, LinkFault::kBurst)) {
    burst_left_ = prng_.below(faults_.burst_frames_max + 1);
    return true;
  }
  const auto type = static_cast<ha2::FrameType>(frame[offsetof(ha2::FrameHeader, type)]);
  if (type == ha2::FrameType::kStatus && hits(faults_.status_loss, LinkFault::kStatusLoss))
    return true;
  return hits(faults_.loss, LinkFault::kLoss);
}

void SimLink::damage(std::vector<std::byte>& frame) noexcept {
  if (hits(faults_.flip, LinkFault::kFlip)) {
    const std::uint32_t flip_count = prng_.between(1, 8);
    for (std::uint32_t i = 0; i < flip_count; ++i)
      frame[prng_.below(static_cast<std::uint32_t>(frame.size()))] ^= std::byte{1}
                                                                      << prng_.below(8);
  }
  if (hits(faults_.truncate, LinkFault::kTruncate))
    frame.resize(std::max(1U, prng_.below(static_cast<std::uint32_t>(frame.size()))));
}

std::uint32_t SimLink::take_place() {
  if (free_places_.empty()) {
    kept_.emplace_back();
    return static_cast<std::uint32_t>(kept_.size() - 1);
  }
  const std::uint32_t place = free_places_.back();
  free_places_.pop_back();
  return place;
}

void SimLink::put_under_way(std::span<const std::byte> frame, std::uint64_t sent_ns,
                            bool is_malformed) {
  std::uint64_t delay_ns = prng_.between(faults_.delay_ns_min, faults_.delay_ns_max);
  if (hits(faults_.reorder, LinkFault::kReorder))
    delay_ns += prng_.below(faults_.reorder_ns_max + 1);
  std::uint64_t leaves_ns = now_ns_;
  if (faults_.squeeze_frames_per_ms != 0) {
    const std::uint64_t gap_ns = 1'000'000U / faults_.squeeze_frames_per_ms;
    leaves_ns = std::max(now_ns_, busy_until_ns_);
    if (leaves_ns - now_ns_ > gap_ns * faults_.squeeze_queue_frames)
      return note(LinkFault::kSqueeze);
    busy_until_ns_ = leaves_ns + gap_ns;
  }
  const std::uint32_t place = take_place();
  Kept& kept = kept_[place];
  kept.bytes.assign(frame.begin(), frame.end());
  kept.sent_ns = sent_ns;
  kept.is_malformed = is_malformed;
  if (!is_malformed) damage(kept.bytes);
  under_way_.push({leaves_ns + delay_ns, ++order_, place});
}

void SimLink::watch_seq(std::span<const std::byte> frame) {
  ha2::FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  if (static_cast<ha2::FrameType>(header.type) != ha2::FrameType::kData) return;
  const std::uint64_t seq = header.seq.get();
  std::uint64_t& last =
      last_seqs_[{header.partition.get(), header.session.get(), header.term.get()}];
  if (seq <= last && seq_used_twice_.empty())
    seq_used_twice_ = "S2 seq used twice: " + std::to_string(seq) + " after " +
                      std::to_string(last) + " in session " + std::to_string(header.session.get()) +
                      " term " + std::to_string(header.term.get());
  last = std::max(last, seq);
}

void SimLink::send(std::size_t frame_bytes, std::uint16_t) noexcept {
  const std::uint64_t allocations_before = tests::allocation_count();
  if (stage_ != nullptr) frame_bytes = stage_->rework(scratch_, frame_bytes);
  const std::span<const std::byte> frame = std::span(scratch_).first(frame_bytes);
  watch_seq(frame);
  ++sent_count_;
  // The archive keeps frames of all ages: each goes to a random place. Hellos are rare and have
  // places of their own.
  const bool is_hello = static_cast<ha2::FrameType>(frame[offsetof(ha2::FrameHeader, type)]) ==
                        ha2::FrameType::kHello;
  Kept& archived = archive_[is_hello ? prng_.below(kArchiveHellos)
                                     : prng_.between(kArchiveHellos, kArchiveFrames - 1)];
  archived.bytes.assign(frame.begin(), frame.end());
  archived.sent_ns = now_ns_;
  if (!is_lost(frame)) {
    put_under_way(frame, now_ns_, false);
    if (hits(faults_.duplicate, LinkFault::kDuplicate)) put_under_way(frame, now_ns_, false);
  }
  if (!is_cut_ && prng_.chance(faults_.replay)) try_replay(archive_[prng_.below(kArchiveFrames)]);
  if (!is_cut_ && make_malformed_ != nullptr && faults_.malformed != 0 &&
      later_.chance(faults_.malformed)) {
    std::vector<std::byte> copy(frame.begin(), frame.end());
    if (make_malformed_(copy, later_)) {
      note(LinkFault::kMalformed);
      put_under_way(copy, now_ns_, true);
    }
  }
  allocation_count_ += tests::allocation_count() - allocations_before;
}

bool SimLink::try_replay(const Kept& old) {
  if (old.bytes.empty() || is_cut_) return false;
  note(LinkFault::kReplay);
  put_under_way(old.bytes, old.sent_ns, false);
  return true;
}

std::uint32_t SimLink::replay(bool are_hellos, std::uint32_t count) {
  std::uint32_t replayed = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t place = are_hellos ? prng_.below(kArchiveHellos)
                                           : prng_.between(kArchiveHellos, kArchiveFrames - 1);
    replayed += try_replay(archive_[place]) ? 1 : 0;
  }
  return replayed;
}

void SimLink::set_now(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (faults_.ring_frames == 0) return;
  while (!under_way_.empty() && under_way_.top().at_ns <= now_ns_) {
    const std::uint32_t place = under_way_.top().place;
    under_way_.pop();
    if (ring_.size() < faults_.ring_frames) {
      ring_.push_back(place);
    } else {
      free_places_.push_back(place);
      note(LinkFault::kRing);
    }
  }
}

SimLink::Received SimLink::try_receive() {
  if (received_place_ != kNoPlace) free_places_.push_back(received_place_);
  received_place_ = kNoPlace;
  if (!ring_.empty()) {
    received_place_ = ring_.front();
    ring_.pop_front();
  } else if (!under_way_.empty() && under_way_.top().at_ns <= now_ns_) {
    received_place_ = under_way_.top().place;
    under_way_.pop();
  } else {
    return {};
  }
  const Kept& kept = kept_[received_place_];
  return {kept.bytes, kept.sent_ns, kept.is_malformed};
}

void SimLink::drop_all() noexcept {
  for (; !under_way_.empty(); under_way_.pop()) free_places_.push_back(under_way_.top().place);
  for (; !ring_.empty(); ring_.pop_front()) free_places_.push_back(ring_.front());
}

}  // namespace twinplane::tests
