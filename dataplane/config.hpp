// SPDX-License-Identifier: BSD-3-Clause
// config.hpp - what one box is told: a plain value that mirrors its TOML file, section by section.
//
// Thread:  made once at start by load_config (config_load.hpp), then only read, by any thread.
// Memory:  strings and vectors of the heap; nothing of it is touched on the packet path, which uses
//          what is compiled from it (rules.hpp, routes.hpp, nat_pool.hpp,
//          destination_nat.hpp).
// Limits:  the constants below. Values that come from load_config are whole: every number in range,
//          every name known, every address usable.
// Errors:  none; load_config says what is wrong.
// Spec:    the commented example dataplane/examples/east.toml is the reference of every key.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/config_address.hpp"
#include "dataplane/config_bridge.hpp"
#include "dataplane/config_faults.hpp"
#include "dataplane/config_multicast.hpp"
#include "dataplane/config_protection.hpp"
#include "dataplane/sip_hash.hpp"
#include "tables/sctp_state.hpp"
#include "tables/security_association.hpp"
#include "tables/session.hpp"
#include "tables/table_kind.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kPortsMax = 32;
inline constexpr std::uint8_t kNoZone = 0xFF;  // of a port that there is not
inline constexpr std::size_t kZonesMax = 64;
inline constexpr std::size_t kRulesMax = 512;
inline constexpr std::size_t kNatRulesMax = 64;
inline constexpr std::size_t kRoutesMax = 1024;
inline constexpr std::size_t kHelpersMax = 8;
inline constexpr std::size_t kNeighborsMax = 1024;  // permanent ones
inline constexpr std::uint32_t kSecurityAssociationsMax = 256;
inline constexpr std::size_t kListItemsMax = 256;  // of one list: addresses, prefixes, ports
inline constexpr std::size_t kWorkersMax = 63;

enum class HugePages : std::uint8_t { kAuto, kOn, kOff };
enum class FullPolicy : std::uint8_t { kRefuse, kEvictHalfOpen };
enum class RuleAction : std::uint8_t { kDrop, kAllow };
enum class Ha2Transport : std::uint8_t { kEthernet, kIp, kUdp };

struct BoxConfig {
  std::string name;
  std::uint8_t id{};  // 0 or 1
  std::uint8_t priority{100};
};

struct EalConfig {
  HugePages huge_pages{HugePages::kAuto};
  std::uint32_t memory_mib{256};
  std::string lcores{"0@0,1@1"};
  std::vector<std::uint32_t> lcore_ids{
      0, 1};                // of `lcores`, in order: [0] is control, the others are workers
  std::string file_prefix;  // the box's name unless given
  std::vector<std::string> args;
};

struct PortConfig {
  std::string name;
  std::string device;
  std::string zone;
  std::uint8_t zone_index{};  // into Config::zones
  std::uint16_t mtu_bytes{1500};
  std::uint16_t vlan{};
  std::uint8_t virtual_mac_group{1};
  std::vector<IpPrefix> addresses;  // interface addresses: host bits stand; none of a bridged port
  bool symmetric_return{};  // sessions that are opened by it are answered by who brought them
};

struct RouteConfig {
  IpPrefix prefix;
  IpAddress via;
  std::string port;
  std::uint8_t port_index{};  // into Config::ports
};

// A neighbor that is never asked for.
struct NeighborConfig {
  IpAddress address;
  MacAddress mac{};
  std::string port;
  std::uint8_t port_index{};  // into Config::ports
};

// A closed range, host byte order.
struct PortRange {
  std::uint16_t first{};
  std::uint16_t last{65535};

  friend bool operator==(const PortRange&, const PortRange&) = default;
};

// In every list, empty stands for "any".
struct RuleConfig {
  std::string name;
  std::vector<std::uint8_t> from_zones;  // into Config::zones
  std::vector<std::uint8_t> to_zones;
  std::vector<IpPrefix> source;
  std::vector<IpPrefix> destination;
  std::vector<std::uint8_t> protocols;  // "icmp" is {1, 58}
  std::vector<PortRange> ports;         // destination ports
  RuleAction action{RuleAction::kDrop};
  bool sync{true};
  bool hold{};                   // a session's first packet waits until the peer has the session
  std::uint32_t sync_after_s{};  // its sessions stay local until they have that age; 0 = never
};

// What a rule makes of a destination that clients name: where their packets really go.
struct NatDestination {
  IpAddress address;                    // as the client names it
  std::vector<std::uint8_t> protocols;  // empty = any; with ports TCP, UDP or both
  std::optional<PortRange> ports;       // as the client names them; not set = any
  IpAddress real_address;               // of the same family
  std::uint16_t real_port{};            // 0 = the port stays
  // Sessions that the real one opens towards the rule's zones leave as `address`.
  bool is_bidirectional{};
};

// One of two kinds: for sources `addresses` and `ports`, for destinations `destination`.
struct NatConfig {
  std::string name;
  std::vector<std::uint8_t> from_zones;  // empty = any
  std::vector<std::uint8_t> to_zones;    // empty = any, and in a rule for a destination
  std::vector<IpPrefix> source;          // empty = any of the rule's family
  std::vector<IpAddress> addresses;      // one family, at least one
  PortRange ports{1024, 65535};
  std::uint16_t block_ports{};  // each address of `source` has so many to itself; 0 = all share all
  std::optional<NatDestination> destination;
};

// An IPsec SA whose keys are given by hand.
struct SaConfig {
  std::string name;
  tables::SecurityAssociationBody sa{};
};

