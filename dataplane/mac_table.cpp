// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/mac_table.hpp"

#include <bit>
#include <cstring>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr unsigned kVlanShift = 48;
// Of the second word; the state is in its lowest byte.
constexpr unsigned kFlagsShift = 8;
constexpr unsigned kPortShift = 16;
constexpr unsigned kMovesShift = 40;

}  // namespace

static_assert(std::endian::native == std::endian::little, "the MAC stands in the low bytes");

// Twice of them: a mirror's slot may be shown under a new address before the slot that the table
// still shows another one for is seen to be empty.
MacTable::MacTable(std::uint32_t capacity, tables::HashSeed seed)
    : table_(2 * capacity), seed_(seed) {
  TWINPLANE_CHECK(capacity, <=, 32768U);
  static_assert(kNoPlace == ProbedTable<Format>::kNoSlot);
}

MacTable::Format::Words MacTable::Format::words_of(const MacRow& row) noexcept {
  Words words{};
  std::memcpy(&words[0], row.key.mac.data(), row.key.mac.size());
  words[0] |= std::uint64_t{row.key.vlan} << kVlanShift;
  words[1] = kLive | std::uint64_t{row.flags} << kFlagsShift |
             std::uint64_t{row.port} << kPortShift | std::uint64_t{row.key.domain} << kDomainShift |
             std::uint64_t{row.move_count} << kMovesShift;
  return words;
}

MacRow MacTable::Format::row_of(const Words& words) noexcept {
  MacRow row;
  std::memcpy(row.key.mac.data(), &words[0], row.key.mac.size());
  row.key.vlan = static_cast<std::uint16_t>(words[0] >> kVlanShift);
  row.key.domain = static_cast<std::uint16_t>(words[1] >> kDomainShift);
  row.flags = static_cast<std::uint8_t>(words[1] >> kFlagsShift);
  row.port = static_cast<std::uint8_t>(words[1] >> kPortShift);
  row.move_count = static_cast<std::uint16_t>(words[1] >> kMovesShift);
  return row;
}

bool MacTable::try_lookup(const MacKey& key, MacFound& found) const noexcept {
  Format::Words words;
  found.place = table_.find_shared(hash(key), Format::words_of({.key = key}), words);
  if (found.place == kNoPlace) return false;
  found.port = static_cast<std::uint8_t>(words[1] >> kPortShift);
  found.flags = static_cast<std::uint8_t>(words[1] >> kFlagsShift);
  return true;
}

bool MacTable::try_row(std::uint32_t place, MacRow& row) const noexcept {
  Format::Words words;
  if (!table_.try_read(place, words)) return false;
  row = Format::row_of(words);
  return true;
}

std::uint32_t MacTable::find(const MacKey& key) const noexcept {
  return table_.find(hash(key), Format::words_of({.key = key}));
}

std::uint32_t MacTable::insert(const MacRow& row) noexcept {
  return table_.insert(hash(row.key), Format::words_of(row));
}

void MacTable::update(std::uint32_t place, const MacRow& row) noexcept {
  table_.update(place, Format::words_of(row));
}

}  // namespace twinplane::dataplane
