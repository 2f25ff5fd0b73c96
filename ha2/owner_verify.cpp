// SPDX-License-Identifier: BSD-3-Clause
// Digests of ranges, stated in the stream, and what the mirror says of them: the comparison at a
// stream's beginning, verification on request, the audit.
#include <algorithm>

#include "ha2/owner_stream.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;

}  // namespace

void OwnerStream::start_verify() noexcept {
  verified_ = {};
  is_verified_ = false;
  wants_verify_ = is_running_;
}

OwnerStream::Verification OwnerStream::verification() const noexcept {
  const bool is_running = wants_verify_ || checks_.round() == CheckRound::kVerify;
  const CheckResult& result = checks_.round() == CheckRound::kVerify ? checks_.result() : verified_;
  return {is_running, result.range_count, result.equal_count, result.different_count, is_verified_};
}

OwnerStream::Audit OwnerStream::audit() const noexcept {
  const bool is_running = checks_.round() == CheckRound::kAudit;
  return {audit_count_, audit_ended_ns_, audited_, is_running ? checks_.result() : CheckResult{}};
}

// A request goes before the audit, which begins anew afterwards; the comparison goes before both.
void OwnerStream::begin_round_if_due(std::uint64_t now_ns) noexcept {
  if (!is_bulk_done_) return;
  if (wants_verify_) {
    wants_verify_ = false;
    checks_.begin(CheckRound::kVerify, config_.verify_slots);
    if (checks_.is_over()) end_round(now_ns);
    return;
  }
  if (config_.audit_cycle_ns == 0 || checks_.round() != CheckRound::kNone) return;
  if (audit_began_ns_ != 0 && now_ns - audit_began_ns_ < config_.audit_cycle_ns) return;
  audit_began_ns_ = now_ns;
  checks_.begin(CheckRound::kAudit, config_.verify_slots);
  if (checks_.is_over()) end_round(now_ns);
}

CoreShare& OwnerStream::check_share() noexcept {
  return checks_.round() == CheckRound::kAudit ? audit_share_ : bulk_share_;
}

// Of a frame, kept for digests and for what must be stated before them.
std::size_t OwnerStream::check_bytes() const noexcept {
  if (checks_.round() == CheckRound::kAudit) return frame_bytes_ / 16U;
  return std::size_t{frame_bytes_} * config_.bulk_share_percent / 100U;
}

bool OwnerStream::is_check_due(std::uint64_t now_ns) const noexcept {
  if (!checks_.has_next() || owed_count_ > kOwedForChecksMax) return false;
  switch (checks_.round()) {
    case CheckRound::kNone:
      return false;
    case CheckRound::kCompare:
    case CheckRound::kVerify:
      return bulk_share_.is_left() && !is_under_walk(checks_.next());
    case CheckRound::kAudit:
      break;
  }
  if (!audit_share_.is_left() || is_under_walk(checks_.next())) return false;
  if (checks_.is_next_urgent()) return true;
  // Spread over the cycle: so many ranges by now.
  const auto past_ns = static_cast<double>(now_ns - audit_began_ns_);
  const double due_count =
      past_ns / static_cast<double>(config_.audit_cycle_ns) * checks_.result().range_count;
  return checks_.begun_count() <= due_count;
}

// While a walk repairs it, the mirror's slots there are not what this side believes.
bool OwnerStream::is_under_walk(const CheckRange& range) const noexcept {
  return is_walking() && std::ranges::any_of(walks_, [&](const Walk& walk) {
           return static_cast<std::uint8_t>(walk.table) == range.table &&
                  walk.next < range.slots.first_slot + range.slots.slot_count &&
                  range.slots.first_slot < walk.end;
         });
}

