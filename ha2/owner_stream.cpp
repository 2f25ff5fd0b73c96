// SPDX-License-Identifier: BSD-3-Clause
// When a frame goes and what it is made of. Records: owner_records.cpp; answers and repair:
// owner_answers.cpp; verification: owner_verify.cpp.
#include "ha2/owner_stream.hpp"

#include <algorithm>
#include <bit>

#include "tables/base/check.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;

}  // namespace

OwnerStream::OwnerStream(const StreamConfig& config, tables::Partition& partition,
                         FrameBuilder& builder, Counters& counters, DifferenceLog& differences)
    : config_(config),
      partition_(partition),
      builder_(builder),
      counters_(counters),
      differences_(differences),
      pace_(config.slowest_ns),
      window_mask_(config.window_frames - 1U),
      words_per_frame_(FrameBuilder::words_max(config.frame_bytes_max)),
      window_(config.window_frames),
      words_(config.window_frames * words_per_frame_),
      bulk_share_(config.cost_clock, config.bulk_core_ppm),
      audit_share_(config.cost_clock, config.audit_core_ppm) {
  TWINPLANE_CHECK(std::has_single_bit(config.window_frames), ==, true);
  TWINPLANE_CHECK(config.window_frames, >=, 4);
  TWINPLANE_CHECK(config.frame_bytes_max, >=, frame_bytes_needed(kinds_in(partition)));
  TWINPLANE_CHECK(config.compare_slots - 1U, <, kRangeSlotsMax);
  TWINPLANE_CHECK(config.verify_slots - 1U, <, kRangeSlotsMax);
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    owed_[table].resize((partition.slot_count(static_cast<TableKind>(table)) + 63U) / 64U);
  list_tables(tables::KindSet::all());
}

tables::KindSet OwnerStream::kinds_in(const tables::Partition& partition) noexcept {
  tables::KindSet kinds;
  tables::for_each_kind([&](auto kind) {
    if (partition.slot_count(kind) != 0) kinds.add(kind);
  });
  return kinds;
}

void OwnerStream::list_tables(tables::KindSet kinds) noexcept {
  table_count_ = plain_count_ = first_plain_ = 0;
  RangeChecks::SlotCounts slot_counts{};
  const auto list = [&](bool is_plain) {
    tables::for_each_kind([&](auto kind) {
      auto& slots = partition_.slots<kind()>();
      if (tables::is_session(kind) == is_plain || !kinds.has(kind) || slots.slot_count() == 0)
        return;
      tables_[table_count_++] = {kind, &slots.changes(), &slots.refreshes()};
      plain_count_ += is_plain ? 1 : 0;
      if (is_plain && is_mutant(Mutant::kCompareLeavesOutPlain)) return;
      slot_counts[tables::index_of(kind)] = slots.slot_count();
    });
  };
  list(true);
  list(false);
  checks_.set_slot_counts(slot_counts);
}

void OwnerStream::start(StreamName name, std::uint16_t frame_bytes, tables::KindSet kinds,
                        Beginning beginning, bool goes_on_owning) noexcept {
  TWINPLANE_CHECK(frame_bytes, >=, frame_bytes_needed(kinds & kinds_in(partition_)));
  const bool is_bulk = beginning == Beginning::kBulk;
  checks_.abandon();
  list_tables(kinds);
  // A walk states all; a comparison is spared what is known to differ.
  if (is_bulk)
    tables::for_each_kind([this](auto kind) { partition_.slots<kind()>().forget_marks(); });
  else if (goes_on_owning)
    mark_in_flight();
  reset_walks(is_bulk);
  name_ = name;
  frame_bytes_ = std::min(frame_bytes, config_.frame_bytes_max);
  next_seq_ = 1;
  answered_seq_ = 0;
  last_lost_seq_ = 0;
  in_flight_records_ = 0;
  last_sent_ns_ = 0;
  pace_.start();
  unheard_beats_ = 0;
  bulk_end_seq_ = 0;
  is_bulk_done_ = false;
  is_walk_starved_ = false;
  digest_next_id_ = config_.first_digest_id;
  stuck_frame_count_ = 0;
  beginning_ = beginning;
  is_compare_over_ = false;
  if (!is_bulk) checks_.begin(CheckRound::kCompare, config_.compare_slots);
  if (tables().empty()) {  // nothing is kept equal here, and so it is
    is_bulk_done_ = true;
    checks_.abandon();
  }
  ++stream_number_;
  wants_answer_ = false;
  wants_verify_ = false;
  verified_ = {};
  is_verified_ = false;
  audit_count_ = audit_began_ns_ = audit_ended_ns_ = 0;
  is_running_ = true;
}

