// SPDX-License-Identifier: BSD-3-Clause
// bench_hold.cpp - how long the first packet of a session waits until the peer has the session:
// owner on one core, mirror on another, net_ring between them, as bench_e2e.
//
// Open loop: sessions begin at a fixed rate, whatever the answers do; a late turn begins all that
// were due meanwhile, and each counts from when it was due. Both sides poll without sleeping.
#include <benchmark/benchmark.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "bench/e2e_sides.hpp"
#include "bench/environment.hpp"
#include "bench/rounds.hpp"
#include "dataplane/session_hold.hpp"

namespace twinplane::bench {
namespace {

constexpr std::uint64_t kIntervalNs = 20'000;  // 50,000 sessions a second
constexpr std::uint64_t kWaitNsMax = 5'000'000;
constexpr tables::TableKind kKind = tables::TableKind::kSession4;

rte_mempool* make_pool(const char* name) {
  rte_mempool* const pool = rte_pktmbuf_pool_create(name, 8191, 256, 0, 128 + 2048, 0);
  if (pool == nullptr) throw std::runtime_error("no memory for mbufs");
  return pool;
}

struct HoldPair {
  explicit HoldPair(rte_mempool* pool)
      : owner(limits4(table_places()), ha2::Holding::kOwner, kE2eWindowFrames),
        mirror(limits4(table_places()), ha2::Holding::kMirror, kE2eWindowFrames),
        owner_link(port_named("net_ring0"), port_named("net_ring1"), pool),
        mirror_link(port_named("net_ring1"), port_named("net_ring0"), pool) {}

  // What each session waited, in nanoseconds, also those that waited their whole time in vain.
  std::vector<double> run(std::uint64_t session_count) {
    std::vector<double> waited;
    waited.reserve(session_count);
    is_over = false;
    rte_eal_remote_launch(
        [](void* self) {
          auto& pair = *static_cast<HoldPair*>(self);
          run_mirror(pair.mirror, pair.mirror_link, pair.is_over);
          return 0;
        },
        this, rte_get_next_lcore(-1, 1, 0));
    const Clock clock;
    ha2::OwnerStream& stream = owner.replica().owner();
    std::uint64_t due_ns = clock.now_ns() + 1'000'000;
    for (std::uint64_t begun = 0; begun < session_count || hold.session_count() != 0;) {
      const std::uint64_t now_ns = clock.now_ns();
      owner_link.receive(owner.replica(), now_ns);
      for (; begun < session_count && due_ns <= now_ns; ++begun, due_ns += kIntervalNs) {
        const tables::InsertResult made = owner.slots4().insert(session4(next_number++));
        TWINPLANE_CHECK(made.status == tables::InsertStatus::kInserted, ==, true);
        made_slots.push_back(made.slot);
        const std::uint16_t generation = owner.slots4().entry(made.slot).state.generation;
        const bool is_held = hold.try_put({0, kKind, made.slot, generation}, due_ns, due_ns,
                                          [&] { return stream.ask_receipt(kKind, made.slot); });
        TWINPLANE_CHECK(is_held, ==, true);
      }
      owner.replica().poll(now_ns, owner_link);
      owner_link.flush();
      const std::uint64_t end_ns = clock.now_ns();
      hold.poll(
          end_ns,
          [&](const dataplane::HeldPlace&, ha2::Receipt& receipt) {
            return stream.look_at(receipt);
          },
          [&](const dataplane::HeldPlace&, dataplane::HoldEnd end, std::uint64_t waited_ns) {
            waited.push_back(static_cast<double>(waited_ns));
            in_vain += end == dataplane::HoldEnd::kReceived ? 0 : 1;
          },
          [](std::uint64_t, dataplane::HoldEnd) {});
    }
    for (const std::uint32_t slot : made_slots) owner.slots4().erase(slot);
    made_slots.clear();
    while (!stream.is_quiet()) {
      const std::uint64_t now_ns = clock.now_ns();
      owner.replica().poll(now_ns, owner_link);
      owner_link.flush();
      owner_link.receive(owner.replica(), now_ns);
    }
    is_over = true;
    rte_eal_mp_wait_lcore();
    return waited;
  }

  Box owner;
  Box mirror;
  PortLink owner_link;
  PortLink mirror_link;
  dataplane::SessionHold<std::uint64_t> hold{kWaitNsMax};
  std::vector<std::uint32_t> made_slots;
  std::uint64_t next_number = std::uint64_t{1} << 37U;
  std::uint64_t in_vain = 0;
  std::atomic<bool> is_over{false};
};

void hold(benchmark::State& state) {
  rte_mempool* const pool = make_pool("owner");
  for (const char* name : {"net_ring0", "net_ring1"}) start_port(port_named(name), pool);
  auto* const pair = new HoldPair(pool);
  pair->run(16);
  const auto session_count = by_scale<std::uint64_t>(1U << 10U, 1U << 16U, 1U << 18U);
  std::vector<double> waited;
  for (auto _ : state) {
    const std::vector<double> round = pair->run(session_count);
    waited.insert(waited.end(), round.begin(), round.end());
    state.SetIterationTime(static_cast<double>(session_count * kIntervalNs) * 1e-9);
  }
  if (pair->in_vain == waited.size()) return state.SkipWithError("no session came to the mirror");
  std::ranges::sort(waited);
  const auto at = [&](double share) {
    return waited[static_cast<std::size_t>(share * static_cast<double>(waited.size() - 1))] / 1000;
  };
  state.counters["hold.p50_us"] = at(0.5);
  state.counters["hold.p99_us"] = at(0.99);
  state.counters["hold.p999_us"] = at(0.999);
  state.counters["in_vain"] = static_cast<double>(pair->in_vain);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  const char* const arguments[] = {"--vdev=net_ring0", "--vdev=net_ring1"};
  benchmark::RegisterBenchmark("hold", hold)
      ->Iterations(by_scale<benchmark::IterationCount>(1, 3, 5))
      ->UseManualTime();
  const std::string prefix = "bench-hold-" + std::to_string(getpid());
  return run_benches(argc, argv,
                     {.memory_mib = by_scale(256U, 900U, 2800U),
                      .core_count = 2,
                      .file_prefix = prefix.c_str(),
                      .eal_arguments = arguments});
}