// False when there was a range to compare and no room for it.
bool OwnerStream::add_checks(std::uint64_t now_ns) noexcept {
  // The audit goes in small steps: packets wait behind them.
  const std::uint32_t slots_max =
      checks_.round() == CheckRound::kAudit ? config_.verify_slots : kCheckSlotsAFrame;
  std::uint32_t slot_count = 0;
  for (std::uint32_t added = 0; slot_count < slots_max && is_check_due(now_ns); ++added) {
    const CheckRange range = checks_.next();
    slot_count += range.slots.slot_count;
    const bool is_added = tables::with_kind(static_cast<TableKind>(range.table), [&](auto kind) {
      return try_add_check<kind()>(range.slots, now_ns);
    });
    if (is_added) {
      stuck_frame_count_ = 0;
      checks_.note_stated(digest_next_id_++, next_seq_);
      continue;
    }
    if (added != 0) return true;
    // More changes there than frames can hold: a walk needs to see each slot but once.
    if (++stuck_frame_count_ < kStuckFramesMax || checks_.round() != CheckRound::kCompare)
      return false;
    stuck_frame_count_ = 0;
    repair_range(range);
    checks_.give_up_next();
    if (checks_.is_over()) end_round(now_ns);
  }
  return true;
}

// Flushes what is dirty in the range, then states its digest: the mirror compares at exactly this
// point of the stream.
template <TableKind kKind>
bool OwnerStream::try_add_check(const SlotRange& range, std::uint64_t now_ns) noexcept {
  using Traits = typename tables::TableOf<kKind>::Slots::TraitsType;
  auto& slots = partition_.slots<kKind>();
  for (std::uint32_t slot = range.first_slot; slot < range.first_slot + range.slot_count; ++slot) {
    if (is_mutant(Mutant::kDigestWithoutFlush)) break;
    const std::uint8_t marks = slots.take_marks(slot);
    if (marks == 0) continue;
    if (!add_slot(kKind, slot, marks, now_ns)) {
      Traits::marks(slots.changeable(slot)) = marks;
      return false;
    }
  }
  DigestRange record;
  record.id.set(digest_next_id_);
  record.first_slot.set(range.first_slot);
  record.slot_count.set(static_cast<std::uint16_t>(range.slot_count));
  record.round = static_cast<std::uint8_t>(checks_.round());
  record.zero = 0;
  record.digest.set(digest_of(slots, range, DigestEnd::kOwner));
  return builder_.try_add(kKind, Operation::kDigest, record, range.first_slot);
}

void OwnerStream::repair_range(const CheckRange& range) noexcept {
  const auto table = static_cast<TableKind>(range.table);
  counters_.add(Counter::kRangesRestated);
  if (range.slots.slot_count > 1 && try_open_walk(table, range.slots)) return;
  mark_repair(table, range.slots);
}

void OwnerStream::take_verdicts(const StatusBody& status, std::uint64_t now_ns) noexcept {
  if (checks_.round() == CheckRound::kNone) return;
  const std::uint32_t next_id = status.digest_next_id.get();
  const auto verdict_of = [&](std::uint32_t id) {
    // 0 = the newest the mirror saw; huge when it never saw this one
    const std::uint32_t back = next_id - 1 - id;
    const unsigned said =
        back < kVerdictsMax ? status.verdicts[back / 4] >> (back % 4 * 2) & 3U : 0U;
    return said <= static_cast<unsigned>(Verdict::kDifferent) ? static_cast<Verdict>(said)
                                                              : Verdict::kNone;
  };
  const CheckResult before = checks_.result();
  checks_.judge(answered_seq_, verdict_of, [&](const CheckRange& range) {
    repair_range(range);
    if (checks_.round() == CheckRound::kCompare) return;  // what a comparison finds is no wonder
    Difference difference;
    difference.at_ns = now_ns;
    difference.partition = config_.partition;
    difference.range = range;
    difference.round = checks_.round();
    differences_.add(difference);
  });
  const std::uint32_t different_count = checks_.result().different_count - before.different_count;
  counters_.add(Counter::kRangesEqual, checks_.result().equal_count - before.equal_count);
  counters_.add(checks_.round() == CheckRound::kCompare ? Counter::kRangesOutdated
                                                        : Counter::kRangesDifferent,
                different_count);
  if (checks_.is_over()) end_round(now_ns);
}

void OwnerStream::end_round(std::uint64_t now_ns) noexcept {
  switch (checks_.round()) {
    case CheckRound::kCompare:
      is_compare_over_ = true;
      break;
    case CheckRound::kVerify:
      verified_ = checks_.result();
      is_verified_ = true;
      break;
    case CheckRound::kAudit:
      audited_ = checks_.result();
      ++audit_count_;
      audit_ended_ns_ = now_ns;
      break;
    case CheckRound::kNone:
      break;
  }
  checks_.abandon();
}

}  // namespace twinplane::ha2
