// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_sections.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ha2/sync_matrix.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint32_t kLcoreIdMax = 127;
constexpr std::int64_t kTimeoutSecondsMax = 604800;
// A hello with all its items goes into one frame, whatever the encapsulation.
constexpr Bounds kHa2MtuBounds{1280, 9000};

void read_box(Section section, Config& config) {
  section.read_name("name", config.box.name, Need::kRequired);
  section.read_integer("id", config.box.id, {0, 1}, Need::kRequired);
  section.read_integer("priority", config.box.priority, {0, 255});
  section.finish();
}

// "0@0,1@1": lcores, each with the CPU that it runs on. Of EAL's longer syntax only this is taken,
// because the order has a meaning.
void read_lcores(Section& section, EalConfig& eal) {
  constexpr std::string_view kRight =
      "lcores with their CPUs, as \"0@0,1@1\": first control, then at least one worker";
  const std::string path = section.path("lcores");
  std::vector<std::uint32_t> ids;
  std::string_view rest = eal.lcores;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const std::size_t at = item.find('@');
    const auto id = parse_decimal(item.substr(0, at), kLcoreIdMax);
    const bool cpu_is_right =
        at == std::string_view::npos || parse_decimal(item.substr(at + 1), 1023).has_value();
    if (!id || !cpu_is_right) {
      section.faults().add(path, "\"" + std::string(item) + "\" is no lcore", std::string(kRight));
      return;
    }
    ids.push_back(static_cast<std::uint32_t>(*id));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::vector<std::uint32_t> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    section.faults().add(path, "names an lcore twice", "each lcore once; several may share a CPU");
  } else if (ids.size() < 2) {
    section.faults().add(path, "has no worker", std::string(kRight));
  } else if (ids.size() > kWorkersMax + 1) {
    section.faults().add(path, "has too many lcores",
                         "at most " + std::to_string(kWorkersMax) + " workers");
  }
  eal.lcore_ids = std::move(ids);
}

void read_eal_args(Section& section, EalConfig& eal) {
  struct Owned {
    std::string_view argument;
    std::string_view owner;
  };

  constexpr std::array<Owned, 13> kOwned{
      {{"-l", "eal.lcores"},
       {"-c", "eal.lcores"},
       {"--lcores", "eal.lcores"},
       {"--main-lcore", "eal.lcores"},
       {"-m", "eal.memory_mib"},
       {"--no-huge", "eal.huge_pages"},
       {"--in-memory", "eal.huge_pages"},
       {"--file-prefix", "eal.file_prefix"},
       {"--no-telemetry", "nothing: telemetry is how the box is read"},
       {"--proc-type", "nothing: a box is a primary process"},
       {"-a", "port.device"},
       {"--allow", "port.device"},
       {"--vdev", "port.device"}}};
  for (ListItem& item : section.list("args", Need::kOptional)) {
    const std::string_view name = std::string_view(item.text).substr(0, item.text.find('='));
    const auto* const owned =
        std::find_if(kOwned.begin(), kOwned.end(),
                     [name](const Owned& entry) { return entry.argument == name; });
    if (owned != kOwned.end()) {
      section.faults().add(item.path, "\"" + item.text + "\" is not for args",
                           "use " + std::string(owned->owner));
    }
    eal.args.push_back(std::move(item.text));
  }
}

void read_eal(Section section, Config& config) {
  EalConfig& eal = config.eal;
  section.read_choice(
      "huge_pages", eal.huge_pages,
      {{"auto", HugePages::kAuto}, {"on", HugePages::kOn}, {"off", HugePages::kOff}});
  section.read_integer("memory_mib", eal.memory_mib, {64, 1048576});
  section.read_text("lcores", eal.lcores);
  read_lcores(section, eal);
  section.read_name("file_prefix", eal.file_prefix);
  if (eal.file_prefix.empty()) eal.file_prefix = config.box.name;
  read_eal_args(section, eal);
  section.finish();
}

