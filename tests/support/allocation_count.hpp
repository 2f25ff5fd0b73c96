// SPDX-License-Identifier: BSD-3-Clause
// allocation_count.hpp - how often this thread has allocated: link allocation_count.cpp, compare
// before and after.
//
// Thread:  any; each has its own count.
// Memory:  none.
// Limits:  operator new alone is counted, not malloc().
// Errors:  none.
// Spec:    DESIGN.md invariant I7.
#pragma once

#include <cstdint>

namespace twinplane::tests {

std::uint64_t allocation_count() noexcept;

}  // namespace twinplane::tests
