// SPDX-License-Identifier: BSD-3-Clause
// suspects.hpp - the mirror's slots whose digest differed, until they are stated again: then it is
// known which fields were wrong.
//
// Thread:  the core that owns the partition.
// Memory:  64 images of the largest kind, about 17 kilobytes.
// Limits:  64 at a time; further ones are repaired all the same, without a finding.
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

  bool empty() const noexcept { return count_ == 0; }

  // After a section has been applied: whoever it stated anew is compared with what was wrong.
  // on_found(Difference), without time and place.
  template <class OnFound>
  void look_after(const Section& section, const tables::Partition& partition,
                  OnFound&& on_found) noexcept {
    if (record_bytes_of(section.kind) == 0) return;
    for (std::size_t i = 0; i < count_;) {
      if (places_[i].table != table_of(section.kind) || !states(section, places_[i].slot)) {
        ++i;
        continue;
      }
      const Difference difference = difference_of(places_[i], partition);
      if (difference.fields != 0) on_found(difference);
      places_[i] = places_[--count_];
    }
  }

  void clear() noexcept { count_ = 0; }

 private:
  static constexpr std::size_t kPlaces = 64;

  struct Suspect {
    tables::TableKind table;
    std::uint32_t slot;
    CheckRound round;
    std::array<std::byte, kImageBytesMax> image;
  };

  // The section says the whole of that slot.
  static bool states(const Section& section, std::uint32_t slot) noexcept;

  static Difference difference_of(const Suspect& suspect,
                                  const tables::Partition& partition) noexcept;

  std::array<Suspect, kPlaces> places_;
  std::size_t count_ = 0;
};

}  // namespace twinplane::ha2
