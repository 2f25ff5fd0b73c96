// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_routes.hpp"

#include <algorithm>
#include <cstring>

namespace twinplane::dataplane {
namespace {

constexpr unsigned kStateShift = 8;
constexpr unsigned kVlanShift = 16;
constexpr unsigned kSinceShift = 32;
constexpr std::uint64_t kDomainMask = 0xFFFFFFFFU;  // domain and VLAN

}  // namespace

GroupRouteTable::GroupRouteTable(std::uint32_t capacity, tables::HashSeed seed)
    : table_(capacity), seed_(seed) {
  static_assert(kNoPlace == ProbedTable<Format>::kNoSlot);
}

GroupRouteTable::Format::Words GroupRouteTable::Format::words_of(const GroupRouteKey& key,
                                                                 const GroupRoute& route) noexcept {
  Words words{};
  std::memcpy(words.data(), key.source.data(), 16);
  std::memcpy(words.data() + 2, key.group.data(), 16);
  words[kEgress] = route.egress;
  words[kLink] =
      route.ingress | static_cast<std::uint64_t>(route.state) << kStateShift | kLive << kUseShift;
  words[kOrigin] = key.domain | std::uint64_t{key.vlan} << kVlanShift |
                   std::uint64_t{route.since_s} << kSinceShift;
  return words;
}

GroupRoute GroupRouteTable::Format::route_of(const Words& words) noexcept {
  return {.egress = words[kEgress],
          .since_s = static_cast<std::uint32_t>(words[kOrigin] >> kSinceShift),
          .ingress = static_cast<std::uint8_t>(words[kLink]),
          .state = static_cast<tables::MulticastState>(words[kLink] >> kStateShift & 0xFFU)};
}

GroupRouteKey GroupRouteTable::Format::key_of(const Words& words) noexcept {
  GroupRouteKey key{.domain = static_cast<std::uint16_t>(words[kOrigin]),
                    .vlan = static_cast<std::uint16_t>(words[kOrigin] >> kVlanShift)};
  std::memcpy(key.source.data(), words.data(), 16);
  std::memcpy(key.group.data(), words.data() + 2, 16);
  return key;
}

bool GroupRouteTable::Format::is_same_key(const Words& left, const Words& right) noexcept {
  return std::equal(left.begin(), left.begin() + kKeyWords, right.begin()) &&
         ((left[kOrigin] ^ right[kOrigin]) & kDomainMask) == 0;
}

std::uint32_t GroupRouteTable::try_lookup(const GroupRouteKey& key,
                                          GroupRoute& out) const noexcept {
  Format::Words words;
  const std::uint32_t place = table_.find_shared(hash(key), Format::words_of(key, {}), words);
  if (place != kNoPlace) out = Format::route_of(words);
  return place;
}

tables::PortSet GroupRouteTable::wanted_ports(const GroupRouteKey& key) const noexcept {
  GroupRoute route;
  if (try_lookup(key, route) == kNoPlace) static_cast<void>(try_lookup(key.star(), route));
  return route.egress;
}

bool GroupRouteTable::try_at(std::uint32_t place, GroupRouteKey& key,
                             GroupRoute& out) const noexcept {
  Format::Words words;
  if (!table_.try_read(place, words)) return false;
  key = Format::key_of(words);
  out = Format::route_of(words);
  return true;
}

std::uint32_t GroupRouteTable::find(const GroupRouteKey& key) const noexcept {
  return table_.find(hash(key), Format::words_of(key, {}));
}

std::uint32_t GroupRouteTable::insert(const GroupRouteKey& key, const GroupRoute& route) noexcept {
  return table_.insert(hash(key), Format::words_of(key, route));
}

void GroupRouteTable::update(std::uint32_t place, const GroupRoute& route) noexcept {
  const Format::Words words = table_.words(place);
  // An equal one is left alone, so that readers need not read again.
  if (Format::route_of(words) != route)
    table_.update(place, Format::words_of(Format::key_of(words), route));
}

GroupRoute GroupRouteTable::route(std::uint32_t place) const noexcept {
  return Format::route_of(table_.words(place));
}

}  // namespace twinplane::dataplane
