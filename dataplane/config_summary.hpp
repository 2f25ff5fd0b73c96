// SPDX-License-Identifier: BSD-3-Clause
// config_summary.hpp - a configuration in words, for --check.
//
// Thread:  set-up only, one thread.
// Memory:  the text.
// Limits:  none.
// Errors:  none.
// Spec:    none; for people, not for programs.
#pragma once

#include <string>

#include "dataplane/config.hpp"

namespace twinplane::dataplane {

// Lines, each ended; the first says which box it is.
std::string summary(const Config& config);

}  // namespace twinplane::dataplane
