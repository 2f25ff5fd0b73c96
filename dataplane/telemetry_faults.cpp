// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_faults.hpp"

#include "dataplane/log.hpp"
#include "dataplane/telemetry_data.hpp"

namespace twinplane::dataplane {
namespace {

template <class Act>
void for_each_sender(const TelemetrySource& source, Act&& act) {
  if (LinkFaults* const faults = source.control.link_faults(); faults != nullptr) act(*faults);
  for (const auto& worker : source.workers)
    if (LinkFaults* const faults = worker->link_faults(); faults != nullptr) act(*faults);
}

}  // namespace

std::string faults_now(const TelemetrySource& source) {
  bool is_any_on = false;
  for_each_sender(source, [&](const LinkFaults& faults) { is_any_on |= faults.is_on(); });
  return is_any_on ? faults_text(source.config.faults) : std::string();
}

std::uint64_t fault_total(const TelemetrySource& source, LinkFault fault) noexcept {
  std::uint64_t total = 0;
  for_each_sender(source, [&](const LinkFaults& faults) { total += faults.count(fault); });
  return total;
}

bool switch_faults(const TelemetrySource& source, std::string_view wanted) {
  if (wanted.empty()) return true;
  if (!source.config.faults.enabled || (wanted != "on" && wanted != "off")) return false;
  for_each_sender(source, [&](LinkFaults& faults) { faults.set_on(wanted == "on"); });
  log_warning("faults=" + std::string(wanted) + " reason=\"asked by telemetry\"");
  return true;
}

int answer_faults(const TelemetrySource& source, const char* parameters, rte_tel_data* data) {
  if (!switch_faults(source, parameters)) return -1;
  rte_tel_data_start_dict(data);
  add_text(data, "faults", faults_now(source));
  return 0;
}

}  // namespace twinplane::dataplane
