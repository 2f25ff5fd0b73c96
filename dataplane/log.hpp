// SPDX-License-Identifier: BSD-3-Clause
// log.hpp - the program's lines: state transitions and set-up, through DPDK's log, one line each.
//
// Thread:  any, but never the packet path.
// Memory:  DPDK's.
// Limits:  none.
// Errors:  none.
// Spec:    DPDK 22.11, log library; logtype "twinplane".
#pragma once

#include <string>

namespace twinplane::dataplane {

void log_notice(const std::string& line);
void log_warning(const std::string& line);

}  // namespace twinplane::dataplane
