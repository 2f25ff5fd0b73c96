// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr unsigned kPortShift = 48;
constexpr unsigned kStateShift = 56;
constexpr std::uint64_t kPortMask = std::uint64_t{0xFF} << kPortShift;

constexpr NeighborState state_of(std::uint64_t link) noexcept {
  return static_cast<NeighborState>(link >> kStateShift);
}

MacAddress mac_of(std::uint64_t link) noexcept {
  MacAddress mac;
  std::memcpy(mac.data(), &link, mac.size());
  return mac;
}

constexpr bool is_live(NeighborState state) noexcept {
  return state != NeighborState::kFree && state != NeighborState::kRemoved;
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "the MAC stands in the low bytes");

NeighborTable::NeighborTable(std::uint32_t capacity, tables::HashSeed seed)
    : capacity_(capacity), seed_(seed) {
  TWINPLANE_CHECK(capacity, >=, 16U);
  TWINPLANE_CHECK(capacity, <=, 65536U);
  slot_mask_ = std::bit_ceil(capacity * 2) - 1;
  slots_ = std::make_unique<Slot[]>(slot_count());
}

NeighborTable::Words NeighborTable::words_of(const NeighborEntry& entry) noexcept {
  Words words{};
  std::memcpy(&words[kAddressHigh], entry.key.address.data(), 8);
  std::memcpy(&words[kAddressLow], entry.key.address.data() + 8, 8);
  std::memcpy(&words[kLink], entry.mac.data(), entry.mac.size());
  words[kLink] |= std::uint64_t{entry.key.port_index} << kPortShift;
  words[kLink] |= static_cast<std::uint64_t>(entry.state) << kStateShift;
  return words;
}

bool NeighborTable::is_same_key(const Words& left, const Words& right) noexcept {
  return left[kAddressLow] == right[kAddressLow] && left[kAddressHigh] == right[kAddressHigh] &&
         ((left[kLink] ^ right[kLink]) & kPortMask) == 0;
}

std::uint32_t NeighborTable::home_of(const NeighborKey& key) const noexcept {
  return static_cast<std::uint32_t>(tables::hash_of(key, seed_)) & slot_mask_;
}

NeighborState NeighborTable::state_at(std::uint32_t slot) const noexcept {
  return state_of(slots_[slot].own_word(kLink));
}

bool NeighborTable::try_lookup(const NeighborKey& key, MacAddress& mac) const noexcept {
  const Words wanted = words_of({.key = key});
  std::uint32_t slot = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = (slot + 1) & slot_mask_) {
    Words words;
    if (!slots_[slot].try_read(words)) continue;
    const NeighborState state = state_of(words[kLink]);
    if (state == NeighborState::kFree) return false;
    if (!is_live(state) || !is_same_key(words, wanted)) continue;
    mac = mac_of(words[kLink]);
    return state != NeighborState::kIncomplete;
  }
  return false;
}

std::uint32_t NeighborTable::find(const NeighborKey& key) const noexcept {
  const Words wanted = words_of({.key = key});
  std::uint32_t slot = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = (slot + 1) & slot_mask_) {
    const Words words = slots_[slot].own_words();
    const NeighborState state = state_of(words[kLink]);
    if (state == NeighborState::kFree) break;
    if (is_live(state) && is_same_key(words, wanted)) return slot;
  }
  return kNoSlot;
}

std::uint32_t NeighborTable::insert(const NeighborKey& key, NeighborState state,
                                    const MacAddress& mac) noexcept {
  TWINPLANE_DCHECK(find(key), ==, kNoSlot);
  if (live_count_ >= capacity_) return kNoSlot;
  std::uint32_t slot = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = (slot + 1) & slot_mask_) {
    if (is_live(state_at(slot))) continue;
    slots_[slot].write(words_of({key, mac, state}));
    ++live_count_;
    return slot;
  }
  return kNoSlot;
}

void NeighborTable::update(std::uint32_t slot, NeighborState state,
                           const MacAddress& mac) noexcept {
  slots_[slot].write(words_of({entry(slot).key, mac, state}));
}

void NeighborTable::erase(std::uint32_t slot) noexcept {
  TWINPLANE_CHECK(is_live(state_at(slot)), ==, true);
  --live_count_;
  NeighborEntry empty{.state = NeighborState::kRemoved};
  if (state_at((slot + 1) & slot_mask_) != NeighborState::kFree) {
    slots_[slot].write(words_of(empty));
    return;
  }
  // Nobody's path goes on behind a run of removed slots that a free one ends: the whole run becomes
  // free.
  empty.state = NeighborState::kFree;
  do {
    slots_[slot].write(words_of(empty));
    slot = (slot - 1) & slot_mask_;
  } while (state_at(slot) == NeighborState::kRemoved);
}

NeighborEntry NeighborTable::entry(std::uint32_t slot) const noexcept {
  const Words words = slots_[slot].own_words();
  NeighborEntry result{.mac = mac_of(words[kLink]), .state = state_of(words[kLink])};
  std::memcpy(result.key.address.data(), &words[kAddressHigh], 8);
  std::memcpy(result.key.address.data() + 8, &words[kAddressLow], 8);
  result.key.port_index = static_cast<std::uint8_t>((words[kLink] & kPortMask) >> kPortShift);
  return result;
}

}  // namespace twinplane::dataplane
