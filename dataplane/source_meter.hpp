// SPDX-License-Identifier: BSD-3-Clause
// source_meter.hpp - how many packets a second each source sends, for the sources that send most,
// in memory that does not grow; by its answers sources come onto the block list.
//
// Space-saving (Metwally, Agrawal and El Abbadi, 2005) in sets of four places: a source without a
// place takes that of the quietest in its set and inherits its weight, so that it is not driven out
// at once by the next one. What it answers is only what the source has sent since it has its place:
// never more than the truth, so that no source is blocked for what others sent, however many there
// are. A count-min sketch is as small, but errs upwards: under a flood from made-up sources every
// cell is full, and all that come are named. What is missed here is a source whose share of the
// packets of its set is under a quarter: one of many, which the zone's flood meters deal with.
//
// Thread:  one; each worker has one of its own, and the home worker one of what they report.
// Memory:  128 bytes a set, taken at construction.
// Limits:  rates over the last second (sliding_rate.hpp). Zones below 256.
// Errors:  CHECK when the number of sets is no power of two.
// Spec:    dataplane/DESIGN.md D-D15.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/sliding_rate.hpp"
#include "tables/base/hash.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// ::ffff:a.b.c.d
constexpr tables::Address6 mapped_address(const tables::Address4& address) noexcept {
  tables::Address6 mapped{};
  mapped[10] = mapped[11] = 0xFF;
  for (std::size_t i = 0; i < address.size(); ++i) mapped[12 + i] = address[i];
  return mapped;
}

struct SourceRate {
  tables::Address6 source;  // IPv4 mapped
  std::uint8_t zone;
  std::uint32_t per_s;  // at least
};

class SourceMeter {
 public:
  static constexpr std::size_t kWays = 4;

  // The seed keeps others from aiming at one set.
  SourceMeter(std::size_t set_count, tables::HashSeed seed);

  // So many packets have come; answers how many of their source did in this second of the clock and
  // the one before, these among them.
  WindowCounts note(const tables::Address6& source, std::uint8_t zone, std::uint64_t now_ns,
                    std::uint32_t packets = 1) noexcept;

  // The loudest sources, loudest first, into `out`; says how many. Looks at every set: not for the
  // packet path.
  std::size_t loudest(std::span<SourceRate> out, std::uint64_t now_ns) const noexcept;

 private:
  struct Place {
    tables::Address6 source;
    WindowCounts counts;
    std::uint32_t inherited;  // weight of whoever was here before
    std::uint32_t zone : 8;
    std::uint32_t window : 24;
  };

  struct alignas(64) Set {
    std::array<Place, kWays> places;
  };

  static_assert(sizeof(Set) == 128);

  static std::uint64_t weight(const Place& place) noexcept;
  static void move_on(Place& place, std::uint64_t window) noexcept;

  std::vector<Set> sets_;
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
