// SPDX-License-Identifier: BSD-3-Clause
// tally.hpp - what became of one kind of traffic: how many ended how, and the longest wait of any.
//
// Thread:  one.
// Memory:  none.
// Limits:  the longest waits are those since the last mark(); the counts are since the start.
// Errors:  none.
// Spec:    none.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>

namespace twinplane::load {

// A wait, and which flow had it. Counted when it ends, to the window in which it ends.
struct Wait {
  std::int64_t length_ns = 0;
  std::int64_t from_ns = 0;
  std::uint32_t flow = 0;

  void widen(std::int64_t start_ns, std::int64_t end_ns, std::uint32_t of_flow) noexcept {
    if (end_ns - start_ns > length_ns) *this = {end_ns - start_ns, start_ns, of_flow};
  }
};

// How a connection ended. Everything but kDone is broken.
enum class End : std::uint8_t { kDone, kReset, kTimeout, kCorrupt, kCut };
constexpr std::size_t kEndCount = 5;

struct Tally {
  std::uint64_t started = 0;
  std::uint64_t ended[kEndCount] = {};
  std::uint64_t bytes = 0;
  std::uint64_t sent = 0;      // UDP: requests
  std::uint64_t received = 0;  // UDP: replies, each once
  Wait silence;                // between two arrivals of bytes on one connection
  Wait lateness;               // between the time a chunk was due to be sent and its arrival
  std::optional<std::uint32_t> first_broken_flow;

  void end(End how, std::uint32_t flow) noexcept {
    ++ended[static_cast<std::size_t>(how)];
    if (how != End::kDone && !first_broken_flow) first_broken_flow = flow;
  }

  std::uint64_t done() const noexcept { return ended[static_cast<std::size_t>(End::kDone)]; }

  std::uint64_t all_ended() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : ended) sum += count;
    return sum;
  }

  // A new window for the longest waits.
  void mark() noexcept { silence = lateness = {}; }
};

// What an errno of a socket says about the end of its connection.
inline End end_of_error(int error) noexcept {
  return error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH ? End::kTimeout
                                                                             : End::kReset;
}

}  // namespace twinplane::load
