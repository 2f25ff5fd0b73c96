// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/mirror_stream.hpp"

#include <algorithm>

#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;

constexpr std::uint32_t kDigestIdsAheadMax = 4096;

bool asks_for_answer(const FrameHeader& header) noexcept {
  return (header.floor_distance.get() & kAnswerAtOnce) != 0;
}

std::uint64_t floor_of(const FrameHeader& header) noexcept {
  return header.seq.get() - floor_distance_of(header) + 1;
}

}  // namespace

MirrorStream::MirrorStream(const StreamConfig& config, tables::Partition& partition,
                           Counters& counters, DifferenceLog& differences)
    : config_(config),
      partition_(partition),
      counters_(counters),
      differences_(differences),
      held_(config.frame_bytes_max) {}

void MirrorStream::start(StreamName name, tables::KindSet kinds) noexcept {
  name_ = name;
  kinds_ = kinds;
  floor_seq_ = 1;
  passed_seq_ = newest_seq_ = reported_seq_ = 0;
  gap_since_ns_ = unreported_since_ns_ = 0;
  wants_status_ = false;
  lost_.fill(0);
  held_.clear();
  digest_next_id_ = config_.first_digest_id;
  verdicts_.fill(0);
  suspects_.clear();
  is_running_ = true;
}

void MirrorStream::set_lost(std::uint64_t seq, bool is_lost) noexcept {
  std::uint64_t& word = lost_[seq / 64 % kLostWords];
  const std::uint64_t bit = std::uint64_t{1} << (seq % 64);
  word = is_lost ? word | bit : word & ~bit;
}

// As the owner saw it when it sent the frame: a loss at or above that frame's floor was not
// answered yet.
bool MirrorStream::has_open_loss(std::uint64_t frame_floor_seq) const noexcept {
  for (std::uint64_t seq = frame_floor_seq; seq <= passed_seq_; ++seq)
    if (is_lost(seq)) return true;
  return false;
}

// The order of the checks is the specification: PROTOCOL.md section 5.2.
bool MirrorStream::is_acceptable(const FrameHeader& header) noexcept {
  const std::uint64_t seq = header.seq.get();
  const std::uint64_t distance = floor_distance_of(header);
  if (seq == 0 || distance == 0 || distance > seq || distance > kWindowFramesMax) {
    counters_.add(Counter::kDropSeqRange);
    return false;
  }
  // The owner's floor is one past what this mirror has answered: it can never be ahead of that.
  if (seq - distance > passed_seq_) {
    counters_.add(Counter::kDropFloor);
    return false;
  }
  return true;
}

void MirrorStream::on_frame(const FrameView& frame, std::span<const std::byte> bytes,
                            std::uint64_t now_ns) noexcept {
  if (!is_acceptable(frame.header)) return;
  const std::uint64_t seq = frame.header.seq.get();
  // S7: below it nothing is remembered.
  if (!is_mutant(Mutant::kIgnoresFloor)) floor_seq_ = std::max(floor_seq_, floor_of(frame.header));
  if (static_cast<FrameType>(frame.header.type) == FrameType::kHeartbeat) {
    counters_.add(Counter::kHeartbeatsReceived);
    newest_seq_ = std::max(newest_seq_, seq);
    wants_status_ |= seq <= passed_seq_;  // it asks for what was answered and lost on its way
    note_gap(now_ns);
    return;
  }
  counters_.add(Counter::kFramesReceived);
  counters_.add(Counter::kBytesReceived, frame.header.frame_bytes.get());
  if (seq <= passed_seq_) {
    counters_.add(Counter::kDropDuplicate);  // S3: passed over, or a copy
    if (is_mutant(Mutant::kAppliesLate)) static_cast<void>(try_apply(frame, now_ns));
    return;
  }
  while (is_mutant(Mutant::kAppliesAhead) && passed_seq_ + 1 < seq) pass(passed_seq_ + 1, false);
  // Too far ahead to be held: what is that far behind it will not come any more.
  while (seq - passed_seq_ > ReorderBuffer::kPlaces)
    give_up_gap(seq - ReorderBuffer::kPlaces, now_ns);
  if (seq == passed_seq_ + 1) {
    if (!try_apply(frame, now_ns)) return;
    newest_seq_ = std::max(newest_seq_, seq);
    pass(seq, false);
    if (unreported_since_ns_ == 0) unreported_since_ns_ = now_ns;
    echo_time_us_ = frame.header.send_time_us.get();
    wants_status_ |= asks_for_answer(frame.header);
    apply_held(now_ns);
    note_gap(now_ns);
    return;
  }
  if (!held_.try_hold(seq, passed_seq_ + 1, bytes.first(frame.header.frame_bytes.get()))) {
    counters_.add(Counter::kDropDuplicate);
    return;
  }
  counters_.add(Counter::kFramesHeld);
  newest_seq_ = std::max(newest_seq_, seq);
  note_gap(now_ns);
}

