// SPDX-License-Identifier: BSD-3-Clause
// options.hpp - the command line of twinplane-load, as the rig writes it.
//
// Thread:  any.
// Memory:  the result's.
// Limits:  none.
// Errors:  throws std::invalid_argument, which says what is wrong.
// Spec:    kUsage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace twinplane::load {

constexpr const char* kUsage =
    "usage: twinplane-load server [--port P]\n"
    "       twinplane-load client --source A... --server A... [options]\n"
    "\n"
    "Real TCP and UDP traffic with checked content, for scripts/run. Reads commands from standard\n"
    "input, a line each, and answers each with one line of JSON; ends when that input ends.\n"
    "  report   counts and the longest waits since the last mark\n"
    "  mark     reports, then starts a new window for the longest waits\n"
    "  stop     client: starts nothing more, lets transfers end orderly; reports\n"
    "\n"
    "  --port P            TCP P long transfers, TCP P+1 short connections, UDP P+2 (7000)\n"
    "  --source A          client address; several are used in turn, IPv4 and IPv6\n"
    "  --server A          server address, one a family\n"
    "  --transfers N       long connections, every second one sends upwards (0)\n"
    "  --interval-us N     time between two chunks of a transfer (10000)\n"
    "  --chunk-bytes N     multiple of 8 (1200)\n"
    "  --rate N            short connections a second (0)\n"
    "  --datagram-flows N  UDP flows (0)\n"
    "  --datagram-us N     time between two requests of a UDP flow (20000)\n";

struct Options {
  bool is_client = false;
  std::uint16_t port = 7000;
  std::vector<std::string> sources;
  std::vector<std::string> servers;
  std::uint32_t transfers = 0;
  std::uint32_t interval_us = 10000;
  std::uint32_t chunk_bytes = 1200;
  std::uint32_t rate = 0;
  std::uint32_t datagram_flows = 0;
  std::uint32_t datagram_us = 20000;
};

Options parse_options(const std::vector<std::string>& words);

}  // namespace twinplane::load
