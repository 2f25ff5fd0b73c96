// SPDX-License-Identifier: BSD-3-Clause
// owner_stream.hpp - the sending end of one partition's stream: frames what is dirty, walks in
// bulk, repairs what was lost.
//
// Thread:  the core that owns the partition.
// Memory:  window_frames x (frame size + 64) bytes and a bit a slot, taken at construction.
// Limits:  window 4 to 4096 frames; at most frames_per_poll_max frames a poll.
// Errors:  none: without window or buffer it does nothing and the slots stay dirty (S9), counted.
// Spec:    PROTOCOL.md sections 5 to 7; rules S1, S2, S5, S7 to S12.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ha2/core_share.hpp"
#include "ha2/counters.hpp"
#include "ha2/decode.hpp"
#include "ha2/difference.hpp"
#include "ha2/digest.hpp"
#include "ha2/frame_builder.hpp"
#include "ha2/link.hpp"
#include "ha2/loss_pace.hpp"
#include "ha2/range_checks.hpp"
#include "ha2/receipt.hpp"
#include "tables/partition.hpp"

namespace twinplane::ha2 {

struct StreamConfig {
  std::uint16_t partition = 0;
  std::uint16_t window_frames = 256;  // power of two, 4..4096
  // what one frame may hold, headers of the encapsulation not counted
  std::uint16_t frame_bytes_max = 1500;
  std::uint16_t frames_per_poll_max = 32;
  // of a frame, kept for the bulk walk or the comparison while live changes fill it
  std::uint16_t bulk_share_percent = 25;
  std::uint32_t bulk_core_ppm = 1'000'000;  // of the core's time, for walks and comparisons
  std::uint32_t audit_core_ppm = 10'000;    // of the core's time, for the audit
  std::uint16_t compare_slots = 1024;       // of one digest, 1..4096
  std::uint16_t verify_slots = 256;
  std::uint32_t first_digest_id = 1;  // on both ends alike: tests begin near the wrap
  std::uint64_t audit_cycle_ns = 0;   // every range once in that time; 0 = no audit
  CostClock cost_clock = nullptr;     // what the core's shares are measured by; null = no bound
  std::uint16_t eager_frames = 1;     // S11: with fewer unanswered, a change goes at once
  std::uint32_t flush_ns = 50'000;    // S11
  std::uint32_t refresh_flush_ns = 1'000'000;
  std::uint32_t heartbeat_ns = 1'000'000;  // S8: while anything is unanswered
  // between frames where most are lost, and between heartbeats that nobody answers; 0 = never
  // slower
  std::uint32_t slowest_ns = 16'384'000;
  std::uint32_t reorder_ns = 100'000;  // S3
  std::uint32_t status_ns = 100'000;   // S4
};

// A stream is named by these: any change of either is another stream.
struct StreamName {
  std::uint32_t session = 0;
  std::uint32_t term = 0;

  friend bool operator==(const StreamName&, const StreamName&) noexcept = default;
};

// The most that one slot can take of a frame: a whole, with its prefixes, and its refresh.
template <tables::TableKind kKind>
constexpr std::size_t slot_bytes_max() noexcept {
  if constexpr (tables::is_session(kKind)) {
    return sizeof(Full6) + 2 * sizeof(Prefix6) + sizeof(WindowPatch) + 3 * sizeof(SectionHeader);
  } else {
    using Body = tables::BodyOf<kKind>;
    return sizeof(PlainWhole<Body>) + sizeof(SectionHeader) +
           (tables::HasRefresh<Body>
                ? sizeof(PlainPatch<typename tables::PlainEntry<Body>::Refresh>) +
                      sizeof(SectionHeader)
                : 0);
  }
}

// In a smaller frame some slots of these kinds would never find room, and the stream would stand
// still.
constexpr std::uint16_t frame_bytes_needed(tables::KindSet kinds) noexcept {
  std::size_t slot_bytes = 0;
  tables::for_each_kind([&](auto kind) {
    if (kinds.has(kind)) slot_bytes = std::max(slot_bytes, slot_bytes_max<kind()>());
  });
  return static_cast<std::uint16_t>(kFrameBytesMin + slot_bytes);
}

// The hello refuses a peer that takes less.
inline constexpr std::uint16_t kFrameBytesNeeded = frame_bytes_needed(tables::KindSet::all());

// How a stream makes the mirror equal at its beginning.
enum class Beginning : std::uint8_t {
  kBulk,     // every slot is stated
  kCompare,  // every range is compared, and stated where it differs
};

class OwnerStream {
 public:
  OwnerStream(const StreamConfig& config, tables::Partition& partition, FrameBuilder& builder,
              Counters& counters, DifferenceLog& differences);

