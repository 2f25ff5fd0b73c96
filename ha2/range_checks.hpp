// SPDX-License-Identifier: BSD-3-Clause
// range_checks.hpp - which ranges of slots are compared by digest, which wait for their verdict,
// and what came of them: the bookkeeping of one round over all tables of a partition.
//
// A round goes over the slots in ranges. A range that differs is asked again in sixteen parts, and
// these in sixteen, down to the slot; where much differs that would cost more than it saves, and
// ranges are repaired as they are. What was lost on the way is asked again.
//
// Thread:  the core that owns the partition.
// Memory:  about 3 kilobytes.
// Limits:  kOpenMax digests wait for a verdict at a time, so that the 64 verdicts of a status
//          always cover them.
// Errors:  none.
// Spec:    PROTOCOL.md section 7; DESIGN.md D-H16.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ha2/digest.hpp"
#include "ha2/wire.hpp"

namespace twinplane::ha2 {

struct CheckRange {
  std::uint8_t table;
  SlotRange slots;
};

struct CheckResult {
  std::uint32_t range_count = 0;
  std::uint32_t equal_count = 0;
  std::uint32_t different_count = 0;

  std::uint32_t told_count() const noexcept { return equal_count + different_count; }
};

class RangeChecks {
 public:
  using SlotCounts = std::array<std::uint32_t, tables::kTableKindCount>;

  static constexpr std::uint32_t kOpenMax = 32;
  static constexpr std::uint32_t kParts = 16;

  explicit RangeChecks(const SlotCounts& slot_counts) noexcept : slot_counts_(slot_counts) {}

  // Forgets what was under way and begins at the first slot.
  void begin(CheckRound round, std::uint32_t range_slots) noexcept;

  void abandon() noexcept { begin(CheckRound::kNone, 1); }

  CheckRound round() const noexcept { return round_; }

  // Some range is to be stated, and another verdict may be waited for.
  bool has_next() const noexcept {
    return round_ != CheckRound::kNone && open_count_ < kOpenMax &&
           (waiting_count_ != 0 || (!is_at_end() && open_count_ + waiting_count_ < kWaitingMax));
  }

  // Requires has_next(); the same one until it is stated or given up.
  CheckRange next() const noexcept;

  // next() is asked again, or is a part of what differs.
  bool is_next_urgent() const noexcept { return waiting_count_ != 0; }

  // next() stands in frame seq under this id.
  void note_stated(std::uint32_t id, std::uint64_t seq) noexcept;

  // next() needs no digest: all of it is stated instead.
  void give_up_next() noexcept;

  // A frame that stated these slots before the digests of later frames were made is lost: where one
  // of those differs, that may be why, and it is asked again.
  void doubt(std::uint8_t table, const SlotRange& slots, std::uint64_t lost_seq) noexcept;

  bool has_open() const noexcept { return open_count_ != 0; }

  // Takes the verdicts of all digests in frames up to answered_seq. verdict_of(id) tells the
  // mirror's; on_repair(CheckRange) is called for what is to be stated again.
  template <class VerdictOf, class OnRepair>
  void judge(std::uint64_t answered_seq, VerdictOf&& verdict_of, OnRepair&& on_repair) noexcept {
    std::uint32_t kept = 0;
    const std::uint32_t count = open_count_;
    for (std::uint32_t i = 0; i < count; ++i) {
      const Open open = open_[i];
      if (open.seq > answered_seq) {
        open_[kept++] = open;
        continue;
      }
      --open_count_;
      Verdict verdict = verdict_of(open.id);
      if (open.is_doubtful && verdict == Verdict::kDifferent) verdict = Verdict::kNone;
      if (take(open.asked, verdict)) on_repair(open.asked.range);
    }
  }

  // Every range of the round has its verdict and nothing is asked again.
  bool is_over() const noexcept {
    return round_ != CheckRound::kNone && is_at_end() && waiting_count_ == 0 && open_count_ == 0;
  }

  // True for a slot whose range, in this round, was not told yet or is asked for in parts.
  bool is_untold(std::size_t table, std::uint32_t slot) const noexcept;

  const CheckResult& result() const noexcept { return result_; }

  // Slots that the round has been over, of all tables together.
  std::uint64_t passed_slots() const noexcept;

  // Ranges of the round stated at least once.
  std::uint32_t begun_count() const noexcept { return begun_count_; }

 private:
  static constexpr std::uint32_t kWaitingMax = kOpenMax + 4 * kParts;

  struct Asked {
    CheckRange range;
    bool is_part;
  };

  struct Open {
    Asked asked;
    std::uint32_t id;
    std::uint64_t seq;
    bool is_doubtful;
  };

  bool is_at_end() const noexcept { return table_ == slot_counts_.size(); }

  // Where much differs, narrowing down costs more than stating what differs.
  bool is_rare() const noexcept {
    return result_.different_count <= 16 || result_.different_count < result_.told_count() / 8;
  }

  bool take(const Asked& asked, Verdict verdict) noexcept;
  void split(const CheckRange& range) noexcept;
  void advance() noexcept;
  void skip_empty_tables() noexcept;

  SlotCounts slot_counts_;
  CheckRound round_ = CheckRound::kNone;
  std::uint32_t range_slots_ = 1;
  std::size_t table_ = 0;  // where the round stands: the next range that was not begun
  std::uint32_t slot_ = 0;
  std::uint32_t begun_count_ = 0;
  CheckResult result_;
  std::array<Asked, kWaitingMax> waiting_{};  // to be asked again, or in parts; the last one first
  std::uint32_t waiting_count_ = 0;
  std::array<Open, kOpenMax> open_{};
  std::uint32_t open_count_ = 0;
};

}  // namespace twinplane::ha2
