// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_config.hpp"

#include <sched.h>
#include <unistd.h>

#include <string>

#include "dataplane/config_load.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint32_t kMemoryMib = 256;  // packet buffers, and two routing tables of 64 MiB
constexpr std::uint16_t kMtuMax = 65535;

// Routes of length 0 to the one port, through a next hop that nobody resolves.
Config open_box() {
  Config config;
  config.box.name = "replay";
  config.zones = {"any"};
  config.ports.resize(1);
  config.ports.front().name = "any";
  config.ports.front().zone = "any";
  config.ports.front().mtu_bytes = kMtuMax;
  const IpAddress anyone4 = IpAddress::of(tables::Address4{});
  const IpAddress anyone6 = IpAddress::of(tables::Address6{});
  config.routes.push_back({.prefix = {anyone4, 0}, .via = anyone4, .port = "any"});
  config.routes.push_back({.prefix = {anyone6, 0}, .via = anyone6, .port = "any"});
  RuleConfig rule;
  rule.name = "any";
  rule.action = RuleAction::kAllow;
  config.rules.push_back(rule);
  return config;
}

// One lcore, on whichever processors this process may use: nothing is pinned.
std::string lcore_anywhere() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  std::string list;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) list += (list.empty() ? "0@(" : ",") + std::to_string(cpu);
  return list.empty() ? "0" : list + ")";
}

}  // namespace

Config replay_config(const ReplayOptions& options) {
  Config config = options.config_path.empty() ? open_box() : load_config(options.config_path);
  if (options.partitions) config.tables.partitions = *options.partitions;
  if (options.slots4) config.tables.session4_slots = *options.slots4;
  if (options.slots6) config.tables.session6_slots = *options.slots6;
  config.tables.file.clear();
  config.eal.huge_pages = HugePages::kOff;
  config.eal.memory_mib = kMemoryMib;
  config.eal.lcores = lcore_anywhere();
  config.eal.lcore_ids = {0};
  config.eal.file_prefix = "twinplane-replay-" + std::to_string(::getpid());
  config.eal.args = {"--no-shconf", "--no-telemetry", "--log-level=error",
                     std::string("--vdev=") + kRingToPassive,
                     std::string("--vdev=") + kRingToActive};
  for (PortConfig& port : config.ports) port.device.clear();
  config.ha2.device.clear();
  return config;
}

}  // namespace twinplane::dataplane
