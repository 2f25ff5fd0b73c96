// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_sessions.hpp"

#include <charconv>
#include <string>

#include "dataplane/session_text.hpp"
#include "dataplane/telemetry_data.hpp"

namespace twinplane::dataplane {

namespace {

void add_session(rte_tel_data* data, std::size_t number, const nlohmann::ordered_json& session) {
  rte_tel_data* const dict = rte_tel_data_alloc();
  if (dict == nullptr) return;
  rte_tel_data_start_dict(dict);
  for (const auto& [name, value] : session.items()) {
    if (value.is_string())
      add_text(dict, name, value.get<std::string>());
    else
      add_number(dict, name,
                 value.is_boolean() ? (value.get<bool>() ? 1U : 0U) : value.get<std::uint64_t>());
  }
  // DPDK frees the container with the answer.
  rte_tel_data_add_dict_container(data, ("session" + std::to_string(number)).c_str(), dict, 0);
}

}  // namespace

int answer_sessions(const TelemetrySource& source, const char* parameters, rte_tel_data* data) {
  std::uint32_t partition = 0;
  std::uint32_t first_slot = 0;
  const std::string text = parameters;
  const auto [comma, error] = std::from_chars(text.data(), text.data() + text.size(), partition);
  if (error == std::errc{} && comma != text.data() + text.size() && *comma == ',')
    std::from_chars(comma + 1, text.data() + text.size(), first_slot);
  if (partition >= source.config.tables.partitions) return -1;
  SessionPage page;
  if (!source.page_desk.try_ask(partition, first_slot, page)) return -1;
  rte_tel_data_start_dict(data);
  add_number(data, "next_slot", page.next_slot);
  std::size_t number = 0;
  for (const auto& session : page.sessions4) add_session(data, number++, session_json(session));
  for (const auto& session : page.sessions6) add_session(data, number++, session_json(session));
  return 0;
}

}  // namespace twinplane::dataplane
