// SPDX-License-Identifier: BSD-3-Clause
// replay_window.hpp - which ESP packets of an inbound SA have been accepted: the anti-replay
// window, and what becomes of it when another box goes on with it.
//
//     lower ................... top - kWidth | top - kWidth + 1 ........ top | top + 1 ...
//     too old                                | a bit each: seen or not       | new
//
// A number's bit stands at number modulo kWidth, so the window slides without moving a bit, and two
// windows with the same top have the same bit for the same number.
//
// replay_check() before authentication changes nothing. replay_advance() after it decides: two
// copies in one burst both pass the check, and only the first of them advances.
//
// A copy of the window may be behind. Whatever it is told, it only closes: replay_merge() takes a
// window, replay_close() a top alone, and replay_jump() at takeover closes as well what the old box
// may have accepted since. So no packet is accepted by both (I6), for the price of packets refused
// that nobody had seen.
//
// Thread:  one at a time; a value.
// Memory:  8 bytes and a bit for each number: 64 bytes, one line, for kWidth 448, 136 for 1024. All
//          zeros is a new SA's window.
// Limits:  kWidth 64..1024 (less in tests); numbers of sequence_space.hpp.
// Errors:  named verdicts.
// Spec:    RFC 4303 section 3.4.3 and appendix A2; DESIGN.md D-T12; invariants I3, I6.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "tables/sequence_space.hpp"

namespace twinplane::tables {

enum class ReplayVerdict : std::uint8_t {
  kNew,       // to be accepted
  kSeen,      // accepted before, or closed
  kTooOld,    // below the window
  kNoNumber,  // 0: no sender uses it
};

enum class ReplayJump : std::uint8_t {
  kMoved,
  kNeedsNewSa,  // moved, but so far that the sender will not catch up: ask for a new SA
};

template <std::uint32_t kWidth>
struct ReplayWindow {
  static_assert(kWidth >= 1 && kWidth <= 1024);

  std::uint64_t top;  // highest number accepted or closed; 0 = none
  std::array<std::uint64_t, (kWidth + 63) / 64> seen;

  friend bool operator==(const ReplayWindow&, const ReplayWindow&) = default;
};

// The widest window that shares one cache line with its top.
inline constexpr std::uint32_t kReplayWidthOfLine = 448;
static_assert(sizeof(ReplayWindow<kReplayWidthOfLine>) == 64);

namespace replay_internal {

template <std::uint32_t kWidth>
constexpr bool is_seen(const ReplayWindow<kWidth>& window, std::uint64_t sequence) noexcept {
  const std::uint64_t place = sequence % kWidth;
  return (window.seen[place / 64] >> (place % 64) & 1U) != 0;
}

template <std::uint32_t kWidth>
constexpr void mark(ReplayWindow<kWidth>& window, std::uint64_t sequence) noexcept {
  const std::uint64_t place = sequence % kWidth;
  window.seen[place / 64] |= std::uint64_t{1} << (place % 64);
}

// Places [first, end), which do not run over the end of the window.
template <std::uint32_t kWidth>
constexpr void clear(ReplayWindow<kWidth>& window, std::uint64_t first,
                     std::uint64_t end) noexcept {
  while (first < end) {
    const std::uint64_t word_end = std::min(end, (first / 64 + 1) * 64);
    const std::uint64_t bits = ~std::uint64_t{0} >> (64 - (word_end - first));
    window.seen[first / 64] &= ~(bits << (first % 64));
    first = word_end;
  }
}

// Slides the window up to `top`; the numbers that come in have not been seen. A lower top changes
// nothing.
template <std::uint32_t kWidth>
constexpr void slide(ReplayWindow<kWidth>& window, std::uint64_t top) noexcept {
  if (top <= window.top) return;
  const std::uint64_t distance = top - window.top;
  if (distance >= kWidth) {
    window.seen = {};
  } else {
    const std::uint64_t first = (window.top + 1) % kWidth;
    clear(window, first, std::min<std::uint64_t>(first + distance, kWidth));
    if (first + distance > kWidth) clear(window, 0, first + distance - kWidth);
  }
  window.top = top;
}

}  // namespace replay_internal

// The number of a packet that came with `wire` in its header.
template <std::uint32_t kWidth>
constexpr std::uint64_t replay_sequence(const ReplayWindow<kWidth>& window, std::uint32_t wire,
                                        SequenceSpace space) noexcept {
  return space == SequenceSpace::k32 ? wire : infer_sequence(window.top, wire, kWidth);
}

template <std::uint32_t kWidth>
[[nodiscard]] constexpr ReplayVerdict replay_check(const ReplayWindow<kWidth>& window,
                                                   std::uint64_t sequence) noexcept {
  if (sequence > window.top) return ReplayVerdict::kNew;
  if (sequence == 0) return ReplayVerdict::kNoNumber;
  if (window.top - sequence >= kWidth) return ReplayVerdict::kTooOld;
  return replay_internal::is_seen(window, sequence) ? ReplayVerdict::kSeen : ReplayVerdict::kNew;
}

// The packet is authentic. kNew: it has its place now and is to be accepted; else nothing changed.
template <std::uint32_t kWidth>
[[nodiscard]] constexpr ReplayVerdict replay_advance(ReplayWindow<kWidth>& window,
                                                     std::uint64_t sequence) noexcept {
  const ReplayVerdict verdict = replay_check(window, sequence);
  if (verdict != ReplayVerdict::kNew) return verdict;
  replay_internal::slide(window, sequence);
  replay_internal::mark(window, sequence);
  return verdict;
}

// Accepts afterwards what both accept: the higher top, and what either has seen. In whatever order
// and however often windows are merged, the result is the same.
template <std::uint32_t kWidth>
constexpr void replay_merge(ReplayWindow<kWidth>& window, ReplayWindow<kWidth> other) noexcept {
  replay_internal::slide(window, other.top);
  replay_internal::slide(other, window.top);
  for (std::size_t i = 0; i < window.seen.size(); ++i) window.seen[i] |= other.seen[i];
}

// Everything up to `top` counts as seen: what a top that came without its window says. A lower top
// closes what is left open below it.
template <std::uint32_t kWidth>
constexpr void replay_close(ReplayWindow<kWidth>& window, std::uint64_t top) noexcept {
  ReplayWindow<kWidth> closed{.top = top, .seen = {}};
  closed.seen.fill(~std::uint64_t{0});
  replay_merge(window, closed);
}

// Takeover from a box that was last heard of `packets` packets ago, at most
// (packets_within() of its rate and the time since, and a margin): all that it may have accepted
// counts as seen. With 0 what is known is closed, as a top may have come without its window.
template <std::uint32_t kWidth>
[[nodiscard]] constexpr ReplayJump replay_jump(ReplayWindow<kWidth>& window, std::uint64_t packets,
                                               SequenceSpace space) noexcept {
  replay_close(window, add_sequences(window.top, packets, space));
  const bool is_too_far = packets > kSequenceJumpMax || window.top == last_sequence(space);
  return is_too_far ? ReplayJump::kNeedsNewSa : ReplayJump::kMoved;
}

}  // namespace twinplane::tables
