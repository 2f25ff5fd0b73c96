// SPDX-License-Identifier: BSD-3-Clause
// bench_takeover.cpp - from the order to take over to the first old session found; and what a
// session costs in memory.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <rte_cycles.h>

#include <cstdint>
#include <memory>

#include "bench/boxes.hpp"
#include "bench/rounds.hpp"
#include "bench/sessions.hpp"

namespace twinplane::bench {
namespace {

// The peer is gone: the mirror becomes the owner, with a stream of its own to begin as the session
// with the peer stands, looks an old session up and passes a packet of it.
void takeover(benchmark::State& state, const char* metric, std::uint32_t slot_count) {
  Box box({{slot_count, 2}, {64, 1}, {}}, ha2::Holding::kMirror, 256);
  for (std::uint32_t slot = 0; slot < slot_count; ++slot) box.slots4().put(slot, session4(slot));
  std::mt19937_64 random(5);
  Samples taken_us;
  std::uint32_t term = 1;
  for (auto _ : state) {
    const std::uint32_t wanted = static_cast<std::uint32_t>(random() % slot_count);
    const tables::FlowKey4 key = key4(wanted);
    box.replica().assume({ha2::Holding::kMirror, true, {1, ++term}, kFrameBytes});
    // By the cycle counter: the clock's steps are a tenth of what is measured.
    const std::uint64_t start = rte_rdtsc_precise();
    {
      box.replica().assume({ha2::Holding::kOwner, true, {1, ++term}, kFrameBytes});
      const tables::Found found = box.slots4().find(key);
      TWINPLANE_CHECK(found.slot, ==, wanted);
      box.replica().partition().session4().touch(found.slot, 1000);
    }
    const double taken_ns = static_cast<double>(rte_rdtsc_precise() - start) * 1e9 /
                            static_cast<double>(rte_get_tsc_hz());
    taken_us.push_back(taken_ns * 1e-3);
    state.SetIterationTime(taken_ns * 1e-9);
  }
  state.counters[metric] = median(taken_us);
}

// Everything one box holds for its sessions, divided by the slots: tables as they lie in memory,
// streams by what they allocate.
void memory(benchmark::State& state) {
  const std::uint32_t slot_count = table_places();
  const auto bytes_with = [&](const tables::PartitionLimits& limits) {
    const struct mallinfo2 before = mallinfo2();
    const Box box(limits, ha2::Holding::kOwner, 256);
    const struct mallinfo2 after = mallinfo2();
    const std::size_t streams = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    return static_cast<double>(box.table_bytes() + streams);
  };
  const auto per_session = [&](std::uint32_t keys_per_slot, const tables::SessionPolicy& policy) {
    const double fixed = bytes_with({{64, keys_per_slot}, {64, 1}, policy});
    return (bytes_with({{slot_count, keys_per_slot}, {64, 1}, policy}) - fixed) / (slot_count - 64);
  };
  for (auto _ : state) {
    const tables::SessionPolicy refuse;
    tables::SessionPolicy evict;
    evict.when_full = tables::FullPolicy::kEvictHalfOpen;
    state.counters["memory.bytes_per_session_v4"] = per_session(2, refuse);
    state.counters["bytes_per_session_v4_with_eviction"] = per_session(2, evict);
    state.counters["bytes_per_session_v4_without_nat"] = per_session(1, refuse);
  }
}

void takeover_1m(benchmark::State& state) {
  takeover(state, "takeover.us_1m", by_scale(1U << 12U, 1U << 20U, 1U << 20U));
}

void takeover_8m(benchmark::State& state) { takeover(state, "takeover.us_8m", table_places()); }

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  const auto rounds = by_scale<benchmark::IterationCount>(100, 2000, 2000);
  benchmark::RegisterBenchmark("takeover.1m", takeover_1m)->Iterations(rounds)->UseManualTime();
  benchmark::RegisterBenchmark("takeover.8m", takeover_8m)->Iterations(rounds)->UseManualTime();
  benchmark::RegisterBenchmark("memory", memory)->Iterations(1);
  return run_benches(argc, argv, {.memory_mib = by_scale(64U, 512U, 1700U)});
}
