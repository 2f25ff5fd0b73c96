// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/whole_run.hpp"

#include <algorithm>
#include <memory>

#include "tests/sim/whole_events.hpp"
#include "tests/sim/whole_story.hpp"
#include "tests/sim/whole_watch.hpp"

namespace twinplane::tests {

namespace {

using ha2::Path;
using ha2::Role;

class WholeRun {
 public:
  explicit WholeRun(const SeedOptions& options)
      : options_(options),
        prng_(options.seed ^ 0x7717'B0B5U),
        plan_(draw_whole_plan(prng_, options.steps)),
        pair_(plan_.machines, prng_.next()),
        story_(pair_, options.is_verbose),
        events_(
            plan_, pair_, prng_.next(), result_.coverage,
            [this](const std::string& what) { story_.tell(what); },
            [this](std::size_t index) { on_end(index); }) {
    for (std::uint32_t p = 0; p < plan_.machines[0].box.partition_count; ++p)
      watches_.push_back(std::make_unique<Watch>(plan_.workload, prng_.next(), plan_.pair().kinds));
  }

  SeedResult run() {
    story_.describe(plan_, options_.seed);
    events_.start();
    for (std::uint32_t round = 0; round < plan_.round_count && is_well(); ++round) {
      for (const auto& watch : watches_) watch->workload.set_kind(plan_.traffic[round]);
      result_.coverage.add(plan_.traffic[round]);
      storm();
      if (is_well()) settle();
      if (is_well()) drain();
      if (is_well()) verify();
    }
    cover();
    return result_;
  }

 private:
  bool is_well() const noexcept { return result_.violation.empty(); }

  void fail(const std::string& violation) {
    if (is_well() && !violation.empty())
      result_.violation = violation + " (step " + std::to_string(result_.steps) + ")";
  }

  // ---- looking ----------------------------------------------------------------------------------

  // Each look is checked: what it has seen to change is not seen again.
  const Scene& look_at(std::uint32_t p) {
    const Scene& scene = watches_[p]->observer.look(ends_of(pair_, p));
    fail_in(p, watches_[p]->check(scene));
    return scene;
  }

  void fail_in(std::uint32_t p, const std::string& violation) {
    if (!violation.empty()) fail("partition " + std::to_string(p) + ": " + violation);
  }

  void look() {
    for (std::uint32_t p = 0; p < watches_.size(); ++p) {
      look_at(p);
      for (std::size_t i = 0; i < 2; ++i)
        if (pair_.is_up(i)) fail_in(p, false_alarm_of(pair_.box(i).partition(p)));
      if (result_.steps % 16 == 0) look_at_index(p);
    }
    fail(one_owner_.check(pair_));
    fail(one_active_.check(pair_));
    fail(hasty_.check(pair_));
    fail(dead_.check(pair_));
    for (std::size_t i = 0; i < 2; ++i) fail(pair_.link(i, Path::kHa2).seq_used_twice());
  }

  void look_at_index(std::uint32_t p) {
    for (std::size_t i = 0; i < 2; ++i)
      if (pair_.is_up(i)) fail_in(p, watches_[p]->index.check(pair_.box(i).partition(p)));
  }

  // Before a new owner changes anything.
  void look_at_takeovers() {
    std::uint64_t follow_count = 0;
    for (std::size_t i = 0; i < 2; ++i)
      if (pair_.is_up(i)) follow_count += pair_.box(i).follow_count();
    if (follow_count == follow_count_) return;
    follow_count_ = follow_count;
    look();
    for (std::size_t i = 0; i < 2; ++i) {
      if (!pair_.is_up(i)) continue;
      for (const WholeBox::TakenOver& taken : pair_.box(i).taken_over()) {
        const std::uint32_t p = taken.partition;
        story_.tell(std::string(kBoxNames[i]) + " owns partition " + std::to_string(p));
        if (taken.has_changed) fail_in(p, "the change of ownership changed a table");
        cover_takeover(i, p);
        fail_in(p, watches_[p]->answered.check(look_at(p), i, taken.name));
        fail_in(p, watches_[p]->index.check(pair_.box(i).partition(p)));
      }
      pair_.box(i).taken_over().clear();
    }
  }

  void cover_takeover(std::size_t taker, std::uint32_t p) {
    result_.coverage.add(Covered::kTakeOver);
    if (taken_over_ns_ != 0 && pair_.now_ns() - taken_over_ns_ < 2 * plan_.silence_ns() &&
        pair_.now_ns() != taken_over_ns_)
      result_.coverage.add(Covered::kDoubleTakeOver);
    taken_over_ns_ = pair_.now_ns();
    if (!pair_.is_up(1 - taker)) return;
    const ha2::OwnerStream& other = pair_.box(1 - taker).partition(p).replica().owner();
    if (other.is_running() && !other.is_bulk_done()) result_.coverage.add(Covered::kTakeOverInBulk);
  }

  void on_end(std::size_t index) {
    for (std::uint32_t p = 0; p < watches_.size(); ++p) {
      const Scene& scene = look_at(p);
      if (scene.is_joined && scene.owner_index == index) watches_[p]->answered.remember(scene);
      result_.coverage.add_counters(pair_.box(index).partition(p).replica().counters());
    }
  }

  // ---- time passes ------------------------------------------------------------------------------

  void operate(std::uint32_t operations_max) {
    if (operations_max == 0) return;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!pair_.is_up(i)) continue;
      for (std::uint32_t p = 0; p < watches_.size(); ++p) {
        if (!pair_.has_turn(i, p) || !pair_.box(i).is_owner(p)) continue;
        Workload& workload = watches_[p]->workload;
        workload.set_closed(pair_.box(i).are_doors_closed());
        const std::uint32_t count = prng_.below(operations_max + 1);
        for (std::uint32_t n = 0; n < count; ++n)
          workload.operate(pair_.box(i).partition(p).partition(), pair_.local_ns(i));
      }
    }
  }

