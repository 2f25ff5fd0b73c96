// SPDX-License-Identifier: BSD-3-Clause
// checkers_receipts.hpp - what somebody waits for is at the mirror when the stream says so.
//
// Thread:  one.
// Memory:  the receipts under way; allocates freely.
// Limits:  32 receipts at a time.
// Errors:  an empty string when all is well, else one sentence.
// Spec:    ha2/PROTOCOL.md section 5.5.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ha2/receipt.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/sim_pair.hpp"

namespace twinplane::tests {

class ReceiptsAreTrue {
 public:
  explicit ReceiptsAreTrue(std::uint64_t seed) : prng_(seed ^ 0x5EC3197U) {}

  // Behind the traffic of a step: for what was changed last, or for any slot.
  void ask(SimPair& pair);

  // Behind poll(): those that have come are judged. Now and then none is looked at, or it is looked
  // at late.
  std::string look(SimPair& pair);

  // Some have not come that must come.
  bool are_waiting(SimPair& pair);

  // Another box owns the slots, or one of them has lost its tables.
  void forget() { asked_.clear(); }

  std::uint64_t received_count() const noexcept { return received_count_; }

 private:
  struct Asked {
    ha2::Receipt receipt;
    std::uint16_t generation;
    std::vector<std::uint64_t> digests;  // of what the slot has held since
  };

  void ask_one(SimPair& pair);
  void learn(SimPair& pair);
  std::string judge(SimPair& pair, const Asked& asked);

  Prng prng_;
  std::vector<Asked> asked_;
  std::uint64_t received_count_ = 0;
};

}  // namespace twinplane::tests
