// SPDX-License-Identifier: BSD-3-Clause
// twinplane - one box of a pair: configuration, box, run until a signal.
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "dataplane/box.hpp"
#include "dataplane/config_load.hpp"
#include "dataplane/config_summary.hpp"
#include "dataplane/nat_block.hpp"

namespace {

std::atomic<bool> g_is_stopping{false};
std::atomic<bool> g_wants_reload{false};

// a flag alone
void on_signal(int /*signal*/) { g_is_stopping.store(true, std::memory_order_relaxed); }

// as above
void on_hangup(int /*signal*/) { g_wants_reload.store(true, std::memory_order_relaxed); }

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "One box of a Twinplane pair: forwards packets, and keeps its session table equal on the "
      "peer.",
      "twinplane"};
  std::string config_path;
  std::string asked_block;
  bool is_check = false;
  app.add_option("-c,--config", config_path,
                 "The box's configuration (TOML); see dataplane/examples")
      ->required();
  app.add_flag("--check", is_check,
               "Read and check the configuration, say what it means, touch no device");
  app.add_option("--nat-block", asked_block,
                 "Say by the configuration which block of ports an inside ADDRESS has, or who has "
                 "the public ADDRESS:PORT; exit status 1 when nobody has")
      ->option_text("ADDRESS[:PORT]");
  app.footer(
      "Each box has a configuration of its own; box.id, addresses of HA1 and HA2 and device names "
      "differ, the rest is alike.\n"
      "State while it runs: dpdk-telemetry.py -f FILE_PREFIX, then /twinplane/status or "
      "/twinplane/counters.\n"
      "SIGHUP loads the rules anew.\n"
      "Ends on SIGINT or SIGTERM: the peer is told and takes over at once.");
  CLI11_PARSE(app, argc, argv);
  using namespace twinplane::dataplane;
  try {
    const Config config = load_config(config_path);
    if (is_check) {
      std::puts(summary(config).c_str());
      return 0;
    }
    if (!asked_block.empty()) {
      const std::string text = blocks_text(config, asked_block);
      std::fputs(text.empty() ? "nobody\n" : text.c_str(), stdout);
      return text.empty() ? 1 : 0;
    }
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGHUP, on_hangup);
    Box box(config, config_path);
    box.run(g_is_stopping, g_wants_reload);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "twinplane: %s\n", error.what());
    return 1;
  }
}