void OwnerStream::reset_walks(bool is_bulk) noexcept {
  const bool is_spared = !is_bulk || (is_mutant(Mutant::kStartKeepsWalk) && is_bulk_done_);
  walks_ = {};
  open_walk_count_ = 0;
  for (const Table& table : tables()) {
    if (is_mutant(Mutant::kWalkLeavesOutPlain) && !tables::is_session(table.kind)) continue;
    Walk& walk = walks_[tables::index_of(table.kind)];
    walk = {table.kind, 0, is_spared ? 0 : partition_.slot_count(table.kind)};
    open_walk_count_ += walk.end != 0 ? 1 : 0;
  }
  if (owed_count_ != 0)
    for (auto& owed : owed_) std::ranges::fill(owed, 0);
  owed_count_ = 0;
}

// What the stream before was not answered on is dirty. Runs of empty slots are left to the
// comparison.
void OwnerStream::mark_in_flight() noexcept {
  for (std::uint64_t seq = answered_seq_ + 1; seq < next_seq_; ++seq) {
    const InFlight& frame = slot_of(seq);
    const std::uint32_t* words = words_of(seq);
    for (std::size_t i = 0; i < frame.section_count; ++i) {
      const SentSection section = frame.sections[i];
      const Operation operation = operation_of(section.kind);
      if (operation != Operation::kEmptyRun && operation != Operation::kDigest)
        tables::with_kind(table_of(section.kind), [&](auto kind) {
          for (std::size_t w = 0; w < section.word_count; ++w)
            partition_.slots<kind()>().mark(words[w], tables::kMarkWhole);
        });
      words += section.word_count;
    }
  }
}

void OwnerStream::resume(std::uint16_t frame_bytes) noexcept {
  TWINPLANE_CHECK(frame_bytes, >=, kFrameBytesMin);
  frame_bytes_ = std::min(frame_bytes, config_.frame_bytes_max);
  unheard_beats_ = 0;
  is_running_ = true;
}

// ---- what waits ---------------------------------------------------------------------------------

std::uint64_t OwnerStream::waiting_count() const noexcept {
  std::uint64_t count = 0;
  for (const Table& table : tables()) count += table.changes->size() + table.refreshes->size();
  return count;
}

std::uint64_t OwnerStream::oldest_change_ns(std::uint64_t now_ns) const noexcept {
  std::uint64_t oldest_ns = now_ns;
  for (const Table& table : tables())
    oldest_ns = std::min(oldest_ns, table.changes->oldest_ns(now_ns));
  return oldest_ns;
}

bool OwnerStream::is_ahead_of_walk(TableKind table, std::uint32_t slot) const noexcept {
  if (checks_.round() == CheckRound::kCompare &&
      checks_.is_untold(static_cast<std::size_t>(table), slot))
    return true;
  return std::ranges::any_of(walks_, [&](const Walk& walk) {
    return walk.table == table && walk.next <= slot && slot < walk.end;
  });
}

bool OwnerStream::is_quiet() const noexcept {
  return is_running_ && is_bulk_done_ && waiting_count() == 0 && in_flight_records_ == 0 &&
         !is_walking();
}

std::uint64_t OwnerStream::lag_ns(std::uint64_t now_ns) const noexcept {
  std::uint64_t oldest_ns = oldest_change_ns(now_ns);
  if (in_flight_count() != 0)
    oldest_ns = std::min(oldest_ns, window_[(answered_seq_ + 1) & window_mask_].oldest_ns);
  return now_ns - std::min(now_ns, oldest_ns);
}

std::uint64_t OwnerStream::bulk_total_slots() const noexcept {
  std::uint64_t count = 0;
  for (const Table& table : tables()) count += partition_.slot_count(table.kind);
  return count;
}

std::uint64_t OwnerStream::bulk_stated_slots() const noexcept {
  if (checks_.round() == CheckRound::kCompare) return checks_.passed_slots();
  std::uint64_t left = 0;
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    left += walks_[table].end - walks_[table].next;
  return bulk_total_slots() - left;
}

bool OwnerStream::is_in_flight(TableKind table, std::uint32_t slot) const noexcept {
  for (std::uint64_t seq = answered_seq_ + 1; seq < next_seq_; ++seq) {
    const InFlight& frame = window_[seq & window_mask_];
    const std::uint32_t* words = words_of(seq);
    for (std::size_t i = 0; i < frame.section_count; ++i) {
      const SentSection section = frame.sections[i];
      const bool is_run = operation_of(section.kind) == Operation::kEmptyRun;
      const bool is_statement = section.kind / 16U == static_cast<unsigned>(table) &&
                                operation_of(section.kind) != Operation::kDigest;
      const std::size_t step = is_run ? 2 : 1;
      for (std::size_t w = 0; w < section.word_count && is_statement; w += step)
        if (is_run ? words[w] <= slot && slot < words[w] + words[w + 1] : words[w] == slot)
          return true;
      words += section.word_count;
    }
  }
  return false;
}

