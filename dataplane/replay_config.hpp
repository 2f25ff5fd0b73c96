// SPDX-License-Identifier: BSD-3-Clause
// replay_config.hpp - the configuration that both boxes of a replay run by.
//
// Thread:  main.
// Memory:  Config's.
// Limits:  Config's.
// Errors:  ConfigError and std::system_error of load_config().
// Spec:    config.hpp.
#pragma once

#include "dataplane/config.hpp"
#include "dataplane/replay_options.hpp"

namespace twinplane::dataplane {

// From options.config_path, or a box of one port that allows and routes everything; devices and EAL
// arguments are replaced by what a replay needs: no huge pages, no bus, no shared files, two rings.
Config replay_config(const ReplayOptions& options);

// The ring devices that HA2 frames travel by: to the passive box and back.
inline constexpr const char* kRingToPassive = "net_ring0";
inline constexpr const char* kRingToActive = "net_ring1";

}  // namespace twinplane::dataplane