  void step(std::uint64_t step_ns, std::uint32_t operations_max) {
    ++result_.steps;
    pair_.advance(step_ns);
    look_at_takeovers();
    operate(operations_max);
    look();
    pair_.poll();
    note_refusals();
    story_.tell_of_roles();
  }

  void note_refusals() {
    for (std::size_t i = 0; i < 2; ++i) {
      const bool is_refused = pair_.is_up(i) && pair_.box(i).pair().is_refused();
      if (is_refused && !were_refused_[i]) result_.coverage.add(Covered::kRefusal);
      if (!is_refused && were_refused_[i] && pair_.is_up(i))
        result_.coverage.add(Covered::kWithdrawal);
      were_refused_[i] = is_refused;
    }
  }

  // A box that waits longer than a keepalive interval has itself stood still; a hop is shorter.
  std::uint64_t hop_ns() { return plan_.pair().keepalive_interval_ns * prng_.between(1, 9) / 20; }

  // Nothing will happen for long: everybody runs on, in strides.
  void stride(std::uint64_t end_ns) {
    story_.tell("time passes");
    while (is_well() && pair_.now_ns() < end_ns) {
      for (int i = 0; i < 15; ++i) {
        pair_.advance(plan_.pair().keepalive_interval_ns * 9 / 20);
        look_at_takeovers();
        pair_.poll();
        story_.tell_of_roles();
      }
      step(hop_ns(), plan_.operations_max);
    }
  }

  void storm() {
    story_.tell("the storm begins");
    set_faults(plan_.storm);
    pair_.set_skipped_turns(plan_.skipped_permille);
    pair_.set_ring_frames(plan_.ring_frames);
    const std::uint64_t stride_ns = 40 * plan_.pair().keepalive_interval_ns;
    for (std::uint32_t i = 0; i < plan_.step_count && is_well(); ++i) {
      events_.turn();
      step(prng_.chance(plan_.hop_permille) ? hop_ns() : plan_.step_ns, plan_.operations_max);
      const std::uint64_t quiet_ns = events_.quiet_ns();
      if (quiet_ns > stride_ns && events_.has_undo() && prng_.chance(30))
        stride(pair_.now_ns() + quiet_ns - stride_ns / 2);
    }
  }

  void set_faults(const std::array<LinkFaults, ha2::kPathCount>& faults) {
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t path = 0; path < ha2::kPathCount; ++path)
        pair_.link(i, static_cast<Path>(path)).set_faults(faults[path]);
  }

  // ---- liveness ---------------------------------------------------------------------------------

  bool is_settled() {
    if (!pair_.is_up(0) || !pair_.is_up(1)) return false;
    const Role left = pair_.box(0).pair().role();
    const Role right = pair_.box(1).pair().role();
    const bool is_one_active = (left == Role::kActive && right == Role::kPassive) ||
                               (left == Role::kPassive && right == Role::kActive);
    if (!is_one_active || pair_.box(0).are_doors_closed() || pair_.box(1).are_doors_closed())
      return false;
    for (std::uint32_t p = 0; p < watches_.size(); ++p)
      if (!watches_[p]->observer.last().is_joined) return false;
    return pair_.box(0).pair().is_paired() && pair_.box(1).pair().is_paired();
  }

  std::size_t active_index() const noexcept {
    return pair_.box(0).pair().role() == Role::kActive ? 0 : 1;
  }

