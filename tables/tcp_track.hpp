// SPDX-License-Identifier: BSD-3-Clause
// tcp_track.hpp - a TCP session as seen from the middle: ranks of both directions, window edges,
// when it is over.
//
// Thread:  any; pure functions on one session's state.
// Memory:  none.
// Limits:  window scales 0..14 (RFC 7323).
// Errors:  none: a segment that fits no rule changes nothing.
// Spec:    RFC 9293 section 3.3.2 as seen by an observer; RFC 7323; invariant I3: ranks and edges
//          only rise.
#pragma once

#include <cstdint>

#include "tables/session.hpp"

namespace twinplane::tables {

enum TcpFlag : std::uint8_t { kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10 };

struct TcpSegment {
  std::uint32_t seq;
  std::uint32_t ack;
  std::uint32_t payload_bytes;
  std::uint16_t window;       // as it stands in the header, unscaled
  std::uint8_t flags;         // TcpFlag
  std::uint8_t window_scale;  // the SYN's option, 0..14; kNoWindowScale when it has none
};

inline constexpr std::uint8_t kNoWindowScale = 15;

// The edges are sent anew when one has moved this far past what the peer knows: coarse, because
// they only widen what is accepted.
inline constexpr std::uint32_t kWindowRefreshBytes = 256 * 1024;

// How far behind its side's edge a sequence number is still believed: of a reset that answers a
// late acknowledgement, of data that comes again.
inline constexpr std::uint32_t kBelievedBehindBytes = 1024 * 1024;

// True when `later` is ahead of `earlier` in TCP's wrapping sequence space.
constexpr bool tcp_is_after(std::uint32_t later, std::uint32_t earlier) noexcept {
  return static_cast<std::int32_t>(later - earlier) > 0;
}

// A new session from its first SYN.
void tcp_open(SessionState& state, const TcpSegment& syn) noexcept;

// Takes one segment into account; returns the DirtyMark bits of what changed (0 for most segments).
[[nodiscard]] std::uint8_t tcp_advance(SessionState& state, Direction direction,
                                       const TcpSegment& segment) noexcept;

// Can a segment of that direction, which has sent before, have this sequence number (after RFC
// 5961, but lenient)? Not far behind what its side has sent, and not far beyond what the other side
// has allowed, as edges from the peer may be a step behind. Anything can where no edge is known.
[[nodiscard]] bool tcp_is_believable(const SessionState& state, Direction direction,
                                     std::uint32_t sequence) noexcept;

// True when both directions are closed or one was reset: a SYN with these ends then starts a new
// session.
[[nodiscard]] bool tcp_is_over(const SessionState& state) noexcept;

}  // namespace twinplane::tables
