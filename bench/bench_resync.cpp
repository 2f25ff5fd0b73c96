// SPDX-License-Identifier: BSD-3-Clause
// bench_resync.cpp - what a mirror costs that comes back with its tables, and what the audit in the
// background takes from forwarding.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>

#include "bench/boxes.hpp"
#include "bench/rounds.hpp"
#include "bench/sessions.hpp"
#include "ha2/session_codec.hpp"

namespace twinplane::bench {
namespace {

std::uint64_t steady_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// ---- resync -------------------------------------------------------------------------------------

struct Traffic {
  std::uint64_t to_mirror = 0;
  std::uint64_t to_owner = 0;
};

// Two boxes with the same sessions in the same slots; each may restart.
class Twins {
 public:
  explicit Twins(std::uint32_t slot_count)
      : session_count_(slot_count / 20 * 17),
        owner_(limits4(slot_count), ha2::Holding::kOwner, 256),
        mirror_(limits4(slot_count), ha2::Holding::kMirror, 256),
        to_mirror_(1024),
        to_owner_(1024) {
    for (std::uint32_t number = 0; number < session_count_; ++number)
      TWINPLANE_CHECK(static_cast<int>(owner_.slots4().insert(session4(number)).status), ==, 0);
    for (std::uint32_t slot = 0; slot < slot_count; ++slot)
      if (owner_.slots4().live().is_live(slot))
        mirror_.slots4().put(slot, owner_.slots4().entry(slot));
    begin(2, true);
    static_cast<void>(settle());
  }

  Box& owner() { return owner_; }

  Box& mirror() { return mirror_; }

  std::uint32_t session_count() const { return session_count_; }

  void begin(std::uint32_t session, bool holds_tables) {
    ha2::Assignment assignment{ha2::Holding::kMirror, true, {session, 1}, kFrameBytes};
    assignment.peer_holds_tables = holds_tables;
    mirror_.replica().assume(assignment);
    assignment.holding = ha2::Holding::kOwner;
    owner_.replica().assume(assignment);
  }

  // Until both are equal; what travelled meanwhile.
  Traffic settle() {
    Traffic traffic;
    do {
      now_ns_ += 100'000;
      to_mirror_.clear();
      owner_.replica().poll(now_ns_, to_mirror_);
      traffic.to_mirror += to_mirror_.sent_bytes();
      deliver(to_mirror_, mirror_.replica(), now_ns_);
      to_owner_.clear();
      now_ns_ += 100'000;
      mirror_.replica().poll(now_ns_, to_owner_);
      traffic.to_owner += to_owner_.sent_bytes();
      deliver(to_owner_, owner_.replica(), now_ns_);
    } while (!owner_.replica().owner().is_quiet());
    return traffic;
  }

  // One of a hundred sessions, in random places, has changed, ended, or made room for another;
  // gives the bytes of records that say no more than that.
  std::uint64_t change(std::uint32_t round, bool is_marked) {
    std::uint64_t bytes = 0;
    auto& slots = owner_.slots4();
    auto& other = mirror_.slots4();
    for (std::uint32_t i = 0; i < session_count_ / 100; ++i) {
      const auto number =
          static_cast<std::uint32_t>(mixed(round * 0x10000000ULL + i) % session_count_);
      const std::uint32_t slot = slots.find(key4(number)).slot;
      if (slot == tables::kNoSlot) continue;
      if (!is_marked) {
        // As if this mirror had been told something else.
        if (ha2::image_of(other.entry(slot)) == ha2::image_of(slots.entry(slot)))
          bytes += sizeof(ha2::Brief4);
        other.changeable(slot).state.rule ^= static_cast<std::uint16_t>(1U + i % 255);
        continue;
      }
      if (slots.changes().contains(slot)) continue;
      if (i % 4 == 3) {
        slots.erase(slot);
        bytes += sizeof(ha2::EmptySlot);
        continue;
      }
      slots.changeable(slot).flags ^= tables::kReplySeen;
      slots.mark(slot, tables::kMarkState);
      bytes += sizeof(ha2::Brief4);
    }
    return bytes;
  }

