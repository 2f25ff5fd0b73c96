// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_returns.hpp"

#include <string>

#include "dataplane/return_paths.hpp"

namespace twinplane::dataplane {

int answer_symmetric_return(const TelemetrySource& source, const char* /*parameters*/,
                            rte_tel_data* data) {
  rte_tel_data_start_dict(data);
  std::string ports;
  std::string down;
  for (std::size_t i = 0; i < source.config.ports.size(); ++i) {
    const PortConfig& port = source.config.ports[i];
    if (!port.symmetric_return) continue;
    ports += (ports.empty() ? "" : ", ") + port.name;
    if (!source.returns.is_up(static_cast<std::uint8_t>(i)))
      down += (down.empty() ? "" : ", ") + port.name;
  }
  rte_tel_data_add_dict_string(data, "ports", ports.empty() ? "none" : ports.c_str());
  rte_tel_data_add_dict_string(data, "ports_down", down.empty() ? "none" : down.c_str());
  for (std::size_t i = 0; i < kReturnCounterNames.size(); ++i)
    rte_tel_data_add_dict_u64(data, std::string(kReturnCounterNames[i]).c_str(),
                              source.returns.get(static_cast<ReturnCounter>(i)));
  return 0;
}

}  // namespace twinplane::dataplane
