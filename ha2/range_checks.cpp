// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/range_checks.hpp"

#include <algorithm>

#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

using tables::is_mutant;
using tables::Mutant;

namespace {

bool holds(const CheckRange& range, std::size_t table, std::uint32_t slot) noexcept {
  return range.table == table && slot - range.slots.first_slot < range.slots.slot_count;
}

}  // namespace

void RangeChecks::begin(CheckRound round, std::uint32_t range_slots) noexcept {
  round_ = round;
  range_slots_ = range_slots;
  table_ = slot_ = 0;
  waiting_count_ = open_count_ = reserved_count_ = begun_count_ = 0;
  result_ = {};
  yields_ = {};
  for (const std::uint32_t slot_count : slot_counts_)
    result_.range_count += (slot_count + range_slots - 1) / range_slots;
  skip_empty_tables();
}

void RangeChecks::skip_empty_tables() noexcept {
  while (!is_at_end() && slot_ >= slot_counts_[table_]) {
    ++table_;
    slot_ = 0;
  }
}

void RangeChecks::advance() noexcept {
  ++begun_count_;
  slot_ += next().slots.slot_count;
  if (is_mutant(Mutant::kCompareSkipsRanges) && begun_count_ % 8 == 7) {
    slot_ += range_slots_;
    ++result_.equal_count;
  }
  skip_empty_tables();
}

void RangeChecks::note_stated(std::uint32_t id, std::uint64_t seq) noexcept {
  Open& open = open_[open_count_++];
  open.id = id;
  open.seq = seq;
  open.is_doubtful = false;
  if (waiting_count_ != 0) {
    open.asked = waiting_[--waiting_count_];
  } else {
    open.asked = next_asked();
    advance();
  }
  reserved_count_ += parts_of(open.asked);
}

void RangeChecks::give_up_next() noexcept {
  if (waiting_count_ != 0) {
    if (waiting_[--waiting_count_].level == 0) ++result_.different_count;
  } else {
    ++result_.different_count;
    advance();
  }
}

void RangeChecks::doubt(std::uint8_t table, const SlotRange& slots,
                        std::uint64_t lost_seq) noexcept {
  if (is_mutant(Mutant::kDigestDespiteLoss)) return;
  for (std::uint32_t i = 0; i < open_count_; ++i) {
    Open& open = open_[i];
    const SlotRange& asked = open.asked.range.slots;
    open.is_doubtful |= open.seq > lost_seq && open.asked.range.table == table &&
                        slots.first_slot < asked.first_slot + asked.slot_count &&
                        asked.first_slot < slots.first_slot + slots.slot_count;
  }
}

// True when the range is to be stated again as it is.
bool RangeChecks::take(const Asked& asked, Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kEqual:
      ++yields_[asked.level].told_count;
      if (asked.level == 0) ++result_.equal_count;
      return false;
    case Verdict::kDifferent:
      ++yields_[asked.level].told_count;
      ++yields_[asked.level].different_count;
      if (asked.level == 0) ++result_.different_count;
      if (is_mutant(Mutant::kDifferentIsEqual)) return false;
      if (asked.range.slots.slot_count == 1 || !is_worth_splitting(asked.level) ||
          waiting_count_ + open_count_ + kParts > waiting_.size())
        return true;
      split(asked);
      return false;
    case Verdict::kNone:
      break;
  }
  // There is a place: what is open and what waits never exceed them together.
  if (!is_mutant(Mutant::kForgetsLostDigest)) waiting_[waiting_count_++] = asked;
  return false;
}

// What differs may be on its way, so it is asked again. Where much is lost and changed that never
// ends for a large range: a comparison takes it for different then.
bool RangeChecks::take_doubtful(Asked asked) noexcept {
  if (round_ != CheckRound::kCompare || is_mutant(Mutant::kDoubtsForever) ||
      ++asked.doubt_count < kDoubtsMax)
    return take(asked, Verdict::kNone);
  return take(asked, Verdict::kDifferent);
}

void RangeChecks::split(const Asked& asked) noexcept {
  const CheckRange& range = asked.range;
  const auto level = static_cast<std::uint8_t>(asked.level + 1);
  const std::uint32_t part_slots = (range.slots.slot_count + kParts - 1) / kParts;
  const std::uint32_t end = range.slots.first_slot + range.slots.slot_count;
  std::uint32_t first = range.slots.first_slot;
  if (is_mutant(Mutant::kSplitForgetsFirst)) first += part_slots;
  for (; first < end; first += part_slots)
    waiting_[waiting_count_++] = {{range.table, {first, std::min(part_slots, end - first)}}, level};
}

bool RangeChecks::is_untold(std::size_t table, std::uint32_t slot) const noexcept {
  if (round_ == CheckRound::kNone) return false;
  if (table > table_ || (table == table_ && slot >= slot_)) return true;
  for (std::uint32_t i = 0; i < waiting_count_; ++i)
    if (holds(waiting_[i].range, table, slot)) return true;
  for (std::uint32_t i = 0; i < open_count_; ++i)
    if (holds(open_[i].asked.range, table, slot)) return true;
  return false;
}

std::uint64_t RangeChecks::passed_slots() const noexcept {
  std::uint64_t passed = slot_;
  for (std::size_t table = 0; table < table_; ++table) passed += slot_counts_[table];
  return passed;
}

}  // namespace twinplane::ha2
