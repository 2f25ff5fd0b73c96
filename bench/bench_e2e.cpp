// SPDX-License-Identifier: BSD-3-Clause
// bench_e2e.cpp - owner on one core, mirror on another, a device between them: net_ring in one
// process, memif between two.
//
// Rounds take turns: owner alone and mirror alone on one core, both over the ring, both over memif.
#include <benchmark/benchmark.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/e2e_sides.hpp"
#include "bench/environment.hpp"
#include "bench/rounds.hpp"

namespace twinplane::bench {
namespace {

std::uint64_t changes_per_round() {
  return by_scale<std::uint64_t>(1U << 14U, 1U << 22U, 1U << 24U);
}

std::uint32_t live_slots() {
  return static_cast<std::uint32_t>(std::uint64_t{table_places()} * 85 / 100);
}

rte_mempool* make_pool(const char* name) {
  rte_mempool* const pool = rte_pktmbuf_pool_create(name, 8191, 256, 0, 128 + 2048, 0);
  if (pool == nullptr) throw std::runtime_error("no memory for mbufs");
  return pool;
}

void fill(Box& box) {
  for (std::uint32_t slot = 0; slot < live_slots(); ++slot) box.slots4().put(slot, session4(slot));
}

// ---- the other process of the memif runs --------------------------------------------------------

struct Report {
  std::uint64_t records;
  std::uint64_t digest;
  std::uint64_t lost;
};

// Pipes to the child; it sleeps in read() while it has nothing to do, as both sides' pollers share
// its core.
int to_child = -1;
int from_child = -1;

void say(int pipe, char word) { TWINPLANE_CHECK(write(pipe, &word, 1), ==, 1); }

char hear(int pipe) {
  char word = 0;
  return read(pipe, &word, 1) == 1 ? word : 'q';
}

[[noreturn]] void be_mirror_process(int orders, int answers, const std::string& memif) {
  if (hear(orders) == 'q') std::_Exit(0);
  const std::string device =
      "--vdev=net_memif0,role=client,id=0,bsize=2048,rsize=10,socket-abstract=yes,socket=" + memif;
  const char* const arguments[] = {device.c_str()};
  try {
    // The last core is the parent's.
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    for (int cpu = CPU_SETSIZE - 1; cpu > 0 && CPU_COUNT(&set) > 1; --cpu) {
      if (!CPU_ISSET(cpu, &set)) continue;
      CPU_CLR(cpu, &set);
      break;
    }
    sched_setaffinity(0, sizeof set, &set);
    const std::string prefix = "bench-mirror-" + std::to_string(getpid());
    start_eal({.memory_mib = by_scale(128U, 320U, 1000U),
               .file_prefix = prefix.c_str(),
               .eal_arguments = arguments});
    rte_mempool* const pool = make_pool("mirror");
    const std::uint16_t port = port_named("net_memif0");
    start_port(port, pool);
    auto* const box = new Box(limits4(table_places()), ha2::Holding::kMirror, kE2eWindowFrames);
    PortLink link(port, port, pool);
    say(answers, 'r');
    const Clock clock;
    int flag_words = 0;
    while (hear(orders) != 'q') {
      const std::uint64_t before = records_applied(*box);
      // The parent's next word ends the run: looked for now and then, without waiting.
      for (std::uint64_t turn = 0;; ++turn) {
        const std::uint64_t now_ns = clock.now_ns();
        link.receive(box->replica(), now_ns);
        box->replica().poll(now_ns, link);
        link.flush();
        if (turn % 4096 == 0 && ioctl(orders, FIONREAD, &flag_words) == 0 && flag_words != 0) break;
      }
      if (hear(orders) == 'q') break;
      const Report report{records_applied(*box) - before, digest_of_all(*box),
                          frames_lost(*box) + link.dropped_count()};
      TWINPLANE_CHECK(write(answers, &report, sizeof report), ==,
                      static_cast<ssize_t>(sizeof report));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error in the mirror's process: %s\n", error.what());
    std::_Exit(1);
  }
  std::_Exit(0);
}

// ---- runs ---------------------------------------------------------------------------------------

struct Run {
  double ns_per_record;
  std::uint64_t lost;
  bool is_equal;
};

// Owner and mirror in this process; the mirror on the other lcore.
struct RingPair {
  explicit RingPair(rte_mempool* pool)
      : owner(limits4(table_places()), ha2::Holding::kOwner, kE2eWindowFrames),
        mirror(limits4(table_places()), ha2::Holding::kMirror, kE2eWindowFrames),
        owner_link(port_named("net_ring0"), port_named("net_ring1"), pool),
        mirror_link(port_named("net_ring1"), port_named("net_ring0"), pool),
        load((fill(owner), fill(mirror), owner), live_slots()) {}

  Run run(std::uint64_t change_count) {
    const std::uint64_t before = records_applied(mirror);
    load.prepare(change_count);
    is_over = false;
    rte_eal_remote_launch(
        [](void* self) {
          auto& pair = *static_cast<RingPair*>(self);
          run_mirror(pair.mirror, pair.mirror_link, pair.is_over);
          return 0;
        },
        this, rte_get_next_lcore(-1, 1, 0));
    const double taken_ns =
        ns_per_operation(1, [&] { run_owner(owner, owner_link, load, change_count); });
    is_over = true;
    rte_eal_mp_wait_lcore();
    const bool is_equal = digest_of_all(owner) == digest_of_all(mirror);
    const std::uint64_t lost =
        frames_lost(owner) + frames_lost(mirror) + owner_link.dropped_count();
    return {taken_ns / static_cast<double>(records_applied(mirror) - before), lost, is_equal};
  }

  Box owner;
  Box mirror;
  PortLink owner_link;
  PortLink mirror_link;
  Load load;
  std::atomic<bool> is_over{false};
};

// The same two boxes on one core, by turns of a window: what each side costs alone.
struct Alone {
  double owner_ns = 0;
  double mirror_ns = 0;
};

Alone run_alone(RingPair& pair, std::uint64_t change_count, bool only_creates) {
  static FrameStore frames(kE2eWindowFrames);
  static FrameStore answers(16);
  static std::vector<tables::Session4> sessions(by_scale(1024U, 16'384U, 16'384U));
  static std::uint64_t next_number = std::uint64_t{1} << 36U;
  static const Clock clock;
  auto& owner = pair.owner.replica();
  const std::uint64_t before = records_applied(pair.mirror);
  Alone alone;
  std::vector<std::uint32_t> made;
  pair.load.prepare(only_creates ? 0 : change_count + 16 * Load::kChanges);
  for (std::uint64_t done = 0; done < change_count;) {
    if (only_creates)
      for (tables::Session4& session : sessions) session = session4(next_number++);
    frames.clear();
    alone.owner_ns += cpu_ns_per_operation(1, [&] {
      if (only_creates) {
        std::array<tables::KeyHashes, 32> hashes;
        for (std::size_t i = 0; i < sessions.size(); ++i) {
          if (i % hashes.size() == 0)
            for (std::size_t j = 0; j < hashes.size(); ++j)
              hashes[j] = pair.owner.slots4().prefetch_keys(sessions[i + j]);
          made.push_back(pair.owner.slots4().insert(sessions[i], hashes[i % hashes.size()]).slot);
        }
        done += sessions.size();
      } else {
        for (std::size_t i = 0; i < 16; ++i) pair.load.step();
        done += 16 * Load::kChanges;
      }
      owner.poll(clock.now_ns(), frames);
    });
    alone.mirror_ns +=
        cpu_ns_per_operation(1, [&] { deliver(frames, pair.mirror.replica(), clock.now_ns()); });
    while (owner.owner().in_flight_count() != 0) {
      answers.clear();
      pair.mirror.replica().poll(clock.now_ns(), answers);
      deliver(answers, owner, clock.now_ns());
    }
  }
  const auto records = static_cast<double>(records_applied(pair.mirror) - before);
  if (only_creates) {
    for (const std::uint32_t slot : made) pair.owner.slots4().erase(slot);
  }
  return {alone.owner_ns / records, alone.mirror_ns / records};
}

Run run_memif(Box& owner, PortLink& link, Load& load, std::uint64_t change_count) {
  load.prepare(change_count);
  say(to_child, 'g');
  const double taken_ns = ns_per_operation(1, [&] { run_owner(owner, link, load, change_count); });
  say(to_child, 's');
  Report report{};
  TWINPLANE_CHECK(read(from_child, &report, sizeof report), ==,
                  static_cast<ssize_t>(sizeof report));
  return {taken_ns / static_cast<double>(report.records),
          report.lost + frames_lost(owner) + link.dropped_count(),
          report.digest == digest_of_all(owner)};
}

void end_to_end(benchmark::State& state) {
  rte_mempool* const pool = make_pool("owner");
  for (const char* name : {"net_ring0", "net_ring1", "net_memif0"})
    start_port(port_named(name), pool);
  auto* const ring = new RingPair(pool);
  ring->run(0);
  auto* const far_owner = new Box(limits4(table_places()), ha2::Holding::kOwner, kE2eWindowFrames);
  fill(*far_owner);
  PortLink far_link(port_named("net_memif0"), port_named("net_memif0"), pool);
  Load far_load(*far_owner, live_slots());
  say(to_child, 'b');
  if (hear(from_child) != 'r') return state.SkipWithError("the mirror's process did not start");
  rte_eth_link link{};
  while (rte_eth_link_get_nowait(port_named("net_memif0"), &link) == 0 && link.link_status == 0)
    usleep(1000);
  run_memif(*far_owner, far_link, far_load, 0);

  Samples ring_ns, memif_ns, owner_ns, mirror_ns, slower_ns;
  for (auto _ : state) {
    const Alone alone = run_alone(*ring, changes_per_round() / 4, false);
    const Run near = ring->run(changes_per_round());
    const Run far = run_memif(*far_owner, far_link, far_load, changes_per_round());
    if (near.lost != 0) state.SkipWithError("frames were lost over the ring");
    if (!near.is_equal) state.SkipWithError("the tables differ after the ring");
    if (far.lost != 0) state.SkipWithError("frames were lost over memif");
    if (!far.is_equal) state.SkipWithError("the tables differ after memif");
    owner_ns.push_back(alone.owner_ns);
    mirror_ns.push_back(alone.mirror_ns);
    slower_ns.push_back(std::max(alone.owner_ns, alone.mirror_ns));
    ring_ns.push_back(near.ns_per_record);
    memif_ns.push_back(far.ns_per_record);
    state.SetIterationTime(near.ns_per_record * static_cast<double>(changes_per_round()) * 1e-9);
  }
  state.counters["e2e.records_per_s"] = 1e9 / median(ring_ns);
  state.counters["e2e.x_apply"] = median_ratio(slower_ns, ring_ns);
  state.counters["e2e.memif_x_ring"] = median_ratio(ring_ns, memif_ns);
  state.counters["ns_owner_alone"] = median(owner_ns);
  state.counters["ns_mirror_alone"] = median(mirror_ns);
  Samples cpu_ns;
  for (int round = 0; round < 3; ++round) {
    const Alone creates = run_alone(*ring, by_scale(1U << 10U, 1U << 17U, 1U << 18U), true);
    cpu_ns.push_back(creates.owner_ns + creates.mirror_ns);
    ring->run(0);
  }
  state.counters["cpu_ns_a_created_state"] = median(cpu_ns);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  const std::string memif = "twinplane-bench-" + std::to_string(getpid());
  int orders[2];
  int answers[2];
  if (pipe(orders) != 0 || pipe(answers) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) {
    close(orders[1]);
    close(answers[0]);
    be_mirror_process(orders[0], answers[1], memif);
  }
  close(orders[0]);
  close(answers[1]);
  to_child = orders[1];
  from_child = answers[0];
  const std::string device =
      "--vdev=net_memif0,role=server,id=0,bsize=2048,rsize=10,socket-abstract=yes,socket=" + memif;
  const char* const arguments[] = {"--vdev=net_ring0", "--vdev=net_ring1", device.c_str()};
  benchmark::RegisterBenchmark("e2e", end_to_end)
      ->Iterations(by_scale<benchmark::IterationCount>(1, 5, 9))
      ->UseManualTime();
  const std::string prefix = "bench-owner-" + std::to_string(getpid());
  const int status = run_benches(argc, argv,
                                 {.memory_mib = by_scale(256U, 900U, 2800U),
                                  .core_count = 2,
                                  .file_prefix = prefix.c_str(),
                                  .eal_arguments = arguments});
  say(to_child, 'q');
  waitpid(child, nullptr, 0);
  return status;
}
