// SPDX-License-Identifier: BSD-3-Clause
// config_read.hpp - typed reading of one TOML table: takes what is right, lists what is not, and
// knows every line.
//
// Thread:  set-up only, one thread.
// Memory:  borrows the parsed document, which must outlive it.
// Limits:  lists of at most kListItemsMax items.
// Errors:  none thrown; faults go to the FaultList and the target keeps its default.
// Spec:    TOML 1.0.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/config_fault.hpp"

namespace twinplane::dataplane {

enum class Need : std::uint8_t { kOptional, kRequired };

// A closed range.
struct Bounds {
  std::int64_t min;
  std::int64_t max;
};

// Of numbers with a fraction.
struct DecimalBounds {
  double min;
  double max;
};

// As short as it goes: 5 and not 5.000000.
std::string short_text(double value);

struct ListItem {
  std::string text;
  std::string path;
};

// One table of the file, which may be absent. Each read makes its key known; finish() then refuses
// all others.
class Section {
 public:
  Section(const toml::table* table, std::string path, FaultList& faults);

  bool present() const noexcept { return table_ != nullptr; }

  bool has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }

  std::string path(std::string_view key) const { return path_of(path_, key); }

  FaultList& faults() const noexcept { return *faults_; }

  template <class Integer>
  void read_integer(std::string_view key, Integer& target, Bounds bounds,
                    Need need = Need::kOptional) {
    if (const auto value = integer(key, bounds, need)) target = static_cast<Integer>(*value);
  }

  // Whole numbers are taken too.
  void read_decimal(std::string_view key, double& target, DecimalBounds bounds);
  void read_boolean(std::string_view key, bool& target);
  // Required texts may not be empty; none may hold a control character.
  void read_text(std::string_view key, std::string& target, Need need = Need::kOptional);
  // Letters, digits, '.', '_' and '-', at most 31 of them.
  void read_name(std::string_view key, std::string& target, Need need = Need::kOptional);

  template <class Value>
  void read_choice(std::string_view key, Value& target,
                   std::initializer_list<std::pair<std::string_view, Value>> choices,
                   Need need = Need::kOptional) {
    std::string text;
    read_text(key, text, need);
    if (text.empty()) return;
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      if (text == name) {
        target = value;
        return;
      }
      names.emplace_back(name);
    }
    faults_->add(path(key), "\"" + text + "\" is not known", suggestion(text, names));
  }

  // A text or a whole number, as text.
  std::optional<std::string> scalar(std::string_view key, Need need);
  // The items of an array of texts; whole numbers are taken as text. A required list may not be
  // empty.
  std::vector<ListItem> list(std::string_view key, Need need);

  // The table `key` of this one; absent when there is none.
  Section table(std::string_view key);
  // The tables of the array `key` of this one, at most `count_max`.
  std::vector<Section> tables(std::string_view key, std::size_t count_max);

  // A key that is known, but not here: a fault where it stands, nothing where it does not.
  void refuse(std::string_view key, std::string_view wrong, const std::string& right);

  // Refuses every key that was not asked for.
  void finish() const;

 private:
  std::optional<std::int64_t> integer(std::string_view key, Bounds bounds, Need need);
  // Makes the key known, notes its line; a missing required one is a fault.
  const toml::node* find(std::string_view key, Need need, std::string_view kind);
  void add_wrong_type(const std::string& path, const toml::node& node, std::string_view kind) const;

  const toml::table* table_;
  std::string path_;
  FaultList* faults_;
  std::vector<std::string> known_keys_;
};

}  // namespace twinplane::dataplane
