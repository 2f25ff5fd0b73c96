// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_routes.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr unsigned kStateShift = 8;
constexpr unsigned kUseShift = 16;
constexpr unsigned kVlanShift = 16;
constexpr unsigned kSinceShift = 32;
constexpr std::uint64_t kDomainMask = 0xFFFFFFFFU;  // domain and VLAN

}  // namespace

GroupRouteTable::GroupRouteTable(std::uint32_t capacity, tables::HashSeed seed)
    : capacity_(capacity), seed_(seed) {
  TWINPLANE_CHECK(capacity, >=, 16U);
  TWINPLANE_CHECK(capacity, <=, 65536U);
  place_mask_ = std::bit_ceil(capacity * 2) - 1;
  places_ = std::make_unique<Place[]>(place_count());
}

GroupRouteTable::Words GroupRouteTable::words_of(const GroupRouteKey& key, const GroupRoute& route,
                                                 Use use) noexcept {
  Words words{};
  std::memcpy(words.data(), key.source.data(), 16);
  std::memcpy(words.data() + 2, key.group.data(), 16);
  words[kEgress] = route.egress;
  words[kLink] = route.ingress | static_cast<std::uint64_t>(route.state) << kStateShift |
                 static_cast<std::uint64_t>(use) << kUseShift;
  words[kOrigin] = key.domain | std::uint64_t{key.vlan} << kVlanShift |
                   std::uint64_t{route.since_s} << kSinceShift;
  return words;
}

GroupRoute GroupRouteTable::route_of(const Words& words) noexcept {
  return {.egress = words[kEgress],
          .since_s = static_cast<std::uint32_t>(words[kOrigin] >> kSinceShift),
          .ingress = static_cast<std::uint8_t>(words[kLink]),
          .state = static_cast<tables::MulticastState>(words[kLink] >> kStateShift & 0xFFU)};
}

GroupRouteKey GroupRouteTable::key_of(const Words& words) noexcept {
  GroupRouteKey key{.domain = static_cast<std::uint16_t>(words[kOrigin]),
                    .vlan = static_cast<std::uint16_t>(words[kOrigin] >> kVlanShift)};
  std::memcpy(key.source.data(), words.data(), 16);
  std::memcpy(key.group.data(), words.data() + 2, 16);
  return key;
}

GroupRouteTable::Use GroupRouteTable::use_of(const Words& words) noexcept {
  return static_cast<Use>(words[kLink] >> kUseShift & 0xFFU);
}

bool GroupRouteTable::is_same_key(const Words& left, const Words& right) noexcept {
  return std::equal(left.begin(), left.begin() + kKeyWords, right.begin()) &&
         ((left[kOrigin] ^ right[kOrigin]) & kDomainMask) == 0;
}

GroupRouteTable::Use GroupRouteTable::use_at(std::uint32_t place) const noexcept {
  return static_cast<Use>(places_[place].own_word(kLink) >> kUseShift & 0xFFU);
}

std::uint32_t GroupRouteTable::home_of(const GroupRouteKey& key) const noexcept {
  return static_cast<std::uint32_t>(tables::hash_of(key, seed_)) & place_mask_;
}

std::uint32_t GroupRouteTable::try_lookup(const GroupRouteKey& key,
                                          GroupRoute& out) const noexcept {
  const Words wanted = words_of(key, {}, Use::kLive);
  std::uint32_t place = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, place = (place + 1) & place_mask_) {
    Words words;
    if (!places_[place].try_read(words)) continue;
    const Use use = use_of(words);
    if (use == Use::kFree) return kNoPlace;
    if (use != Use::kLive || !is_same_key(words, wanted)) continue;
    out = route_of(words);
    return place;
  }
  return kNoPlace;
}

tables::PortSet GroupRouteTable::wanted_ports(const GroupRouteKey& key) const noexcept {
  GroupRoute route;
  if (try_lookup(key, route) == kNoPlace) static_cast<void>(try_lookup(key.star(), route));
  return route.egress;
}

bool GroupRouteTable::try_at(std::uint32_t place, GroupRouteKey& key,
                             GroupRoute& out) const noexcept {
  Words words;
  if (!places_[place].try_read(words) || use_of(words) != Use::kLive) return false;
  key = key_of(words);
  out = route_of(words);
  return true;
}

std::uint32_t GroupRouteTable::find(const GroupRouteKey& key) const noexcept {
  const Words wanted = words_of(key, {}, Use::kLive);
  std::uint32_t place = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, place = (place + 1) & place_mask_) {
    const Use use = use_at(place);
    if (use == Use::kFree) break;
    if (use == Use::kLive && is_same_key(places_[place].own_words(), wanted)) return place;
  }
  return kNoPlace;
}

std::uint32_t GroupRouteTable::insert(const GroupRouteKey& key, const GroupRoute& route) noexcept {
  TWINPLANE_DCHECK(find(key), ==, kNoPlace);
  if (live_count_ >= capacity_) return kNoPlace;
  std::uint32_t place = home_of(key);
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe, place = (place + 1) & place_mask_) {
    if (use_at(place) == Use::kLive) continue;
    places_[place].write(words_of(key, route, Use::kLive));
    ++live_count_;
    return place;
  }
  return kNoPlace;
}

void GroupRouteTable::update(std::uint32_t place, const GroupRoute& route) noexcept {
  const Words words = places_[place].own_words();
  TWINPLANE_CHECK(use_of(words) == Use::kLive, ==, true);
  // An equal one is left alone, so that readers need not read again.
  if (route_of(words) != route) places_[place].write(words_of(key_of(words), route, Use::kLive));
}

void GroupRouteTable::erase(std::uint32_t place) noexcept {
  TWINPLANE_CHECK(use_at(place) == Use::kLive, ==, true);
  --live_count_;
  if (use_at((place + 1) & place_mask_) != Use::kFree) {
    places_[place].write(words_of({}, {}, Use::kRemoved));
    return;
  }
  // Nobody's path goes on behind a run of removed places that a free one ends: the whole run
  // becomes free.
  do {
    places_[place].write(words_of({}, {}, Use::kFree));
    place = (place - 1) & place_mask_;
  } while (use_at(place) == Use::kRemoved);
}

GroupRoute GroupRouteTable::route(std::uint32_t place) const noexcept {
  return route_of(places_[place].own_words());
}

}  // namespace twinplane::dataplane
