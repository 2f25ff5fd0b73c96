// SPDX-License-Identifier: BSD-3-Clause
// whole_watch.hpp - what watches one partition of two whole boxes, and the traffic that changes it.
//
// Thread:  one.
// Memory:  the checkers'.
// Limits:  none.
// Errors:  an empty string when all is well, else one sentence.
// Spec:    ha2/PROTOCOL.md section 10.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/checkers.hpp"
#include "tests/support/checkers_pair.hpp"

namespace twinplane::tests {

struct Watch {
  Watch(const WorkloadShape& shape, std::uint64_t seed, tables::KindSet kinds)
      : workload(shape, seed), observer(kinds), index(workload) {}

  std::string check(const Scene& scene) {
    for (std::string fault :
         {nothing_forgotten.check(scene), nothing_invented.check(scene),
          nothing_goes_back.check(scene), improper.check(scene), quiet.check(scene)})
      if (!fault.empty()) return fault;
    answered.follow(scene);
    return {};
  }

  Workload workload;
  Observer observer;
  NothingForgotten nothing_forgotten;
  NothingInvented nothing_invented;
  NothingGoesBack nothing_goes_back;
  NothingImproper improper;
  QuietMeansEqual quiet;
  AnsweredSurvives answered;
  IndexIsExact index;
};

}  // namespace twinplane::tests
