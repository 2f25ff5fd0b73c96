// SPDX-License-Identifier: BSD-3-Clause
// config_fault.hpp - the list of everything wrong with a configuration file, each fault with its
// line and its remedy.
//
// Thread:  set-up only, one thread.
// Memory:  grows with the file and its faults.
// Limits:  none.
// Errors:  ConfigError, thrown once, with all faults in the order of their lines.
// Spec:    none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace twinplane::dataplane {

struct ConfigFault {
  std::uint32_t line;  // from 1
  std::string key;     // as "port.mtu"
  std::string wrong;
  std::string right;
};

// what() is one line a fault: "file:line: key: what is wrong; what would be right".
class ConfigError : public std::runtime_error {
 public:
  ConfigError(std::string_view file_name, std::vector<ConfigFault> faults);

  const std::vector<ConfigFault>& faults() const noexcept { return faults_; }

 private:
  std::vector<ConfigFault> faults_;
};

// A place in the file is a path such as "port[1].addresses[0]". The reader notes on which line each
// path stands; whoever finds a fault afterwards only names the path.
class FaultList {
 public:
  void note_line(std::string path, std::uint32_t line);
  // A path that has no line of its own, such as that of a missing key, gets the line of what it
  // would stand in. Control characters in `wrong`, which may quote the file, are shown as \xNN.
  void add(std::string_view path, std::string_view wrong, std::string right);

  bool empty() const noexcept { return entries_.empty(); }

  // Whether nothing at or under this path is wrong: checks across sections are only made of clean
  // ones, so that one mistake is told once.
  bool is_clean(std::string_view path) const noexcept;
  void throw_if_any(std::string_view file_name) const;

 private:
  struct Entry {
    std::string path;
    ConfigFault fault;
  };

  std::uint32_t line_of(std::string_view path) const;

  std::map<std::string, std::uint32_t, std::less<>> lines_;
  std::vector<Entry> entries_;
};

// One of either set that terminals obey: U+0000 to U+001F, U+007F to U+009F.
bool has_control_character(std::string_view text) noexcept;

// "port[1].mtu"; without the key, "port[1]".
std::string path_of(std::string_view section, std::size_t index, std::string_view key = {});
std::string path_of(std::string_view section, std::string_view key);

// The candidate closest to `word`, or nothing when none is close enough to be a slip of the pen.
std::string_view nearest(std::string_view word, std::span<const std::string> candidates);

// "did you mean "X"?" or, without one close enough, "one of A, B, C".
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace twinplane::dataplane