// ---- sending ------------------------------------------------------------------------------------

bool OwnerStream::is_frame_due(std::uint64_t now_ns) const noexcept {
  if (is_walking() && bulk_share_.is_left()) return true;
  std::size_t change_count = 0;
  for (const Table& table : tables()) change_count += table.changes->size();
  if (change_count != 0) {
    if (wants_answer_ || in_flight_count() < config_.eager_frames) return true;
    if (change_count * sizeof(StatePatch) >= frame_bytes_) return true;
    if (now_ns - oldest_change_ns(now_ns) >= config_.flush_ns) return true;
  }
  for (const Table& table : tables())
    if (now_ns - table.refreshes->oldest_ns(now_ns) >= config_.refresh_flush_ns) return true;
  return is_check_due(now_ns);
}

std::uint32_t OwnerStream::poll(std::uint64_t now_ns, Link& link) noexcept {
  for (const Table& table : tables()) {
    table.changes->stamp(now_ns);
    table.refreshes->stamp(now_ns);
  }
  if (!is_running_) return 0;
  bulk_share_.accrue(now_ns);
  audit_share_.accrue(now_ns);
  begin_round_if_due(now_ns);
  std::uint32_t sent_count = 0;
  while (sent_count < config_.frames_per_poll_max && is_frame_due(now_ns)) {
    if (in_flight_count() >= config_.window_frames) {
      counters_.add(Counter::kNoWindow);
      break;
    }
    if (!pace_.may_send(now_ns)) {
      counters_.add(Counter::kPaced);
      break;
    }
    if (!try_send_frame(now_ns, link)) break;
    ++sent_count;
  }
  if (sent_count != 0) wants_answer_ = false;  // who still waits says so again
  send_heartbeat_if_due(now_ns, link);
  return sent_count;
}

FrameHeader OwnerStream::header_of(FrameType type, std::uint64_t seq,
                                   std::uint64_t now_ns) const noexcept {
  FrameHeader header{};
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(type);
  header.partition.set(config_.partition);
  header.session.set(name_.session);
  header.term.set(name_.term);
  header.seq.set(seq);
  // floor = answered + 1
  header.floor_distance.set(static_cast<std::uint32_t>(seq - answered_seq_));
  if (is_mutant(Mutant::kFloorTooHigh)) header.floor_distance.set(1);
  header.send_time_us.set(microseconds(now_ns));
  return header;
}

bool OwnerStream::try_send_frame(std::uint64_t now_ns, Link& link) noexcept {
  const std::span<std::byte> room = link.try_frame();
  if (room.size() < frame_bytes_) {
    counters_.add(Counter::kNoBuffer);
    if (is_mutant(Mutant::kChangeLostWithoutBuffer)) fill_frame(now_ns);
    return false;
  }
  fill_frame(now_ns);
  if (builder_.empty()) return false;
  const std::uint64_t seq = next_seq_++;
  InFlight& frame = slot_of(seq);
  frame.seq = seq;
  frame.sent_ns = now_ns;
  frame.oldest_ns = std::min(frame_oldest_ns_, now_ns);
  frame.record_count = builder_.record_count() - builder_.count_of(Operation::kDigest);
  frame.states_owed = frame_states_owed_;
  frame.was_lost = false;
  frame.section_count = static_cast<std::uint8_t>(builder_.write_notes(
      {words_of(seq), words_per_frame_}, {frame.sections.data(), frame.sections.size()}));
  in_flight_records_ += frame.record_count;

  FrameHeader header = header_of(FrameType::kData, seq, now_ns);
  if (wants_answer_) header.floor_distance.set(header.floor_distance.get() | kAnswerAtOnce);
  std::uint16_t section_count = 0;
  const std::size_t body_bytes =
      builder_.write_sections(room.subspan(sizeof header), section_count);
  header.section_count.set(section_count);
  std::memcpy(room.data(), &header, sizeof header);
  const std::size_t frame_bytes = sizeof header + body_bytes + sizeof(Checksum);
  seal(room.first(frame_bytes));
  link.send(frame_bytes, config_.partition);
  last_sent_ns_ = now_ns;
  pace_.note_sent(now_ns);
  counters_.add(Counter::kFramesSent);
  counters_.add(Counter::kBytesSent, frame_bytes);
  counters_.add(Counter::kRecordsSent, builder_.record_count());
  builder_.for_each_section([this](TableKind table, Operation operation, std::uint32_t count) {
    const auto group = static_cast<unsigned>(group_of(operation));
    if (group == static_cast<unsigned>(RecordGroup::kNone)) return;
    counters_.add(static_cast<Counter>(static_cast<unsigned>(Counter::kWholesSent) + group), count);
    counters_.add(table,
                  static_cast<KindCounter>(static_cast<unsigned>(KindCounter::kWholesSent) + group),
                  count);
  });
  // The walk is over with this frame: what it and its predecessors state is what the bulk is.
  if (!is_bulk_done_ && bulk_end_seq_ == 0 && !is_walking()) bulk_end_seq_ = seq;
  return true;
}

