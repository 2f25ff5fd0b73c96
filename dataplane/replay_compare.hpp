// SPDX-License-Identifier: BSD-3-Clause
// replay_compare.hpp - are the tables of two boxes equal? Slot by slot, and by looking every
// entry up.
//
// Thread:  main, while nothing changes.
// Memory:  none.
// Limits:  linear in the slots.
// Errors:  none.
// Spec:    invariants I4 and I9; what is compared is ha2::SessionImage: all but ages, marks and
//          window edges. Sessions of rules that do not replicate stand on the active box alone.
#pragma once

#include <cstdint>

#include "dataplane/replay_box.hpp"

namespace twinplane::dataplane {

struct Difference {
  std::uint64_t slots = 0;  // whose image differs
  // that the active box's index does not find where they stand, or finds and are no more
  std::uint64_t active_keys = 0;
  std::uint64_t passive_keys = 0;  // the same of the passive box

  bool is_none() const noexcept { return slots == 0 && active_keys == 0 && passive_keys == 0; }
};

Difference compare(const ReplayBox& active, const ReplayBox& passive) noexcept;

}  // namespace twinplane::dataplane