  // Begins a stream at seq 1: every slot lies ahead of the bulk walk, or of the comparison.
  // frame_bytes: what the peer takes too. kinds: what the two boxes keep equal; slots of others are
  // never stated. goes_on_owning: the stream before was this end's, and what it had not been
  // answered on is news still.
  void start(StreamName name, std::uint16_t frame_bytes, tables::KindSet kinds, Beginning beginning,
             bool goes_on_owning) noexcept;

  // No peer: changes are only marked.
  void stop() noexcept { is_running_ = false; }

  // Goes on with the stream that was stopped: what changed meanwhile is marked, what was in flight
  // is still unanswered.
  void resume(std::uint16_t frame_bytes) noexcept;

  // A status frame of this stream, its header checked by the caller.
  void on_status(const FrameView& frame, std::uint64_t now_ns) noexcept;

  // Sends what is due; returns how many frames went out.
  std::uint32_t poll(std::uint64_t now_ns, Link& link) noexcept;

  // To be told when the peer has what the full slot holds: best called right after the change was
  // marked. The frame that says it goes at once and asks for an answer.
  Receipt ask_receipt(tables::TableKind kind, std::uint32_t slot) noexcept;

  // In each turn, behind poll().
  ReceiptState look_at(Receipt& receipt) noexcept;

  // Digests every range once, in the stream, under load; the mirror's verdicts come back in its
  // status. Begins when the bulk or the comparison is done.
  void start_verify() noexcept;

  struct Verification {
    bool is_running;
    std::uint32_t range_count;
    std::uint32_t equal_count;
    std::uint32_t different_count;
    bool is_ended;

    // Every range has its verdict; so has none where there is none.
    bool is_told() const noexcept {
      return is_ended && equal_count + different_count == range_count;
    }
  };

  // Of the last start_verify() in this stream.
  Verification verification() const noexcept;

  struct Audit {
    std::uint64_t done_count;  // whole rounds of this stream
    std::uint64_t ended_ns;    // of the last one; 0 = none yet
    CheckResult last;          // of that one
    CheckResult running;       // of the one under way; no ranges when none is
  };

  Audit audit() const noexcept;

  bool is_running() const noexcept { return is_running_; }

  // The stream begins by a comparison that is not over yet.
  bool is_comparing() const noexcept {
    return is_running_ && !is_bulk_done_ && beginning_ == Beginning::kCompare;
  }

  // S12: every seq up to the end of the walk, or every verdict, is answered and no repair is owed.
  bool is_bulk_done() const noexcept { return is_bulk_done_; }

  std::uint64_t bulk_stated_slots() const noexcept;
  std::uint64_t bulk_total_slots() const noexcept;

  // Frames sent and not answered.
  std::uint32_t in_flight_count() const noexcept {
    return static_cast<std::uint32_t>(next_seq_ - 1 - answered_seq_);
  }

  // Nothing is dirty and nothing that says anything of a slot is unanswered; digests may be.
  bool is_quiet() const noexcept;

  // Slots whose change the peer may not have: waiting, or in a frame not answered.
  std::uint64_t at_risk_count() const noexcept { return waiting_count() + in_flight_records_; }

  // Age of the oldest change not yet sent or not yet answered.
  std::uint64_t lag_ns(std::uint64_t now_ns) const noexcept;

  std::uint32_t round_trip_us() const noexcept { return round_trip_us_; }

  // Between two frames where most are lost; 0 = it is not held back.
  std::uint64_t pace_ns() const noexcept { return pace_.interval_ns(); }

  std::uint64_t next_seq() const noexcept { return next_seq_; }

  // The newest answer of a mirror, whatever stream it was in.
  struct Heard {
    std::uint64_t at_ns = 0;    // when it came; 0 = none yet
    std::uint32_t sent_us = 0;  // when it was sent, by the mirror's wrapping clock
  };

  Heard heard() const noexcept { return heard_; }

  // I1's third leg: the walk will still state this slot, or the comparison has not told of it yet.
  bool is_ahead_of_walk(tables::TableKind table, std::uint32_t slot) const noexcept;

  // I1's second leg, for the simulator: some unanswered frame states this slot. Linear in what is
  // in flight.
  bool is_in_flight(tables::TableKind table, std::uint32_t slot) const noexcept;

 private:
  struct InFlight {
    std::uint64_t seq;
    std::uint64_t sent_ns;
    std::uint64_t oldest_ns;     // of the changes in it
    std::uint32_t record_count;  // digests not counted
    std::uint8_t section_count;
    bool states_owed;  // it states a slot whose repair is owed
    bool was_lost;     // valid once it is answered
    std::array<SentSection, FrameBuilder::kSectionsMax> sections;
  };

