// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_load.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "dataplane/config_check.hpp"
#include "dataplane/config_read.hpp"
#include "dataplane/config_sections.hpp"

namespace twinplane::dataplane {
namespace {

toml::table parse_toml(std::string_view text, std::string_view name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    FaultList faults;
    faults.note_line("syntax", error.source().begin.line);
    faults.add("syntax", error.description(), "see https://toml.io for how TOML is written");
    faults.throw_if_any(name);
    throw;
  }
}

}  // namespace

Config parse_config(std::string_view text, std::string_view name) {
  if (text.size() > kConfigBytesMax) {
    throw ConfigError(name, {{1, "file", "is too large",
                              "at most " + std::to_string(kConfigBytesMax) + " bytes"}});
  }
  const toml::table document = parse_toml(text, name);
  FaultList faults;
  Section root(&document, {}, faults);
  Config config;
  read_box_sections(root, config);
  read_policy_sections(root, config);
  root.finish();
  check_network(config, faults);
  check_pair(config, faults);
  faults.throw_if_any(name);
  return config;
}

std::string read_config_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  std::string text(kConfigBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw std::system_error(EIO, std::generic_category(), path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Config load_config(const std::string& path) { return parse_config(read_config_text(path), path); }

}  // namespace twinplane::dataplane