// Which control sessions are looked into, for the sessions that they announce.
struct HelperConfig {
  std::string name;             // of one of kHelpers
  std::uint16_t port{};         // of the server, where it really is
  std::uint16_t application{};  // Application of such a session
};

struct TablesConfig {
  std::uint32_t partitions{4};
  std::uint32_t session4_slots{65536};    // per partition
  std::uint32_t session6_slots{16384};    // per partition
  std::uint32_t neighbor_slots{4096};     // of ARP, and as many of neighbor discovery
  std::uint32_t multicast_slots{4096};    // of IPv4 groups and streams, and as many of IPv6
  std::uint32_t sctp_slots{4096};         // per partition: all of one pair of ports are in one
  std::uint32_t shift_slots{4096};        // per partition: sessions whose TCP numbers are changed
  std::uint32_t dos_block_slots{4096};    // blocked sources, this box's own
  std::uint32_t expectation_slots{1024};  // per partition: of control sessions, one each
  std::uint32_t expectation_s{30};        // how long an announced session may be waited for
  std::uint32_t mac_slots{8192};          // of all bridges together
  std::uint32_t return_slots{65536};      // per partition: of ports with symmetric_return
  FullPolicy full_policy{FullPolicy::kRefuse};
  std::string file;    // empty = anonymous memory
  bool keep{false};    // over an orderly restart, in `file`
  bool rematch{true};  // sessions are looked at again when other rules are loaded
};

// Of the pair: one for each partition of the flows, and the home partition's.
constexpr std::uint32_t stream_count(const TablesConfig& tables) noexcept {
  return tables.partitions + 1;
}

struct TimeoutsConfig {
  // Indexed by tables::TimeoutClass.
  std::array<std::uint32_t, tables::kTimeoutClassCount> timeout_s{20, 3600, 30, 2, 30, 120, 10, 60};
  // Indexed by tables::SctpTimeoutClass.
  std::array<std::uint32_t, tables::kSctpTimeoutClassCount> sctp_timeout_s{20, 3600, 60, 30};
};

struct Ha2Config {
  tables::KindSet off_tables;  // not kept equal, although the matrix says so
  std::string device;          // empty = none; only when HaConfig::enabled is false
  Ha2Transport transport{Ha2Transport::kEthernet};
  IpAddress local;  // set for kIp and kUdp
  IpAddress peer;
  MacAddress peer_mac{};
  bool peer_mac_known{false};  // false: learned from the peer's hello
  std::uint16_t mtu_bytes{1500};
  std::uint32_t window_frames{256};
  std::uint32_t flush_us{50};
  std::uint32_t reorder_us{100};
  std::uint32_t bulk_share_percent{25};  // of each frame, kept for bulk while changes fill it
  std::uint32_t bulk_core_percent{50};   // of a worker's time, at most, for bulk
  std::uint32_t audit_cycle_s{60};       // every range of slots once in that time; 0 = no audit
  std::uint32_t audit_core_percent{1};   // of a worker's time, at most
  std::uint32_t hold_max_us{5000};       // how long a packet may wait for the peer, by rule
  std::uint32_t buffers{4096};           // of frames sent, received and on their way between cores
};

struct Ha1Config {
  SocketAddress local;  // not set only when HaConfig::enabled is false
  SocketAddress peer;
};

struct HaConfig {
  bool enabled{true};
  std::uint32_t keepalive_interval_ms{10};
  std::uint32_t keepalive_threshold{3};
  std::uint32_t boot_hold_ms{1000};
  // Of the cookies that SYNs are answered with; not set: each box draws its own.
  std::optional<SipKey> cookie_secret;
};

struct WorkerConfig {
  std::uint32_t idle_sleep_us{50};  // 0 = poll without sleeping
};

// A bit for each of `zones`, which are below kZonesMax; all bits for an empty list.
inline std::uint64_t zone_bits(const std::vector<std::uint8_t>& zones) noexcept {
  if (zones.empty()) return ~std::uint64_t{0};
  std::uint64_t bits = 0;
  for (const std::uint8_t zone : zones) bits |= std::uint64_t{1} << zone;
  return bits;
}

struct Config {
  BoxConfig box;
  EalConfig eal;
  std::vector<PortConfig> ports;
  std::vector<BridgeConfig> bridges;
  std::vector<std::string> zones;  // in the order in which the ports first name them
  std::vector<RouteConfig> routes;
  std::vector<NeighborConfig> neighbors;  // permanent ones
  std::vector<RuleConfig> rules;
  std::vector<NatConfig> nat;
  std::vector<SaConfig> security_associations;
  std::vector<ZoneProtectionConfig> zone_protections;
  std::vector<HelperConfig> helpers;
  TablesConfig tables;
  TimeoutsConfig timeouts;
  Ha2Config ha2;
  Ha1Config ha1;
  HaConfig ha;
  WorkerConfig worker;
  FaultsConfig faults;
  MulticastConfig multicast;

  // Of any number, as a peer may have sent it: a port that there is not is in no zone.
  std::uint8_t zone_of(std::uint8_t port) const noexcept {
    return port < ports.size() ? ports[port].zone_index : kNoZone;
  }
};

// How many return paths a partition has room for: none where no port gives sessions any.
inline std::uint32_t return_slots(const Config& config) noexcept {
  const bool is_any = std::ranges::any_of(config.ports, &PortConfig::symmetric_return);
  return is_any ? config.tables.return_slots : 0;
}

}  // namespace twinplane::dataplane
