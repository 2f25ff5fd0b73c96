// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_compare.hpp"

#include "ha2/plain_codec.hpp"
#include "ha2/session_codec.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Side;

// Keys of live entries that the index does not lead to, and entries of the index that lead to
// none.
template <class Slots>
std::uint64_t misplaced_keys(const Slots& slots) noexcept {
  using Traits = typename Slots::TraitsType;
  std::uint64_t key_count = 0;
  std::uint64_t misplaced_count = 0;
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    if (!Traits::is_live(entry)) continue;
    for (const Side side : {Side::kClient, Side::kServer}) {
      if (side == Side::kServer && !Traits::has_second_key(entry)) continue;
      ++key_count;
      const tables::Found found = slots.find(Traits::key(entry, side));
      misplaced_count += found.slot != slot || found.side != side ? 1 : 0;
    }
  }
  const std::uint64_t indexed_count = slots.index().key_count();
  return misplaced_count +
         (indexed_count > key_count ? indexed_count - key_count : key_count - indexed_count);
}

template <class Slots>
void compare_slots(const Slots& active, const Slots& passive, Difference& difference) noexcept {
  for (std::uint32_t slot = 0; slot < active.slot_count(); ++slot)
    difference.slots +=
        ha2::image_of(active.entry(slot)) == ha2::image_of(passive.entry(slot)) ? 0 : 1;
  difference.active_keys += misplaced_keys(active);
  difference.passive_keys += misplaced_keys(passive);
}

}  // namespace

Difference compare(const ReplayBox& active, const ReplayBox& passive) noexcept {
  Difference difference;
  for (std::uint32_t i = 0; i < active.partition_count(); ++i) {
    tables::for_each_kind([&](auto kind) {
      compare_slots(active.partition(i).slots<kind()>(), passive.partition(i).slots<kind()>(),
                    difference);
    });
  }
  return difference;
}

}  // namespace twinplane::dataplane
