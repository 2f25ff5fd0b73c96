// SPDX-License-Identifier: BSD-3-Clause
// twinplane-replay - captures into a pair of boxes, the sessions of both out; are they equal?
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "dataplane/destination_nat.hpp"
#include "dataplane/eal.hpp"
#include "dataplane/nat_pool.hpp"
#include "dataplane/replay_capture.hpp"
#include "dataplane/replay_clock.hpp"
#include "dataplane/replay_compare.hpp"
#include "dataplane/replay_config.hpp"
#include "dataplane/replay_intake.hpp"
#include "dataplane/replay_options.hpp"
#include "dataplane/replay_pair.hpp"
#include "dataplane/replay_report.hpp"
#include "dataplane/rules_in_use.hpp"

namespace twinplane::dataplane {
namespace {

constexpr PoolSize kPacketPool{.packet_count = 255, .data_bytes = 65535 - RTE_PKTMBUF_HEADROOM};
constexpr std::uint16_t kBurst = 32;
constexpr int kExitUnequal = 2;

struct Replay {
  const ReplayOptions& options;
  ReplayPair& pair;
  ReplayIntake& intake;
  ReplayClock clock;

  void run(const CaptureFile& file, const PacketPool& pool) {
    CaptureReader reader(file, pool);
    clock.begin_capture();
    std::array<rte_mbuf*, kBurst> packets;
    for (std::uint16_t count = 0; (count = reader.receive(packets.data(), kBurst)) != 0;) {
      for (std::uint16_t i = 0; i < count; ++i) {
        const std::uint64_t now_ns = clock.on_packet(reader.stamp_us(packets[i]));
        pair.advance_to(now_ns, !options.is_as_fast_as_possible);
        intake.take(packets[i], now_ns);
      }
    }
  }

  // Past every timeout.
  void expire_all(const TimeoutsConfig& timeouts) {
    std::uint64_t longest_s = 0;
    for (const std::uint32_t timeout_s : timeouts.timeout_s)
      longest_s = std::max<std::uint64_t>(longest_s, timeout_s);
    pair.advance_to(clock.on_wait((longest_s + 2) * 1'000'000'000U), true);
  }
};

// DPDK makes a directory for each file prefix and leaves it; a replay's prefix is never used again.
struct RuntimeDirectory {
  std::string path;  // empty: none was made

  ~RuntimeDirectory() {
    std::error_code error;  // not empty, or not there: then it stays as it is
    if (!path.empty()) std::filesystem::remove(path, error);
  }
};

// Looked through before anything starts, so that a wrong name at the end costs no wait.
std::vector<CaptureFile> open_captures(const ReplayOptions& options) {
  std::vector<CaptureFile> captures;
  for (const std::string& path : options.captures) {
    captures.emplace_back(path);
    std::error_code error;
    if (std::filesystem::equivalent(path, options.write_path, error))
      throw std::runtime_error(
          path + ": --write would overwrite what is to be read; give it another name");
  }
  for (const CaptureFile& capture : captures)
    if (!capture.damage().empty())
      std::fprintf(stderr, "replay: %s is damaged after %llu packets (%s); those are replayed\n",
                   capture.path().c_str(), static_cast<unsigned long long>(capture.packet_count()),
                   capture.damage().c_str());
  return captures;
}

int replay(const ReplayOptions& options) {
  const std::vector<CaptureFile> captures = open_captures(options);
  const Config config = replay_config(options);
  RuntimeDirectory directory;  // outlives the EAL
  const Eal eal(config);
  directory.path = Eal::runtime_directory();
  const PacketPool pool("packets", kPacketPool);
  const RuleSet rule_set(config);
  const RulesInUse rules(rule_set);
  const RouteTable routes(config, "routes", SOCKET_ID_ANY);
  const NatPool nat(config, options.seed);
  const DestinationNat destinations(config);
  ReplayPair pair(config, options);
  std::unique_ptr<CaptureWriter> writer;
  if (!options.write_path.empty())
    writer = std::make_unique<CaptureWriter>(options.write_path, pool);

  // In step before the first packet, as a pair in service is. If loss forbids that, the end will
  // say so.
  static_cast<void>(pair.try_settle());
  const std::uint64_t start_ns = pair.now_ns();
  ReplayIntake intake({.forward = {config, rules, routes, nat, destinations},
                       .box = pair.active(),
                       .pool = pool,
                       .writer = writer.get(),
                       .seed = options.seed,
                       .accepts_any_vlan = options.config_path.empty(),
                       .picks_up = options.picks_up},
                      start_ns);
  Replay run{options, pair, intake, ReplayClock(!options.is_as_fast_as_possible, start_ns)};
  std::uint64_t damaged_count = 0;
  for (const CaptureFile& capture : captures) {
    run.run(capture, pool);
    damaged_count += capture.damage().empty() ? 0 : 1;
  }
  if (options.expires_all) run.expire_all(config.timeouts);
  const bool is_quiet = pair.try_settle();

  const Difference difference = compare(pair.active(), pair.passive());
  const bool is_equal = is_quiet && difference.is_none();
  if (!options.is_quiet) {
    print_sessions(pair.active(), "active");
    print_sessions(pair.passive(), "passive");
    print_shared(pair.active(), "active");
    print_shared(pair.passive(), "passive");
  }
  print_summary({.capture_count = captures.size(),
                 .damaged_count = damaged_count,
                 .virtual_ns = run.clock.now_ns() - start_ns,
                 .is_quiet = is_quiet,
                 .is_equal = is_equal,
                 .counts = intake.counts(),
                 .difference = difference,
                 .pair = pair});
  return is_equal ? 0 : kExitUnequal;
}

}  // namespace
}  // namespace twinplane::dataplane

int main(int argc, char** argv) {
  twinplane::dataplane::ReplayOptions options;
  if (const auto status = twinplane::dataplane::read_options(argc, argv, options)) return *status;
  try {
    return twinplane::dataplane::replay(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
