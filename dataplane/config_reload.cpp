// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_reload.hpp"

#include <optional>

#include "dataplane/config_fault.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {
namespace {

// Where the next text stands, or what the running one had.
struct Change {
  std::string path;
  std::size_t line;  // in the next text; 0 = it is not there
};

std::optional<Change> change_of(const toml::node& running, const toml::node& next,
                                const std::string& path);

std::optional<Change> change_of(const toml::table& running, const toml::table& next,
                                const std::string& path, std::string_view left_out) {
  for (const auto& [key, node] : next) {
    if (path.empty() && key.str() == left_out) continue;
    const std::string here = path_of(path, key.str());
    const toml::node* const before = running.get(key.str());
    if (before == nullptr) return Change{here, node.source().begin.line};
    if (auto change = change_of(*before, node, here)) return change;
  }
  for (const auto& [key, node] : running)
    if (!(path.empty() && key.str() == left_out) && !next.contains(key.str()))
      return Change{path_of(path, key.str()), 0};
  return std::nullopt;
}

std::optional<Change> change_of(const toml::array& running, const toml::array& next,
                                const std::string& path) {
  const std::size_t line = next.source().begin.line;
  for (std::size_t i = 0; i < next.size(); ++i) {
    const std::string here = path_of(path, i);
    if (i >= running.size()) return Change{here, next[i].source().begin.line};
    if (auto change = change_of(running[i], next[i], here)) return change;
  }
  if (next.size() < running.size()) return Change{path_of(path, next.size()), line};
  return std::nullopt;
}

std::optional<Change> change_of(const toml::node& running, const toml::node& next,
                                const std::string& path) {
  const Change changed{path, next.source().begin.line};
  if (running.type() != next.type()) return changed;
  if (next.is_table()) return change_of(*running.as_table(), *next.as_table(), path, {});
  if (next.is_array()) return change_of(*running.as_array(), *next.as_array(), path);
  const bool is_alike =
      (next.is_string() && running.as_string()->get() == next.as_string()->get()) ||
      (next.is_integer() && running.as_integer()->get() == next.as_integer()->get()) ||
      (next.is_floating_point() &&
       running.as_floating_point()->get() == next.as_floating_point()->get()) ||
      (next.is_boolean() && running.as_boolean()->get() == next.as_boolean()->get());
  return is_alike ? std::nullopt : std::optional(changed);
}

}  // namespace

std::string what_else_changed(std::string_view running, std::string_view next) {
  const toml::table before = toml::parse(running);
  const toml::table after = toml::parse(next);
  const auto change = change_of(before, after, std::string(), "rule");
  if (!change) return {};
  const std::string where =
      change->line == 0 ? "is not there any more" : "line " + std::to_string(change->line);
  return change->path + " (" + where +
         ") is not what the box runs with: only [[rule]] may change while it runs; restart it for "
         "anything else";
}

}  // namespace twinplane::dataplane