void read_tables(Section section, Config& config) {
  TablesConfig& tables = config.tables;
  section.read_integer("partitions", tables.partitions, {1, 256});
  if (!std::has_single_bit(tables.partitions)) {
    section.faults().add(section.path("partitions"),
                         std::to_string(tables.partitions) + " is not a power of two",
                         "the next ones are " + std::to_string(std::bit_floor(tables.partitions)) +
                             " and " + std::to_string(std::bit_ceil(tables.partitions)));
  }
  section.read_integer("session4_slots", tables.session4_slots, {64, 67108864});
  section.read_integer("session6_slots", tables.session6_slots, {64, 67108864});
  section.read_integer("neighbor_slots", tables.neighbor_slots, {16, 32768});
  section.read_integer("multicast_slots", tables.multicast_slots, {64, 32768});
  section.read_integer("sctp_slots", tables.sctp_slots, {64, 67108864});
  section.read_integer("shift_slots", tables.shift_slots, {64, 67108864});
  section.read_integer("dos_block_slots", tables.dos_block_slots, {16, 65536});
  section.read_integer("expectation_slots", tables.expectation_slots, {64, 65536});
  section.read_integer("expectation_s", tables.expectation_s, {1, 600});
  section.read_integer("mac_slots", tables.mac_slots, {16, 32768});
  section.read_integer("return_slots", tables.return_slots, {64, 67108864});
  section.read_choice(
      "full_policy", tables.full_policy,
      {{"refuse", FullPolicy::kRefuse}, {"evict-half-open", FullPolicy::kEvictHalfOpen}});
  section.read_text("file", tables.file);
  section.read_boolean("rematch", tables.rematch);
  section.read_boolean("keep", tables.keep);
  if (tables.keep && tables.file.empty())
    section.faults().add(section.path("keep"), "is true, and there is no file to keep them in",
                         "give tables.file a path, in memory as \"/dev/shm/twinplane\" or on a "
                         "hugetlbfs, or set keep = false");
  section.finish();
}

void read_timeouts(Section section, Config& config) {
  // In the order of tables::TimeoutClass.
  constexpr std::array<std::string_view, tables::kTimeoutClassCount> kKeys{
      "tcp_opening", "tcp_established", "tcp_closing", "tcp_closed",
      "udp",         "udp_reply",       "icmp",        "other"};
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    section.read_integer(kKeys[i], config.timeouts.timeout_s[i], {1, kTimeoutSecondsMax});
  }
  // In the order of tables::SctpTimeoutClass.
  constexpr std::array<std::string_view, tables::kSctpTimeoutClassCount> kSctpKeys{
      "sctp_opening", "sctp_established", "sctp_closing", "sctp_closed"};
  for (std::size_t i = 0; i < kSctpKeys.size(); ++i)
    section.read_integer(kSctpKeys[i], config.timeouts.sctp_timeout_s[i], {1, kTimeoutSecondsMax});
  section.finish();
}

void read_ha2_address(Section& section, std::string_view key, Need need, IpAddress& target) {
  std::string text;
  section.read_text(key, text, need);
  if (text.empty()) return;
  const auto address = parse_address(text);
  if (address && is_unicast(*address)) {
    target = *address;
  } else {
    section.faults().add(section.path(key), "\"" + text + "\" is not a unicast address",
                         "one IPv4 or IPv6 address without a length, as \"169.254.1.1\"");
  }
}

void read_off_tables(Section& section, Ha2Config& ha2) {
  std::vector<std::string> names;
  tables::for_each_kind([&](auto kind) {
    if (ha2::row_of(kind).is_kept(ha2::HaMode::kActivePassive))
      names.emplace_back(tables::name_of(kind));
  });
  for (const ListItem& item : section.list("off_tables", Need::kOptional)) {
    bool is_known = false;
    tables::for_each_kind([&](auto kind) {
      if (item.text != tables::name_of(kind)) return;
      is_known = ha2::row_of(kind).is_kept(ha2::HaMode::kActivePassive);
      ha2.off_tables.add(kind);
    });
    if (!is_known)
      section.faults().add(item.path, "\"" + item.text + "\" is no table that is kept equal",
                           suggestion(item.text, names));
  }
}

