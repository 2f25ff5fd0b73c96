// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_expectations.hpp"

#include <string>

namespace twinplane::dataplane {

int answer_expectations(const TelemetrySource& source, const char* /*parameters*/,
                        rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  std::string helpers;
  for (const HelperConfig& helper : source.config.helpers)
    helpers += (helpers.empty() ? "" : ", ") + helper.name + " at " + std::to_string(helper.port);
  rte_tel_data_add_dict_string(data, "helpers", helpers.empty() ? "none" : helpers.c_str());
  rte_tel_data_add_dict_u64(data, "waiting", source.expectations.board().count());
  rte_tel_data_add_dict_u64(data, "wait_s", source.config.tables.expectation_s);
  for (std::size_t i = 0; i < kExpectationCounterNames.size(); ++i)
    rte_tel_data_add_dict_u64(data, std::string(kExpectationCounterNames[i]).c_str(),
                              source.expectations.get(static_cast<ExpectationCounter>(i)));
  return 0;
}

}  // namespace twinplane::dataplane
