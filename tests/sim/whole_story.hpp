// SPDX-License-Identifier: BSD-3-Clause
// whole_story.hpp - what --verbose tells of two whole boxes: what they are, what happens to them,
// who becomes what and why.
//
// Thread:  one.
// Memory:  a line for each box.
// Limits:  none.
// Errors:  none.
// Spec:    none; for readers of a failure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tests/sim/whole_plan.hpp"

namespace twinplane::tests {

inline constexpr std::array<const char*, 2> kBoxNames{"east", "west"};

class WholeStory {
 public:
  WholeStory(const WholePair& pair, bool is_told) : pair_(pair), is_told_(is_told) {}

  void describe(const WholePlan& plan, std::uint64_t seed) const;
  void tell(const std::string& what) const;

  // Changes of role, of session, of what is refused, since it was last told.
  void tell_of_roles();

 private:
  const WholePair& pair_;
  bool is_told_;
  std::array<std::string, 2> said_;
};

// Both boxes in a line.
std::string state_text(const WholePair& pair);

}  // namespace twinplane::tests
