// SPDX-License-Identifier: BSD-3-Clause
// bench_insert.cpp - the owner fills a table from empty to 85 % load; rte_hash and
// tbb::concurrent_hash_map do the same.
#include <benchmark/benchmark.h>
#include <tbb/concurrent_hash_map.h>
#include <tbb/scalable_allocator.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bench/environment.hpp"
#include "bench/rounds.hpp"
#include "bench/rte_rival.hpp"
#include "bench/sessions.hpp"
#include "bench/table_block.hpp"

namespace twinplane::bench {
namespace {

struct KeyHash {
  static std::size_t hash(const tables::FlowKey4& key) {
    return tables::hash_of(key, tables::HashSeed{1});
  }

  static bool equal(const tables::FlowKey4& left, const tables::FlowKey4& right) {
    return left == right;
  }
};

// Without the session's own alignment, which would double a node.
struct Value {
  std::array<std::byte, sizeof(tables::Session4)> bytes;
};

using TbbMap =
    tbb::concurrent_hash_map<tables::FlowKey4, Value, KeyHash,
                             tbb::scalable_allocator<std::pair<const tables::FlowKey4, Value>>>;

std::uint32_t key_count() {
  return static_cast<std::uint32_t>(std::uint64_t{table_places()} * 85 / 100);
}

// In bursts of 32, the index lines fetched and the keys hashed ahead. In the packet path the lookup
// that found nothing has fetched the client key's line; the worker hashes once more.
void insert_bursts(TableBlock::Slots& slots, std::span<const tables::Session4> sessions) {
  constexpr std::size_t kBurst = 32;
  for (std::size_t start = 0; start < sessions.size(); start += kBurst) {
    const auto burst = sessions.subspan(start, std::min(kBurst, sessions.size() - start));
    std::array<tables::KeyHashes, kBurst> hashes;
    for (std::size_t i = 0; i < burst.size(); ++i) hashes[i] = slots.prefetch_keys(burst[i]);
    for (std::size_t i = 0; i < burst.size(); ++i)
      benchmark::DoNotOptimize(slots.insert(burst[i], hashes[i]).slot);
  }
}

// One by one, as if nothing had looked the key up before.
void insert_alone(TableBlock::Slots& slots, std::span<const tables::Session4> sessions) {
  for (const tables::Session4& session : sessions)
    benchmark::DoNotOptimize(slots.insert(session).slot);
}

// Each side is filled once a pass, in slices that take turns: a round is one slice of every
// contender.
constexpr std::uint32_t kSlices = 17;

void insert(benchmark::State& state) {
  TableBlock ours(table_places());
  TableBlock alone(table_places());
  RteRival plain("plain", table_places(), 0);
  RteRival lock_free("lock_free", table_places(), RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF);
  scalable_allocation_mode(TBBMALLOC_USE_HUGE_PAGES, 1);
  std::optional<TbbMap> map;
  const std::uint32_t slice = key_count() / kSlices;
  std::vector<tables::Session4> sessions(slice);
  Samples ours_ns, alone_ns, plain_ns, lock_free_ns, tbb_ns;
  for (auto _ : state) {
    ours.clear();
    alone.clear();
    plain.clear();
    lock_free.clear();
    map.reset();
    map.emplace(std::size_t{table_places()});
    double total_ns = 0;
    for (std::uint32_t turn = 0; turn < kSlices; ++turn) {
      for (std::uint32_t i = 0; i < slice; ++i)
        sessions[i] = session4(std::uint64_t{turn} * slice + i);
      ours_ns.push_back(
          cpu_ns_per_operation(slice, [&] { insert_bursts(ours.slots(), sessions); }));
      alone_ns.push_back(
          cpu_ns_per_operation(slice, [&] { insert_alone(alone.slots(), sessions); }));
      const auto add_all = [&](RteRival& rival) {
        for (const tables::Session4& session : sessions)
          rival.add(tables::key_of(session, tables::Side::kClient), session);
      };
      plain_ns.push_back(cpu_ns_per_operation(slice, [&] { add_all(plain); }));
      lock_free_ns.push_back(cpu_ns_per_operation(slice, [&] { add_all(lock_free); }));
      tbb_ns.push_back(cpu_ns_per_operation(slice, [&] {
        for (const tables::Session4& session : sessions)
          map->emplace(tables::key_of(session, tables::Side::kClient),
                       std::bit_cast<Value>(session));
      }));
      total_ns += ours_ns.back() * slice;
    }
    if (ours.slots().live_count() != slice * kSlices || map->size() != slice * kSlices)
      state.SkipWithError("a key was refused");
    state.SetIterationTime(total_ns * 1e-9);
  }
  const Samples& better = median(plain_ns) < median(lock_free_ns) ? plain_ns : lock_free_ns;
  state.counters["insert.x_rte_hash"] = median_ratio(better, ours_ns);
  state.counters["insert.x_tbb"] = median_ratio(tbb_ns, ours_ns);
  state.counters["x_rte_hash_one_by_one"] = median_ratio(better, alone_ns);
  state.counters["ns_twinplane"] = median(ours_ns);
  state.counters["ns_twinplane_one_by_one"] = median(alone_ns);
  state.counters["ns_rte_hash_plain"] = median(plain_ns);
  state.counters["ns_rte_hash_lock_free"] = median(lock_free_ns);
  state.counters["ns_tbb"] = median(tbb_ns);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  benchmark::RegisterBenchmark("insert", insert)
      ->Iterations(by_scale<benchmark::IterationCount>(1, 2, 3))
      ->UseManualTime();
  return run_benches(argc, argv, {.memory_mib = by_scale(96U, 1400U, 5000U)});
}
