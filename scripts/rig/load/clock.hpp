// SPDX-License-Identifier: BSD-3-Clause
// clock.hpp - the one clock of the rig: CLOCK_MONOTONIC, the same for every process of the machine.
//
// Thread:  any.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    clock_gettime(2).
#pragma once

#include <cstdint>
#include <ctime>

namespace twinplane::load {

constexpr std::int64_t kMicrosecondNs = 1'000;
constexpr std::int64_t kMillisecondNs = 1'000'000;
constexpr std::int64_t kSecondNs = 1'000'000'000;

inline std::int64_t now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecondNs + time.tv_nsec;
}

}  // namespace twinplane::load
