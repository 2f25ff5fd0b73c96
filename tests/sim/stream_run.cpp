// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/stream_run.hpp"

#include <algorithm>
#include <cstdio>

#include "tests/sim/plan.hpp"
#include "tests/support/checkers.hpp"
#include "tests/support/checkers_receipts.hpp"
#include "tests/support/sequence_traffic.hpp"
#include "tests/support/sim_stage.hpp"

namespace twinplane::tests {

namespace {

class StreamRun {
 public:
  explicit StreamRun(const SeedOptions& options)
      : options_(options),
        prng_(options.seed),
        plan_(draw_plan(prng_, options.steps)),
        pair_(plan_.shape, prng_.next(), plan_.start_ns, plan_.first_term),
        workload_(plan_.workload, prng_.next()),
        observer_(plan_.shape.kinds),
        index_(workload_),
        receipts_(options.seed),
        later_version_(options.seed),
        sequences_(options.seed) {
    if (plan_.has_sequences) workload_.plain().leave_alone({tables::TableKind::kIpsecSequence});
    later_version_.set_frame_bytes_max(plan_.shape.stream.frame_bytes_max);
    for (std::size_t i = 0; i < 2; ++i) {
      pair_.link_from(i).set_malformer(make_malformed);
      if (plan_.is_owner_later) pair_.link_from(i).set_stage(&later_version_);
    }
  }

  SeedResult run() {
    if (options_.is_verbose) describe();
    for (std::uint32_t round = 0; round < plan_.round_count && is_well(); ++round) {
      workload_.set_kind(plan_.traffic[round]);
      result_.coverage.add(plan_.traffic[round]);
      storm();
      if (is_well() && plan_.endurance.is_wanted) endure();
      if (is_well()) calm();
      if (is_well()) verify();
      if (is_well()) hasten();
    }
    if (options_.is_verbose) show_counters();
    result_.frames = pair_.link_from(0).sent_count() + pair_.link_from(1).sent_count();
    result_.streams = pair_.stream_number();
    cover();
    return result_;
  }

 private:
  bool is_well() const noexcept { return result_.violation.empty(); }

  void describe() const {
    const ha2::StreamConfig& stream = plan_.shape.stream;
    std::printf(
        "seed %llu: %u + %u slots, window %u, frames of %u bytes, delay %u..%u ns, step %llu ns\n",
        static_cast<unsigned long long>(options_.seed), plan_.shape.limits.session4.slot_count,
        plan_.shape.limits.session6.slot_count, unsigned{stream.window_frames},
        unsigned{stream.frame_bytes_max}, plan_.storm.delay_ns_min, plan_.storm.delay_ns_max,
        static_cast<unsigned long long>(plan_.step_ns));
    std::printf(
        "  loss %u, bursts %u x %u, status loss %u, duplicates %u, reordered %u, flips %u, cuts "
        "%u, "
        "replays %u, refusals %u permille\n",
        plan_.storm.loss, plan_.storm.burst_start, plan_.storm.burst_frames_max,
        plan_.storm.status_loss, plan_.storm.duplicate, plan_.storm.reorder, plan_.storm.flip,
        plan_.storm.truncate, plan_.storm.replay, plan_.storm.refuse);
  }

  void show_counters() const {
    for (std::size_t i = 0; i < ha2::kCounterCount; ++i) {
      const auto counter = static_cast<ha2::Counter>(i);
      const std::uint64_t owner = pair_.owner().replica().counters().get(counter);
      const std::uint64_t mirror = pair_.mirror().replica().counters().get(counter);
      if (owner + mirror != 0)
        std::printf("  %-26s owner %8llu, mirror %8llu\n", ha2::kCounterLabels[i].data(),
                    static_cast<unsigned long long>(owner),
                    static_cast<unsigned long long>(mirror));
    }
  }

  void note(const char* what) const {
    if (options_.is_verbose)
      std::printf("  step %llu, %llu us: %s\n", static_cast<unsigned long long>(result_.steps),
                  static_cast<unsigned long long>(pair_.now_ns() / 1000), what);
  }

  void fail(std::string violation) {
    if (is_well() && !violation.empty())
      result_.violation = std::move(violation) + " (step " + std::to_string(result_.steps) + ")";
  }

