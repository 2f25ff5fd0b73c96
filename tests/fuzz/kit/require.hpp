// SPDX-License-Identifier: BSD-3-Clause
// require.hpp - how a target says that something is wrong: one sentence, then the end of the
// process, which libFuzzer reports together with the input.
//
// Thread:  any.
// Memory:  none.
// Limits:  none.
// Errors:  prints and aborts.
// Spec:    none.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace twinplane::fuzz {

[[noreturn, gnu::cold, gnu::noinline]] inline void fail(std::string_view what) {
  std::fprintf(stderr, "WRONG: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline void require(bool is_good, std::string_view what) {
  if (!is_good) [[unlikely]]
    fail(what);
}

}  // namespace twinplane::fuzz
