// SPDX-License-Identifier: BSD-3-Clause
// clock.hpp - the one clock of the program: CLOCK_MONOTONIC in nanoseconds.
//
// Thread:  any.
// Memory:  none.
// Limits:  about 25 ns a call: once a burst, not once a packet.
// Errors:  none.
// Spec:    tables/ and ha2/ take time as an argument; it is read here and nowhere else.
#pragma once

#include <cstdint>
#include <ctime>

namespace twinplane::dataplane {

inline std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Of the clock that both boxes have in common, as well as it is kept.
inline std::uint64_t wall_s() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

}  // namespace twinplane::dataplane
