// SPDX-License-Identifier: BSD-3-Clause
// mirror_stream.hpp - the receiving end of one partition's stream: applies frames in rising seq,
// says which were lost.
//
// Thread:  the core that owns the partition.
// Memory:  a reorder buffer of 32 frames, one bit a frame of the largest window and some kilobytes,
//          taken at construction.
// Limits:  seqs up to 4096 ahead of the owner's floor; anything further is refused.
// Errors:  every refusal has its counter; a refused frame changes nothing.
// Spec:    PROTOCOL.md sections 5 to 7; rules S3, S4, S6, S7.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ha2/counters.hpp"
#include "ha2/decode.hpp"
#include "ha2/link.hpp"
#include "ha2/owner_stream.hpp"
#include "ha2/record_apply.hpp"
#include "ha2/reorder_buffer.hpp"
#include "ha2/suspects.hpp"
#include "tables/partition.hpp"

namespace twinplane::ha2 {

inline constexpr std::uint32_t kWindowFramesMax = 4096;

class MirrorStream {
 public:
  MirrorStream(const StreamConfig& config, tables::Partition& partition, Counters& counters,
               DifferenceLog& differences);

  // Waits for seq 1 of this stream. `kinds` as in OwnerStream::start().
  void start(StreamName name, tables::KindSet kinds) noexcept;

  void stop() noexcept { is_running_ = false; }

  void resume() noexcept { is_running_ = true; }

  // A data or heartbeat frame of this stream: `frame` was decoded from `bytes`, its session, term
  // and partition are ours.
  void on_frame(const FrameView& frame, std::span<const std::byte> bytes,
                std::uint64_t now_ns) noexcept;

  // Gives up on gaps that waited long enough, and answers what is due. Returns how many frames went
  // out.
  std::uint32_t poll(std::uint64_t now_ns, Link& link) noexcept;

  bool is_running() const noexcept { return is_running_; }

  std::uint64_t passed_seq() const noexcept { return passed_seq_; }

  bool has_gap() const noexcept { return newest_seq_ > passed_seq_; }

 private:
  bool is_lost(std::uint64_t seq) const noexcept {
    return (lost_[seq / 64 % kLostWords] >> (seq % 64) & 1U) != 0;
  }

  void set_lost(std::uint64_t seq, bool is_lost) noexcept;
  bool has_open_loss(std::uint64_t frame_floor_seq) const noexcept;
  bool is_acceptable(const FrameHeader& header) noexcept;
  bool try_apply(const FrameView& frame, std::uint64_t now_ns) noexcept;
  void pass(std::uint64_t seq, bool was_lost) noexcept;
  void apply_held(std::uint64_t now_ns) noexcept;
  void give_up_gap(std::uint64_t last_seq, std::uint64_t now_ns) noexcept;
  void note_gap(std::uint64_t now_ns) noexcept;
  void send_status(std::uint64_t now_ns, Link& link) noexcept;
  static void on_verdict(const ApplyContext& context, std::uint8_t table, const DigestRange& record,
                         Verdict verdict) noexcept;
  void note_verdict(std::uint32_t digest_id, Verdict verdict) noexcept;
  void look_at_suspects(const Section& section, std::uint64_t now_ns) noexcept;

  static constexpr std::size_t kLostWords = 2 * kWindowFramesMax / 64;

  StreamConfig config_;
  tables::Partition& partition_;
  Counters& counters_;
  DifferenceLog& differences_;
  ReorderBuffer held_;

  bool is_running_ = false;
  StreamName name_;
  tables::KindSet kinds_;
  std::uint64_t floor_seq_ = 1;
  std::uint64_t passed_seq_ = 0;
  std::uint64_t newest_seq_ = 0;    // the highest seq known to have been sent
  std::uint64_t gap_since_ns_ = 0;  // valid while has_gap()
  std::uint64_t reported_seq_ = 0;  // passed_seq_ of the last status
  std::uint64_t unreported_since_ns_ = 0;
  bool wants_status_ = false;  // at once: a new loss, or a frame that asks
  std::uint32_t echo_time_us_ = 0;
  std::array<std::uint64_t, kLostWords> lost_{};  // bit seq mod size, valid from floor to passed
  std::uint32_t digest_next_id_ = 1;
  std::array<std::uint8_t, kVerdictBytes> verdicts_{};
  Suspects suspects_;
};

}  // namespace twinplane::ha2
