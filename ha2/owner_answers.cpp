// SPDX-License-Identifier: BSD-3-Clause
// What a status says of each frame, and the repair of those that were lost: rules S4, S5, S12.
#include <algorithm>

#include "ha2/owner_stream.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;

}  // namespace

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
  heard_ = {now_ns, frame.header.send_time_us.get()};
  const std::byte* const lost = frame.body.data() + sizeof status;
  for (std::uint64_t seq = answered_seq_ + 1; seq <= passed_seq; ++seq) {
    const std::uint64_t bit = seq - first_seq;
    const bool is_lost = (static_cast<unsigned>(lost[bit / 8]) >> (bit % 8) & 1U) != 0;
    InFlight& sent = slot_of(seq);
    sent.was_lost = is_lost;
    if (is_lost) last_lost_seq_ = seq;
    in_flight_records_ -= sent.record_count;
    pace_.note_answer(seq, is_lost, next_seq_);
    if (is_lost && !is_mutant(Mutant::kLostIsApplied))
      answer_lost(sent);
    else
      answer_applied(sent);
    answered_seq_ = seq;
    unheard_beats_ = 0;
  }
  round_trip_us_ = microseconds(now_ns) - status.echo_time_us.get();
  take_verdicts(status, now_ns);
  finish_bulk_if_answered();
}

// S5: each slot of a lost frame is dirty again, as a whole value, always.
void OwnerStream::answer_lost(const InFlight& frame) noexcept {
  counters_.add(Counter::kFramesReportedLost);
  if (is_mutant(Mutant::kNoRepair)) return;
  // S12: a bulk waits for what was said by its end. A comparison waits for the ranges that it found
  // to differ, and not for changes: where those are lost all the time it would never be done.
  const bool is_of_bulk =
      beginning_ == Beginning::kBulk && (bulk_end_seq_ == 0 || frame.seq <= bulk_end_seq_);
  const Owing owing =
      is_of_bulk || is_mutant(Mutant::kLateLossesOwed) ? Owing::kOwed : Owing::kAsBefore;
  const std::uint32_t* words = words_of(frame.seq);
  for (std::size_t i = 0; i < frame.section_count; ++i) {
    const SentSection section = frame.sections[i];
    if (checks_.has_open()) doubt_section(section, words, frame.seq);
    tables::with_kind(table_of(section.kind),
                      [&](auto kind) { repair_section<kind()>(section, words, owing); });
    words += section.word_count;
  }
}

void OwnerStream::doubt_section(SentSection section, const std::uint32_t* words,
                                std::uint64_t seq) noexcept {
  if (operation_of(section.kind) == Operation::kDigest) return;
  const auto table = static_cast<std::uint8_t>(section.kind / 16U);
  const bool is_run = operation_of(section.kind) == Operation::kEmptyRun;
  for (std::size_t i = 0; i < section.word_count; i += is_run ? 2 : 1)
    checks_.doubt(table, {words[i], is_run ? words[i + 1] : 1}, seq);
}

template <TableKind kKind>
void OwnerStream::repair_section(SentSection section, const std::uint32_t* words,
                                 Owing owing) noexcept {
  if (operation_of(section.kind) == Operation::kDigest) return;
  if (is_mutant(Mutant::kRepairForgetsPlain) && !tables::is_session(kKind)) return;
  auto& slots = partition_.slots<kKind>();
  if (operation_of(section.kind) != Operation::kEmptyRun) {
    for (std::size_t i = 0; i < section.word_count; ++i) {
      if (i + kPrefetchAhead < section.word_count) slots.prefetch(words[i + kPrefetchAhead]);
      mark_repair<kKind>(words[i], owing);
    }
    return;
  }
  if (is_mutant(Mutant::kRepairForgetsRuns)) return;
  for (std::size_t i = 0; i + 1 < section.word_count; i += 2) {
    const std::uint32_t first_slot = words[i];
    const std::uint32_t end_slot = first_slot + words[i + 1];
    if (!try_open_walk(kKind, {first_slot, words[i + 1]}))
      for (std::uint32_t slot = first_slot; slot < end_slot; ++slot)
        mark_repair<kKind>(slot, owing);
  }
}

// All slots of the range will be stated anew; false when no place for another walk is free.
bool OwnerStream::try_open_walk(TableKind table, const SlotRange& range) noexcept {
  const auto free_walk =
      std::ranges::find_if(walks_.begin() + tables::kTableKindCount, walks_.end(),
                           [](const Walk& walk) { return walk.next >= walk.end; });
  if (free_walk == walks_.end()) return false;
  *free_walk = {table, range.first_slot, range.first_slot + range.slot_count};
  ++open_walk_count_;
  auto& owed = owed_[static_cast<std::size_t>(table)];
  for (std::uint32_t slot = free_walk->next; slot < free_walk->end; ++slot) {
    std::uint64_t& word = owed[slot / 64];
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    owed_count_ += (word & bit) == 0 ? 1 : 0;
    word |= bit;
  }
  counters_.add(Counter::kRepairsMarked);
  counters_.add(table, KindCounter::kRepairsMarked, 1);
  return true;
}

template <TableKind kKind>
void OwnerStream::mark_repair(std::uint32_t slot, Owing owing) noexcept {
  const auto mark = is_mutant(Mutant::kRepairByPatch) ? tables::kMarkState : tables::kMarkWhole;
  partition_.slots<kKind>().mark(slot, mark);
  counters_.add(Counter::kRepairsMarked);
  counters_.add(kKind, KindCounter::kRepairsMarked, 1);
  if (owing == Owing::kAsBefore) return;
  std::uint64_t& word = owed_[tables::index_of(kKind)][slot / 64];
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  owed_count_ += (word & bit) == 0 ? 1 : 0;
  word |= bit;
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
        for (std::uint32_t slot = words[i]; slot < words[i] + words[i + 1]; ++slot)
          settle_slot(table, slot);
      break;
    default:
      break;
  }
}

void OwnerStream::settle_slot(std::size_t table, std::uint32_t slot) noexcept {
  if (!is_owed(table, slot)) return;
  owed_[table][slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  --owed_count_;
}

void OwnerStream::finish_bulk_if_answered() noexcept {
  if (is_bulk_done_) return;
  const bool is_bulk = beginning_ == Beginning::kBulk;
  if (is_bulk ? bulk_end_seq_ == 0 : !is_compare_over_) return;
  if (is_bulk && answered_seq_ < bulk_end_seq_ && !is_mutant(Mutant::kBulkDoneUnanswered)) return;
  if ((owed_count_ != 0 || is_walking()) &&
      !is_mutant(is_bulk ? Mutant::kBulkDoneWhileOwed : Mutant::kCompareDoneWhileOwed))
    return;
  is_bulk_done_ = true;
}

// Each slot of a range that is known to differ.
void OwnerStream::mark_repair(TableKind kind, const SlotRange& range) noexcept {
  tables::with_kind(kind, [&](auto of) {
    for (std::uint32_t i = 0; i < range.slot_count; ++i)
      mark_repair<of()>(range.first_slot + i, Owing::kOwed);
  });
}

}  // namespace twinplane::ha2
