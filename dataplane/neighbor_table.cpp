// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace twinplane::dataplane {
namespace {

using Words = NeighborForm::Words;

static_assert(std::endian::native == std::endian::little, "the MAC stands in the low bytes");

Words words_of(const NeighborEntry& entry) noexcept {
  Words words{};
  std::memcpy(&words[NeighborForm::kAddressHigh], entry.key.address.data(), 8);
  std::memcpy(&words[NeighborForm::kAddressLow], entry.key.address.data() + 8, 8);
  std::memcpy(&words[NeighborForm::kLink], entry.mac.data(), entry.mac.size());
  words[NeighborForm::kLink] |= std::uint64_t{entry.key.port_index} << NeighborForm::kPortShift;
  words[NeighborForm::kLink] |= static_cast<std::uint64_t>(entry.state)
                                << NeighborForm::kStateShift;
  return words;
}

MacAddress mac_of(const Words& words) noexcept {
  MacAddress mac;
  std::memcpy(mac.data(), &words[NeighborForm::kLink], mac.size());
  return mac;
}

}  // namespace

bool NeighborTable::try_lookup(const NeighborKey& key, MacAddress& mac) const noexcept {
  Words words;
  if (!table_.try_find(hash_of(key), words_of({.key = key}), words)) return false;
  mac = mac_of(words);
  return NeighborForm::state_of(words) != NeighborState::kIncomplete;
}

std::uint32_t NeighborTable::find(const NeighborKey& key) const noexcept {
  return table_.find(hash_of(key), words_of({.key = key}));
}

std::uint32_t NeighborTable::insert(const NeighborKey& key, NeighborState state,
                                    const MacAddress& mac) noexcept {
  return table_.insert(hash_of(key), words_of({key, mac, state}));
}

void NeighborTable::update(std::uint32_t slot, NeighborState state,
                           const MacAddress& mac) noexcept {
  table_.update(slot, words_of({entry(slot).key, mac, state}));
}

NeighborEntry NeighborTable::entry(std::uint32_t slot) const noexcept {
  const Words words = table_.words(slot);
  NeighborEntry result{.mac = mac_of(words), .state = NeighborForm::state_of(words)};
  std::memcpy(result.key.address.data(), &words[NeighborForm::kAddressHigh], 8);
  std::memcpy(result.key.address.data() + 8, &words[NeighborForm::kAddressLow], 8);
  result.key.port_index =
      static_cast<std::uint8_t>(words[NeighborForm::kLink] >> NeighborForm::kPortShift);
  return result;
}

}  // namespace twinplane::dataplane
