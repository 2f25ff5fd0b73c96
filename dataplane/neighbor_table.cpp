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
  Words words;
  std::memcpy(&words.address_high, entry.key.address.data(), 8);
  std::memcpy(&words.address_low, entry.key.address.data() + 8, 8);
  std::memcpy(&words.link, entry.mac.data(), entry.mac.size());
  words.link |= std::uint64_t{entry.key.port_index} << kPortShift;
  words.link |= static_cast<std::uint64_t>(entry.state) << kStateShift;
  return words;
}

bool NeighborTable::is_same_key(const Words& left, const Words& right) noexcept {
  return left.address_low == right.address_low && left.address_high == right.address_high &&
         ((left.link ^ right.link) & kPortMask) == 0;
}

std::uint32_t NeighborTable::home_of(const NeighborKey& key) const noexcept {
  return static_cast<std::uint32_t>(tables::hash_of(key, seed_)) & slot_mask_;
}

bool NeighborTable::try_read(std::uint32_t slot, Words& out) const noexcept {
  const Slot& at = slots_[slot];
  for (int tries = 0; tries < kReadTriesMax; ++tries) {
    // Acquire pairs with write()'s last store: an even version comes with all of its words.
    const std::uint64_t version = at.version.load(std::memory_order_acquire);
    if ((version & 1U) != 0) continue;
    // Acquire pairs with write()'s release store of the same word: who sees a newer word also sees the odd version that was
    // stored before it, and the comparison below fails.
    out.address_high = at.address_high.load(std::memory_order_acquire);
    out.address_low = at.address_low.load(std::memory_order_acquire);
    out.link = at.link.load(std::memory_order_acquire);
    // Relaxed is enough: the acquire loads above stay ahead of it.
    if (at.version.load(std::memory_order_relaxed) == version) return true;
  }
  return false;
}

void NeighborTable::write(std::uint32_t slot, const Words& words) noexcept {
  Slot& at = slots_[slot];
  // Relaxed: no other thread writes it.
  const std::uint64_t version = at.version.load(std::memory_order_relaxed);
  // Relaxed: the release stores below keep it ahead of every word.
  at.version.store(version + 1, std::memory_order_relaxed);
  // Release pairs with try_read()'s acquire loads of the words.
  at.address_high.store(words.address_high, std::memory_order_release);
  at.address_low.store(words.address_low, std::memory_order_release);
  at.link.store(words.link, std::memory_order_release);
  // Release pairs with try_read()'s acquire load of the version.
  at.version.store(version + 2, std::memory_order_release);
}

// Relaxed, here and below: the calling thread is the only writer and reads what it wrote.
NeighborTable::Words NeighborTable::own_words(std::uint32_t slot) const noexcept {
  const Slot& at = slots_[slot];
  return {at.address_high.load(std::memory_order_relaxed),
          at.address_low.load(std::memory_order_relaxed), at.link.load(std::memory_order_relaxed)};
}

NeighborState NeighborTable::own_state(std::uint32_t slot) const noexcept {
  return state_of(slots_[slot].link.load(std::memory_order_relaxed));
}

bool NeighborTable::try_lookup(const NeighborKey& key, MacAddress& mac) const noexcept {
  const Words wanted = words_of({.key = key});
  std::uint32_t slot = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = (slot + 1) & slot_mask_) {
    Words words;
    if (!try_read(slot, words)) continue;
    const NeighborState state = state_of(words.link);
    if (state == NeighborState::kFree) return false;
    if (!is_live(state) || !is_same_key(words, wanted)) continue;
    mac = mac_of(words.link);
    return state != NeighborState::kIncomplete;
  }
  return false;
}

std::uint32_t NeighborTable::find(const NeighborKey& key) const noexcept {
  const Words wanted = words_of({.key = key});
  std::uint32_t slot = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, slot = (slot + 1) & slot_mask_) {
    const Words words = own_words(slot);
    const NeighborState state = state_of(words.link);
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
    if (is_live(own_state(slot))) continue;
    write(slot, words_of({key, mac, state}));
    ++live_count_;
    return slot;
  }
  return kNoSlot;
}

void NeighborTable::update(std::uint32_t slot, NeighborState state,
                           const MacAddress& mac) noexcept {
  write(slot, words_of({entry(slot).key, mac, state}));
}

void NeighborTable::erase(std::uint32_t slot) noexcept {
  TWINPLANE_CHECK(is_live(own_state(slot)), ==, true);
  --live_count_;
  NeighborEntry empty{.state = NeighborState::kRemoved};
  if (own_state((slot + 1) & slot_mask_) != NeighborState::kFree) {
    write(slot, words_of(empty));
    return;
  }
  // Nobody's path goes on behind a run of removed slots that a free one ends: the whole run becomes free.
  empty.state = NeighborState::kFree;
  do {
    write(slot, words_of(empty));
    slot = (slot - 1) & slot_mask_;
  } while (own_state(slot) == NeighborState::kRemoved);
}

NeighborEntry NeighborTable::entry(std::uint32_t slot) const noexcept {
  const Words words = own_words(slot);
  NeighborEntry result{.mac = mac_of(words.link), .state = state_of(words.link)};
  std::memcpy(result.key.address.data(), &words.address_high, 8);
  std::memcpy(result.key.address.data() + 8, &words.address_low, 8);
  result.key.port_index = static_cast<std::uint8_t>((words.link & kPortMask) >> kPortShift);
  return result;
}

}  // namespace twinplane::dataplane
