// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes captures: any bytes in a file, read and replayed into a pair as twinplane-replay does.
//
// The input is the file; it goes through libpcap, DPDK's pcap device, the active box and the
// streams. A file is refused with words, or every packet that was counted comes in and is counted
// in one place, however it is damaged; and both boxes hold the same in the end.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/destination_nat.hpp"
#include "dataplane/eal.hpp"
#include "dataplane/nat_pool.hpp"
#include "dataplane/replay_capture.hpp"
#include "dataplane/replay_clock.hpp"
#include "dataplane/replay_compare.hpp"
#include "dataplane/replay_config.hpp"
#include "dataplane/replay_intake.hpp"
#include "dataplane/replay_pair.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/fuzz/kit/sound_table.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::dataplane;
using fuzz::require;

constexpr PoolSize kPacketPool{.packet_count = 255, .data_bytes = 65535 - RTE_PKTMBUF_HEADROOM};
constexpr std::uint16_t kBurst = 32;

ReplayOptions small_pair() {
  ReplayOptions options;
  options.partitions = 1;
  options.slots4 = 64;
  options.slots6 = 64;
  options.picks_up = true;
  return options;
}

// Without the ring devices: they do not outlive the boxes that use them, so each input has its own.
Config world_config() {
  Config config = replay_config(small_pair());
  std::erase_if(config.eal.args,
                [](const std::string& word) { return word.starts_with("--vdev="); });
  return config;
}

// What a replay sets up once, whatever it reads.
struct World {
  ReplayOptions options = small_pair();
  Config config = world_config();
  Eal eal{config};
  PacketPool pool{"packets", kPacketPool};
  RuleSet rule_set{config};
  RulesInUse rules{rule_set};
  RouteTable routes{config, "routes", SOCKET_ID_ANY};
  NatPool nat{config, options.seed};
  DestinationNat destinations{config};
};

World& world() {
  // Never destroyed: DPDK's own memory and threads end with the process.
  static World* const once = [] {
    auto* const made = new World;
    ::rmdir(Eal::runtime_directory().c_str());  // it is empty, and nobody would take it away
    return made;
  }();
  return *once;
}

// A file without a place in any directory.
class Unnamed {
 public:
  Unnamed(const std::uint8_t* data, std::size_t bytes)
      : descriptor_(::memfd_create("capture", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "no memory for a file");
    require(::write(descriptor_, data, bytes) == static_cast<ssize_t>(bytes), "a write was cut");
  }

  ~Unnamed() { ::close(descriptor_); }

  Unnamed(const Unnamed&) = delete;
  Unnamed& operator=(const Unnamed&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

std::optional<CaptureFile> look_through(const std::string& path) {
  try {
    return CaptureFile(path);
  } catch (const std::runtime_error& error) {
    require(std::string_view(error.what()).starts_with(path), "refused without its name");
    return std::nullopt;
  }
}

std::uint64_t told_count(const ReplayCounts& counts) {
  const auto sum = [](const auto& drops) {
    return std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
  };
  return counts.forwarded + counts.to_box + sum(counts.parse_drops) + sum(counts.sctp_drops) +
         sum(counts.drops);
}

void replay(const CaptureFile& file) {
  World& once = world();
  const VirtualDevice to_passive(kRingToPassive, "");
  const VirtualDevice to_active(kRingToActive, "");
  ReplayPair pair(once.config, once.options);
  require(pair.try_settle(), "empty tables do not become equal");
  ReplayIntake intake(
      {.forward = {once.config, once.rules, once.routes, once.nat, once.destinations},
       .box = pair.active(),
       .pool = once.pool,
       .writer = nullptr,
       .seed = 1,
       .accepts_any_vlan = true,
       .picks_up = true},
      pair.now_ns());
  ReplayClock clock(true, pair.now_ns());
  CaptureReader reader(file, once.pool);
  std::array<rte_mbuf*, kBurst> packets;
  std::uint64_t received = 0;
  for (std::uint16_t count = 0; (count = reader.receive(packets.data(), kBurst)) != 0;) {
    for (std::uint16_t i = 0; i < count; ++i) {
      const std::uint64_t now_ns = clock.on_packet(reader.stamp_us(packets[i]));
      pair.advance_to(now_ns, true);
      intake.take(packets[i], now_ns);
    }
    received += count;
  }
  require(received <= file.packet_count(), "more packets came in than the file holds");
  require(intake.counts().packets == received && told_count(intake.counts()) == received,
          "a packet was counted in no place, or in two");
  require(pair.try_settle(), "I9: the streams do not become quiet");
  require(compare(pair.active(), pair.passive()).is_none(), "I9: the boxes differ");
  fuzz::require_sound(pair.active().partition(0));
  fuzz::require_sound(pair.passive().partition(0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const Unnamed unnamed(data, bytes);
  if (const auto file = look_through(unnamed.path())) replay(*file);
  return 0;
}