// S10: live changes first, but a share of the frame is kept for refreshes, for the walk and for
// digests, so that none of them starves.
void OwnerStream::fill_frame(std::uint64_t now_ns) noexcept {
  builder_.begin(frame_bytes_);
  frame_states_owed_ = false;
  frame_oldest_ns_ = oldest_change_ns(now_ns);
  const bool walks = is_walking() && bulk_share_.is_left();
  const bool checks = is_check_due(now_ns);
  const std::size_t share_bytes = std::size_t{frame_bytes_} * config_.bulk_share_percent / 100U;
  const std::size_t walk_bytes = walks ? share_bytes : checks ? check_bytes() : 0;
  const bool has_refresh =
      std::ranges::any_of(tables(), [](const Table& table) { return !table.refreshes->empty(); });
  const std::size_t refresh_bytes = has_refresh ? frame_bytes_ / 16U : 0;
  const auto go_on = [&] {
    bool is_done = true;
    if (walks) is_done &= bulk_share_.spend([&] { return walk_on(now_ns); });
    if (checks) is_done &= check_share().spend([&] { return add_checks(now_ns); });
    return is_done;
  };
  // A share too small for what is at hand is none: then walk and digests begin the next frame.
  const bool has_gone_on = is_walk_starved_ && go_on();
  add_changes(now_ns, walk_bytes + refresh_bytes);
  for (const Table& table : tables()) add_queued(table.kind, *table.refreshes, now_ns, walk_bytes);
  is_walk_starved_ = !go_on() && !has_gone_on;
}

// Plain kinds are few and much depends on each: they go first, by turns, in up to half of the room;
// then the sessions of both families, of which neither takes all; then what was held back.
void OwnerStream::add_changes(std::uint64_t now_ns, std::size_t keep_bytes) noexcept {
  const std::span<const Table> plain = tables().first(plain_count_);
  const std::span<const Table> sessions = tables().subspan(plain_count_);
  const auto are_waiting = [](std::span<const Table> rest) {
    return std::ranges::any_of(rest, [](const Table& table) { return !table.changes->empty(); });
  };
  const auto half_of_room = [&] {
    return (builder_.left_bytes() - std::min(keep_bytes, builder_.left_bytes())) / 2U;
  };
  bool was_held_back = false;
  const auto add = [&](const Table& table, std::size_t others_bytes) {
    if (table.changes->empty()) return;
    add_queued(table.kind, *table.changes, now_ns, keep_bytes + others_bytes);
    was_held_back |= others_bytes != 0;
  };
  if (!plain.empty()) {
    const std::size_t sessions_bytes = are_waiting(sessions) ? half_of_room() : 0;
    for (std::size_t i = 0; i < plain.size(); ++i)
      add(plain[(first_plain_ + i) % plain.size()], sessions_bytes);
    first_plain_ = (first_plain_ + 1) % plain.size();
  }
  for (std::size_t i = 0; i < sessions.size(); ++i)
    add(sessions[i], are_waiting(sessions.subspan(i + 1)) ? half_of_room() : 0);
  if (!was_held_back) return;
  for (const Table& table : tables()) add(table, 0);
}

void OwnerStream::send_heartbeat_if_due(std::uint64_t now_ns, Link& link) noexcept {
  // On a link that passes little, or nothing, they must not be all that it passes.
  const std::uint64_t usual_ns = std::max<std::uint64_t>(config_.heartbeat_ns, pace_.interval_ns());
  const std::uint64_t beat_ns =
      std::min<std::uint64_t>(usual_ns << std::min(unheard_beats_, 16U),
                              std::max(config_.heartbeat_ns, config_.slowest_ns));
  if (in_flight_count() == 0 || now_ns - last_sent_ns_ < beat_ns) return;
  if (is_mutant(Mutant::kNoHeartbeat)) return;
  if (is_mutant(Mutant::kHeartbeatNeedsWindow) && in_flight_count() == config_.window_frames)
    return;
  const std::span<std::byte> room = link.try_frame();
  if (room.size() < kFrameBytesMin) {
    counters_.add(Counter::kNoBuffer);
    return;
  }
  const FrameHeader header = header_of(FrameType::kHeartbeat, next_seq_ - 1, now_ns);
  std::memcpy(room.data(), &header, sizeof header);
  seal(room.first(kFrameBytesMin));
  link.send(kFrameBytesMin, config_.partition);
  last_sent_ns_ = now_ns;
  pace_.note_sent(now_ns);
  ++unheard_beats_;
  counters_.add(Counter::kHeartbeatsSent);
}

}  // namespace twinplane::ha2
