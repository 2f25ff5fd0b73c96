// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_fault.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace twinplane::dataplane {
namespace {

std::string text_of(std::string_view file_name, const std::vector<ConfigFault>& faults) {
  std::string text;
  for (const ConfigFault& fault : faults) {
    if (!text.empty()) text += '\n';
    text.append(file_name).append(":").append(std::to_string(fault.line)).append(": ");
    text.append(fault.key).append(": ").append(fault.wrong).append("; ").append(fault.right);
  }
  return text;
}

// The line already says which of several tables is meant.
std::string without_indexes(std::string_view path) {
  std::string key;
  bool inside = false;
  for (const char c : path) {
    if (c == '[') inside = true;
    if (!inside) key += c;
    if (c == ']') inside = false;
  }
  return key;
}

// In UTF-8: U+0000 to U+001F and U+007F; U+0080 to U+009F behind their first byte.
bool is_control(unsigned char before, unsigned char byte) noexcept {
  constexpr unsigned char kSecondSetLead = 0xC2;
  return byte < 0x20 || byte == 0x7F || (before == kSecondSetLead && byte >= 0x80 && byte < 0xA0);
}

// What the file says may hold anything; a terminal should not be shown that, nor all of it.
std::string printable(std::string_view text) {
  constexpr std::size_t kLengthMax = 200;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result;
  unsigned char before = 0;
  for (const char c : text.substr(0, kLengthMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_control(before, byte)) {
      result += c;
    } else {
      if (byte >= 0x80) result.pop_back();
      result.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 0xFU]);
    }
    before = byte;
  }
  if (text.size() > kLengthMax) result += "...";
  return result;
}

// Levenshtein's distance, one row at a time.
std::size_t edits_between(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

bool has_control_character(std::string_view text) noexcept {
  unsigned char before = 0;
  return std::ranges::any_of(text, [&before](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return is_control(std::exchange(before, byte), byte);
  });
}

ConfigError::ConfigError(std::string_view file_name, std::vector<ConfigFault> faults)
    : std::runtime_error(text_of(file_name, faults)), faults_(std::move(faults)) {}

void FaultList::note_line(std::string path, std::uint32_t line) {
  lines_.insert_or_assign(std::move(path), line);
}

std::uint32_t FaultList::line_of(std::string_view path) const {
  while (!path.empty()) {
    if (const auto found = lines_.find(path); found != lines_.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    path = cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
  }
  return 1;
}

void FaultList::add(std::string_view path, std::string_view wrong, std::string right) {
  entries_.push_back(
      {std::string(path),
       {line_of(path), printable(without_indexes(path)), printable(wrong), std::move(right)}});
}

bool FaultList::is_clean(std::string_view path) const noexcept {
  return std::none_of(entries_.begin(), entries_.end(), [path](const Entry& entry) {
    if (!entry.path.starts_with(path)) return false;
    return entry.path.size() == path.size() || entry.path[path.size()] == '.' ||
           entry.path[path.size()] == '[';
  });
}

void FaultList::throw_if_any(std::string_view file_name) const {
  if (entries_.empty()) return;
  std::vector<ConfigFault> faults;
  for (const Entry& entry : entries_) faults.push_back(entry.fault);
  std::stable_sort(
      faults.begin(), faults.end(),
      [](const ConfigFault& left, const ConfigFault& right) { return left.line < right.line; });
  throw ConfigError(file_name, std::move(faults));
}

std::string path_of(std::string_view section, std::size_t index, std::string_view key) {
  std::string path(section);
  path.append("[").append(std::to_string(index)).append("]");
  if (!key.empty()) path.append(".").append(key);
  return path;
}

std::string path_of(std::string_view section, std::string_view key) {
  std::string path(section);
  if (!path.empty()) path += '.';
  return path.append(key);
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kWordLengthMax = 64;
  std::string_view best;
  if (word.size() > kWordLengthMax) return best;
  std::size_t best_edits = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t edits = edits_between(word, candidate);
    // A word replaced letter by letter is another word, however short it is.
    if (edits >= best_edits || edits >= std::max(word.size(), candidate.size())) continue;
    best = candidate;
    best_edits = edits;
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  if (const std::string_view best = nearest(word, candidates); !best.empty()) {
    return std::string("did you mean \"").append(best).append("\"?");
  }
  std::string text = candidates.empty() ? "there is none yet" : "one of ";
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i != 0) text += ", ";
    text += candidates[i];
  }
  return text;
}

}  // namespace twinplane::dataplane