  void look() {
    const Scene& scene = observer_.look(ends_of(pair_));
    fail(nothing_forgotten_.check(scene));
    fail(nothing_invented_.check(scene));
    fail(nothing_goes_back_.check(scene));
    fail(improper_.check(scene));
    fail(quiet_.check(scene));
    fail(pair_.link_from(0).seq_used_twice());
    fail(pair_.link_from(1).seq_used_twice());
    if (result_.steps % 16 == 0) look_at_indexes();
    for (std::size_t i = 0; i < 2; ++i) fail(false_alarm_of(pair_.box(i)));
  }

  void look_at_indexes() {
    fail(index_.check(pair_.owner()));
    fail(index_.check(pair_.mirror()));
  }

  void step(std::uint32_t operation_count) { step(operation_count, plan_.step_ns); }

  void step(std::uint32_t operation_count, std::uint64_t step_ns) {
    ++result_.steps;
    pair_.advance(step_ns);
    for (std::uint32_t i = 0; i < operation_count; ++i)
      workload_.operate(pair_.owner().partition(), pair_.now_ns());
    if (has_packets_) sequences_.turn(pair_.owner(), pair_.now_ns());
    fail(sequences_.why_wrong());
    pair_.tend();
    receipts_.ask(pair_);
    look();
    pair_.poll();
    fail(receipts_.look(pair_));
  }

  bool happens(std::uint32_t permille, Covered row, const char* what) {
    if (!prng_.chance(permille)) return false;
    result_.coverage.add(row);
    note(what);
    return true;
  }

  // What the boxes' counters hold goes with them.
  void restart(std::size_t index, const char* what) {
    result_.coverage.add_counters(pair_.box(index).replica().counters());
    const bool keeps_tables = plan_.keep_permille != 0 && prng_.chance(plan_.keep_permille);
    result_.coverage.add(keeps_tables ? Covered::kCrashWithTables : Covered::kCrash);
    note(what);
    if (keeps_tables) note("its tables are kept");
    if (index == pair_.owner_index()) receipts_.forget();
    pair_.restart(index, plan_.told_ns_max, keeps_tables);
  }

  void take_over(bool is_orderly) {
    if (!pair_.owner().replica().owner().is_bulk_done())
      result_.coverage.add(Covered::kTakeOverInBulk);
    if (taken_over_step_ != 0 && result_.steps - taken_over_step_ < 16)
      result_.coverage.add(Covered::kDoubleTakeOver);
    taken_over_step_ = result_.steps;
    receipts_.forget();
    // A new stream, and taking over, change what an owner of SAs holds: looked at before it is the
    // mirror, which it may be in this step.
    if (plan_.has_sequences) look();
    pair_.take_over(is_orderly, plan_.told_ns_max);
    if (!plan_.has_sequences) return;
    sequences_.note_takeover(pair_.owner(), pair_.now_ns());
    look();
  }

  void cover() {
    Coverage& coverage = result_.coverage;
    for (std::size_t i = 0; i < 2; ++i) {
      coverage.add_counters(pair_.box(i).replica().counters());
      coverage.add_link(pair_.link_from(i), false);
    }
    coverage.add(Covered::kStreams, pair_.stream_number());
    using ha2::SequenceResult;
    coverage.add(Covered::kSequenceAbove, sequences_.result_count(SequenceResult::kAbove));
    coverage.add(Covered::kSequenceJumped, sequences_.result_count(SequenceResult::kJumped));
    coverage.add(Covered::kSequenceSealed, sequences_.result_count(SequenceResult::kNewSaOnly));
    coverage.add(Covered::kSequenceUngranted, sequences_.ungranted_count());
    coverage.add(Covered::kTableWasFull, workload_.refused_count());
    coverage.add(Covered::kReceipts, receipts_.received_count());
    if (plan_.is_owner_later) coverage.add(Covered::kLaterVersion);
    if (plan_.shape.stream.frame_bytes_max == kSessionFrameBytes)
      coverage.add(Covered::kSmallestFrames);
    if (plan_.shape.stream.window_frames == 4) coverage.add(Covered::kWindowOfFour);
    if (plan_.shape.first_generation != 0) coverage.add(Covered::kGenerationWraps);
    if (plan_.first_term != 1) coverage.add(Covered::kLastTerms);
    cover_wraps(plan_.start_ns, pair_.now_ns(), coverage);
  }

