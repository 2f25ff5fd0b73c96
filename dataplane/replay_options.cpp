// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_options.hpp"

#include <CLI/CLI.hpp>
#include <bit>

namespace twinplane::dataplane {

namespace {

constexpr const char* kDescription =
    "Feeds captures into a pair of Twinplane boxes and compares their session tables.\n"
    "\n"
    "The active box gets the packets of each FILE from a DPDK pcap device and treats them as the\n"
    "shipped program does: parse, fragments, rules, NAT, TCP state, forwarding. The passive box "
    "sees\n"
    "none of them. It is told by HA2 frames alone, over two DPDK ring devices. At the end, when "
    "the\n"
    "streams are quiet, both tables must be equal: slot by slot, and every session found by its "
    "key.\n"
    "No privilege, network device or huge page is needed, and nothing leaves the process.\n";

constexpr const char* kFooter =
    "What is printed (JSON, one object a line)\n"
    "  a line for each session that is alive at the end, of both boxes: \"box\", what the session "
    "is,\n"
    "  and where it stands (\"partition\", \"slot\"). Then a line for each entry of the tables "
    "\"arp\",\n"
    "  \"nd\", \"multicast4\" and \"multicast6\", which it names (\"table\"). Last, the summary:\n"
    "    packets            read from the captures = forwarded + to_box + the sum of dropped\n"
    "    fragmented         of those forwarded: cut for the MTU of the port that they left by\n"
    "    to_box             ARP and neighbor discovery, IGMP and MLD, and echo requests to an "
    "address\n"
    "                       of the box\n"
    "    dropped            by reason: a parser's (ip4_bad_checksum) or a decision's "
    "(tcp_not_syn)\n"
    "    icmp_errors        that the box answered packets with; none without --config, as it has "
    "no\n"
    "                       address to speak as\n"
    "    sessions_created   by the active box; _ended (reused ports), _expired, _evicted: gone "
    "since\n"
    "    neighbors_active   those who told their own address in ARP or neighbor discovery: a "
    "capture\n"
    "                       answers nobody, so each counts as having asked for the box\n"
    "    groups_active      groups, and sources of groups, that IGMP and MLD say are listened to "
    "or\n"
    "                       blocked, as a switch that never asks knows them\n"
    "    records, frames    that the active box sent over HA2\n"
    "    frames_lost        by --loss, of both directions\n"
    "    equal              the two tables agree; never true when the streams did not become "
    "quiet\n"
    "\n"
    "Exit status: 0 equal, 2 not equal, 1 wrong options or a file that cannot be read.\n"
    "\n"
    "For packet generators and test rigs\n"
    "  A generator's output needs no device: let it write a capture, replay that, read the last "
    "line:\n"
    "    scripts/replay --quiet-sessions load.pcap | tail -1 | jq .sessions_created\n"
    "  Sessions of TCP start with a SYN. Generators that send established traffic only, and "
    "captures\n"
    "  that began in the middle, want --pick-up; else their packets are dropped as tcp_not_syn.\n"
    "  Captures run one after another on one clock, each from where the last one ended. To have "
    "those\n"
    "  of several ports interleave by their stamps, join them first: mergecap -F pcap -w all.pcap "
    "...\n"
    "  Sessions expire by the capture's stamps, between packets, as they would have live; what is "
    "left\n"
    "  at the end is printed. A table that must hold every flow of a long capture at once wants\n"
    "  --as-fast-as-possible, where nothing expires, and slots enough: drop reason table_full says "
    "no.\n"
    "  Checksums of IPv4 headers are verified. A sender that leaves them to its device records "
    "zeros:\n"
    "  ip4_bad_checksum. Mend such a capture first: tcprewrite --fixcsum -i IN -o OUT.pcap. Those "
    "of\n"
    "  TCP and UDP are not verified.\n"
    "  Frames larger than any MTU (GRO, GSO) and cut ones (snap length) are taken as they are: "
    "cut\n"
    "  packets are dropped with the reason, as a router would.\n"
    "\n"
    "Without --config the box has one port, one rule (allow), routes for everything, and takes any "
    "VLAN\n"
    "tag; multicast, broadcast and link-local packets are not forwarded, so they make no session. "
    "With\n"
    "--config FILE its rules, NAT, routes, tables and timeouts are used (devices are not); a "
    "packet then\n"
    "comes in by the port that the route to its source leads to, and that port's VLAN rule holds.\n"
    "Link headers in --write files are those of the capture, stamps are of the moment of "
    "writing.\n";

}  // namespace

std::optional<int> read_options(int argc, char** argv, ReplayOptions& options) {
  CLI::App app{kDescription, "scripts/replay"};
  app.footer(kFooter);
  app.add_option("FILE", options.captures,
                 "Captures of Ethernet frames (pcap; pcapng as libpcap reads it)")
      ->required();
  app.add_option("-c,--config", options.config_path,
                 "A box's configuration; see dataplane/examples");
  app.add_option("-w,--write", options.write_path,
                 "Write what the active box sends to this capture");
  app.add_option("--partitions", options.partitions, "Partitions of a table (4)")
      ->check([](const std::string& text) {
        const auto value = std::strtoul(text.c_str(), nullptr, 10);
        return value <= 256 && std::has_single_bit(value)
                   ? ""
                   : "a power of two from 1 to 256 is wanted";
      });
  const CLI::Range slots_range(64, 1 << 26);
  app.add_option("--slots4", options.slots4, "IPv4 sessions a partition can hold (65536)")
      ->check(slots_range);
  app.add_option("--slots6", options.slots6, "IPv6 sessions a partition can hold (16384)")
      ->check(slots_range);
  bool is_real_time = false;
  CLI::Option* const stamps = app.add_flag("--realtime-stamps", is_real_time,
                                           "The clock follows the captures' stamps (default)");
  app.add_flag("--as-fast-as-possible", options.is_as_fast_as_possible,
               "The clock counts packets, 1 us each: no session expires")
      ->excludes(stamps);
  app.add_flag("--pick-up", options.picks_up,
               "Take TCP sessions up in the middle, from any segment with ACK");
  app.add_flag("--expire-all", options.expires_all,
               "At the end, wait until every session has expired");
  app.add_option("--loss", options.loss_percent,
                 "Percent of HA2 frames that get lost, each way (0)")
      ->check(CLI::Range(0.0, 99.0));
  app.add_option("--seed", options.seed,
                 "For --loss and the hashes: the same seed, the same run (1)");
  app.add_flag("--quiet-sessions", options.is_quiet, "Print the summary alone");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  return std::nullopt;
}

}  // namespace twinplane::dataplane
