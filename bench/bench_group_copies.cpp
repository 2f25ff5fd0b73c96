// SPDX-License-Identifier: BSD-3-Clause
// bench_group_copies.cpp - one packet for several ports: a copy for each, or a link header for each
// in front of one shared body.
//
// Both are made from a pool as the worker's, put into bursts of 32 packets and given back as a
// device gives them back. The question of dataplane/DESIGN.md D-D23.
#include <benchmark/benchmark.h>
#include <rte_mbuf.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "bench/environment.hpp"
#include "bench/rounds.hpp"

namespace twinplane::bench {
namespace {

constexpr std::uint16_t kLinkBytes = 14;
constexpr unsigned kBurst = 32;

using Burst = std::array<rte_mbuf*, kBurst>;

rte_mempool* the_pool() {
  static rte_mempool* const pool =
      rte_pktmbuf_pool_create("copies", 4095, 256, 64, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
  if (pool == nullptr) std::abort();
  return pool;
}

void write_link(rte_mbuf* packet, int port) {
  std::memset(rte_pktmbuf_mtod(packet, char*), port, kLinkBytes);
}

// As Worker::send_to_group() does.
rte_mbuf* copy_of(rte_mbuf* packet, int port) {
  rte_mbuf* const copy = rte_pktmbuf_copy(packet, the_pool(), 0, UINT32_MAX);
  if (copy == nullptr) std::abort();
  write_link(copy, port);
  return copy;
}

// A buffer with a link header, and behind it one that refers to the packet's bytes.
rte_mbuf* share_of(rte_mbuf* packet, int port) {
  rte_mbuf* const head = rte_pktmbuf_alloc(the_pool());
  rte_mbuf* const body = rte_pktmbuf_clone(packet, the_pool());
  if (head == nullptr || body == nullptr) std::abort();
  rte_pktmbuf_append(head, kLinkBytes);
  write_link(head, port);
  rte_pktmbuf_adj(body, kLinkBytes);
  if (rte_pktmbuf_chain(head, body) != 0) std::abort();
  return head;
}

template <class Make>
double ns_a_port(std::uint16_t frame_bytes, Make&& make) {
  const std::size_t rounds = by_scale<std::size_t>(64, 4096, 16384);
  std::array<rte_mbuf*, kBurst> packets;
  if (rte_pktmbuf_alloc_bulk(the_pool(), packets.data(), kBurst) != 0) std::abort();
  for (rte_mbuf* const packet : packets)
    std::memset(rte_pktmbuf_append(packet, frame_bytes), 7, frame_bytes);
  const double ns = cpu_ns_per_operation(rounds * kBurst, [&] {
    Burst out;
    for (std::size_t round = 0; round < rounds; ++round) {
      for (unsigned i = 0; i < kBurst; ++i) out[i] = make(packets[i], static_cast<int>(round));
      rte_pktmbuf_free_bulk(out.data(), kBurst);
    }
  });
  rte_pktmbuf_free_bulk(packets.data(), kBurst);
  return ns;
}

void copies(benchmark::State& state) {
  const auto frame_bytes = static_cast<std::uint16_t>(state.range(0));
  Samples copied, shared;
  for (auto _ : state) {
    copied.push_back(ns_a_port(frame_bytes, copy_of));
    shared.push_back(ns_a_port(frame_bytes, share_of));
    state.SetIterationTime(copied.back() * 1e-9);
  }
  state.counters["ns_copied"] = median(copied);
  state.counters["ns_shared"] = median(shared);
  state.counters["shared_x_copied"] = median_ratio(shared, copied);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  benchmark::RegisterBenchmark("group.copies", copies)
      ->Arg(64)
      ->Arg(576)
      ->Arg(1514)
      ->Iterations(by_scale<benchmark::IterationCount>(3, 15, 25))
      ->UseManualTime();
  return run_benches(argc, argv, {.memory_mib = 64});
}
