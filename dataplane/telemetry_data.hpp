// SPDX-License-Identifier: BSD-3-Clause
// telemetry_data.hpp - numbers, texts and containers in the answers to telemetry commands.
//
// Thread:  DPDK's telemetry thread.
// Memory:  DPDK's.
// Limits:  DPDK leaves out, without a word, what a dictionary of 256 cannot hold, and cuts texts.
// Errors:  none.
// Spec:    DPDK 22.11, telemetry library.
#pragma once

#include <rte_telemetry.h>

#include <cstdint>
#include <string>

namespace twinplane::dataplane {

inline void add_number(rte_tel_data* data, const std::string& name, std::uint64_t value) {
  rte_tel_data_add_dict_u64(data, name.c_str(), value);
}

// What one telemetry string can hold is bounded by DPDK; longer reasons are cut.
inline void add_text(rte_tel_data* data, const std::string& name, const std::string& value) {
  rte_tel_data_add_dict_string(data, name.c_str(),
                               value.substr(0, RTE_TEL_MAX_STRING_LEN - 1).c_str());
}

// A dictionary of its own, which fill(rte_tel_data*) fills. False: no memory.
template <class Fill>
bool add_dict(rte_tel_data* data, const std::string& name, Fill&& fill) {
  rte_tel_data* const dict = rte_tel_data_alloc();
  if (dict == nullptr) return false;
  rte_tel_data_start_dict(dict);
  fill(dict);
  // DPDK frees the container with the answer.
  rte_tel_data_add_dict_container(data, name.c_str(), dict, 0);
  return true;
}

}  // namespace twinplane::dataplane
