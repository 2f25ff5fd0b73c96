// SPDX-License-Identifier: BSD-3-Clause
// replay_counts.hpp - what became of a replay's packets; each stands in exactly one place.
//
// Thread:  main.
// Memory:  one number a reason.
// Limits:  none.
// Errors:  none.
// Spec:    packets = forwarded + to_box + the sum of the drop arrays.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/forward_result.hpp"
#include "dataplane/parse_result.hpp"
#include "dataplane/sctp_result.hpp"

namespace twinplane::dataplane {

struct ReplayCounts {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t forwarded = 0;
  std::uint64_t to_box = 0;  // ARP, neighbor discovery, echo requests to the box's own addresses
  std::uint64_t fragmented = 0;  // of those forwarded: cut for the MTU of the port they left by
  std::uint64_t picked_up = 0;
  std::uint64_t icmp_errors = 0;  // answers to packets that are counted as dropped
  std::array<std::uint64_t, kParseResultCount> parse_drops{};
  std::array<std::uint64_t, kSctpResultCount> sctp_drops{};
  std::array<std::uint64_t, kDropReasonCount> drops{};

  void drop(ParseResult reason) noexcept { ++parse_drops[static_cast<std::size_t>(reason)]; }

  void drop(SctpResult reason) noexcept { ++sctp_drops[static_cast<std::size_t>(reason)]; }

  void drop(DropReason reason) noexcept { ++drops[static_cast<std::size_t>(reason)]; }
};

}  // namespace twinplane::dataplane
