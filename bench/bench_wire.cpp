// SPDX-License-Identifier: BSD-3-Clause
// bench_wire.cpp - bytes a record takes on the wire, from the frames the engine makes: exact, and
// the same on every machine.
#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <utility>

#include "bench/boxes.hpp"
#include "bench/sessions.hpp"
#include "tables/tcp_track.hpp"

namespace twinplane::bench {
namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kLineBytes = 8 + 4 + 12;  // preamble, check sequence, gap
constexpr std::uint32_t kSessions = 100'000;

using Slots4 = std::remove_reference_t<decltype(std::declval<Box&>().slots4())>;

struct Sent {
  double bytes = 0;
  double line_bytes = 0;

  Sent& operator+=(const Sent& more) {
    bytes += more.bytes;
    line_bytes += more.line_bytes;
    return *this;
  }
};

// Bytes a session of everything that is dirty, in frames as full as they become.
Sent send_all(Boxes& boxes, std::uint32_t session_count) {
  std::size_t bytes = 0;
  std::size_t frame_count = 0;
  while (!boxes.owner().replica().owner().is_quiet()) {
    boxes.send();
    bytes += boxes.frames().sent_bytes();
    frame_count += boxes.frames().count();
    boxes.apply();
    boxes.answer();
  }
  const auto whole = static_cast<double>(bytes + frame_count * kEthernetBytes);
  return {whole / session_count,
          (whole + static_cast<double>(frame_count * kLineBytes)) / session_count};
}

void note(benchmark::State& state, const char* metric, const Sent& sent) {
  state.counters[metric] = sent.bytes;
  state.counters[std::string(metric) + "_with_preamble_fcs_gap"] = sent.line_bytes;
}

// What passes in one direction, with everything acknowledged that the other has sent.
void pass(Slots4& slots, std::uint32_t slot, tables::Direction direction, std::uint8_t flags) {
  tables::SessionState& state = slots.changeable(slot).state;
  const tables::Direction other =
      direction == tables::kFromClient ? tables::kFromServer : tables::kFromClient;
  const std::uint32_t first_seq =
      direction == tables::kFromClient ? 1'000'000'000U : 3'000'000'000U;
  const std::uint32_t seq = state.edge[direction] == 0 ? first_seq : state.edge[direction];
  const tables::TcpSegment segment{seq, state.edge[other], 0, 64'000, flags, 7};
  if (const std::uint8_t marks = tables::tcp_advance(state, direction, segment); marks != 0)
    slots.mark(slot, marks);
}

// A remark, not the metric: what a real short connection costs when every window edge that moved is
// told as well. SYN; the handshake's rest; both FINs; the end: four times that the peer is told,
// each after all sessions have come so far.
void real_life(benchmark::State& state) {
  using namespace tables;
  for (auto _ : state) {
    Boxes boxes(limits4(kSessions));
    boxes.settle();
    auto& slots = boxes.owner().slots4();
    for (std::uint32_t i = 0; i < kSessions; ++i) {
      Session4 session = session4(i);
      tcp_open(session.state, {1'000'000'000U, 0, 0, 64'000, kTcpSyn, 7});
      benchmark::DoNotOptimize(slots.insert(session));
    }
    const Sent create = send_all(boxes, kSessions);
    for (const std::uint32_t slot : shuffled(kSessions, 1)) {
      pass(slots, slot, kFromServer, kTcpSyn | kTcpAck);
      pass(slots, slot, kFromClient, kTcpAck);
    }
    const Sent open = send_all(boxes, kSessions);
    for (const std::uint32_t slot : shuffled(kSessions, 3)) {
      pass(slots, slot, kFromClient, kTcpFin | kTcpAck);
      pass(slots, slot, kFromServer, kTcpFin | kTcpAck);
      pass(slots, slot, kFromClient, kTcpAck);
    }
    const Sent close = send_all(boxes, kSessions);
    for (const std::uint32_t slot : shuffled(kSessions, 2)) slots.erase(slot);
    const Sent remove = send_all(boxes, kSessions);
    Sent whole_life = create;
    whole_life += open;
    whole_life += close;
    whole_life += remove;
    note(state, "real_tcp_life_bytes_v4", whole_life);
    note(state, "create_bytes_v4_with_what_the_syn_says", create);
    note(state, "handshake_bytes_v4", open);
    note(state, "close_bytes_v4", close);
  }
}

// The metric: create, two updates of the state, delete. Window edges are refreshes, which may wait:
// see the remark above.
void lifecycle(benchmark::State& state) {
  for (auto _ : state) {
    Boxes boxes(limits4(kSessions));
    boxes.settle();
    auto& slots = boxes.owner().slots4();
    for (std::uint32_t i = 0; i < kSessions; ++i)
      benchmark::DoNotOptimize(slots.insert(session4(i)));
    const Sent create = send_all(boxes, kSessions);
    Sent updates;
    for (const std::uint8_t ranks : {std::uint8_t{0x22}, std::uint8_t{0x33}}) {
      for (const std::uint32_t slot : shuffled(kSessions, ranks)) {
        slots.changeable(slot).state.tcp_ranks = ranks;
        slots.mark(slot, tables::kMarkState);
      }
      updates += send_all(boxes, kSessions);
    }
    for (const std::uint32_t slot : shuffled(kSessions, 2)) slots.erase(slot);
    const Sent remove = send_all(boxes, kSessions);
    Sent whole_life = create;
    whole_life += updates;
    whole_life += remove;
    note(state, "wire.lifecycle_bytes_v4", whole_life);
    note(state, "wire.update_bytes", {updates.bytes / 2, updates.line_bytes / 2});
    note(state, "wire.delete_bytes", remove);
    note(state, "create_bytes_v4", create);
  }
}

// Numbers [0, count), the k-th with a chance of 1 / (k + 1).
std::uint32_t zipf(std::mt19937_64& random, std::uint32_t count) {
  const double drawn = static_cast<double>(random() >> 11U) * 0x1p-53;
  return static_cast<std::uint32_t>(std::pow(static_cast<double>(count), drawn)) % count;
}

// `client_prefixes` /64s inside, `server_prefixes` outside; servers by popularity. 0 = no two
// addresses share one.
Sent create6(std::uint32_t client_prefixes, std::uint32_t server_prefixes) {
  Boxes boxes({{64, 1}, {kSessions, 1}, {}});
  boxes.settle();
  std::mt19937_64 random(6);
  for (std::uint32_t i = 0; i < kSessions; ++i) {
    const auto address = [&](std::uint64_t prefix, std::uint64_t host) {
      tables::Address6 bytes;
      const std::uint64_t upper = mixed(prefix + 1);
      std::memcpy(bytes.data(), &upper, 8);
      std::memcpy(bytes.data() + 8, &host, 8);
      return bytes;
    };
    const std::uint64_t inside = client_prefixes == 0 ? 2 * i : random() % client_prefixes;
    const std::uint64_t outside =
        server_prefixes == 0 ? 2 * i + 1 : zipf(random, server_prefixes) + 1'000'000;
    const tables::Endpoint<tables::Address6> client{address(inside, random()),
                                                    static_cast<std::uint16_t>(random())};
    const tables::Endpoint<tables::Address6> server{address(outside, random() % 64), 0xBB01};
    benchmark::DoNotOptimize(boxes.owner().slots6().insert(session_between(client, server)));
  }
  return send_all(boxes, kSessions);
}

// The mix of the metric: a site of 16 networks inside; outside 256 networks by popularity (Zipf 1),
// as behind a few content networks.
void create_v6(benchmark::State& state) {
  for (auto _ : state) {
    note(state, "wire.create_bytes_v6", create6(16, 256));
    note(state, "create_bytes_v6_1_to_1_prefix", create6(1, 1));
    note(state, "create_bytes_v6_64_to_4096_prefixes", create6(64, 4096));
    note(state, "create_bytes_v6_no_prefix_shared", create6(0, 0));
  }
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  benchmark::RegisterBenchmark("wire.lifecycle", lifecycle)->Iterations(1);
  benchmark::RegisterBenchmark("wire.real_life", real_life)->Iterations(1);
  benchmark::RegisterBenchmark("wire.create_v6", create_v6)->Iterations(1);
  return run_benches(argc, argv, {.memory_mib = 256});
}
