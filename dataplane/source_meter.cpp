// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/source_meter.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "tables/base/check.hpp"
#include "tables/base/equal_bytes.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint32_t kWindowMask = 0xFF'FFFF;

struct SourceKey {
  tables::Address6 source;
  std::uint64_t zone;
};

}  // namespace

SourceMeter::SourceMeter(std::size_t set_count, tables::HashSeed seed)
    : sets_(set_count), seed_(seed) {
  TWINPLANE_CHECK(std::popcount(set_count), ==, 1);
}

std::uint64_t SourceMeter::weight(const Place& place) noexcept {
  return std::uint64_t{place.counts.current} + place.counts.previous + place.inherited;
}

// A weight that was inherited fades by half a window: it is older than the window it came in.
void SourceMeter::move_on(Place& place, std::uint64_t window) noexcept {
  const std::uint64_t windows = (window - place.window) & kWindowMask;
  if (windows == 0) [[likely]]
    return;
  place.counts = moved_on(place.counts, windows);
  place.inherited = windows == 1 ? place.inherited / 2 : 0;
  place.window = static_cast<std::uint32_t>(window) & kWindowMask;
}

WindowCounts SourceMeter::note(const tables::Address6& source, std::uint8_t zone,
                               std::uint64_t now_ns, std::uint32_t packets) noexcept {
  const std::uint64_t hash = tables::hash_of(SourceKey{source, zone}, seed_);
  Set& set = sets_[hash & (sets_.size() - 1)];
  const std::uint64_t window = rate_window(now_ns);
  for (Place& place : set.places) {
    if (place.zone != zone || !tables::equal_bytes<sizeof source>(&place.source, &source)) continue;
    move_on(place, window);
    place.counts.current += packets;
    return place.counts;
  }
  for (Place& place : set.places) move_on(place, window);
  Place& quietest = *std::min_element(
      set.places.begin(), set.places.end(),
      [](const Place& one, const Place& other) { return weight(one) < weight(other); });
  const std::uint64_t inherited =
      std::min<std::uint64_t>(weight(quietest), std::numeric_limits<std::uint32_t>::max());
  quietest = {.source = source,
              .counts = {.current = packets, .previous = 0},
              .inherited = static_cast<std::uint32_t>(inherited),
              .zone = zone,
              .window = static_cast<std::uint32_t>(window) & kWindowMask};
  return quietest.counts;
}

std::size_t SourceMeter::loudest(std::span<SourceRate> out, std::uint64_t now_ns) const noexcept {
  const auto is_louder = [](const SourceRate& one, const SourceRate& other) {
    return one.per_s > other.per_s;
  };
  std::size_t count = 0;
  for (const Set& set : sets_) {
    for (Place place : set.places) {
      move_on(place, rate_window(now_ns));
      const std::uint32_t rate = sliding_rate(place.counts, now_ns);
      if (rate == 0 || out.empty() || (count == out.size() && rate <= out.back().per_s)) continue;
      if (count < out.size()) ++count;
      out[count - 1] = {place.source, static_cast<std::uint8_t>(place.zone), rate};
      for (std::size_t i = count - 1; i > 0 && is_louder(out[i], out[i - 1]); --i)
        std::swap(out[i], out[i - 1]);
    }
  }
  return count;
}

}  // namespace twinplane::dataplane
