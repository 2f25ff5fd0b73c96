// SPDX-License-Identifier: BSD-3-Clause
// config_load.hpp - a configuration file in, a whole Config or everything that is wrong with it
// out. No device is touched.
//
// Thread:  set-up only, one thread.
// Memory:  a few times the file's size while it is read.
// Limits:  files of at most kConfigBytesMax.
// Errors:  ConfigError with all faults at once (a syntax error stands alone); std::system_error
//          when the file cannot be read.
// Spec:    TOML 1.0; dataplane/examples/east.toml shows every key.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "dataplane/config.hpp"
#include "dataplane/config_fault.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kConfigBytesMax = 4U << 20U;

// At most a byte more than kConfigBytesMax. Throws std::system_error when it cannot be read.
std::string read_config_text(const std::string& path);

Config load_config(const std::string& path);

// `name` is what faults call the file. Any bytes give a Config or a ConfigError.
Config parse_config(std::string_view text, std::string_view name);

}  // namespace twinplane::dataplane
