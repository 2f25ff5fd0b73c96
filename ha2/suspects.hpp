// SPDX-License-Identifier: BSD-3-Clause
// suspects.hpp - the mirror's slots whose digest differed, until they are stated again: then it is
// known which fields were wrong.
//
// Thread:  the core that owns the partition.
// Memory:  32 images of each kind of table, about 4 kilobytes.
// Limits:  32 of each kind at a time; further ones are repaired all the same, without a finding.
// Errors:  none.
// Spec:    PROTOCOL.md section 7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ha2/decode.hpp"
#include "ha2/difference.hpp"
#include "tables/partition.hpp"

namespace twinplane::ha2 {

class Suspects {
 public:
  // The slot's digest differs from the owner's.
  void add(const tables::Partition& partition, const CheckRange& slot, CheckRound round) noexcept;

  bool empty() const noexcept { return count4_ + count6_ == 0; }

  // After a section has been applied: whoever it stated anew is compared with what was wrong.
  // on_found(Difference), without time and place.
  template <class OnFound>
  void look_after(const Section& section, const tables::Partition& partition,
                  OnFound&& on_found) noexcept {
    const auto table = static_cast<std::uint8_t>(section.kind / 16U);
    const auto look = [&](auto& places, std::size_t& count, const auto& slots) {
      for (std::size_t i = 0; i < count;) {
        if (!states(section, places[i].slot)) {
          ++i;
          continue;
        }
        const auto& entry = slots.entry(places[i].slot);
        Difference difference;
        difference.range = {table, {places[i].slot, 1}};
        difference.round = places[i].round;
        difference.fields = fields_that_differ(places[i].image, image_of(entry));
        difference.generation = entry.state.generation;
        if (difference.fields != 0) on_found(difference);
        places[i] = places[--count];
      }
    };
    if (table == static_cast<std::uint8_t>(tables::TableKind::kSession4))
      look(places4_, count4_, partition.session4().slots());
    else
      look(places6_, count6_, partition.session6().slots());
  }

  void clear() noexcept { count4_ = count6_ = 0; }

 private:
  static constexpr std::size_t kPlaces = 32;

  template <class Address>
  struct Suspect {
    std::uint32_t slot = 0;
    CheckRound round = CheckRound::kNone;
    SessionImage<Address> image;
  };

  // The section says the whole of that slot.
  static bool states(const Section& section, std::uint32_t slot) noexcept;

  std::array<Suspect<tables::Address4>, kPlaces> places4_{};
  std::array<Suspect<tables::Address6>, kPlaces> places6_{};
  std::size_t count4_ = 0;
  std::size_t count6_ = 0;
};

}  // namespace twinplane::ha2
