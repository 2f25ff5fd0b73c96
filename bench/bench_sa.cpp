// SPDX-License-Identifier: BSD-3-Clause
// bench_sa.cpp - what the sequence numbers of one IPsec SA cost: records for a million packets of
// either direction, counted in virtual time at a million packets a second, and the time of a burst.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bench/boxes.hpp"
#include "bench/environment.hpp"
#include "bench/rounds.hpp"
#include "ha2/sa_database.hpp"

namespace twinplane::bench {
namespace {

using ha2::KindCounter;
using tables::TableKind;

constexpr std::uint64_t kPackets = 1'000'000;
constexpr std::uint64_t kPacketNs = 1'000;
constexpr std::uint32_t kBurst = 25;
constexpr std::uint32_t kPollPackets = 100;  // of both boxes, each 100 us
constexpr std::uint32_t kPacketBytes = 1'400;

tables::PartitionLimits limits() {
  tables::PartitionLimits limits{{64, 1}, {64, 1}, {}};
  limits.plain(TableKind::kSecurityAssociation) = 64;
  limits.plain(TableKind::kIpsecSequence) = 65;
  return limits;
}

tables::SecurityAssociationBody make_sa(bool is_inbound) {
  tables::SecurityAssociationBody sa{};
  sa.key.spi = is_inbound ? 0x101 : 0x100;
  sa.key.protocol = 50;
  sa.key.destination.back() = 2;
  sa.source.back() = 1;
  sa.flags = static_cast<std::uint8_t>(tables::kSaTunnelMode |
                                       (is_inbound ? unsigned{tables::kSaInbound} : 0U));
  sa.cipher = static_cast<std::uint8_t>(tables::SaCipher::kAesCbc);
  sa.integrity = static_cast<std::uint8_t>(tables::SaIntegrity::kSha256);
  sa.cipher_key_bytes = sa.integrity_key_bytes = 32;
  std::fill_n(sa.cipher_key.begin(), 32, std::uint8_t{0xC1});
  std::fill_n(sa.integrity_key.begin(), 32, std::uint8_t{0x1C});
  sa.local.port_last = sa.remote.port_last = 0xFFFF;
  return sa;
}

class SaPair {
 public:
  explicit SaPair(bool is_inbound) : is_inbound_(is_inbound) {
    owner_sas_.follow(now_ns_);
    mirror_sas_.follow(now_ns_);
    const ha2::SaInstalled made = owner_sas_.install(make_sa(is_inbound), now_ns_);
    if (made.status != ha2::SaInstall::kInstalled) std::abort();
    slot_ = made.slot;
  }

  // Returns the CPU time of a packet: what its worker does for its number, records not included.
  double pass(std::uint64_t packet_count) {
    double taken_ns = 0;
    for (std::uint64_t passed = 0; passed < packet_count; passed += kPollPackets) {
      taken_ns += cpu_ns_per_operation(1, [&] { take_numbers(); });
      now_ns_ += kPollPackets * kPacketNs;
      exchange(owner_, owner_sas_, mirror_);
      exchange(mirror_, mirror_sas_, owner_);
    }
    return taken_ns / static_cast<double>(packet_count);
  }

  std::uint64_t records() {
    const auto& counters = owner_.replica().counters();
    return counters.get(TableKind::kIpsecSequence, KindCounter::kPatchesSent) +
           counters.get(TableKind::kIpsecSequence, KindCounter::kWholesSent);
  }

 private:
  void take_numbers() {
    if (is_inbound_) {
      for (std::uint32_t i = 0; i < kPollPackets; ++i)
        if (owner_sas_.accept(slot_, ++number_, kPacketBytes, now_ns_) !=
            tables::ReplayVerdict::kNew)
          std::abort();
      return;
    }
    for (std::uint32_t i = 0; i < kPollPackets; i += kBurst)
      if (owner_sas_.take(slot_, {kBurst, kBurst * kPacketBytes}, now_ns_).count != kBurst)
        std::abort();
  }

  void exchange(Box& from, ha2::SaDatabase& sas, Box& to) {
    sas.poll(now_ns_);
    frames_.clear();
    from.replica().poll(now_ns_, frames_);
    deliver(frames_, to.replica(), now_ns_);
  }

  bool is_inbound_;
  std::uint64_t now_ns_ = 1'000'000'000'000;
  ha2::StreamConfig config_ = stream_config(256);
  Box owner_{limits(), ha2::Holding::kOwner, 256, &config_};
  Box mirror_{limits(), ha2::Holding::kMirror, 256, &config_};
  ha2::SaDatabase owner_sas_{owner_.replica(), {}};
  ha2::SaDatabase mirror_sas_{mirror_.replica(), {}};
  FrameStore frames_{256};
  std::uint32_t slot_ = 0;
  std::uint64_t number_ = 0;
};

void sa(benchmark::State& state) {
  std::uint64_t most = 0;
  for (const bool is_inbound : {false, true}) {
    SaPair pair(is_inbound);
    pair.pass(kPackets);  // the rate is found out
    const std::uint64_t before = pair.records();
    const double packet_ns = pair.pass(kPackets);
    const std::uint64_t records = pair.records() - before;
    most = std::max(most, records);
    const std::string name = is_inbound ? "inbound" : "outbound";
    state.counters[name + "_records_per_mpkt"] = static_cast<double>(records);
    state.counters[name + "_ns_a_packet"] = packet_ns;
  }
  if (most == 0) state.SkipWithError("no record told of any number");
  for (auto _ : state) state.SetIterationTime(1);
  state.counters["sa.records_per_mpkt"] = static_cast<double>(most);
}

}  // namespace
}  // namespace twinplane::bench

int main(int argc, char** argv) {
  using namespace twinplane::bench;
  benchmark::RegisterBenchmark("sa", sa)->Iterations(1)->UseManualTime();
  return run_benches(argc, argv, {.memory_mib = by_scale(64U, 96U, 96U)});
}
