// SPDX-License-Identifier: BSD-3-Clause
// config_protection.hpp - [[zone_protection]]: from which rates on packets without a session are a
// flood, what is done about it, and when a source is blocked.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the file.
// Limits:  one for each zone; rates up to 100,000,000 a second; blocks up to a day.
// Errors:  none thrown; faults go to the section's FaultList.
// Spec:    dataplane/examples/east.toml shows every key; flood_meter.hpp, block_list.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/config_address.hpp"
#include "dataplane/flood_meter.hpp"

namespace twinplane::dataplane {

struct Config;
class Section;

struct ZoneProtectionConfig {
  std::string zone;
  std::uint8_t zone_index{};         // into Config::zones
  ZoneFloodThresholds thresholds{};  // maximum_per_s 0: not metered
  std::uint32_t source_per_s{};      // new sessions of one source; 0 = no limit
  std::uint32_t block_s{60};
  std::vector<IpPrefix> exempt;  // never blocked
};

// After the ports, which name the zones.
void read_zone_protection(Section& section, Config& config);

// One line: what is done from which rates on.
std::string protection_text(const ZoneProtectionConfig& protection);

}  // namespace twinplane::dataplane
