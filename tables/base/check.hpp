// SPDX-License-Identifier: BSD-3-Clause
// check.hpp - the two assertion macros; the only macros of the tree.
//
// Thread:  any.
// Memory:  none.
// Limits:  CHECK is always on: use it once a batch, not once a record. DCHECK is for per-record
//          loops.
// Errors:  prints file, line and both values to standard error, then aborts.
// Spec:    none.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace twinplane::tables {

[[noreturn, gnu::cold, gnu::noinline]] inline void check_failed(const char* file, int line,
                                                                const char* text,
                                                                unsigned long long left,
                                                                unsigned long long right) noexcept {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s (left %llu, right %llu)\n", file, line, text, left,
               right);
  std::abort();
}

}  // namespace twinplane::tables

// CHECK(left, op, right): a programmer's error if it does not hold, whatever the build.
#define TWINPLANE_CHECK(left, op, right)                                               \
  do {                                                                                 \
    const auto check_left = (left);                                                    \
    const auto check_right = (right);                                                  \
    if (!(check_left op check_right)) [[unlikely]]                                     \
      ::twinplane::tables::check_failed(__FILE__, __LINE__, #left " " #op " " #right,  \
                                        static_cast<unsigned long long>(check_left),   \
                                        static_cast<unsigned long long>(check_right)); \
  } while (false)

#ifdef NDEBUG
#define TWINPLANE_DCHECK(left, op, right) static_cast<void>(0)
#else
#define TWINPLANE_DCHECK(left, op, right) TWINPLANE_CHECK(left, op, right)
#endif
