// SPDX-License-Identifier: BSD-3-Clause
// range_checks.hpp - which ranges of slots are compared by digest, which wait for their verdict,
// and what came of them: the bookkeeping of one round over all tables of a partition.
//
// A round goes over the slots in ranges. A range that differs is asked again in sixteen parts, and
// these in sixteen, down to the slot. Where most parts turn out to differ that costs more than it
// saves, and ranges are repaired as they are. What was lost on the way is asked again; what is in
// doubt again and again in parts, as changes to some of its slots are lost all the time.
//
// Thread:  the core that owns the partition.
// Memory:  about 20 kilobytes.
// Limits:  kOpenMax digests wait for a verdict at a time, so that the verdicts of a status
//          always cover them.
// Errors:  none.
// Spec:    PROTOCOL.md section 7; DESIGN.md D-H16.
#pragma once

#include <algorithm>
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

  static constexpr std::uint32_t kOpenMax = 128;
  static constexpr std::uint32_t kParts = 16;

  RangeChecks() noexcept = default;

  explicit RangeChecks(const SlotCounts& slot_counts) noexcept : slot_counts_(slot_counts) {}

  // What is compared: 0 for a table that is not. Requires that no round is under way.
  void set_slot_counts(const SlotCounts& slot_counts) noexcept { slot_counts_ = slot_counts; }

  // Forgets what was under way and begins at the first slot.
  void begin(CheckRound round, std::uint32_t range_slots) noexcept;

  void abandon() noexcept { begin(CheckRound::kNone, 1); }

  CheckRound round() const noexcept { return round_; }

  // Some range is to be stated, and another verdict may be waited for.
  bool has_next() const noexcept {
    if (round_ == CheckRound::kNone || open_count_ == kOpenMax) return false;
    if (waiting_count_ == 0 && is_at_end()) return false;
    // Each level leaves room for the parts of those below it; alone, every one may go.
    const Asked asked = next_asked();
    return open_count_ == 0 || waiting_count_ + reserved_count_ + parts_of(asked) <=
                                   kWaitingMax / kLevels * (asked.level + 1U);
  }

  // Requires has_next(); the same one until it is stated or given up.
  CheckRange next() const noexcept { return next_asked().range; }

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
      reserved_count_ -= parts_of(open.asked);
      const Verdict verdict = verdict_of(open.id);
      const bool is_to_repair = open.is_doubtful && verdict == Verdict::kDifferent
                                    ? take_doubtful(open.asked)
                                    : take(open.asked, verdict);
      if (is_to_repair) on_repair(open.asked.range);
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
  static constexpr std::uint32_t kWaitingMax = 1024;
  static constexpr std::size_t kLevels = 4;  // 4096 slots, 256, 16, 1
  static constexpr std::uint8_t kDoubtsMax = 3;

  struct Asked {
    CheckRange range;
    std::uint8_t level;  // 0 = of the round, above: a part of one that differed
    std::uint8_t doubt_count = 0;
  };

  // What came of the parts of a level, to judge by whether it is worth going there.
  struct Yield {
    std::uint32_t told_count;
    std::uint32_t different_count;
  };

  struct Open {
    Asked asked;
    std::uint32_t id;
    std::uint64_t seq;
    bool is_doubtful;
  };

  // What may have to wait when its verdict comes.
  static std::uint32_t parts_of(const Asked& asked) noexcept {
    return std::min(asked.range.slots.slot_count, kParts);
  }

  // Requires that there is one.
  Asked next_asked() const noexcept {
    if (waiting_count_ != 0) return waiting_[waiting_count_ - 1];
    return {{static_cast<std::uint8_t>(table_),
             {slot_, std::min(range_slots_, slot_counts_[table_] - slot_)}},
            0};
  }

  bool is_at_end() const noexcept { return table_ == slot_counts_.size(); }

  // Where nearly all parts differ, narrowing down costs more than stating the range.
  bool is_worth_splitting(std::uint8_t level) const noexcept {
    const Yield& parts = yields_[level + 1U];
    return parts.different_count < kParts || parts.different_count < parts.told_count / 4 * 3;
  }

  bool take(const Asked& asked, Verdict verdict) noexcept;
  bool take_doubtful(Asked asked) noexcept;
  void split(const Asked& asked) noexcept;
  void advance() noexcept;
  void skip_empty_tables() noexcept;

  SlotCounts slot_counts_{};
  CheckRound round_ = CheckRound::kNone;
  std::uint32_t range_slots_ = 1;
  std::size_t table_ = 0;  // where the round stands: the next range that was not begun
  std::uint32_t slot_ = 0;
  std::uint32_t begun_count_ = 0;
  CheckResult result_;
  std::array<Yield, kLevels + 1> yields_{};
  // to be asked again, or in parts; the last one first
  std::array<Asked, kWaitingMax + kLevels * kParts> waiting_{};
  std::uint32_t waiting_count_ = 0;
  std::array<Open, kOpenMax> open_{};
  std::uint32_t open_count_ = 0;
  std::uint32_t reserved_count_ = 0;  // of waiting_, for what is open
};

}  // namespace twinplane::ha2
