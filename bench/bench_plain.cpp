// SPDX-License-Identifier: BSD-3-Clause
// bench_plain.cpp - each plain kind: lookups in its table beside rte_hash with the same keys, and
// changes applied by a mirror, decoding included, beside the roofline of the run.
//
// These tables are small where they are used: with 65,536 slots most of one is in the last-level
// cache, for both sides. A change is a patch where the kind has one, else a whole; kinds that are
// never sent are looked up alone.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/boxes.hpp"
#include "bench/environment.hpp"
#include "bench/roofline.hpp"
#include "bench/rounds.hpp"
#include "bench/rte_rival.hpp"
#include "bench/sessions.hpp"
#include "bench/table_block.hpp"
#include "ha2/sync_matrix.hpp"
#include "tests/support/plain_bodies.hpp"

namespace twinplane::bench {
namespace {

using tables::Side;

constexpr std::size_t kBurst = 64;  // as many as a worker gathers

std::uint32_t places() { return by_scale(1U << 12U, 1U << 16U, 1U << 16U); }

std::uint32_t live_count() { return static_cast<std::uint32_t>(places() * 85ULL / 100); }

std::size_t lookups_per_round() { return by_scale<std::size_t>(1U << 11U, 1U << 18U, 1U << 18U); }

std::uint32_t changes_per_round() { return by_scale(1U << 10U, 1U << 14U, 1U << 14U); }

template <class Body>
struct Kind {
  using Traits = tables::PlainTraits<Body>;
  using Entry = tables::PlainEntry<Body>;
  using Key = typename Body::Key;
  using Rival = RteTable<Key, Entry>;

  static constexpr std::size_t kLines = (sizeof(Entry) + 63) / 64;

  static Entry entry(std::uint32_t number) {
    Entry made{};
    made.body = tests::body_of<Body>(number);
    made.head.flags = tables::kLive;
    // The tests' associations are to meet under one key now and then; these are not.
    if constexpr (std::is_same_v<Body, tables::SctpBody>) {
      auto& tags = made.body.state.tags;
      tags[tables::kFromServer] += 0x40000000U;
      if (made.body.has_second_key()) tags[tables::kFromClient] += 0x20000000U;
    }
    return made;
  }

  static Key key(std::uint32_t number) { return Traits::key(entry(number), Side::kClient); }
};

template <class Entry>
std::uint64_t read(const Entry& entry) {
  return entry.head.generation + entry.head.flags;
}

template <class Body>
void lookup(benchmark::State& state, const std::string& metric) {
  using K = Kind<Body>;
  SlotBlock<typename K::Traits> ours(places(), tables::kKeysPerSlot<Body>);
  typename K::Rival plain("plain", places(), 0);
  typename K::Rival lock_free("lock_free", places(), RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF);
  for (std::uint32_t number = 0; number < live_count(); ++number) {
    const auto entry = K::entry(number);
    if (ours.slots().insert(entry).status != tables::InsertStatus::kInserted) std::abort();
    plain.add(K::key(number), entry);
    lock_free.add(K::key(number), entry);
  }
  std::vector<typename K::Key> keys(lookups_per_round());
  std::vector<const void*> pointers(keys.size());
  Samples ours_ns, plain_ns, lock_free_ns;
  std::mt19937_64 random(1);
  for (auto _ : state) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = K::key(static_cast<std::uint32_t>(random() % live_count()));
      pointers[i] = &keys[i];
    }
    std::size_t found_count = 0;
    std::uint64_t sum = 0;
    ours_ns.push_back(cpu_ns_per_operation(keys.size(), [&] {
      std::array<tables::Found, kBurst> found;
      for (std::size_t start = 0; start < keys.size(); start += kBurst) {
        ours.slots().find_burst(std::span(keys).subspan(start, kBurst), found);
        for (const tables::Found& one : found) {
          if (one.slot == tables::kNoSlot) continue;
          ++found_count;
          sum += read(ours.slots().entry(one.slot));
        }
      }
    }));
    const auto find_all = [&](typename K::Rival& rival) {
      for (std::size_t start = 0; start < keys.size(); start += kBurst)
        rival.find_burst({&pointers[start], kBurst}, [&](auto& entry, std::size_t) {
          ++found_count;
          sum += read(entry);
        });
    };
    plain_ns.push_back(cpu_ns_per_operation(keys.size(), [&] { find_all(plain); }));
    lock_free_ns.push_back(cpu_ns_per_operation(keys.size(), [&] { find_all(lock_free); }));
    benchmark::DoNotOptimize(sum);
    if (found_count != 3 * keys.size()) state.SkipWithError("a wrong answer");
    state.SetIterationTime(ours_ns.back() * static_cast<double>(keys.size()) * 1e-9);
  }
  const Samples& better = median(plain_ns) < median(lock_free_ns) ? plain_ns : lock_free_ns;
  state.counters[metric] = median_ratio(better, ours_ns);
  state.counters["ns_twinplane"] = median(ours_ns);
  state.counters["ns_rte_hash_plain"] = median(plain_ns);
  state.counters["ns_rte_hash_lock_free"] = median(lock_free_ns);
}

