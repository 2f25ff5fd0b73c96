// SPDX-License-Identifier: BSD-3-Clause
// Every target is built with the deliberate breakages of tables/base/mutant.hpp in it, and
// TWINPLANE_MUTANT names the one that is switched on: so that it can be seen that the target finds
// it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tables/base/mutant.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  using namespace twinplane::tables;
  const char* const wanted = std::getenv("TWINPLANE_MUTANT");
  if (wanted == nullptr) return 0;
  const auto* const name = std::ranges::find(kMutantNames, std::string_view(wanted));
  if (name == kMutantNames.end()) {
    std::fprintf(stderr, "there is no mutant %s\n", wanted);
    std::exit(2);
  }
  active_mutant = static_cast<Mutant>(name - kMutantNames.begin());
  return 0;
}
