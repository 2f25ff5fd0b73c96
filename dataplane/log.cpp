// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/log.hpp"

#include <rte_log.h>

namespace twinplane::dataplane {

namespace {

std::uint32_t logtype() {
  static const int kType = rte_log_register_type_and_pick_level("twinplane", RTE_LOG_NOTICE);
  return kType < 0 ? RTE_LOGTYPE_USER1 : static_cast<std::uint32_t>(kType);
}

}  // namespace

void log_notice(const std::string& line) {
  rte_log(RTE_LOG_NOTICE, logtype(), "twinplane: %s\n", line.c_str());
}

void log_warning(const std::string& line) {
  rte_log(RTE_LOG_WARNING, logtype(), "twinplane: %s\n", line.c_str());
}

}  // namespace twinplane::dataplane
