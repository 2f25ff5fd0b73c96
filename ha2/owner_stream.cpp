// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/owner_stream.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "tables/base/check.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::Address4;
using tables::Address6;
using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;

constexpr std::size_t kPrefetchAhead = 16;

std::uint32_t seconds(std::uint64_t ns) noexcept { return static_cast<std::uint32_t>(ns / 1'000'000'000U); }

std::uint32_t microseconds(std::uint64_t ns) noexcept { return static_cast<std::uint32_t>(ns / 1'000U); }

Operation operation_of(std::uint8_t kind) noexcept { return static_cast<Operation>(kind % 16U); }

}  // namespace

OwnerStream::OwnerStream(const StreamConfig& config, tables::Partition& partition, FrameBuilder& builder,
                         Counters& counters)
    : config_(config),
      partition_(partition),
      builder_(builder),
      counters_(counters),
      window_mask_(config.window_frames - 1U),
      words_per_frame_(FrameBuilder::words_max(config.frame_bytes_max)),
      window_(config.window_frames),
      words_(config.window_frames * words_per_frame_) {
  TWINPLANE_CHECK(std::has_single_bit(config.window_frames), ==, true);
  TWINPLANE_CHECK(config.window_frames, >=, 4);
  TWINPLANE_CHECK(config.frame_bytes_max, >=, kFrameBytesNeeded);
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    owed_[table].resize((partition.slot_count(static_cast<TableKind>(table)) + 63U) / 64U);
}

void OwnerStream::start(StreamName name, std::uint16_t frame_bytes) noexcept {
  name_ = name;
  TWINPLANE_CHECK(frame_bytes, >=, kFrameBytesNeeded);
  frame_bytes_ = std::min(frame_bytes, config_.frame_bytes_max);
  next_seq_ = 1;
  answered_seq_ = 0;
  in_flight_records_ = 0;
  last_sent_ns_ = 0;
  bulk_end_seq_ = 0;
  const bool keeps_walk = is_mutant(Mutant::kStartKeepsWalk) && is_bulk_done_;
  is_bulk_done_ = false;
  walks_ = {};
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    const auto kind = static_cast<TableKind>(table);
    walks_[table] = {kind, 0, keeps_walk ? 0 : partition_.slot_count(kind)};
    std::ranges::fill(owed_[table], 0);
  }
  owed_count_ = 0;
  is_walk_starved_ = false;
  is_verifying_ = false;
  open_digest_count_ = redo_digest_count_ = 0;
  digest_next_id_ = 1;
  partition_.session4().slots().forget_marks();
  partition_.session6().slots().forget_marks();
  is_running_ = true;
}

void OwnerStream::resume(std::uint16_t frame_bytes) noexcept {
  TWINPLANE_CHECK(frame_bytes, >=, kFrameBytesNeeded);
  frame_bytes_ = std::min(frame_bytes, config_.frame_bytes_max);
  is_running_ = true;
}

// ---- what waits ---------------------------------------------------------------------------------------------------------

std::uint64_t OwnerStream::waiting_count() const noexcept {
  const auto& slots4 = partition_.session4().slots();
  const auto& slots6 = partition_.session6().slots();
  return slots4.changes().size() + slots6.changes().size() + slots4.refreshes().size() + slots6.refreshes().size();
}

std::uint64_t OwnerStream::oldest_change_ns(std::uint64_t now_ns) const noexcept {
  return std::min(partition_.session4().slots().changes().oldest_ns(now_ns),
                  partition_.session6().slots().changes().oldest_ns(now_ns));
}

bool OwnerStream::is_walking() const noexcept {
  return std::ranges::any_of(walks_, [](const Walk& walk) { return walk.next < walk.end; });
}

bool OwnerStream::is_ahead_of_walk(TableKind table, std::uint32_t slot) const noexcept {
  return std::ranges::any_of(
      walks_, [&](const Walk& walk) { return walk.table == table && walk.next <= slot && slot < walk.end; });
}

bool OwnerStream::is_quiet() const noexcept {
  return is_running_ && is_bulk_done_ && waiting_count() == 0 && in_flight_count() == 0;
}

std::uint64_t OwnerStream::lag_ns(std::uint64_t now_ns) const noexcept {
  std::uint64_t oldest_ns = oldest_change_ns(now_ns);
  if (in_flight_count() != 0) oldest_ns = std::min(oldest_ns, window_[(answered_seq_ + 1) & window_mask_].oldest_ns);
  return now_ns - std::min(now_ns, oldest_ns);
}

std::uint64_t OwnerStream::bulk_total_slots() const noexcept {
  return std::uint64_t{partition_.slot_count(TableKind::kSession4)} + partition_.slot_count(TableKind::kSession6);
}

std::uint64_t OwnerStream::bulk_stated_slots() const noexcept {
  std::uint64_t left = 0;
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) left += walks_[table].end - walks_[table].next;
  return bulk_total_slots() - left;
}

bool OwnerStream::is_in_flight(TableKind table, std::uint32_t slot) const noexcept {
  for (std::uint64_t seq = answered_seq_ + 1; seq < next_seq_; ++seq) {
    const InFlight& frame = window_[seq & window_mask_];
    const std::uint32_t* words = words_of(seq);
    for (std::size_t i = 0; i < frame.section_count; ++i) {
      const SentSection section = frame.sections[i];
      const bool is_run = operation_of(section.kind) == Operation::kEmptyRun;
      const bool is_statement =
          section.kind / 16U == static_cast<unsigned>(table) && operation_of(section.kind) != Operation::kDigest;
      const std::size_t step = is_run ? 2 : 1;
      for (std::size_t w = 0; w < section.word_count && is_statement; w += step)
        if (is_run ? words[w] <= slot && slot < words[w] + words[w + 1] : words[w] == slot) return true;
      words += section.word_count;
    }
  }
  return false;
}

// ---- sending ------------------------------------------------------------------------------------------------------------

bool OwnerStream::is_frame_due(std::uint64_t now_ns) const noexcept {
  if (is_walking()) return true;
  const auto& slots4 = partition_.session4().slots();
  const auto& slots6 = partition_.session6().slots();
  const std::size_t change_count = slots4.changes().size() + slots6.changes().size();
  if (change_count != 0) {
    if (in_flight_count() < config_.eager_frames) return true;
    if (change_count * sizeof(StatePatch) >= frame_bytes_) return true;
    if (now_ns - oldest_change_ns(now_ns) >= config_.flush_ns) return true;
  }
  const std::uint64_t oldest_refresh_ns = std::min(slots4.refreshes().oldest_ns(now_ns), slots6.refreshes().oldest_ns(now_ns));
  if (now_ns - oldest_refresh_ns >= config_.refresh_flush_ns) return true;
  if (!is_verifying_ || !is_bulk_done_ || open_digest_count_ == kDigestsOpenMax) return false;
  return redo_digest_count_ != 0 ||
         verify_cursor_[0] < partition_.slot_count(TableKind::kSession4) ||
         verify_cursor_[1] < partition_.slot_count(TableKind::kSession6);
}

std::uint32_t OwnerStream::poll(std::uint64_t now_ns, Link& link) noexcept {
  partition_.session4().slots().changes().stamp(now_ns);
  partition_.session6().slots().changes().stamp(now_ns);
  partition_.session4().slots().refreshes().stamp(now_ns);
  partition_.session6().slots().refreshes().stamp(now_ns);
  if (!is_running_) return 0;
  std::uint32_t sent_count = 0;
  while (sent_count < config_.frames_per_poll_max && is_frame_due(now_ns)) {
    if (in_flight_count() >= config_.window_frames) {
      counters_.add(Counter::kNoWindow);
      break;
    }
    if (!try_send_frame(now_ns, link)) break;
    ++sent_count;
  }
  send_heartbeat_if_due(now_ns, link);
  return sent_count;
}

FrameHeader OwnerStream::header_of(FrameType type, std::uint64_t seq, std::uint64_t now_ns) const noexcept {
  FrameHeader header{};
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(type);
  header.partition.set(config_.partition);
  header.session.set(name_.session);
  header.term.set(name_.term);
  header.seq.set(seq);
  header.floor_distance.set(static_cast<std::uint32_t>(seq - answered_seq_));  // floor = answered + 1
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
  frame.record_count = builder_.record_count();
  frame.states_owed = frame_states_owed_;
  frame.section_count = static_cast<std::uint8_t>(
      builder_.write_notes({words_of(seq), words_per_frame_}, {frame.sections.data(), frame.sections.size()}));
  in_flight_records_ += frame.record_count;

  FrameHeader header = header_of(FrameType::kData, seq, now_ns);
  std::uint16_t section_count = 0;
  const std::size_t body_bytes = builder_.write_sections(room.subspan(sizeof header), section_count);
  header.section_count.set(section_count);
  std::memcpy(room.data(), &header, sizeof header);
  const std::size_t frame_bytes = sizeof header + body_bytes + sizeof(Checksum);
  seal(room.first(frame_bytes));
  link.send(frame_bytes, config_.partition);
  last_sent_ns_ = now_ns;
  counters_.add(Counter::kFramesSent);
  counters_.add(Counter::kBytesSent, frame_bytes);
  counters_.add(Counter::kRecordsSent, frame.record_count);
  counters_.add(Counter::kWholesSent, builder_.count_of(Operation::kBrief) + builder_.count_of(Operation::kFull));
  counters_.add(Counter::kPatchesSent, builder_.count_of(Operation::kState) + builder_.count_of(Operation::kWindow));
  counters_.add(Counter::kEmptiesSent, builder_.count_of(Operation::kEmpty) + builder_.count_of(Operation::kEmptyRun));
  // The walk is over with this frame: what it and its predecessors state is what the bulk is.
  if (!is_bulk_done_ && bulk_end_seq_ == 0 && !is_walking()) bulk_end_seq_ = seq;
  return true;
}

// S10: live changes first, but a share of the frame is kept for refreshes and for the walk, so that neither starves.
void OwnerStream::fill_frame(std::uint64_t now_ns) noexcept {
  builder_.begin(frame_bytes_);
  frame_states_owed_ = false;
  frame_oldest_ns_ = oldest_change_ns(now_ns);
  auto& slots4 = partition_.session4().slots();
  auto& slots6 = partition_.session6().slots();
  const std::size_t walk_bytes = is_walking() ? std::size_t{frame_bytes_} * config_.bulk_share_percent / 100U : 0;
  const bool has_refresh = !slots4.refreshes().empty() || !slots6.refreshes().empty();
  const std::size_t refresh_bytes = has_refresh ? frame_bytes_ / 16U : 0;
  // A share too small for the slot at hand is none: then the walk begins the next frame.
  const bool has_walked = is_walk_starved_ && walk_on(now_ns);
  const std::size_t half_bytes = slots6.changes().empty() ? 0 : (frame_bytes_ - walk_bytes - refresh_bytes) / 2U;

  add_queued<Address4>(slots4.changes(), now_ns, walk_bytes + refresh_bytes + half_bytes);
  add_queued<Address6>(slots6.changes(), now_ns, walk_bytes + refresh_bytes);
  if (half_bytes != 0) add_queued<Address4>(slots4.changes(), now_ns, walk_bytes + refresh_bytes);
  add_queued<Address4>(slots4.refreshes(), now_ns, walk_bytes);
  add_queued<Address6>(slots6.refreshes(), now_ns, walk_bytes);
  is_walk_starved_ = !walk_on(now_ns) && !has_walked;
  // While a walk repairs what was lost of a run, the mirror's slots there are not what this side believes.
  if (is_verifying_ && is_bulk_done_ && !is_walking()) {
    add_digests<Address4>(now_ns);
    add_digests<Address6>(now_ns);
  }
}

template <class Address>
void OwnerStream::add_queued(tables::DirtyQueue& queue, std::uint64_t now_ns, std::size_t keep_bytes) noexcept {
  auto& slots = partition_.sessions<Address>().slots();
  for (std::size_t i = 0; i < std::min(kPrefetchAhead, queue.size()); ++i) slots.prefetch(queue.peek(i));
  while (!queue.empty() && builder_.left_bytes() > keep_bytes) {
    if (is_bulk_done_ && add_state_patches<Address>(queue, keep_bytes) != 0) continue;
    if (queue.size() > kPrefetchAhead) slots.prefetch(queue.peek(kPrefetchAhead));
    const std::uint32_t slot = queue.peek(0);
    const std::uint8_t marks = slots.take_marks(slot);  // S1: the mark goes first, then the slot is read
    if (marks != 0 && !add_slot<Address>(slot, marks, now_ns)) {
      slots.changeable(slot).state.marks = marks;  // no room: it waits where it was
      return;
    }
    queue.pop();
  }
}

// The usual case, as far as it goes: slots of which nothing but the state changed. Says the same as add_slot() would.
template <class Address>
std::size_t OwnerStream::add_state_patches(tables::DirtyQueue& queue, std::size_t keep_bytes) noexcept {
  auto& slots = partition_.sessions<Address>().slots();
  FrameBuilder::Run<StatePatch> patches(builder_, SessionWire<Address>::kTable, Operation::kState);
  return queue.pop_while(
      std::min(queue.size(), patches.room(keep_bytes)), kPrefetchAhead,
      [&](std::uint32_t slot) {
        auto& session = slots.changeable(slot);
        const bool is_stated = (session.flags & (tables::kLive | tables::kLocalOnly)) == tables::kLive;
        if (session.state.marks != tables::kMarkState || !is_stated) return false;
        session.state.marks = 0;  // S1: the mark goes first, then the slot is read
        StatePatch patch{{}, wire_state(session.state, session.flags)};
        patch.name.set(slot, session.state.generation);
        patches.add(patch, slot);
        return true;
      },
      [&](std::uint32_t slot) { slots.prefetch(slot); });
}

// What the marks ask for. Until the bulk is done always the whole: what the mirror holds may still be of an earlier stream, whose
// generations say nothing about this one's. A whole wipes the window edges, so those that are known go with it.
template <class Address>
bool OwnerStream::add_slot(std::uint32_t slot, std::uint8_t marks, std::uint64_t now_ns) noexcept {
  constexpr TableKind kTable = SessionWire<Address>::kTable;
  const auto& session = partition_.sessions<Address>().slots().entry(slot);
  const bool is_local = (session.flags & tables::kLocalOnly) != 0 && !is_mutant(Mutant::kSendsLocalOnly);
  const bool is_stated_empty = (session.flags & tables::kLive) == 0 || is_local;
  if (is_stated_empty) {
    EmptySlot empty;
    empty.slot.set(slot);
    if (!builder_.try_add(kTable, Operation::kEmpty, empty, slot)) return false;
    frame_states_owed_ |= owed_count_ != 0 && is_owed(static_cast<std::size_t>(kTable), slot);
    return true;
  }
  SlotName name;
  name.set(slot, session.state.generation);
  if ((marks & tables::kMarkWhole) != 0 || !(is_bulk_done_ || is_mutant(Mutant::kPatchDuringBulk))) {
    const bool wants_window = has_window(session.state) && !is_mutant(Mutant::kWholeWithoutWindow);
    if (wants_window && builder_.left_bytes() < kSlotBytesMax) return false;  // both records or none
    if (!add_whole(slot, session, now_ns)) return false;
    if (!wants_window) return true;
    WindowPatch patch = wire_window(session.state);
    patch.name = name;
    return builder_.try_add(kTable, Operation::kWindow, patch, slot);
  }
  if (builder_.left_bytes() < sizeof(StatePatch) + sizeof(WindowPatch) + 2 * sizeof(SectionHeader) &&
      (marks & tables::kMarkWindow) != 0)
    return false;
  if ((marks & tables::kMarkState) != 0) {
    const StatePatch patch{name, wire_state(session.state, session.flags)};
    if (!builder_.try_add(kTable, Operation::kState, patch, slot)) return false;
  }
  if ((marks & tables::kMarkWindow) == 0) return true;
  WindowPatch patch = wire_window(session.state);
  patch.name = name;
  return builder_.try_add(kTable, Operation::kWindow, patch, slot);
}

template <class Address>
bool OwnerStream::add_whole(std::uint32_t slot, const tables::SessionOf<Address>& session,
                            std::uint64_t now_ns) noexcept {
  using Wire = SessionWire<Address>;
  typename Wire::Brief brief;
  brief.name.set(slot, session.state.generation);
  brief.protocol = session.protocol;
  brief.tail = wire_tail(session, seconds(now_ns));
  if constexpr (sizeof(Address) == 4) {
    brief.client_side = wire_ends(session.client_side);
  } else {
    if (builder_.left_bytes() < kSlotBytesMax - sizeof(WindowPatch) - sizeof(Full6) + sizeof(typename Wire::Full)) return false;
    const int prefix_a = builder_.prefix_index(session.client_side.address_a.data());
    const int prefix_b = builder_.prefix_index(session.client_side.address_b.data());
    if (prefix_a < 0 || prefix_b < 0) return false;
    brief.client_side.prefix_a = static_cast<std::uint8_t>(prefix_a);
    brief.client_side.prefix_b = static_cast<std::uint8_t>(prefix_b);
    std::memcpy(brief.client_side.suffix_a, session.client_side.address_a.data() + 8, 8);
    std::memcpy(brief.client_side.suffix_b, session.client_side.address_b.data() + 8, 8);
    std::memcpy(brief.client_side.port_a, &session.client_side.port_a_be, 2);
    std::memcpy(brief.client_side.port_b, &session.client_side.port_b_be, 2);
  }
  bool is_added = false;
  if (is_brief(session)) {
    is_added = builder_.try_add(Wire::kTable, Operation::kBrief, brief, slot);
  } else {
    typename Wire::Full full;
    full.brief = brief;
    full.server_side = wire_ends((session.flags & tables::kTranslated) != 0 ? session.server_side : session.client_side);
    full.extra.application.set(session.state.application);
    full.extra.qos_class = session.state.qos_class;
    is_added = builder_.try_add(Wire::kTable, Operation::kFull, full, slot);
  }
  if (!is_added) return false;
  frame_states_owed_ |= owed_count_ != 0 && is_owed(static_cast<std::size_t>(Wire::kTable), slot);
  return true;
}

bool OwnerStream::walk_on(std::uint64_t now_ns) noexcept {
  bool is_over = true;
  bool has_walked = false;
  for (Walk& walk : walks_) {
    if (walk.next >= walk.end) continue;
    is_over = false;
    const std::uint32_t start = walk.next;
    if (walk.table == TableKind::kSession4)
      add_walk<Address4>(walk, now_ns);
    else
      add_walk<Address6>(walk, now_ns);
    has_walked |= walk.next != start;
    if (walk.next < walk.end) break;  // the frame is full
  }
  return is_over || has_walked;
}

// S12: the whole of each slot, full or empty, whatever else this frame says of it.
template <class Address>
void OwnerStream::add_walk(Walk& walk, std::uint64_t now_ns) noexcept {
  auto& slots = partition_.sessions<Address>().slots();
  while (walk.next < walk.end) {
    std::uint32_t run = 0;
    while (walk.next + run < walk.end && run < kRangeSlotsMax) {
      const std::uint32_t slot = walk.next + run;
      const std::uint64_t live = slots.live().live_word(slot / 64) >> (slot % 64);
      const auto step = live == 0 ? 64 - slot % 64 : static_cast<std::uint32_t>(std::countr_zero(live));
      run = std::min({run + step, walk.end - walk.next, kRangeSlotsMax});
      if (live != 0) break;
    }
    if (run != 0) {
      if (!is_mutant(Mutant::kBulkLeavesOutEmpty) && !builder_.try_add_run(walk.table, walk.next, run)) return;
      frame_states_owed_ |= owed_count_ != 0;
      walk.next += run;
      continue;
    }
    if (walk.next + kPrefetchAhead < walk.end) slots.prefetch(walk.next + kPrefetchAhead);
    const std::uint8_t marks = slots.take_marks(walk.next);
    if (!add_slot<Address>(walk.next, tables::kMarkWhole, now_ns)) {
      slots.changeable(walk.next).state.marks = marks;
      return;
    }
    ++walk.next;
  }
}

void OwnerStream::send_heartbeat_if_due(std::uint64_t now_ns, Link& link) noexcept {
  if (in_flight_count() == 0 || now_ns - last_sent_ns_ < config_.heartbeat_ns) return;
  if (is_mutant(Mutant::kNoHeartbeat)) return;
  if (is_mutant(Mutant::kHeartbeatNeedsWindow) && in_flight_count() == config_.window_frames) return;
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
  counters_.add(Counter::kHeartbeatsSent);
}

// ---- answers ------------------------------------------------------------------------------------------------------------

void OwnerStream::on_status(const FrameView& frame, std::uint64_t now_ns) noexcept {
  StatusBody status;
  if (!is_running_ || !try_read_body(frame, status) ||
      frame.body.size() != sizeof status + status.lost_bytes.get()) {
    counters_.add(Counter::kDropBody);
    return;
  }
  const std::uint64_t passed_seq = frame.header.seq.get();
  const std::uint64_t first_seq = status.first_seq.get();
  if (passed_seq >= next_seq_ || first_seq == 0 || first_seq > answered_seq_ + 1) {
    counters_.add(Counter::kDropSeqRange);
    return;
  }
  if (first_seq <= passed_seq && (passed_seq - first_seq) / 8 >= status.lost_bytes.get()) {
    counters_.add(Counter::kDropBody);
    return;
  }
  counters_.add(Counter::kStatusReceived);
  if (passed_seq < answered_seq_) return;  // overtaken: a later one has told all that this one does
  const std::byte* const lost = frame.body.data() + sizeof status;
  for (std::uint64_t seq = answered_seq_ + 1; seq <= passed_seq; ++seq) {
    const std::uint64_t bit = seq - first_seq;
    const bool is_lost = (static_cast<unsigned>(lost[bit / 8]) >> (bit % 8) & 1U) != 0;
    const InFlight& sent = slot_of(seq);
    in_flight_records_ -= sent.record_count;
    if (is_lost && !is_mutant(Mutant::kLostIsApplied))
      answer_lost(sent);
    else
      answer_applied(sent);
    answered_seq_ = seq;
  }
  round_trip_us_ = microseconds(now_ns) - status.echo_time_us.get();
  take_verdicts(status);
  finish_bulk_if_answered();
}

// S5: each slot of a lost frame is dirty again, as a whole value, always.
void OwnerStream::answer_lost(const InFlight& frame) noexcept {
  counters_.add(Counter::kFramesReportedLost);
  if (is_mutant(Mutant::kNoRepair)) return;
  const std::uint32_t* words = words_of(frame.seq);
  for (std::size_t i = 0; i < frame.section_count; ++i) {
    const SentSection section = frame.sections[i];
    if (section.kind / 16U == static_cast<unsigned>(TableKind::kSession4))
      repair_section<Address4>(section, words);
    else
      repair_section<Address6>(section, words);
    words += section.word_count;
  }
}

template <class Address>
void OwnerStream::repair_section(SentSection section, const std::uint32_t* words) noexcept {
  if (operation_of(section.kind) == Operation::kDigest) return;
  auto& slots = partition_.sessions<Address>().slots();
  if (operation_of(section.kind) != Operation::kEmptyRun) {
    for (std::size_t i = 0; i < section.word_count; ++i) {
      if (i + kPrefetchAhead < section.word_count) slots.prefetch(words[i + kPrefetchAhead]);
      mark_repair<Address>(words[i]);
    }
    return;
  }
  if (is_mutant(Mutant::kRepairForgetsRuns)) return;
  for (std::size_t i = 0; i + 1 < section.word_count; i += 2) {
    const std::uint32_t first_slot = words[i];
    const std::uint32_t end_slot = first_slot + words[i + 1];
    const auto free_walk = std::ranges::find_if(walks_.begin() + tables::kTableKindCount, walks_.end(),
                                                [](const Walk& walk) { return walk.next >= walk.end; });
    if (free_walk == walks_.end()) {
      for (std::uint32_t slot = first_slot; slot < end_slot; ++slot) mark_repair<Address>(slot);
      continue;
    }
    *free_walk = {SessionWire<Address>::kTable, first_slot, end_slot};
    auto& owed = owed_[static_cast<std::size_t>(SessionWire<Address>::kTable)];
    for (std::uint32_t slot = first_slot; slot < end_slot; ++slot) {
      std::uint64_t& word = owed[slot / 64];
      const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
      owed_count_ += (word & bit) == 0 ? 1 : 0;
      word |= bit;
    }
    counters_.add(Counter::kRepairsMarked);
  }
}

template <class Address>
void OwnerStream::mark_repair(std::uint32_t slot) noexcept {
  const auto mark = is_mutant(Mutant::kRepairByPatch) ? tables::kMarkState : tables::kMarkWhole;
  partition_.sessions<Address>().slots().mark(slot, mark);
  std::uint64_t& word = owed_[static_cast<std::size_t>(SessionWire<Address>::kTable)][slot / 64];
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  owed_count_ += (word & bit) == 0 ? 1 : 0;
  word |= bit;
  counters_.add(Counter::kRepairsMarked);
}

void OwnerStream::answer_applied(const InFlight& frame) noexcept {
  counters_.add(Counter::kFramesAnswered);
  if (!frame.states_owed || owed_count_ == 0) return;
  const std::uint32_t* words = words_of(frame.seq);
  for (std::size_t i = 0; i < frame.section_count; ++i) {
    settle_section(frame.sections[i], words);
    words += frame.sections[i].word_count;
  }
}

// A repair is settled by a whole statement that arrived; a patch settles nothing.
void OwnerStream::settle_section(SentSection section, const std::uint32_t* words) noexcept {
  const std::size_t table = section.kind / 16U;
  switch (operation_of(section.kind)) {
    case Operation::kBrief:
    case Operation::kFull:
    case Operation::kEmpty:
      for (std::size_t i = 0; i < section.word_count; ++i) settle_slot(table, words[i]);
      break;
    case Operation::kEmptyRun:
      for (std::size_t i = 0; i + 1 < section.word_count; i += 2)
        for (std::uint32_t slot = words[i]; slot < words[i] + words[i + 1]; ++slot) settle_slot(table, slot);
      break;
    default: break;
  }
}

void OwnerStream::settle_slot(std::size_t table, std::uint32_t slot) noexcept {
  if (!is_owed(table, slot)) return;
  owed_[table][slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  --owed_count_;
}

void OwnerStream::finish_bulk_if_answered() noexcept {
  if (is_bulk_done_ || bulk_end_seq_ == 0) return;
  if (answered_seq_ < bulk_end_seq_ && !is_mutant(Mutant::kBulkDoneUnanswered)) return;
  if ((owed_count_ != 0 || is_walking()) && !is_mutant(Mutant::kBulkDoneWhileOwed)) return;
  is_bulk_done_ = true;
}

// ---- verification -------------------------------------------------------------------------------------------------------

void OwnerStream::start_verify() noexcept {
  if (!is_running_) return;
  is_verifying_ = true;
  verify_cursor_ = {};
  open_digest_count_ = redo_digest_count_ = 0;
  verify_equal_count_ = verify_different_count_ = 0;
}

OwnerStream::Verification OwnerStream::verification() const noexcept {
  std::uint32_t range_count = 0;
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    range_count += (partition_.slot_count(static_cast<TableKind>(table)) + kDigestSlots - 1) / kDigestSlots;
  return {is_verifying_, range_count, verify_equal_count_, verify_different_count_};
}

// Flushes what is dirty in the range, then states its digest: the mirror compares at exactly this point of the stream.
template <class Address>
void OwnerStream::add_digests(std::uint64_t now_ns) noexcept {
  constexpr TableKind kTable = SessionWire<Address>::kTable;
  auto& slots = partition_.sessions<Address>().slots();
  std::uint32_t& cursor = verify_cursor_[static_cast<std::size_t>(kTable)];
  for (int added = 0; added < 4; ++added) {
    const bool is_redo = redo_digest_count_ != 0 && redo_digests_[redo_digest_count_ - 1].table == static_cast<std::uint8_t>(kTable);
    if (!is_redo && (cursor >= slots.slot_count() || open_digest_count_ + redo_digest_count_ >= kDigestsOpenMax)) return;
    const SlotRange range = is_redo ? redo_digests_[redo_digest_count_ - 1].range
                                    : SlotRange{cursor, std::min(kDigestSlots, slots.slot_count() - cursor)};
    for (std::uint32_t slot = range.first_slot; slot < range.first_slot + range.slot_count; ++slot) {
      if (is_mutant(Mutant::kDigestWithoutFlush)) break;
      const std::uint8_t marks = slots.take_marks(slot);
      if (marks == 0) continue;
      if (!add_slot<Address>(slot, marks, now_ns)) {
        slots.changeable(slot).state.marks = marks;
        return;
      }
    }
    DigestRange record;
    record.id.set(digest_next_id_);
    record.first_slot.set(range.first_slot);
    record.slot_count.set(range.slot_count);
    record.digest.set(digest_of(slots, range));
    if (!builder_.try_add(kTable, Operation::kDigest, record, range.first_slot)) return;
    open_digests_[open_digest_count_++] = {digest_next_id_++, static_cast<std::uint8_t>(kTable), range, next_seq_};
    if (is_redo)
      --redo_digest_count_;
    else
      cursor += range.slot_count;
  }
}

void OwnerStream::take_verdicts(const StatusBody& status) noexcept {
  const std::uint32_t next_id = status.digest_next_id.get();
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < open_digest_count_; ++i) {
    const OpenDigest open = open_digests_[i];
    if (open.seq > answered_seq_) {
      open_digests_[kept++] = open;
      continue;
    }
    const std::uint32_t back = next_id - 1 - open.id;  // 0 = the newest the mirror saw; huge when it never saw this one
    const auto verdict = back < 64 ? static_cast<Verdict>(status.verdicts[back / 4] >> (back % 4 * 2) & 3U) : Verdict::kNone;
    if (verdict == Verdict::kEqual) {
      ++verify_equal_count_;
    } else if (verdict == Verdict::kDifferent) {
      ++verify_different_count_;
      for (std::uint32_t slot = open.range.first_slot; slot < open.range.first_slot + open.range.slot_count; ++slot) {
        if (open.table == static_cast<std::uint8_t>(TableKind::kSession4))
          mark_repair<Address4>(slot);
        else
          mark_repair<Address6>(slot);
      }
    } else {
      redo_digests_[redo_digest_count_++] = open;  // lost, or the mirror could not tell: once more
    }
  }
  open_digest_count_ = kept;
  if (!is_verifying_) return;
  const Verification done = verification();
  if (done.equal_count + done.different_count >= done.range_count) is_verifying_ = false;
}

}  // namespace twinplane::ha2