void read_ha2(Section section, Config& config) {
  Ha2Config& ha2 = config.ha2;
  section.read_text("device", ha2.device, config.ha.enabled ? Need::kRequired : Need::kOptional);
  section.read_choice("transport", ha2.transport,
                      {{"ethernet", Ha2Transport::kEthernet},
                       {"ip", Ha2Transport::kIp},
                       {"udp", Ha2Transport::kUdp}});
  const Need need = ha2.transport == Ha2Transport::kEthernet ? Need::kOptional : Need::kRequired;
  read_ha2_address(section, "local", need, ha2.local);
  read_ha2_address(section, "peer", need, ha2.peer);
  std::string mac_text;
  section.read_text("peer_mac", mac_text);
  if (!mac_text.empty()) {
    const auto mac = parse_mac(mac_text);
    if (mac && ((*mac)[0] & 1U) == 0 && *mac != MacAddress{}) {
      ha2.peer_mac = *mac;
      ha2.peer_mac_known = true;
    } else {
      section.faults().add(section.path("peer_mac"),
                           "\"" + mac_text + "\" is not a unicast MAC address",
                           "as \"02:00:00:00:00:01\", or \"\" to learn it");
    }
  }
  section.read_integer("mtu", ha2.mtu_bytes, kHa2MtuBounds);
  section.read_integer("window_frames", ha2.window_frames, {4, 4096});
  if (!std::has_single_bit(ha2.window_frames)) {
    section.faults().add(section.path("window_frames"),
                         std::to_string(ha2.window_frames) + " is not a power of two",
                         "the next ones are " + std::to_string(std::bit_floor(ha2.window_frames)) +
                             " and " + std::to_string(std::bit_ceil(ha2.window_frames)));
  }
  section.read_integer("flush_us", ha2.flush_us, {0, 100000});
  section.read_integer("reorder_us", ha2.reorder_us, {0, 10000});
  section.read_integer("bulk_share_percent", ha2.bulk_share_percent, {5, 90});
  section.read_integer("bulk_core_percent", ha2.bulk_core_percent, {1, 100});
  section.read_integer("audit_cycle_s", ha2.audit_cycle_s, {0, 86400});
  section.read_integer("audit_core_percent", ha2.audit_core_percent, {1, 50});
  section.read_integer("hold_max_us", ha2.hold_max_us, {100, 100000});
  section.read_integer("buffers", ha2.buffers, {64, 65536});
  read_off_tables(section, ha2);
  section.finish();
}

void read_ha1_end(Section& section, std::string_view key, Need need, SocketAddress& target) {
  std::string text;
  section.read_text(key, text, need);
  if (text.empty()) return;
  const auto address = parse_socket_address(text);
  // Two boxes on one machine may use loopback addresses here: the path is the kernel's.
  const bool usable = address && (is_unicast(address->address) ||
                                  (address->address.is4() && address->address.bytes[0] == 127) ||
                                  to_text(address->address) == "::1");
  if (usable) {
    target = *address;
  } else {
    section.faults().add(section.path(key), "\"" + text + "\" is not a unicast address with a port",
                         "as \"192.0.2.1:28260\" or \"[fd00::1]:28260\"");
  }
}

void read_ha1(Section section, Config& config) {
  const Need need = config.ha.enabled ? Need::kRequired : Need::kOptional;
  read_ha1_end(section, "local", need, config.ha1.local);
  read_ha1_end(section, "peer", need, config.ha1.peer);
  section.finish();
}

// 32 hexadecimal digits.
std::optional<SipKey> parse_secret(std::string_view text) {
  SipKey key;
  if (text.size() != 32) return std::nullopt;
  for (auto [word, part] :
       {std::pair{&key.low, text.substr(0, 16)}, {&key.high, text.substr(16)}}) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), *word, 16);
    if (error != std::errc{} || end != part.data() + part.size()) return std::nullopt;
  }
  return key;
}

void read_cookie_secret(Section& section, HaConfig& ha) {
  std::string text;
  section.read_text("cookie_secret", text);
  if (text.empty()) return;
  ha.cookie_secret = parse_secret(text);
  // What it is stays out of logs.
  if (!ha.cookie_secret)
    section.faults().add(section.path("cookie_secret"), "is no secret of 32 hexadecimal digits",
                         "what `openssl rand -hex 16` prints, the same on both boxes, or \"\"");
}

void read_ha(Section section, Config& config) {
  read_cookie_secret(section, config.ha);
  section.read_boolean("enabled", config.ha.enabled);
  section.read_integer("keepalive_interval_ms", config.ha.keepalive_interval_ms, {1, 10000});
  section.read_integer("keepalive_threshold", config.ha.keepalive_threshold, {1, 100});
  section.read_integer("boot_hold_ms", config.ha.boot_hold_ms, {0, 600000});
  section.finish();
}

void read_worker(Section section, Config& config) {
  section.read_integer("idle_sleep_us", config.worker.idle_sleep_us, {0, 100000});
  section.finish();
}

}  // namespace

void read_box_sections(Section& root, Config& config) {
  read_box(root.table("box"), config);
  read_eal(root.table("eal"), config);
  read_tables(root.table("tables"), config);
  read_timeouts(root.table("timeouts"), config);
  read_ha(root.table("ha"), config);  // before those whose keys it makes required
  read_ha2(root.table("ha2"), config);
  read_ha1(root.table("ha1"), config);
  read_worker(root.table("worker"), config);
  read_faults(root.table("faults"), config.ha.enabled, config.faults);
}

}  // namespace twinplane::dataplane
