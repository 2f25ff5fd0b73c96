// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/coverage.hpp"

#include <utility>

namespace twinplane::tests {

static_assert(static_cast<std::size_t>(Covered::kCut) == static_cast<std::size_t>(LinkFault::kCut));
static_assert(static_cast<std::size_t>(Covered::kFullTable) -
                  static_cast<std::size_t>(Covered::kMixed) ==
              static_cast<std::size_t>(WorkloadKind::kFullTable));

void Coverage::add_link(const SimLink& link, bool is_ha1) noexcept {
  for (std::size_t i = 0; i < kLinkFaultCount; ++i) {
    const auto fault = static_cast<LinkFault>(i);
    add(is_ha1 ? Covered::kHa1Fault : row_from(Covered::kLoss, fault), link.count_of(fault));
  }
}

void Coverage::add_counters(const ha2::Counters& counters) noexcept {
  using ha2::Counter;
  static constexpr std::array<std::pair<Covered, Counter>, 10> kRows{{
      {Covered::kFramesLost, Counter::kFramesLost},
      {Covered::kRepairs, Counter::kRepairsMarked},
      {Covered::kNoWindow, Counter::kNoWindow},
      {Covered::kNoBuffer, Counter::kNoBuffer},
      {Covered::kDropOldTerm, Counter::kDropOldTerm},
      {Covered::kDropSession, Counter::kDropSession},
      {Covered::kDropDuplicate, Counter::kDropDuplicate},
      {Covered::kDropRecord, Counter::kDropRecord},
      {Covered::kUnknownRecords, Counter::kUnknownKindRecords},
      {Covered::kOtherGeneration, Counter::kPatchOtherGeneration},
  }};
  for (const auto& [row, counter] : kRows) add(row, counters.get(counter));
}

}  // namespace twinplane::tests