  void draw_event() {
    const Events& events = plan_.events;
    const std::size_t owner = pair_.owner_index();
    if (prng_.chance(events.restart_owner)) restart(owner, "the owner restarts");
    if (prng_.chance(events.restart_mirror)) restart(1 - owner, "the mirror restarts");
    if (happens(events.take_over, Covered::kTakeOver, "the mirror takes over")) take_over(false);
    if (happens(events.switch_over, Covered::kSwitchOver, "the roles change in order"))
      take_over(true);
    if (happens(events.reconnect, Covered::kReconnect, "a new session"))
      pair_.reconnect(plan_.told_ns_max);
    if (events.flap != 0 && happens(events.flap, Covered::kFlap, "a box holds its peer for gone"))
      pair_.flap(prng_.below(2), plan_.flap_ns_max);
    if (happens(events.pause, Covered::kPause, "a box pauses"))
      pair_.pause(prng_.below(2), pair_.now_ns() + prng_.below(30'000'000));
    if (happens(events.outage, Covered::kCut, "the link is cut")) cut(0, true), cut(1, true);
    if (happens(events.one_way, Covered::kOneWay, "one way is cut")) cut(prng_.below(2), true);
    if (happens(events.verify, Covered::kVerification, "verification"))
      pair_.owner().replica().owner().start_verify();
  }

  void cut(std::size_t index, bool is_cut) {
    pair_.link_from(index).set_cut(is_cut);
    cut_until_ns_ = is_cut ? pair_.now_ns() + prng_.below(5'000'000) : 0;
  }

  void storm() {
    pair_.set_faults(plan_.storm);
    begin_packets();
    for (std::uint32_t i = 0; i < plan_.step_count && is_well(); ++i) {
      draw_event();
      if (cut_until_ns_ != 0 && pair_.now_ns() >= cut_until_ns_) cut(0, false), cut(1, false);
      step(prng_.chance(plan_.hush_permille) ? 0 : prng_.below(plan_.operations_max + 1));
    }
    pair_.end_pauses();
    cut(0, false);
    cut(1, false);
  }

  // Packets of SAs come until the calm. Those of before came at a rate that is forgotten.
  void begin_packets() {
    has_packets_ = plan_.has_sequences;
    if (has_packets_) sequences_.end_inbound(pair_.owner());
  }

  // A stream that begins on a bad link has begun within a time, however long the link stays bad.
  void endure() {
    const Endurance& endurance = plan_.endurance;
    has_packets_ = false;  // the link passes four times what else changes, and not these too
    pair_.set_faults(endurance.faults);
    result_.coverage.add(endurance.loses_mirror ? Covered::kEnduredBulk : Covered::kEnduredCompare);
    note("the link is bad and stays so");
    if (endurance.loses_mirror)
      pair_.restart(1 - pair_.owner_index(), plan_.told_ns_max, false);
    else
      pair_.reconnect(plan_.told_ns_max);
    const std::uint64_t start_ns = pair_.now_ns();
    const std::uint64_t bound_ns = endurance_ns();
    while (is_well() && !has_begun() && pair_.now_ns() < start_ns + bound_ns)
      step(endurance.operation_permille / 1000 +
               (prng_.chance(endurance.operation_permille % 1000) ? 1 : 0),
           endurance.step_ns);
    if (is_well() && !has_begun())
      fail("a stream on a bad link has not begun after " + std::to_string(bound_ns / 1000) + " us");
    note("begun");
  }

  bool has_begun() const noexcept {
    return pair_.is_joined() && pair_.owner().replica().owner().is_bulk_done();
  }

  std::uint64_t endurance_ns() const noexcept {
    const Endurance& endurance = plan_.endurance;
    const std::uint64_t trip_ns =
        tests::round_trip_ns(plan_.shape.stream, endurance.faults, endurance.step_ns);
    const std::uint64_t recovery_ns = endurance.faults.squeeze_frames_per_ms == 0
                                          ? 0
                                          : pace_recovery_ns(plan_.shape.stream, trip_ns);
    return plan_.told_ns_max + recovery_ns + 40 * trip_ns +
           4 * drain_frames(plan_.shape) * endurance.frame_ns(trip_ns, plan_.shape.stream);
  }

