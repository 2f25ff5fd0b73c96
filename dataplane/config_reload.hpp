// SPDX-License-Identifier: BSD-3-Clause
// config_reload.hpp - what may change in a configuration while the box runs: its rules, and nothing
// else.
//
// Thread:  any; pure.
// Memory:  allocates; off the packet path.
// Limits:  texts that parse_config() has taken.
// Errors:  the first other difference, in words, with its line.
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <string>
#include <string_view>

namespace twinplane::dataplane {

// Empty when `next` differs from `running` in [[rule]] at most. A default that is written out
// counts as a difference.
std::string what_else_changed(std::string_view running, std::string_view next);

}  // namespace twinplane::dataplane
