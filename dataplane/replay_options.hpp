// SPDX-License-Identifier: BSD-3-Clause
// replay_options.hpp - what twinplane-replay is asked to do: its command line, and the help that
// explains it.
//
// Thread:  main.
// Memory:  strings.
// Limits:  the same as the configuration's [tables] section.
// Errors:  throws CLI::ParseError, which CLI::App::exit() turns into words and a status.
// Spec:    none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace twinplane::dataplane {

struct ReplayOptions {
  std::vector<std::string> captures;
  std::string config_path;  // empty: a box that allows and routes everything
  std::string write_path;   // empty: what is forwarded is counted and forgotten
  std::optional<std::uint32_t> partitions;
  std::optional<std::uint32_t> slots4;
  std::optional<std::uint32_t> slots6;
  bool is_as_fast_as_possible = false;
  bool picks_up = false;
  bool expires_all = false;
  bool is_quiet = false;
  double loss_percent = 0;
  std::uint64_t seed = 1;
};

// The exit status to leave with at once (help was asked for, or the options are wrong), or nothing.
std::optional<int> read_options(int argc, char** argv, ReplayOptions& options);

}  // namespace twinplane::dataplane