  static constexpr std::size_t kPrefetchAhead = 16;  // slots, ahead of the one that is read

  static std::uint32_t microseconds(std::uint64_t ns) noexcept {
    return static_cast<std::uint32_t>(ns / 1'000U);
  }

  InFlight& slot_of(std::uint64_t seq) noexcept { return window_[seq & window_mask_]; }

  std::uint32_t* words_of(std::uint64_t seq) noexcept {
    return words_.data() + (seq & window_mask_) * words_per_frame_;
  }

  const std::uint32_t* words_of(std::uint64_t seq) const noexcept {
    return words_.data() + (seq & window_mask_) * words_per_frame_;
  }

  void list_tables(tables::KindSet kinds) noexcept;
  void reset_walks(bool is_bulk) noexcept;
  void mark_in_flight() noexcept;
  bool is_frame_due(std::uint64_t now_ns) const noexcept;
  std::uint64_t waiting_count() const noexcept;
  std::uint64_t oldest_change_ns(std::uint64_t now_ns) const noexcept;
  bool try_send_frame(std::uint64_t now_ns, Link& link) noexcept;
  void fill_frame(std::uint64_t now_ns) noexcept;
  void send_heartbeat_if_due(std::uint64_t now_ns, Link& link) noexcept;
  FrameHeader header_of(FrameType type, std::uint64_t seq, std::uint64_t now_ns) const noexcept;

  template <tables::TableKind kKind>
  void add_queued(tables::DirtyQueue& queue, std::uint64_t now_ns, std::size_t keep_bytes) noexcept;
  void add_queued(tables::TableKind kind, tables::DirtyQueue& queue, std::uint64_t now_ns,
                  std::size_t keep_bytes) noexcept;
  void add_changes(std::uint64_t now_ns, std::size_t keep_bytes) noexcept;
  template <class Address>
  std::size_t add_states(tables::DirtyQueue& queue, std::size_t keep_bytes) noexcept;
  template <class Address>
  std::size_t add_usual(tables::DirtyQueue& queue, std::uint64_t now_ns,
                        std::size_t keep_bytes) noexcept;
  template <tables::TableKind kKind>
  bool add_slot(std::uint32_t slot, std::uint8_t marks, std::uint64_t now_ns) noexcept;
  bool add_slot(tables::TableKind kind, std::uint32_t slot, std::uint8_t marks,
                std::uint64_t now_ns) noexcept;
  template <tables::TableKind kKind, class Entry>
  bool add_patches(std::uint32_t slot, const Entry& entry, std::uint8_t marks) noexcept;
  template <class Address>
  bool add_whole(std::uint32_t slot, const tables::SessionOf<Address>& session,
                 std::uint64_t now_ns) noexcept;
  template <class Body>
  bool add_whole(std::uint32_t slot, const tables::PlainEntry<Body>& entry,
                 std::uint64_t now_ns) noexcept;
  template <class Entry>
  bool add_refresh(tables::TableKind kind, std::uint32_t slot, const Entry& entry) noexcept;

  bool is_walking() const noexcept { return open_walk_count_ != 0; }

  // False when there was something to state and no room for any of it.
  bool walk_on(std::uint64_t now_ns) noexcept;
  struct Walk;
  template <tables::TableKind kKind>
  void add_walk(Walk& walk, std::uint64_t now_ns) noexcept;
  void begin_round_if_due(std::uint64_t now_ns) noexcept;
  bool is_check_due(std::uint64_t now_ns) const noexcept;
  CoreShare& check_share() noexcept;
  std::size_t check_bytes() const noexcept;
  bool add_checks(std::uint64_t now_ns) noexcept;
  template <tables::TableKind kKind>
  bool try_add_check(const SlotRange& range, std::uint64_t now_ns) noexcept;
  bool is_under_walk(const CheckRange& range) const noexcept;
  bool try_open_walk(tables::TableKind table, const SlotRange& range) noexcept;
  void repair_range(const CheckRange& range) noexcept;
  void end_round(std::uint64_t now_ns) noexcept;

  template <tables::TableKind kKind>
  ReceiptState look_at(Receipt& receipt) noexcept;
  bool was_lost_of(Receipt& receipt) const noexcept;

  bool keeps(tables::TableKind kind) const noexcept {
    return std::ranges::any_of(tables(), [kind](const Table& table) { return table.kind == kind; });
  }

  void answer_lost(const InFlight& frame) noexcept;
  void doubt_section(SentSection section, const std::uint32_t* words, std::uint64_t seq) noexcept;
  void answer_applied(const InFlight& frame) noexcept;
  // Whether the bulk, or the comparison, waits for this repair.
  enum class Owing : std::uint8_t { kOwed, kAsBefore };
  template <tables::TableKind kKind>
  void repair_section(SentSection section, const std::uint32_t* words, Owing owing) noexcept;
  template <tables::TableKind kKind>
  void mark_repair(std::uint32_t slot, Owing owing) noexcept;
  void mark_repair(tables::TableKind kind, const SlotRange& range) noexcept;
  void settle_section(SentSection section, const std::uint32_t* words) noexcept;
  void settle_slot(std::size_t table, std::uint32_t slot) noexcept;
  void take_verdicts(const StatusBody& status, std::uint64_t now_ns) noexcept;
  void finish_bulk_if_answered() noexcept;

  bool is_owed(std::size_t table, std::uint32_t slot) const noexcept {
    return (owed_[table][slot / 64] >> (slot % 64) & 1U) != 0;
  }

  // A table of the partition that has slots.
  struct Table {
    tables::TableKind kind;
    tables::DirtyQueue* changes;
    tables::DirtyQueue* refreshes;
  };

  // The kinds that have slots here.
  static tables::KindSet kinds_in(const tables::Partition& partition) noexcept;

  // Those that this stream keeps equal.
  std::span<const Table> tables() const noexcept { return {tables_.data(), table_count_}; }

  StreamConfig config_;
  tables::Partition& partition_;
  FrameBuilder& builder_;
  Counters& counters_;
  DifferenceLog& differences_;

  bool is_running_ = false;
  Heard heard_;
  std::array<Table, tables::kTableKindCount> tables_{};  // plain kinds first
  std::size_t table_count_ = 0;
  std::size_t plain_count_ = 0;
  std::size_t first_plain_ = 0;  // whose turn it is to go first
  StreamName name_;
  std::uint16_t frame_bytes_ = 0;
  std::uint64_t next_seq_ = 1;
  std::uint64_t answered_seq_ = 0;
  std::uint64_t last_lost_seq_ = 0;  // the highest; 0 = none of this stream
  std::uint64_t in_flight_records_ = 0;
  std::uint64_t last_sent_ns_ = 0;
  LossPace pace_;
  std::uint32_t unheard_beats_ = 0;  // since something was answered
  std::uint64_t stream_number_ = 0;  // rises with each start()
  bool wants_answer_ = false;        // somebody waits for what is dirty to be applied
  std::uint32_t round_trip_us_ = 0;

  std::uint64_t window_mask_;
  std::size_t words_per_frame_;
  std::vector<InFlight> window_;
  std::vector<std::uint32_t> words_;

  // Slots [next, end) of a table that will be stated whole, full and empty alike: one walk a table
  // for the bulk, the others repair runs of empty slots that were lost.
  struct Walk {
    tables::TableKind table;
    std::uint32_t next;
    std::uint32_t end;
  };

  static constexpr std::size_t kWalkCount = tables::kTableKindCount + 16;
  std::array<Walk, kWalkCount> walks_{};
  std::uint32_t open_walk_count_ = 0;
  std::uint64_t bulk_end_seq_ = 0;  // 0 while the walk goes on
  bool is_bulk_done_ = false;
  Beginning beginning_ = Beginning::kBulk;
  // a bit for each slot whose repair is owed
  std::array<std::vector<std::uint64_t>, tables::kTableKindCount> owed_;
  std::uint64_t owed_count_ = 0;
  bool frame_states_owed_ = false;
  bool is_walk_starved_ = false;
  std::uint64_t frame_oldest_ns_ = 0;

  // Verification, audit and the comparison at the beginning: one round at a time.
  static constexpr std::uint32_t kCheckSlotsAFrame = 4096;  // some 20 us of digests
  static constexpr std::uint32_t kStuckFramesMax = 8;
  static constexpr std::uint64_t kOwedForChecksMax = 8192;

  RangeChecks checks_;
  CoreShare bulk_share_;
  CoreShare audit_share_;
  std::uint32_t digest_next_id_ = 1;
  std::uint32_t stuck_frame_count_ = 0;  // frames that had no room for all that is dirty in next()
  bool is_compare_over_ = false;
  bool wants_verify_ = false;
  CheckResult verified_;
  bool is_verified_ = false;  // verified_ is of a round of this stream
  CheckResult audited_;
  std::uint64_t audit_count_ = 0;
  std::uint64_t audit_began_ns_ = 0;
  std::uint64_t audit_ended_ns_ = 0;
};

}  // namespace twinplane::ha2