bool MirrorStream::try_apply(const FrameView& frame, std::uint64_t now_ns) noexcept {
  constexpr std::uint8_t kPrefixKind =
      wire_kind(tables::TableKind::kSession6, Operation::kPrefixes);
  Section prefixes{};
  bool is_good = true;
  bool has_digest = false;
  std::uint8_t bad_kind = 0;
  for_each_section(frame, [&](const Section& section) {
    if (section.kind == kPrefixKind) prefixes = section;
    has_digest |= operation_of(section.kind) == Operation::kDigest;
    if (!is_good || is_sound(section, partition_, prefixes)) return;
    is_good = false;
    bad_kind = section.kind;
  });
  if (!is_good) {
    counters_.add(Counter::kDropRecord);
    counters_.add(table_of(bad_kind), KindCounter::kRefused, 1);
    return false;
  }
  ApplyContext context{partition_,
                       counters_,
                       static_cast<std::uint32_t>(now_ns / 1'000'000'000U),
                       has_digest && has_open_loss(floor_of(frame.header)),
                       kinds_,
                       Section{},
                       &MirrorStream::on_verdict,
                       this};
  for_each_section(frame, [&](const Section& section) {
    if (section.kind == kPrefixKind) context.prefixes = section;
    apply(section, context);
    if (!suspects_.empty()) [[unlikely]]
      look_at_suspects(section, now_ns);
  });
  return true;
}

void MirrorStream::pass(std::uint64_t seq, bool was_lost) noexcept {
  set_lost(seq, was_lost);
  passed_seq_ = seq;
}

void MirrorStream::apply_held(std::uint64_t now_ns) noexcept {
  for (std::span<const std::byte> bytes = held_.get(passed_seq_ + 1); !bytes.empty();
       bytes = held_.get(passed_seq_ + 1)) {
    const std::uint64_t seq = passed_seq_ + 1;
    const Decoded decoded = decode(bytes);
    const bool is_applied = try_apply(decoded.frame, now_ns);
    held_.release(seq);
    pass(seq, !is_applied);
    echo_time_us_ = decoded.frame.header.send_time_us.get();
    wants_status_ |= asks_for_answer(decoded.frame.header);
    if (!is_applied) {
      counters_.add(Counter::kFramesLost);
      wants_status_ = true;
    }
  }
}

// S3: what is missing up to last_seq or to the next frame held is lost from now on; a late copy of
// it will be dropped.
void MirrorStream::give_up_gap(std::uint64_t last_seq, std::uint64_t now_ns) noexcept {
  while (passed_seq_ < last_seq && held_.get(passed_seq_ + 1).empty()) {
    pass(passed_seq_ + 1, true);
    counters_.add(Counter::kFramesLost);
  }
  wants_status_ = true;
  apply_held(now_ns);
  gap_since_ns_ = now_ns;
}

void MirrorStream::note_gap(std::uint64_t now_ns) noexcept {
  if (!has_gap())
    gap_since_ns_ = 0;
  else if (gap_since_ns_ == 0)
    gap_since_ns_ = now_ns;
}

std::uint32_t MirrorStream::poll(std::uint64_t now_ns, Link& link) noexcept {
  if (!is_running_) return 0;
  if (has_gap() && now_ns - gap_since_ns_ >= config_.reorder_ns &&
      !is_mutant(Mutant::kNeverGivesUp)) {
    give_up_gap(newest_seq_, now_ns);
    if (!has_gap()) gap_since_ns_ = 0;
  }
  const bool is_quarter = passed_seq_ - reported_seq_ >= config_.window_frames / 4U;
  const bool is_deadline = passed_seq_ != reported_seq_ && unreported_since_ns_ != 0 &&
                           now_ns - unreported_since_ns_ >= config_.status_ns;
  if (!wants_status_ && !is_quarter && !is_deadline) return 0;
  send_status(now_ns, link);
  return 1;
}

// S4: absolute; whatever was lost of earlier ones stands in this one again.
void MirrorStream::send_status(std::uint64_t now_ns, Link& link) noexcept {
  constexpr std::size_t kFixedBytes = sizeof(FrameHeader) + sizeof(StatusBody) + sizeof(Checksum);
  const std::span<std::byte> room = link.try_frame();
  if (room.size() <= kFixedBytes) {
    counters_.add(Counter::kNoBuffer);
    return;
  }
  // A wide window over small frames: what does not fit is answered when the floor has risen.
  const std::uint64_t told_seq =
      std::min(passed_seq_, floor_seq_ + (room.size() - kFixedBytes) * 8 - 1);
  const std::uint64_t bit_count = told_seq + 1 - std::min(floor_seq_, told_seq + 1);
  const std::size_t lost_bytes = static_cast<std::size_t>((bit_count + 7) / 8);
  const std::size_t frame_bytes = kFixedBytes + lost_bytes;
  FrameHeader header{};
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(FrameType::kStatus);
  header.partition.set(config_.partition);
  header.session.set(name_.session);
  header.term.set(name_.term);
  header.seq.set(told_seq);
  header.floor_distance.set(1);
  header.send_time_us.set(static_cast<std::uint32_t>(now_ns / 1'000U));
  StatusBody status{};
  status.first_seq.set(floor_seq_);
  status.lost_bytes.set(static_cast<std::uint16_t>(lost_bytes));
  status.echo_time_us.set(echo_time_us_);
  status.digest_next_id.set(digest_next_id_);
  std::copy(verdicts_.begin(), verdicts_.end(), status.verdicts);
  std::byte* at = room.data();
  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  std::memcpy(at, &status, sizeof status);
  at += sizeof status;
  for (std::size_t byte = 0; byte < lost_bytes; ++byte) {
    unsigned bits = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      const std::uint64_t seq = floor_seq_ + byte * 8 + bit;
      if (is_mutant(Mutant::kStatusNotAbsolute) && seq <= reported_seq_) continue;
      if (seq <= told_seq && is_lost(seq)) bits |= 1U << bit;
    }
    at[byte] = static_cast<std::byte>(bits);
  }
  seal(room.first(frame_bytes));
  link.send(frame_bytes, config_.partition);
  counters_.add(Counter::kStatusSent);
  counters_.add(Counter::kBytesSent, frame_bytes);
  reported_seq_ = told_seq;
  unreported_since_ns_ = told_seq == passed_seq_ ? 0 : now_ns;
  wants_status_ = false;
}

void MirrorStream::look_at_suspects(const Section& section, std::uint64_t now_ns) noexcept {
  suspects_.look_after(section, partition_, [&](Difference difference) {
    difference.at_ns = now_ns;
    difference.partition = config_.partition;
    difference.is_at_mirror = true;
    differences_.add(difference);
  });
}

void MirrorStream::on_verdict(const ApplyContext& context, std::uint8_t table,
                              const DigestRange& record, Verdict verdict) noexcept {
  auto& stream = *static_cast<MirrorStream*>(context.sink);
  const auto round = static_cast<CheckRound>(record.round);
  if (verdict == Verdict::kDifferent && record.slot_count.get() == 1 && !context.has_open_loss &&
      round != CheckRound::kCompare)
    stream.suspects_.add(stream.partition_, {table, {record.first_slot.get(), 1}}, round);
  stream.note_verdict(record.id.get(), verdict);
}

void MirrorStream::note_verdict(std::uint32_t digest_id, Verdict verdict) noexcept {
  const std::uint32_t ahead = digest_id - digest_next_id_;
  // ids rise by one; what a lost frame had is stated anew under later ids
  if (ahead >= kDigestIdsAheadMax) return;
  // The row of verdicts moves on until its first place is this id's.
  for (std::uint32_t step = 0; step <= ahead; ++step) {
    for (std::size_t i = verdicts_.size(); i-- > 0;) {
      const unsigned carry = i == 0 ? 0U : static_cast<unsigned>(verdicts_[i - 1]) >> 6U;
      verdicts_[i] = static_cast<std::uint8_t>(static_cast<unsigned>(verdicts_[i]) << 2U | carry);
    }
  }
  digest_next_id_ = digest_id + 1;
  verdicts_[0] = static_cast<std::uint8_t>(verdicts_[0] | static_cast<unsigned>(verdict));
  wants_status_ = true;
}

}  // namespace twinplane::ha2
