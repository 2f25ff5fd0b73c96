// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/whole_events.hpp"

#include <algorithm>

namespace twinplane::tests {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

std::string in_ms(std::uint64_t ns) {
  return std::to_string(ns / kNsPerMs) + "." + std::to_string(ns / (kNsPerMs / 10) % 10) + " ms";
}

const char* name_of(ha2::Path path) noexcept { return path == ha2::Path::kHa2 ? "HA2" : "HA1"; }

}  // namespace

void WholeEventMaker::boot(std::size_t index) {
  if (pair_.is_up(index)) return;
  pair_.boot(index);
  tell_(std::string(kBoxNames[index]) + " boots");
}

void WholeEventMaker::start() {
  if (plan_.boots_ns[0] == plan_.boots_ns[1]) coverage_.add(Covered::kBothBoot);
  for (std::size_t i = 0; i < 2; ++i) {
    if (plan_.boots_ns[i] == 0)
      boot(i);
    else
      later(plan_.boots_ns[i], [this, i] { boot(i); });
  }
}

void WholeEventMaker::end(std::size_t index, const char* how) {
  on_end_(index);
  const bool keeps_tables = happens(plan_.keep_permille);
  coverage_.add(keeps_tables ? Covered::kCrashWithTables : Covered::kCrash);
  pair_.crash(index, keeps_tables);
  tell_(std::string(kBoxNames[index]) + how + (keeps_tables ? ", its tables are kept" : ""));
}

void WholeEventMaker::crash(std::size_t index) {
  if (!pair_.is_up(index)) return;
  end(index, " crashes");
  const std::uint64_t down_ns = prng_.coin() ? prng_.below(1'000'000) : some_time_ns();
  later(down_ns, [this, index] { boot(index); });
  // What the dead life said arrives when its successor has been heard.
  if (plan_.events.old_words != 0)
    later(down_ns + 3 * some_time_ns(), [this, index] { replay_old_words(index); });
}

void WholeEventMaker::leave() {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair_.is_up(i) || pair_.box(i).pair().role() != ha2::Role::kActive) continue;
    coverage_.add(Covered::kLeave);
    tell_(std::string(kBoxNames[i]) + " is asked to end");
    return pair_.box(i).begin_leaving(pair_.local_ns(i));
  }
}

// From 10 ms to 30 s, mostly about as long as the peer waits.
void WholeEventMaker::pause() {
  const std::size_t index = prng_.below(2);
  std::uint64_t length_ns = some_time_ns();
  const std::uint32_t what = prng_.below(10);
  if (what >= 6) length_ns = kNsPerMs * prng_.between(10, 1000);
  if (what >= 8 && plan_.pair().keepalive_interval_ns >= 10 * kNsPerMs)
    length_ns = kNsPerMs * prng_.between(1000, 30'000);
  coverage_.add(length_ns > 1000 * kNsPerMs ? Covered::kLongPause : Covered::kPause);
  tell_(std::string(kBoxNames[index]) + " stands still for " + in_ms(length_ns));
  pair_.pause(index, pair_.now_ns() + length_ns);
  later(length_ns, [this, index] { tell_(std::string(kBoxNames[index]) + " goes on"); });
}

void WholeEventMaker::hang_worker() {
  const std::size_t index = prng_.below(2);
  const std::uint32_t worker = prng_.below(plan_.machines[index].box.worker_count);
  const std::uint64_t length_ns = 3 * some_time_ns();
  coverage_.add(Covered::kHungWorker);
  tell_(std::string(kBoxNames[index]) + "'s worker " + std::to_string(worker) + " hangs for " +
        in_ms(length_ns));
  pair_.hang_worker(index, worker, pair_.now_ns() + length_ns);
}

void WholeEventMaker::hang_control() {
  const std::size_t index = prng_.below(2);
  const std::uint64_t length_ns = some_time_ns();
  coverage_.add(Covered::kHungControl);
  tell_(std::string(kBoxNames[index]) + "'s control hangs for " + in_ms(length_ns));
  pair_.hang_control(index, pair_.now_ns() + length_ns);
}

void WholeEventMaker::leap() {
  const std::size_t index = prng_.below(2);
  const std::uint64_t length_ns = prng_.coin() ? some_time_ns() : kNsPerMs * prng_.between(1, 5000);
  coverage_.add(Covered::kClockJump);
  tell_(std::string(kBoxNames[index]) + "'s clock leaps by " + in_ms(length_ns));
  pair_.clock(index).leap(length_ns);
}

void WholeEventMaker::set_cut(ha2::Path path, std::size_t from, bool is_cut) {
  pair_.link(from, path).set_cut(is_cut);
}

void WholeEventMaker::cut(ha2::Path path, bool is_one_way) {
  const std::uint64_t length_ns = some_time_ns();
  const std::size_t from = prng_.below(2);
  if (is_one_way) coverage_.add(Covered::kOneWay);
  tell_(std::string(name_of(path)) + (is_one_way ? " is cut from " : " is cut both ways") +
        (is_one_way ? kBoxNames[from] : "") + " for " + in_ms(length_ns));
  set_cut(path, from, true);
  if (!is_one_way) set_cut(path, 1 - from, true);
  later(length_ns, [this, path, from, is_one_way] {
    set_cut(path, from, false);
    if (!is_one_way) set_cut(path, 1 - from, false);
  });
}

// Every 200 ms where a peer is held for dead after 30; in proportion elsewhere.
void WholeEventMaker::begin_flaps() {
  coverage_.add(Covered::kFlap);
  const std::uint64_t period_ns = plan_.silence_ns() * 20 / 3;
  tell_("HA2 flaps, " + in_ms(period_ns) + " each");
  flap(period_ns, prng_.between(4, 10), true);
}

void WholeEventMaker::flap(std::uint64_t period_ns, std::uint32_t times_left, bool is_cut) {
  for (std::size_t from = 0; from < 2; ++from) set_cut(ha2::Path::kHa2, from, is_cut);
  if (times_left == 0 && !is_cut) return;
  later(period_ns / 2, [this, period_ns, times_left, is_cut] {
    flap(period_ns, times_left - (times_left == 0 ? 0 : 1), !is_cut);
  });
}

void WholeEventMaker::say_other_item() {
  const std::size_t index = prng_.below(2);
  const std::uint64_t length_ns = plan_.pair().hello_interval_ns * prng_.between(5, 25);
  tell_(std::string(kBoxNames[index]) + " says another item for " + in_ms(length_ns));
  pair_.other_life(index).set_item_differs(true);
  later(length_ns, [this, index] {
    pair_.other_life(index).set_item_differs(false);
    tell_(std::string(kBoxNames[index]) + " says the same item again");
  });
}

// Of any life that ever spoke: the dead ones must not be believed. Hellos on HA2, keepalives on
// HA1.
void WholeEventMaker::replay_old_words(std::size_t from) {
  const ha2::Path path = prng_.chance(700) ? ha2::Path::kHa2 : ha2::Path::kHa1;
  const std::uint32_t count =
      pair_.link(from, path).replay(path == ha2::Path::kHa2, prng_.between(1, 8));
  coverage_.add(Covered::kOldWords, count);
  tell_(std::to_string(count) + " old words of " + kBoxNames[from] + " arrive again on " +
        name_of(path));
}

void WholeEventMaker::verify() {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair_.is_up(i)) continue;
    coverage_.add(Covered::kVerification);
    for (std::uint32_t p = 0; p < pair_.box(i).shape().partition_count; ++p)
      pair_.box(i).partition(p).replica().owner().start_verify();
  }
}

