// SPDX-License-Identifier: BSD-3-Clause
// config_text.hpp - a small right configuration as text, to be changed by tests, and the faults of
// a wrong one.
//
// Thread:  any.
// Memory:  strings.
// Limits:  none.
// Errors:  replaced() aborts when the piece it replaces is not there, so that no test goes stale.
// Spec:    none.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/config_load.hpp"
#include "tables/base/check.hpp"

namespace twinplane::tests {

inline constexpr std::string_view kConfigText = R"([box]
name = "east"
id = 0
[[port]]
name = "inside"
device = "net_ring0"
zone = "trust"
addresses = ["10.1.0.254/24", "fd00:1::fe/64"]
[[port]]
name = "outside"
device = "net_ring1"
zone = "untrust"
addresses = ["10.2.0.254/24", "fd00:2::fe/64"]
[[route]]
prefix = "0.0.0.0/0"
via = "10.2.0.1"
port = "outside"
[[rule]]
name = "out"
from = ["trust"]
to = ["untrust"]
action = "allow"
[[nat]]
name = "hide"
from = ["trust"]
to = ["untrust"]
source = ["10.1.0.0/24"]
addresses = ["10.2.0.254"]
[ha2]
device = "net_ring2"
[ha1]
local = "127.0.0.1:28260"
peer = "127.0.0.1:28261"
)";

// `text` with its first `piece` replaced.
inline std::string replaced(std::string_view text, std::string_view piece,
                            std::string_view replacement) {
  std::string result(text);
  const std::size_t at = result.find(piece);
  TWINPLANE_CHECK(at, !=, std::string::npos);
  return result.replace(at, piece.size(), replacement);
}

// What ConfigError says about `text`; empty when nothing is wrong.
inline std::string faults_of(std::string_view text) {
  try {
    static_cast<void>(dataplane::parse_config(text, "t"));
  } catch (const dataplane::ConfigError& error) {
    return error.what();
  }
  return {};
}

// The faults of kConfigText after one change.
inline std::string faults_with(std::string_view piece, std::string_view replacement) {
  return faults_of(replaced(kConfigText, piece, replacement));
}

}  // namespace twinplane::tests
