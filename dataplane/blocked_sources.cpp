// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/blocked_sources.hpp"

#include <cstring>

namespace twinplane::dataplane {
namespace {

using Words = BlockedForm::Words;

constexpr std::uint64_t kUntilMask = (std::uint64_t{1} << 40U) - 1;

Words words_of(const BlockedSource& blocked) noexcept {
  Words words{};
  std::memcpy(words.data(), blocked.source.data(), blocked.source.size());
  words[BlockedForm::kMark] = blocked.zone |
                              static_cast<std::uint64_t>(blocked.kind) << BlockedForm::kKindShift |
                              BlockedForm::kLiveState << BlockedForm::kStateShift |
                              (blocked.until_ms & kUntilMask) << BlockedForm::kUntilShift;
  return words;
}

struct Key {
  std::uint64_t high;
  std::uint64_t low;
  std::uint64_t zone;
};

}  // namespace

std::uint64_t BlockedSources::hash_of(const Words& words) const noexcept {
  return tables::hash_of(Key{words[BlockedForm::kAddressHigh], words[BlockedForm::kAddressLow],
                             words[BlockedForm::kMark] & BlockedForm::kZoneMask},
                         seed_);
}

bool BlockedSources::is_blocked(const tables::Address6& source, std::uint8_t zone) const noexcept {
  const Words wanted = words_of({.source = source, .zone = zone});
  Words found;
  return table_.try_find(hash_of(wanted), wanted, found);
}

bool BlockedSources::try_read(std::uint32_t slot, BlockedSource& out) const noexcept {
  Words words;
  if (!table_.try_read(slot, words)) return false;
  std::memcpy(out.source.data(), words.data(), out.source.size());
  const std::uint64_t mark = words[BlockedForm::kMark];
  out.zone = static_cast<std::uint8_t>(mark & BlockedForm::kZoneMask);
  out.kind = static_cast<tables::FloodKind>(mark >> BlockedForm::kKindShift & 0xFFU);
  out.until_ms = mark >> BlockedForm::kUntilShift;
  return true;
}

bool BlockedSources::insert(const BlockedSource& blocked) noexcept {
  const Words words = words_of(blocked);
  const std::uint64_t hash = hash_of(words);
  if (const std::uint32_t slot = table_.find(hash, words); slot != table_.kNoSlot) {
    table_.update(slot, words);
    return true;
  }
  if (table_.insert(hash, words) == table_.kNoSlot) return false;
  publish_count();
  return true;
}

void BlockedSources::erase(const tables::Address6& source, std::uint8_t zone) noexcept {
  const Words words = words_of({.source = source, .zone = zone});
  const std::uint32_t slot = table_.find(hash_of(words), words);
  if (slot == table_.kNoSlot) return;
  table_.erase(slot);
  publish_count();
}

void BlockedSources::publish_count() noexcept {
  // Relaxed: the table's own slots say what is in it.
  count_.store(table_.live_count(), std::memory_order_relaxed);
}

}  // namespace twinplane::dataplane