void WholeEventMaker::undo_due() {
  for (std::size_t i = 0; i < undos_.size();) {
    if (undos_[i].at_ns > pair_.now_ns()) {
      ++i;
      continue;
    }
    const std::function<void()> action = std::move(undos_[i].action);
    undos_.erase(undos_.begin() + static_cast<std::ptrdiff_t>(i));
    action();
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair_.is_up(i) || !pair_.box(i).has_left(pair_.local_ns(i))) continue;
    end(i, " has left");
    later(some_time_ns(), [this, i] { boot(i); });
  }
}

void WholeEventMaker::turn() {
  undo_due();
  const WholeEvents& events = plan_.events;
  if (happens(events.crash)) crash(prng_.below(2));
  if (happens(events.crash_both)) {
    crash(0);
    crash(1);
    coverage_.add(Covered::kBothBoot);
  }
  if (happens(events.leave)) leave();
  if (happens(events.pause)) pause();
  if (happens(events.hang_worker)) hang_worker();
  if (happens(events.hang_control)) hang_control();
  if (happens(events.leap)) leap();
  if (happens(events.cut_ha2)) cut(ha2::Path::kHa2, false);
  if (happens(events.cut_ha1)) cut(ha2::Path::kHa1, false);
  if (happens(events.cut_both)) cut(ha2::Path::kHa2, false), cut(ha2::Path::kHa1, false);
  if (happens(events.one_way)) cut(prng_.coin() ? ha2::Path::kHa2 : ha2::Path::kHa1, true);
  if (happens(events.flaps)) begin_flaps();
  if (happens(events.other_item)) say_other_item();
  if (happens(events.old_words)) replay_old_words(prng_.below(2));
  if (happens(events.verify)) verify();
}

void WholeEventMaker::end_all() {
  undos_.clear();
  pair_.end_stalls();
  for (std::size_t i = 0; i < 2; ++i) {
    pair_.other_life(i).set_item_differs(false);
    for (const ha2::Path path : {ha2::Path::kHa2, ha2::Path::kHa1}) set_cut(path, i, false);
    boot(i);
  }
}

std::uint64_t WholeEventMaker::quiet_ns() const noexcept {
  std::uint64_t next_ns = pair_.now_ns() + 1'000'000'000;
  for (const Undo& undo : undos_) next_ns = std::min(next_ns, undo.at_ns);
  return next_ns - std::min(next_ns, pair_.now_ns());
}

}  // namespace twinplane::tests
