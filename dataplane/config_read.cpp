// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_read.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "dataplane/config.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::size_t kNameLengthMax = 31;

std::uint32_t line_of(const toml::node& node) { return node.source().begin.line; }

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  return std::nullopt;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string short_text(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

Section::Section(const toml::table* table, std::string path, FaultList& faults)
    : table_(table), path_(std::move(path)), faults_(&faults) {
  if (table_ != nullptr && !path_.empty()) faults_->note_line(path_, line_of(*table_));
}

const toml::node* Section::find(std::string_view key, Need need, std::string_view kind) {
  known_keys_.emplace_back(key);
  const toml::node* const node = table_ == nullptr ? nullptr : table_->get(key);
  if (node != nullptr) {
    faults_->note_line(path(key), line_of(*node));
  } else if (need == Need::kRequired) {
    faults_->add(path(key), "is missing", std::string("give ").append(kind));
  }
  return node;
}

void Section::add_wrong_type(const std::string& path, const toml::node& node,
                             std::string_view kind) const {
  faults_->add(path, std::string("is ").append(kind_of(node)),
               std::string("must be ").append(kind));
}

std::optional<std::int64_t> Section::integer(std::string_view key, Bounds bounds, Need need) {
  const std::string range = std::to_string(bounds.min) + " to " + std::to_string(bounds.max);
  const std::string kind = "a whole number, " + range;
  const toml::node* const node = find(key, need, kind);
  if (node == nullptr) return std::nullopt;
  const auto* const number = node->as_integer();
  if (number == nullptr) {
    add_wrong_type(path(key), *node, kind);
    return std::nullopt;
  }
  const std::int64_t value = number->get();
  if (value < bounds.min || value > bounds.max) {
    faults_->add(path(key), std::to_string(value) + " is out of range", "must be " + range);
    return std::nullopt;
  }
  return value;
}

void Section::read_decimal(std::string_view key, double& target, DecimalBounds bounds) {
  const std::string range = short_text(bounds.min) + " to " + short_text(bounds.max);
  const std::string kind = "a number, " + range;
  const toml::node* const node = find(key, Need::kOptional, kind);
  if (node == nullptr) return;
  const std::optional<double> value = node->value<double>();  // whole numbers too
  if (!node->is_number() || !value.has_value()) return add_wrong_type(path(key), *node, kind);
  if (*value >= bounds.min && *value <= bounds.max) {  // not so for what is no number
    target = *value;
  } else {
    faults_->add(path(key), short_text(*value) + " is out of range", "must be " + range);
  }
}

void Section::read_boolean(std::string_view key, bool& target) {
  constexpr std::string_view kKind = "true or false";
  const toml::node* const node = find(key, Need::kOptional, kKind);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean()) {
    target = value->get();
  } else {
    add_wrong_type(path(key), *node, kKind);
  }
}

void Section::read_text(std::string_view key, std::string& target, Need need) {
  constexpr std::string_view kKind = "a text in quotes";
  const toml::node* const node = find(key, need, kKind);
  if (node == nullptr) return;
  const auto* const text = node->as_string();
  if (text == nullptr) {
    add_wrong_type(path(key), *node, kKind);
  } else if (need == Need::kRequired && text->get().empty()) {
    faults_->add(path(key), "is empty", "give it a value");
  } else if (has_control_character(text->get())) {
    faults_->add(path(key), "holds a control character", "take it out");
  } else {
    target = text->get();
  }
}

void Section::read_name(std::string_view key, std::string& target, Need need) {
  std::string name;
  read_text(key, name, need);
  if (name.empty()) return;
  if (name.size() > kNameLengthMax || !std::all_of(name.begin(), name.end(), is_name_character)) {
    faults_->add(path(key), "\"" + name + "\" cannot be a name",
                 "1 to " + std::to_string(kNameLengthMax) + " letters, digits, '.', '_' or '-'");
    return;
  }
  target = name;
}

std::optional<std::string> Section::scalar(std::string_view key, Need need) {
  constexpr std::string_view kKind = "a text in quotes or a whole number";
  const toml::node* const node = find(key, need, kKind);
  if (node == nullptr) return std::nullopt;
  auto text = text_of(*node);
  if (!text) add_wrong_type(path(key), *node, kKind);
  return text;
}

std::vector<ListItem> Section::list(std::string_view key, Need need) {
  constexpr std::string_view kKind = "a list in brackets, as [\"a\", \"b\"]";
  std::vector<ListItem> items;
  const toml::node* const node = find(key, need, kKind);
  if (node == nullptr) return items;
  const auto* const array = node->as_array();
  if (array == nullptr) {
    add_wrong_type(path(key), *node, kKind);
    return items;
  }
  if (array->empty() && need == Need::kRequired)
    faults_->add(path(key), "is empty", "give at least one item");
  if (array->size() > kListItemsMax) {
    faults_->add(path(key), "has " + std::to_string(array->size()) + " items",
                 "at most " + std::to_string(kListItemsMax));
    return items;
  }
  std::size_t index = 0;
  for (const toml::node& item : *array) {
    std::string item_path = path_of(path(key), index++);
    faults_->note_line(item_path, line_of(item));
    auto text = text_of(item);
    if (!text) {
      add_wrong_type(item_path, item, "a text in quotes");
      continue;
    }
    if (has_control_character(*text)) {
      faults_->add(item_path, "holds a control character", "take it out");
      continue;
    }
    items.push_back({std::move(*text), std::move(item_path)});
  }
  return items;
}

Section Section::table(std::string_view key) {
  const toml::node* const node = find(key, Need::kOptional, {});
  if (node == nullptr) return {nullptr, path(key), *faults_};
  if (node->as_table() == nullptr)
    add_wrong_type(path(key), *node, std::string("one table: [").append(key).append("]"));
  return {node->as_table(), path(key), *faults_};
}

std::vector<Section> Section::tables(std::string_view key, std::size_t count_max) {
  std::vector<Section> sections;
  const std::string kind = std::string("tables with double brackets: [[").append(key).append("]]");
  const toml::node* const node = find(key, Need::kOptional, kind);
  if (node == nullptr) return sections;
  const auto* const array = node->as_array();
  if (array == nullptr) {
    add_wrong_type(path(key), *node, kind);
    return sections;
  }
  if (array->size() > count_max) {
    faults_->add(path(key), "stands " + std::to_string(array->size()) + " times",
                 "at most " + std::to_string(count_max));
    return sections;
  }
  for (const toml::node& item : *array) {
    const std::string item_path = path_of(path(key), sections.size());
    if (item.as_table() == nullptr) {
      add_wrong_type(item_path, item, kind);
      return sections;
    }
    sections.emplace_back(item.as_table(), item_path, *faults_);
  }
  return sections;
}

void Section::refuse(std::string_view key, std::string_view wrong, const std::string& right) {
  if (find(key, Need::kOptional, {}) != nullptr) faults_->add(path(key), wrong, right);
}

void Section::finish() const {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    const std::string_view name = key.str();
    if (std::find(known_keys_.begin(), known_keys_.end(), name) != known_keys_.end()) continue;
    const std::string unknown = path(name);
    faults_->note_line(unknown, key.source().begin.line);
    faults_->add(unknown, "is not known", suggestion(name, known_keys_));
  }
}

}  // namespace twinplane::dataplane
