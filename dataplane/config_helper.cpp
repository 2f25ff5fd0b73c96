// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_helper.hpp"

#include <algorithm>
#include <vector>

#include "dataplane/config_items.hpp"
#include "dataplane/helper.hpp"

namespace twinplane::dataplane {

void read_helper(Section& section, Config& config) {
  HelperConfig helper;
  section.read_text("name", helper.name, Need::kRequired);
  if (const Helper* const known = try_helper(std::string_view(helper.name)); known != nullptr) {
    helper.port = known->port;
    helper.application = known->control;
  } else if (!helper.name.empty()) {
    std::vector<std::string> names;
    names.reserve(std::size(kHelpers));
    for (const Helper& one : kHelpers) names.emplace_back(one.name);
    add_unknown(section.faults(), {helper.name, section.path("name")}, "helper", names);
  }
  section.read_integer("port", helper.port, {1, 65535});
  if (std::ranges::find(config.helpers, helper.port, &HelperConfig::port) != config.helpers.end())
    section.faults().add(section.path("port"),
                         std::to_string(helper.port) + " has a helper already",
                         "one helper for each port");
  section.finish();
  config.helpers.push_back(std::move(helper));
}

std::string helper_text(const HelperConfig& helper) {
  return "helper: " + helper.name + " looks into sessions to TCP port " +
         std::to_string(helper.port) + ", and lets in what they announce";
}

}  // namespace twinplane::dataplane
