// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/expectation_board.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {

namespace {

std::uint64_t word_of(ExpectationBoard::Owner owner) noexcept {
  const auto word = reinterpret_cast<std::uintptr_t>(owner);
  TWINPLANE_CHECK(word % 2, ==, 0U);
  return word;
}

}  // namespace

ExpectationBoard::ExpectationBoard(std::uint32_t capacity, tables::HashSeed seed)
    : mask_(std::bit_ceil(std::max(2 * capacity, kProbes)) - 1), seed_(seed) {
  places_ = std::make_unique<Place[]>(std::size_t{mask_} + 1);
}

std::optional<ExpectationBoard::Seen> ExpectationBoard::try_find(
    const Body::Key& flow) const noexcept {
  const std::uint64_t hash = tables::hash_of(flow, seed_);
  for (std::uint32_t probe = 0; probe < kProbes; ++probe) {
    const std::uint32_t at = static_cast<std::uint32_t>(hash + probe) & mask_;
    const Place& place = places_[at];
    // Acquire pairs with put()'s release: who sees the tag sees ticket and words as well.
    if (place.tag.load(std::memory_order_acquire) != tag_of(hash)) continue;
    // Read before the words: a ticket that is older than they are is refused by try_claim().
    const std::uint64_t claim = place.claim.load(std::memory_order_acquire);
    Words words;
    if ((claim & 1U) != 0 || !place.words.try_read(words)) continue;
    Seen seen{};
    std::memcpy(&seen.body, words.data(), sizeof seen.body);
    if (!(seen.body.flow == flow)) continue;
    seen.is_local_only = (words[kOwnerWord] & 1U) != 0;
    seen.place = at;
    seen.ticket = claim;
    return seen;
  }
  return std::nullopt;
}

bool ExpectationBoard::try_claim(const Seen& seen) noexcept {
  std::uint64_t expected = seen.ticket;
  // Relaxed: what is claimed has been read, and who put it there reads nothing but this.
  return places_[seen.place].claim.compare_exchange_strong(expected, seen.ticket | 1U,
                                                           std::memory_order_relaxed);
}

bool ExpectationBoard::put(Owner owner, const Body& body, bool is_local_only) noexcept {
  const std::uint64_t hash = tables::hash_of(body.flow, seed_);
  for (std::uint32_t probe = 0; probe < kProbes; ++probe) {
    Place& place = places_[static_cast<std::uint32_t>(hash + probe) & mask_];
    std::uint64_t free = kFree;
    // Acquire pairs with take()'s release: the last writer of the words is done with them.
    if (!place.tag.compare_exchange_strong(free, kBusy, std::memory_order_acquire)) continue;
    Words words{};
    std::memcpy(words.data(), &body, sizeof body);
    words[kOwnerWord] = word_of(owner) | (is_local_only ? 1U : 0U);
    place.words.write(words);
    // Relaxed: the number alone counts; the tag's release publishes it.
    const std::uint64_t ticket = tickets_.fetch_add(1, std::memory_order_relaxed) + 1;
    // Release pairs with try_find()'s acquire: who reads this ticket reads these words or later.
    place.claim.store(ticket * 2, std::memory_order_release);
    // Release pairs with try_find()'s acquire of the tag.
    place.tag.store(tag_of(hash), std::memory_order_release);
    // Relaxed: see may_have_any().
    count_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

std::uint32_t ExpectationBoard::find_own(Owner owner, const Body::Key& flow) const noexcept {
  const std::uint64_t hash = tables::hash_of(flow, seed_);
  for (std::uint32_t probe = 0; probe < kProbes; ++probe) {
    const std::uint32_t at = static_cast<std::uint32_t>(hash + probe) & mask_;
    // Acquire pairs with put()'s release: the place may be another writer's, whose words are read.
    if (places_[at].tag.load(std::memory_order_acquire) != tag_of(hash)) continue;
    Words words;
    if (!places_[at].words.try_read(words)) continue;
    Body::Key key;
    std::memcpy(&key, words.data(), sizeof key);
    if (key == flow && (words[kOwnerWord] & ~std::uint64_t{1}) == word_of(owner)) return at;
  }
  return kNoPlace;
}

void ExpectationBoard::take(Owner owner, const Body::Key& flow) noexcept {
  const std::uint32_t at = find_own(owner, flow);
  if (at == kNoPlace) return;
  // Relaxed: who has seen it and claims it from now on finds that it is over.
  places_[at].claim.fetch_or(1, std::memory_order_relaxed);
  // Release pairs with put()'s acquire.
  places_[at].tag.store(kFree, std::memory_order_release);
  count_.fetch_sub(1, std::memory_order_relaxed);  // as above
}

bool ExpectationBoard::is_claimed(Owner owner, const Body::Key& flow) const noexcept {
  const std::uint32_t at = find_own(owner, flow);
  // Relaxed: the bit alone counts.
  return at != kNoPlace && (places_[at].claim.load(std::memory_order_relaxed) & 1U) != 0;
}

}  // namespace twinplane::dataplane