// What a patch says, or all of it.
template <class Body>
void set(Body& body, const Body& now) {
  if constexpr (tables::HasPatch<Body>)
    body.set(now.patch());
  else
    body = now;
}

template <class Body>
void apply(benchmark::State& state, const std::string& metric) {
  using K = Kind<Body>;
  const std::uint32_t count = changes_per_round();
  tables::PartitionLimits limits;
  limits.plain(Body::kKind) = places();
  Boxes boxes(limits);
  auto& owned = boxes.owner().partition().template table<Body::kKind>();
  auto& mirrored = boxes.mirror().partition().template slots<Body::kKind>();
  typename K::Rival rival("plain", places(), 0);
  Roofline roofline(static_cast<std::uint32_t>(places() * K::kLines));
  for (std::uint32_t slot = 0; slot < live_count(); ++slot) {
    const auto entry = K::entry(slot);
    owned.slots().put(slot, entry);
    mirrored.put(slot, entry);
    rival.add(K::key(slot), entry);
  }
  boxes.settle();

  std::mt19937_64 random(3);
  std::vector<std::uint32_t> slots(count);
  std::vector<std::uint32_t> lines(count);
  std::vector<Body> bodies(count);
  std::vector<typename K::Key> keys(count);
  std::vector<const void*> pointers(count);
  std::uint32_t distance = 0;
  std::uint32_t variant = 0;
  Samples ours_ns, roofline_ns, rival_ns;
  for (auto _ : state) {
    ++variant;
    for (std::uint32_t i = 0; i < count; ++i) {
      slots[i] = static_cast<std::uint32_t>(random() % live_count());
      lines[i] = static_cast<std::uint32_t>(slots[i] * K::kLines);
      bodies[i] = tests::body_of<Body>(slots[i], variant);
      keys[i] = K::key(slots[i]);
      pointers[i] = &keys[i];
      if constexpr (tables::HasPatch<Body>)
        owned.patch(slots[i], bodies[i].patch());
      else
        owned.change(slots[i], [&](Body& body) { body = bodies[i]; });
    }
    if (distance == 0) distance = roofline.best_distance(lines);
    boxes.send();
    const auto applied = [&] {
      return boxes.mirror().replica().counters().get(ha2::Counter::kRecordsApplied);
    };
    const std::uint64_t before = applied();
    const double taken_ns = cpu_ns_per_operation(1, [&] { boxes.apply(); });
    ours_ns.push_back(taken_ns / static_cast<double>(applied() - before));
    roofline_ns.push_back(roofline.run(lines, distance));
    rival_ns.push_back(cpu_ns_per_operation(count, [&] {
      for (std::uint32_t start = 0; start + kBurst <= count; start += kBurst)
        rival.find_burst({&pointers[start], kBurst},
                         [&](auto& entry, std::size_t at) { set(entry.body, bodies[start + at]); });
    }));
    boxes.answer();
    for (const std::uint32_t slot : slots)
      if (std::memcmp(&mirrored.entry(slot).body, &owned.slots().entry(slot).body, sizeof(Body)) !=
          0)
        state.SkipWithError("a change did not arrive");
    state.SetIterationTime(taken_ns * 1e-9);
  }
  state.counters[metric] = median_ratio(roofline_ns, ours_ns);
  state.counters["x_rte_hash"] = median_ratio(rival_ns, ours_ns);
  state.counters["roofline_ns"] = median(roofline_ns);
  state.counters["roofline_distance"] = distance;
  state.counters["ns_twinplane"] = median(ours_ns);
  state.counters["ns_rte_hash_plain"] = median(rival_ns);
}

template <tables::TableKind kKind>
void register_kind() {
  if constexpr (kKind != tables::TableKind::kSession4 && kKind != tables::TableKind::kSession6) {
    using Body = tables::BodyOf<kKind>;
    const std::string kind(tables::name_of(kKind));
    const auto rounds = by_scale<benchmark::IterationCount>(2, 15, 25);
    benchmark::RegisterBenchmark(("lookup." + kind).c_str(), lookup<Body>,
                                 "lookup." + kind + "_x_rte_hash")
        ->Iterations(rounds)
        ->UseManualTime();
    if (!ha2::row_of(kKind).is_kept(ha2::HaMode::kActivePassive)) return;
    benchmark::RegisterBenchmark(("apply." + kind).c_str(), apply<Body>,
                                 "apply." + kind + "_x_roofline")
        ->Iterations(rounds)
        ->UseManualTime();
  }
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane;
  tables::for_each_kind([](auto kind) { bench::register_kind<kind()>(); });
  return bench::run_benches(argc, argv, {.memory_mib = bench::by_scale(96U, 256U, 256U)});
}
