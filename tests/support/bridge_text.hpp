// SPDX-License-Identifier: BSD-3-Clause
// bridge_text.hpp - a small right configuration of a box that bridges three ports, as text.
//
// Thread:  any.
// Memory:  strings.
// Limits:  none.
// Errors:  as config_text.hpp.
// Spec:    none.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/config_load.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::tests {

inline constexpr std::uint8_t kLeft = 0, kMiddle = 1, kRight = 2;

inline constexpr std::string_view kBridgeText = R"([box]
name = "east"
id = 0
[[port]]
name = "left"
device = "net_ring0"
zone = "hosts"
[[port]]
name = "middle"
device = "net_ring1"
zone = "lab"
[[port]]
name = "right"
device = "net_ring2"
zone = "servers"
[[bridge]]
name = "lan"
ports = ["left", "middle", "right"]
vlans = ["0", "10-12"]
[[rule]]
name = "out"
from = ["hosts"]
to = ["servers"]
action = "allow"
[tables]
partitions = 1
mac_slots = 64
[ha2]
device = "net_ring3"
[ha1]
local = "127.0.0.1:28260"
peer = "127.0.0.1:28261"
)";

inline constexpr std::string_view kBridgePorts = "ports = [\"left\", \"middle\", \"right\"]\n";

inline constexpr std::string_view kBridgeVlans = "vlans = [\"0\", \"10-12\"]\n";

// kBridgeText with more keys for its bridge.
inline std::string bridge_text_with(std::string_view keys) {
  return replaced(kBridgeText, kBridgeVlans, std::string(kBridgeVlans).append(keys).append("\n"));
}

inline dataplane::Config bridge_config(std::string_view keys = {}) {
  return dataplane::parse_config(bridge_text_with(keys), "t");
}

// The same as a virtual wire of left and right.
inline dataplane::Config wire_config() {
  return dataplane::parse_config(
      replaced(replaced(kBridgeText, kBridgePorts,
                        "mode = \"virtual-wire\"\nports = [\"left\", \"right\"]\n"),
               "zone = \"lab\"\n", "zone = \"lab\"\naddresses = [\"10.1.0.1/24\"]\n"),
      "t");
}

}  // namespace twinplane::tests
