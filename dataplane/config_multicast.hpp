// SPDX-License-Identifier: BSD-3-Clause
// config_multicast.hpp - what a configuration says of groups: which ports learn who listens, as
// whom and how often the pair asks, and what one zone may take.
//
// Thread:  set-up only, one thread.
// Memory:  one value, and 40 bytes a static group.
// Limits:  the ranges that the comments give; kStaticGroupsMax static groups.
// Errors:  none thrown; faults go to the FaultList.
// Spec:    RFC 3376 section 8 and RFC 3810 section 9 for times and their defaults; RFC 7761 section
//          4.11 for a stream's (Keepalive_Period).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/config_address.hpp"
#include "tables/multicast.hpp"

namespace twinplane::dataplane {

class FaultList;
class Section;
struct Config;

inline constexpr std::size_t kStaticGroupsMax = 256;

// Somebody listens there, whatever is reported.
struct StaticGroupConfig {
  IpAddress group;
  IpAddress source;  // not set: whatever the source
  std::string port;
  std::uint8_t port_index{};  // into Config::ports
};

struct MulticastConfig {
  bool enabled{false};
  tables::PortSet query_ports{};   // where the pair asks, unless a router with a lower address does
  tables::PortSet listen_ports{};  // where it hears who listens and never asks
  std::uint8_t igmp_version{3};    // of what it asks, 1..3
  std::uint8_t mld_version{2};     // 1..2
  std::uint32_t robustness{2};     // 1..7
  std::uint32_t query_interval_s{125};      // 2..3600
  std::uint32_t query_response_ms{10'000};  // below the interval
  std::uint32_t last_member_interval_ms{1000};
  std::uint32_t groups_per_port{1024};   // that its hosts may join
  std::uint32_t sources_per_group{32};   // that its hosts may name, 1..64
  std::uint32_t reports_per_s{1000};     // records that a port's hosts may send
  std::uint32_t stream_timeout_s{210};   // without a packet
  std::uint32_t streams_per_zone{1024};  // that come from one zone
  std::uint32_t new_streams_per_s{100};  // that one zone may open
  std::vector<StaticGroupConfig> groups;

  // Ports that have a say in who gets what.
  tables::PortSet ports() const noexcept { return query_ports | listen_ports; }
};

// [multicast] and [[multicast.group]]; the ports have been read.
void read_multicast(Section section, Config& config);

void check_multicast(const Config& config, FaultList& faults);

// As "multicast: asks on inside (IGMP 3, MLD 2) every 125 s, ...".
std::string multicast_text(const Config& config);

// All of it but whether it is on: both boxes should say the same.
std::uint64_t multicast_digest(const Config& config);

}  // namespace twinplane::dataplane