  // Faults off: one box is active and the other mirrors all of it, within the time that a start, a
  // leaving box and a few hellos take.
  void settle() {
    story_.tell("the faults end");
    set_faults(plan_.calm);
    pair_.set_skipped_turns(0);
    pair_.set_ring_frames(FrameRing::kFramesMax);
    events_.end_all();
    const std::uint64_t bound_ns = plan_.settle_ns();
    // What was silent may be taken for dead a moment after it speaks again.
    const std::uint64_t earliest_ns = pair_.now_ns() + 2 * plan_.silence_ns();
    const std::uint64_t end_ns = pair_.now_ns() + bound_ns;
    while (is_well() && pair_.now_ns() < (is_settled() ? earliest_ns : end_ns)) {
      events_.undo_due();
      step(hop_ns(), 0);
    }
    if (is_well() && !is_settled())
      fail("no settled pair " + std::to_string(bound_ns / 1'000'000) +
           " ms after the faults ended: " + state_text(pair_));
    story_.tell("settled: " + state_text(pair_));
  }

  bool is_quiet() const {
    const WholeBox& active = pair_.box(active_index());
    for (std::uint32_t p = 0; p < watches_.size(); ++p)
      if (!active.partition(p).replica().owner().is_quiet()) return false;
    return pair_.box(1 - active_index()).pair().is_peer_synced();
  }

  // I9: with one active box all is equal within 20 round trips and the time to send what there is,
  // and the passive box knows it a keepalive later.
  void drain() {
    const std::uint64_t takeovers = takeover_count();
    const std::uint64_t late_ns =
        std::max(plan_.storm[0].reorder_ns_max, plan_.storm[0].refuse_ns_max);
    const std::uint64_t bound_ns = 20 * plan_.round_trip_ns() + plan_.drain_ns() + late_ns +
                                   plan_.machines[0].box.partition.stream.refresh_flush_ns +
                                   2 * plan_.pair().keepalive_interval_ns;
    const std::uint64_t end_ns = pair_.now_ns() + bound_ns;
    while (is_well() && !is_quiet() && pair_.now_ns() < end_ns) step(plan_.step_ns, 0);
    if (is_well() && !is_quiet())
      fail("I9 not equal " + std::to_string(bound_ns / 1000) + " us after the pair had settled");
    for (std::uint32_t p = 0; p < watches_.size() && is_well(); ++p) {
      look_at_index(p);
      if (!watches_[p]->observer.last().are_equal()) fail_in(p, "I9 quiet but not equal");
    }
    if (takeover_count() != takeovers) fail("a takeover with no fault");
    story_.tell("all partitions are equal");
  }

  std::uint64_t takeover_count() const noexcept {
    return result_.coverage.get(static_cast<std::size_t>(Covered::kTakeOver));
  }

  void verify() {
    WholeBox& active = pair_.box(active_index());
    for (std::uint32_t p = 0; p < watches_.size(); ++p)
      active.partition(p).replica().owner().start_verify();
    const std::uint64_t end_ns = pair_.now_ns() + 20 * plan_.round_trip_ns();
    const auto is_running = [&] {
      for (std::uint32_t p = 0; p < watches_.size(); ++p)
        if (active.partition(p).replica().owner().verification().is_running) return true;
      return false;
    };
    while (is_well() && is_running() && pair_.now_ns() < end_ns) step(plan_.step_ns, 0);
    for (std::uint32_t p = 0; p < watches_.size() && is_well(); ++p) {
      const auto verification = active.partition(p).replica().owner().verification();
      if (verification.is_running || verification.equal_count != verification.range_count)
        fail_in(p, "section 5: of " + std::to_string(verification.range_count) + " ranges only " +
                       std::to_string(verification.equal_count) + " were found equal");
    }
    story_.tell("verified");
  }

  void cover() {
    Coverage& coverage = result_.coverage;
    cover_pair(plan_, pair_, coverage);
    coverage.add(Covered::kTwoActives, one_active_.times());
    coverage.add(Covered::kStreams, one_owner_.stream_count());
    for (const auto& watch : watches_) {
      coverage.add(Covered::kAnsweredKept, watch->answered.kept_count());
      coverage.add(Covered::kTableWasFull, watch->workload.refused_count());
    }
    for (std::size_t i = 0; i < 2; ++i)
      for (const Path path : {Path::kHa2, Path::kHa1})
        result_.frames += pair_.link(i, path).sent_count();
    result_.streams = one_owner_.stream_count();
  }

  SeedOptions options_;
  SeedResult result_;
  Prng prng_;
  WholePlan plan_;
  WholePair pair_;
  WholeStory story_;
  WholeEventMaker events_;
  std::vector<std::unique_ptr<Watch>> watches_;
  OneOwner one_owner_;
  OneActive one_active_;
  NobodyIsHasty hasty_;
  TheDeadStayDead dead_;
  std::array<bool, 2> were_refused_{};
  std::uint64_t taken_over_ns_ = 0;
  std::uint64_t follow_count_ = 0;
};

}  // namespace

SeedResult run_whole(const SeedOptions& options) { return WholeRun(options).run(); }

}  // namespace twinplane::tests
