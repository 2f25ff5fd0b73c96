// SPDX-License-Identifier: BSD-3-Clause
// bench_apply.cpp - the mirror applies frames, decoding included, beside the roofline of the run
// and beside rte_hash.
//
// Update and create work on random slots of a table of the full size. The roofline reads, changes
// and writes one random line of an array as large as the entries, in the same pages, with the best
// prefetch distance found in this run.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "bench/boxes.hpp"
#include "bench/environment.hpp"
#include "bench/roofline.hpp"
#include "bench/rounds.hpp"
#include "bench/rte_rival.hpp"
#include "bench/sessions.hpp"

namespace twinplane::bench {
namespace {

// A round is what a window of frames can say: 4096 frames of 240 updates or of 55 creates.
std::uint32_t updates_per_round() { return by_scale(1U << 12U, 900'000U, 900'000U); }

std::uint32_t creates_per_round() { return by_scale(1U << 10U, 200'000U, 200'000U); }

void update(benchmark::State& state) {
  const std::uint32_t places = table_places();
  const std::uint32_t count = updates_per_round();
  Boxes boxes(limits4(places));
  RteRival plain("plain", places, 0);
  RteRival lock_free("lock_free", places, RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF);
  Roofline roofline(places);
  // 85 % of the places, as in the lookups.
  const auto live = static_cast<std::uint32_t>(std::uint64_t{places} * 85 / 100);
  for (std::uint32_t slot = 0; slot < live; ++slot) {
    const tables::Session4 session = session4(slot);
    boxes.owner().slots4().put(slot, session);
    boxes.mirror().slots4().put(slot, session);
    const tables::FlowKey4 key = tables::key_of(session, tables::Side::kClient);
    plain.add(key, session);
    lock_free.add(key, session);
  }
  boxes.settle();

  std::mt19937_64 random(3);
  std::vector<std::uint32_t> slots(count);
  std::vector<tables::FlowKey4> keys(count);
  std::vector<const void*> pointers(count);
  std::uint32_t distance = 0;
  Samples ours, roofline_ns, plain_ns, lock_free_ns;
  std::uint8_t rank = 1;
  for (auto _ : state) {
    rank = static_cast<std::uint8_t>(rank % 4 + 1);
    for (std::uint32_t i = 0; i < count; ++i) {
      slots[i] = static_cast<std::uint32_t>(random() % live);
      keys[i] = key4(slots[i]);
      pointers[i] = &keys[i];
      boxes.owner().slots4().changeable(slots[i]).state.tcp_ranks =
          static_cast<std::uint8_t>(rank | rank << 4U);
      boxes.owner().slots4().mark(slots[i], tables::kMarkState);
    }
    if (distance == 0) distance = roofline.best_distance(slots);
    boxes.send();
    const std::uint64_t before =
        boxes.mirror().replica().counters().get(ha2::Counter::kRecordsApplied);
    double taken_ns = cpu_ns_per_operation(1, [&] { boxes.apply(); });
    const std::uint64_t applied =
        boxes.mirror().replica().counters().get(ha2::Counter::kRecordsApplied) - before;
    ours.push_back(taken_ns / static_cast<double>(applied));
    roofline_ns.push_back(roofline.run(slots, distance));
    const auto write_all = [&](RteRival& rival) {
      for (std::uint32_t start = 0; start + RteRival::kBurst <= count; start += RteRival::kBurst)
        rival.find_burst({&pointers[start], RteRival::kBurst},
                         [&](tables::Session4& session, std::size_t) {
                           session.state.tcp_ranks = static_cast<std::uint8_t>(rank | rank << 4U);
                           session.state.timeout_class = 1;
                         });
    };
    plain_ns.push_back(cpu_ns_per_operation(count, [&] { write_all(plain); }));
    lock_free_ns.push_back(cpu_ns_per_operation(count, [&] { write_all(lock_free); }));
    boxes.answer();
    for (const std::uint32_t slot : slots)
      if (boxes.mirror().slots4().entry(slot).state.tcp_ranks != (rank | rank << 4U))
        state.SkipWithError("an update did not arrive");
    state.SetIterationTime(taken_ns * 1e-9);
  }
  const Samples& better = median(plain_ns) < median(lock_free_ns) ? plain_ns : lock_free_ns;
  state.counters["apply.update_x_roofline"] = median_ratio(roofline_ns, ours);
  state.counters["apply.update_x_rte_hash"] = median_ratio(better, ours);
  state.counters["roofline_ns"] = median(roofline_ns);
  state.counters["roofline_distance"] = distance;
  state.counters["ns_twinplane"] = median(ours);
  state.counters["ns_rte_hash_plain"] = median(plain_ns);
  state.counters["ns_rte_hash_lock_free"] = median(lock_free_ns);
}

// From an empty table to 85 %, in slices that take turns.
void create(benchmark::State& state) {
  const std::uint32_t places = table_places();
  const std::uint32_t count = creates_per_round();
  Boxes boxes(limits4(places));
  RteRival plain("plain", places, 0);
  RteRival lock_free("lock_free", places, RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF);
  boxes.settle();
  const std::vector<std::uint32_t> order = shuffled(places, 4);
  std::vector<tables::Session4> sessions(count);
  std::vector<tables::FlowKey4> keys(count);
  Samples ours, plain_ns, lock_free_ns;
  std::uint32_t done = 0;
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t slot = order[done + i];
      sessions[i] = session4(slot);
      keys[i] = tables::key_of(sessions[i], tables::Side::kClient);
      boxes.owner().slots4().put(slot, sessions[i]);
      boxes.owner().slots4().mark(slot, tables::kMarkWhole);
    }
    done += count;
    boxes.send();
    ours.push_back(cpu_ns_per_operation(count, [&] { boxes.apply(); }));
    const auto add_all = [&](RteRival& rival) {
      for (std::uint32_t i = 0; i < count; ++i) rival.add_data(keys[i], i + 1);
    };
    plain_ns.push_back(cpu_ns_per_operation(count, [&] { add_all(plain); }));
    lock_free_ns.push_back(cpu_ns_per_operation(count, [&] { add_all(lock_free); }));
    boxes.answer();
    if (boxes.mirror().slots4().live_count() != done)
      state.SkipWithError("a create did not arrive");
    state.SetIterationTime(ours.back() * count * 1e-9);
  }
  const Samples& better = median(plain_ns) < median(lock_free_ns) ? plain_ns : lock_free_ns;
  state.counters["apply.create_x_rte_hash"] = median_ratio(better, ours);
  state.counters["ns_twinplane"] = median(ours);
  state.counters["ns_rte_hash_plain"] = median(plain_ns);
  state.counters["ns_rte_hash_lock_free"] = median(lock_free_ns);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  const auto create_rounds =
      std::uint64_t{table_places()} * 85 / 100 / by_scale(1U << 10U, 200'000U, 200'000U);
  benchmark::RegisterBenchmark("apply.update", update)
      ->Iterations(by_scale<benchmark::IterationCount>(2, 10, 15))
      ->UseManualTime();
  benchmark::RegisterBenchmark("apply.create", create)
      ->Iterations(static_cast<benchmark::IterationCount>(create_rounds))
      ->UseManualTime();
  return run_benches(argc, argv, {.memory_mib = by_scale(128U, 1600U, 6400U)});
}