 private:
  std::uint32_t session_count_;
  Box owner_;
  Box mirror_;
  FrameStore to_mirror_;
  FrameStore to_owner_;
  std::uint64_t now_ns_ = 1'000'000'000'000;
};

// The mirror's process ends, the owner goes on and one session in a hundred changes, the mirror
// comes back with its tables.
void resync(benchmark::State& state) {
  Twins twins(by_scale(1U << 14U, 1U << 20U, 1U << 20U));
  Samples ratios, answers, unmarked, adopt_ms, equal_ms;
  std::uint32_t session = 2;
  for (auto _ : state) {
    const std::uint64_t needed = twins.change(session, true);
    const std::uint64_t start_ns = steady_ns();
    const tables::AdoptedSlots adopted = twins.mirror().restart(ha2::Holding::kMirror);
    TWINPLANE_CHECK(adopted.refused, ==, 0U);
    const std::uint64_t adopted_ns = steady_ns();
    twins.begin(++session, true);
    const Traffic traffic = twins.settle();
    const std::uint64_t equal_ns = steady_ns();
    ratios.push_back(static_cast<double>(traffic.to_mirror) / static_cast<double>(needed));
    answers.push_back(static_cast<double>(traffic.to_owner) / static_cast<double>(needed));
    adopt_ms.push_back(static_cast<double>(adopted_ns - start_ns) * 1e-6);
    equal_ms.push_back(static_cast<double>(equal_ns - adopted_ns) * 1e-6);
    // What nobody marked, found by digests alone.
    const std::uint64_t hidden = twins.change(session + 1000, false);
    twins.begin(++session, true);
    unmarked.push_back(static_cast<double>(twins.settle().to_mirror) / static_cast<double>(hidden));
  }
  state.counters["resync.sent_ratio"] = median(ratios);
  state.counters["answers_ratio"] = median(answers);
  state.counters["unmarked_ratio"] = median(unmarked);
  state.counters["adopt_ms"] = median(adopt_ms);
  state.counters["compare_ms_both_sides"] = median(equal_ms);
  state.counters["sessions"] = twins.session_count();
}

// ---- verify -------------------------------------------------------------------------------------

constexpr std::size_t kPacketsATurn = 64;
// The audit's cycle of 60 s is run through so many times as fast, and the loss divided by that:
// else it would drown in the noise.
constexpr std::uint64_t kHaste = 20;

// A worker's turns: packets of random sessions are looked up and their time begins anew, and the
// stream is polled. The mirror's work is another core's and is not timed.
class Forwarding {
 public:
  explicit Forwarding(std::uint32_t slot_count)
      : config_(audited()),
        owner_(limits4(slot_count), ha2::Holding::kOwner, 256, &config_),
        mirror_(limits4(slot_count), ha2::Holding::kMirror, 256),
        to_mirror_(64),
        to_owner_(64),
        session_count_(slot_count / 20 * 17) {
    for (std::uint32_t number = 0; number < session_count_; ++number)
      TWINPLANE_CHECK(static_cast<int>(owner_.slots4().insert(session4(number)).status), ==, 0);
    for (std::uint32_t slot = 0; slot < slot_count; ++slot)
      if (owner_.slots4().live().is_live(slot))
        mirror_.slots4().put(slot, owner_.slots4().entry(slot));
    ha2::Assignment assignment{ha2::Holding::kMirror, true, {2, 1}, kFrameBytes};
    assignment.peer_holds_tables = true;
    mirror_.replica().assume(assignment);
    assignment.holding = ha2::Holding::kOwner;
    owner_.replica().assume(assignment);
    while (!owner_.replica().owner().is_quiet()) static_cast<void>(turn(now_ns_ += 100'000));
  }

  // Nanoseconds a packet over that many turns of a core that is never idle: the boxes' time is what
  // the turns took. Without audit it stands still.
  double run(std::uint32_t turn_count, bool has_audit) {
    double spent_ns = 0;
    for (std::uint32_t i = 0; i < turn_count; ++i) {
      const double turn_ns = turn(now_ns_);
      if (has_audit) now_ns_ += static_cast<std::uint64_t>(turn_ns);
      spent_ns += turn_ns;
    }
    return spent_ns / (static_cast<double>(turn_count) * kPacketsATurn);
  }

  std::uint64_t ranges_told() {
    return owner_.replica().counters().get(ha2::Counter::kRangesEqual);
  }

 private:
  static ha2::StreamConfig audited() {
    ha2::StreamConfig config = stream_config(256);
    config.audit_cycle_ns = 60'000'000'000ULL / kHaste;
    config.audit_core_ppm = 1'000'000;
    return config;
  }

  double turn(std::uint64_t now_ns) {
    for (tables::FlowKey4& key : keys_) key = key4(random_() % session_count_);
    to_mirror_.clear();
    const double spent_ns = cpu_ns_per_operation(1, [&] {
      auto& sessions = owner_.replica().partition().session4();
      sessions.slots().find_burst(keys_, found_);
      for (const tables::Found& found : found_)
        if (found.slot != tables::kNoSlot) sessions.touch(found.slot, 1000);
      owner_.replica().poll(now_ns, to_mirror_);
    });
    deliver(to_mirror_, mirror_.replica(), now_ns);
    to_owner_.clear();
    mirror_.replica().poll(now_ns, to_owner_);
    deliver(to_owner_, owner_.replica(), now_ns);
    return spent_ns;
  }

  ha2::StreamConfig config_;
  Box owner_;
  Box mirror_;
  FrameStore to_mirror_;
  FrameStore to_owner_;
  std::uint32_t session_count_;
  std::uint64_t now_ns_ = 1'000'000'000'000;
  std::mt19937_64 random_{3};
  std::array<tables::FlowKey4, kPacketsATurn> keys_{};
  std::array<tables::Found, kPacketsATurn> found_{};
};

void verify(benchmark::State& state) {
  Forwarding forwarding(table_places());
  Samples plain, audited;
  const std::uint32_t turns = by_scale(200U, 20'000U, 40'000U);
  const std::uint64_t before = forwarding.ranges_told();
  for (auto _ : state) {
    plain.push_back(forwarding.run(turns, false));
    audited.push_back(forwarding.run(turns, true));
  }
  TWINPLANE_CHECK(forwarding.ranges_told(), >, before);
  const double loss = 1 - 1 / median_ratio(audited, plain);
  state.counters["verify.overhead"] = std::max(0.0, loss / static_cast<double>(kHaste));
  state.counters["loss_at_20_times_the_pace"] = loss;
  state.counters["ns_a_packet"] = median(plain);
  state.counters["ranges"] = static_cast<double>(forwarding.ranges_told() - before);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  benchmark::RegisterBenchmark("resync", resync)->Iterations(by_scale(1, 3, 7));
  benchmark::RegisterBenchmark("verify", verify)->Iterations(by_scale(2, 10, 20));
  return run_benches(argc, argv, {.memory_mib = by_scale(128U, 900U, 3200U)});
}
