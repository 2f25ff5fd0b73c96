// SPDX-License-Identifier: BSD-3-Clause
// whole_events.hpp - draws what happens to two whole boxes, does it, and undoes it when its time is
// over.
//
// Thread:  one.
// Memory:  a list of what is to be undone.
// Limits:  none.
// Errors:  none.
// Spec:    whole_plan.hpp says how often what happens.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/coverage.hpp"
#include "tests/sim/whole_plan.hpp"
#include "tests/sim/whole_story.hpp"

namespace twinplane::tests {

class WholeEventMaker {
 public:
  using Tell = std::function<void(const std::string&)>;
  // A box is about to end, with all that it knew.
  using OnEnd = std::function<void(std::size_t)>;

  WholeEventMaker(const WholePlan& plan, WholePair& pair, std::uint64_t seed, Coverage& coverage,
                  Tell tell, OnEnd on_end)
      : plan_(plan),
        pair_(pair),
        prng_(seed),
        coverage_(coverage),
        tell_(std::move(tell)),
        on_end_(std::move(on_end)) {}

  // Both machines are switched on, each at its time.
  void start();

  // Once a step: what is over is undone, and perhaps something happens.
  void turn();

  // What is over is undone; a box that has left is down for a while.
  void undo_due();

  // All is undone at once, and every box runs.
  void end_all();

  bool has_undo() const noexcept { return !undos_.empty(); }

  // Until nothing is to be undone for so long.
  std::uint64_t quiet_ns() const noexcept;

 private:
  struct Undo {
    std::uint64_t at_ns;
    std::function<void()> action;
  };

  void boot(std::size_t index);
  void end(std::size_t index, const char* how);
  void crash(std::size_t index);
  void leave();
  void pause();
  void hang_worker();
  void hang_control();
  void leap();
  void cut(ha2::Path path, bool is_one_way);
  void begin_flaps();
  void flap(std::uint64_t period_ns, std::uint32_t times_left, bool is_cut);
  void say_other_item();
  void replay_old_words(std::size_t from);
  void verify();
  void set_cut(ha2::Path path, std::size_t from, bool is_cut);

  void later(std::uint64_t in_ns, std::function<void()> action) {
    undos_.push_back({pair_.now_ns() + in_ns, std::move(action)});
  }

  // Around the time after which a peer is held for dead: shorter and longer.
  std::uint64_t some_time_ns() { return plan_.silence_ns() * prng_.between(2, 50) / 10; }

  bool happens(std::uint32_t permille) { return permille != 0 && prng_.chance(permille); }

  const WholePlan& plan_;
  WholePair& pair_;
  Prng prng_;
  Coverage& coverage_;
  Tell tell_;
  OnEnd on_end_;
  std::vector<Undo> undos_;
};

}  // namespace twinplane::tests