  std::uint64_t round_trip_ns() const noexcept {
    return tests::round_trip_ns(plan_.shape.stream, plan_.calm, plan_.step_ns);
  }

  std::uint64_t recovery_ns() const noexcept {
    return pace_recovery_ns(plan_.shape.stream, round_trip_ns());
  }

  // I9: with the faults off all is equal within 20 round trips and the time to send what there is.
  void calm() {
    note("calm");
    has_packets_ = false;
    pair_.set_faults(plan_.calm);
    const std::uint64_t bound_ns = plan_.told_ns_max + plan_.flap_ns_max + 20 * round_trip_ns() +
                                   drain_ns(plan_.shape, plan_.calm, plan_.step_ns) +
                                   recovery_ns() + plan_.shape.stream.refresh_flush_ns +
                                   plan_.storm.reorder_ns_max;
    const std::uint64_t end_ns = pair_.now_ns() + bound_ns;
    while (is_well() && !is_settled() && pair_.now_ns() < end_ns) step(0);
    if (is_well() && !is_settled())
      fail("I9 not equal " + std::to_string(bound_ns / 1000) + " us after the faults ended: " +
           std::to_string(pair_.owner().replica().owner().in_flight_count()) +
           " frames in flight, " + std::to_string(pair_.owner().replica().owner().at_risk_count()) +
           " slots at risk, bulk " +
           (pair_.owner().replica().owner().is_bulk_done() ? "done" : "not done"));
    while (is_well() && receipts_.are_waiting(pair_) && pair_.now_ns() < end_ns) step(0);
    if (is_well() && receipts_.are_waiting(pair_)) fail("5.5 a receipt does not come");
    look_at_indexes();
  }

  bool is_settled() const noexcept {
    return pair_.is_joined() && pair_.owner().replica().owner().is_quiet();
  }

  void verify() {
    note("verify");
    ha2::OwnerStream& owner = pair_.owner().replica().owner();
    owner.start_verify();
    const std::uint64_t end_ns = pair_.now_ns() + 20 * round_trip_ns() + recovery_ns();
    while (is_well() && owner.verification().is_running && pair_.now_ns() < end_ns) step(0);
    const auto verification = owner.verification();
    if (verification.is_running || verification.equal_count != verification.range_count)
      fail("section 5: of " + std::to_string(verification.range_count) + " ranges only " +
           std::to_string(verification.equal_count) + " were found equal");
  }

  // While there is something to say, a stream that was held back goes at full speed in time again.
  void hasten() {
    const ha2::OwnerStream& owner = pair_.owner().replica().owner();
    if (owner.pace_ns() == 0) return;
    result_.coverage.add(Covered::kHastened);
    note("it goes at full speed again");
    const std::uint64_t end_ns = pair_.now_ns() + 2 * recovery_ns();
    auto& slots = pair_.owner().partition().session4().slots();
    while (is_well() && owner.pace_ns() != 0 && pair_.now_ns() < end_ns) {
      slots.mark(prng_.below(plan_.shape.limits.session4.slot_count), tables::kMarkWhole);
      step(0);
    }
    if (is_well() && owner.pace_ns() != 0)
      fail("section 5.3: still a frame each " + std::to_string(owner.pace_ns() / 1000) +
           " us, though none are lost");
  }

  SeedOptions options_;
  Prng prng_;
  Plan plan_;
  SimPair pair_;
  Workload workload_;
  Observer observer_;
  NothingForgotten nothing_forgotten_;
  NothingInvented nothing_invented_;
  NothingGoesBack nothing_goes_back_;
  NothingImproper improper_;
  QuietMeansEqual quiet_;
  IndexIsExact index_;
  ReceiptsAreTrue receipts_;
  LaterVersion later_version_;
  SequenceTraffic sequences_;
  bool has_packets_ = false;
  std::uint64_t cut_until_ns_ = 0;
  std::uint64_t taken_over_step_ = 0;
  SeedResult result_;
};

}  // namespace

SeedResult run_stream(const SeedOptions& options) { return StreamRun(options).run(); }

}  // namespace twinplane::tests
