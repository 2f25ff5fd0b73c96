// SPDX-License-Identifier: BSD-3-Clause
// bench_lookup.cpp - sessions found, and not found, in bursts of 32, the entry's line read on both
// sides.
//
// All tables were asked for the same number of places, and 85 % of them are full.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "bench/environment.hpp"
#include "bench/rounds.hpp"
#include "bench/rte_rival.hpp"
#include "bench/sessions.hpp"
#include "bench/table_block.hpp"

namespace twinplane::bench {
namespace {

constexpr std::size_t kBurst = 32;

std::uint32_t key_count() {
  return static_cast<std::uint32_t>(std::uint64_t{table_places()} * 85 / 100);
}

std::size_t lookups_per_round() { return by_scale<std::size_t>(1U << 12U, 1U << 20U, 1U << 20U); }

struct Tables {
  TableBlock ours{table_places()};
  RteRival plain{"plain", table_places(), 0};
  RteRival lock_free{"lock_free", table_places(), RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF};

  Tables() {
    for (std::uint32_t number = 0; number < key_count(); ++number) {
      const tables::Session4 session = session4(number);
      const tables::FlowKey4 key = tables::key_of(session, tables::Side::kClient);
      if (ours.slots().insert(session).status != tables::InsertStatus::kInserted) std::abort();
      plain.add(key, session);
      lock_free.add(key, session);
    }
  }
};

Tables& the_tables() {
  static auto* const made = new Tables;  // EAL frees its pages at exit
  return *made;
}

std::uint64_t sum_of(const TableBlock::Slots& slots, std::span<const tables::Found> found) {
  std::uint64_t sum = 0;
  for (const tables::Found& one : found)
    if (one.slot != tables::kNoSlot) sum += slots.entry(one.slot).state.rule;
  return sum;
}

// Each burst begins when the last one has ended, as a worker's does: up to 64 packets a turn.
template <std::size_t kSize>
std::uint64_t find_alone(TableBlock::Slots& slots, std::span<const tables::FlowKey4> keys) {
  std::uint64_t sum = 0;
  std::array<tables::Found, kSize> found;
  for (std::size_t start = 0; start < keys.size(); start += kSize) {
    slots.find_burst(keys.subspan(start, kSize), found);
    sum += sum_of(slots, found);
  }
  return sum;
}

// The steps of three bursts in turn, for a caller that has the next bursts at hand: one is begun,
// the next one's entries are asked for, the oldest is answered.
std::uint64_t find_ahead(TableBlock::Slots& slots, std::span<const tables::FlowKey4> keys) {
  std::uint64_t sum = 0;
  std::array<tables::Found, kBurst> found;
  std::array<std::array<TableBlock::Slots::Lookup, kBurst>, 4> lookups;
  const std::size_t burst_count = keys.size() / kBurst;
  const auto start = [&](std::size_t burst) {
    if (burst >= burst_count) return;
    for (std::size_t i = 0; i < kBurst; ++i)
      slots.start(lookups[burst % 4][i], keys[burst * kBurst + i]);
  };
  const auto advance = [&](std::size_t burst) {
    if (burst >= burst_count) return;
    for (auto& lookup : lookups[burst % 4]) slots.advance(lookup);
    for (const auto& lookup : lookups[burst % 4])
      if (lookup.is_elsewhere) slots.follow(lookup);
  };
  start(0);
  start(1);
  start(2);
  advance(0);
  for (std::size_t burst = 0; burst < burst_count; ++burst) {
    start(burst + 3);
    advance(burst + 1);
    for (std::size_t i = 0; i < kBurst; ++i)
      found[i] = slots.finish(lookups[burst % 4][i], keys[burst * kBurst + i]);
    sum += sum_of(slots, found);
  }
  return sum;
}

// The entries of a burst are read when the next one's lookup is over: as much as the rival's call
// lets overlap.
std::uint64_t find_rival(RteRival& rival, std::span<const void*> keys) {
  std::uint64_t sum = 0;
  const auto read = [&](tables::Session4& session, std::size_t) { sum += session.state.rule; };
  std::array<RteRival::Positions, 2> positions;
  const std::size_t burst_count = keys.size() / kBurst;
  rival.start_burst(keys.first(kBurst), positions[0]);
  for (std::size_t burst = 0; burst < burst_count; ++burst) {
    if (burst + 1 < burst_count)
      rival.start_burst(keys.subspan((burst + 1) * kBurst, kBurst), positions[(burst + 1) % 2]);
    rival.finish_burst(kBurst, positions[burst % 2], read);
  }
  return sum;
}

void run_lookup(benchmark::State& state, const char* metric, std::uint64_t first_number) {
  Tables& tables = the_tables();
  std::vector<tables::FlowKey4> keys(lookups_per_round());
  std::vector<const void*> pointers(keys.size());
  Samples ahead, alone, alone64, plain, lock_free;
  std::mt19937_64 random(1);
  for (auto _ : state) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = key4(first_number + random() % key_count());
      pointers[i] = &keys[i];
    }
    const std::uint64_t expected = first_number == 0 ? keys.size() * 7 : 0;
    std::uint64_t sum = 0;
    ahead.push_back(
        cpu_ns_per_operation(keys.size(), [&] { sum += find_ahead(tables.ours.slots(), keys); }));
    alone.push_back(cpu_ns_per_operation(
        keys.size(), [&] { sum += find_alone<kBurst>(tables.ours.slots(), keys); }));
    alone64.push_back(cpu_ns_per_operation(
        keys.size(), [&] { sum += find_alone<64>(tables.ours.slots(), keys); }));
    plain.push_back(
        cpu_ns_per_operation(keys.size(), [&] { sum += find_rival(tables.plain, pointers); }));
    lock_free.push_back(
        cpu_ns_per_operation(keys.size(), [&] { sum += find_rival(tables.lock_free, pointers); }));
    if (sum != 5 * expected) state.SkipWithError("a wrong answer");
    state.SetIterationTime(ahead.back() * static_cast<double>(keys.size()) * 1e-9);
  }
  const Samples& better = median(plain) < median(lock_free) ? plain : lock_free;
  state.counters[metric] = median_ratio(better, ahead);
  state.counters["x_rte_hash_burst_alone"] = median_ratio(better, alone);
  state.counters["ns_twinplane"] = median(ahead);
  state.counters["x_rte_hash_burst_of_64_alone"] = median_ratio(better, alone64);
  state.counters["ns_twinplane_burst_alone"] = median(alone);
  state.counters["ns_twinplane_burst_of_64_alone"] = median(alone64);
  state.counters["ns_rte_hash_plain"] = median(plain);
  state.counters["ns_rte_hash_lock_free"] = median(lock_free);
}

void lookup_hit(benchmark::State& state) { run_lookup(state, "lookup.hit_x_rte_hash", 0); }

void lookup_miss(benchmark::State& state) {
  run_lookup(state, "lookup.miss_x_rte_hash", key_count());
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  const auto rounds = by_scale<benchmark::IterationCount>(3, 15, 25);
  benchmark::RegisterBenchmark("lookup.hit", lookup_hit)->Iterations(rounds)->UseManualTime();
  benchmark::RegisterBenchmark("lookup.miss", lookup_miss)->Iterations(rounds)->UseManualTime();
  return run_benches(argc, argv, {.memory_mib = by_scale(64U, 1400U, 5400U)});
}
