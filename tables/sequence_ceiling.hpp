// SPDX-License-Identifier: BSD-3-Clause
// sequence_ceiling.hpp - which numbers an outbound SA's owner may use, so that whoever takes it
// over never uses one of them again.
//
//     1 ............ used | used + 1 ....... usable | usable + 1 ....... asked |
//     gone, each once     | may be used now         | asked for, not yet usable |
//
// The owner tells the mirror how far it wants to go (the ceiling it asks for, an absolute value, so
// that a lost or coalesced record does no harm), and goes as far as the mirror has answered. If no
// answer comes, traffic goes on: a ceiling becomes usable as well when it was asked for a whole
// patience ago, and the SA is ungranted as long as it uses such numbers. There is one open question
// at a time, for at most a size that the mirror has been told before. That is what makes the
// mirror's sum right: since it last knew everything, `patience_ns` had to pass before the owner
// could go beyond the highest ceiling that the mirror knows, and again for each further size.
//
//     mirror knew everything less than a patience ago:  start at that ceiling + 1
//     longer ago:  start at that ceiling + 1 + size * (whole patiences since), ask for a new SA
//
// The size is four patiences of the highest rate measured, so size / patience_ns is a rate: the
// jump is rate x time, and the owner is held to that rate (a packet beyond it waits or is dropped,
// kAwaitsGrant), as a rate that was only measured would promise nothing of the next burst. At up to
// twice the measured rate nothing ever waits: half a size is left when it asks.
//
// Thread:  one; values. Time comes in, in nanoseconds; only differences are used, each by the box
//          that made them.
// Memory:  48 bytes for the owner, 16 for the mirror.
// Limits:  the same GrantLimits on both boxes, sizes in a record not below size_min: whoever
//          decodes it sees to that. patience_ns above 0, and longer than it takes to notice that
//          the owner is dead, or each takeover asks for new SAs. Only a mirror that has been told
//          everything once may take over, and from then on the old owner must send nothing: a box
//          that came back with what it owned once, or both at once, are not covered.
// Errors:  named outcomes; an answer to what was never asked changes nothing.
// Spec:    DESIGN.md D-T13; RFC 4303 section 3.3.3; invariants I3, I6.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "tables/packet_rate.hpp"
#include "tables/sequence_space.hpp"

namespace twinplane::tables {

// Sizes are powers of two. The defaults: 655,360 packets a second of an SA of which nothing has
// been measured yet and whose mirror is gone.
struct GrantLimits {
  std::uint32_t size_min = 65'536;
  std::uint32_t size_max = 1U << 26U;
  std::uint64_t patience_ns = 100'000'000;
};

// What the owner says, and the mirror keeps.
struct SequenceGrant {
  std::uint64_t ceiling;  // no number above it has been used
  std::uint32_t size;     // what the owner may ask for on top before it is answered
  std::uint32_t zero;

  friend bool operator==(const SequenceGrant&, const SequenceGrant&) = default;
};

struct SequenceCeiling {
  std::uint64_t used;      // the last number used; 0 = none
  std::uint64_t answered;  // the mirror knows this ceiling
  std::uint64_t usable;    // numbers up to here: answered, or waited for
  std::uint64_t asked;     // the highest ceiling ever asked for
  std::uint64_t asked_ns;
  std::uint32_t size;       // of questions now; the mirror knows it
  std::uint32_t size_told;  // with the last question; only rises
};

enum class SequenceOutcome : std::uint8_t {
  kTaken,
  kAwaitsGrant,  // some more when the mirror answers, or the patience is over
  kExhausted,    // never again: every number has been used
};

// Numbers [first, first + count). Where count is less than what was asked, outcome says why.
struct SequenceRun {
  std::uint64_t first;
  std::uint32_t count;
  SequenceOutcome outcome;
};

enum class GrantAnswer : std::uint8_t {
  kRaised,
  kKnown,       // late or said again
  kNeverAsked,  // no such question: the answer is another stream's, or forged
};

enum class SequenceTakeover : std::uint8_t {
  kAbove,      // above every ceiling; nothing left out
  kJumped,     // above all that may have been used since; ask for a new SA
  kNewSaOnly,  // no number is safe: nothing may be sent before there is a new SA
};

// Four patiences at that rate.
constexpr std::uint32_t grant_size(std::uint32_t rate_per_s, const GrantLimits& limits) noexcept {
  const std::uint64_t packets = packets_within(rate_per_s, limits.patience_ns);
  if (packets >= limits.size_max / 4) return limits.size_max;
  return std::max(limits.size_min, std::bit_ceil(static_cast<std::uint32_t>(4 * packets)));
}

// An SA that sends its first packet with `first`. A mirror is told of the SA and of this ceiling at
// once, so the first grant needs no answer.
constexpr SequenceCeiling open_ceiling(std::uint64_t first, std::uint32_t size,
                                       SequenceSpace space) noexcept {
  const std::uint64_t ceiling = add_sequences(first - 1, size, space);
  return {.used = first - 1,
          .answered = ceiling,
          .usable = ceiling,
          .asked = ceiling,
          .asked_ns = 0,
          .size = size,
          .size_told = size};
}

constexpr SequenceGrant grant_of(const SequenceCeiling& owner) noexcept {
  return {.ceiling = owner.asked, .size = owner.size_told, .zero = 0};
}

// What the owner has asked for became usable, by an answer or by waiting. Time that goes back ends
// no wait.
constexpr bool is_grant_usable(const SequenceCeiling& owner, std::uint64_t now_ns,
                               const GrantLimits& limits) noexcept {
  return owner.usable == owner.asked ||
         (now_ns > owner.asked_ns && now_ns - owner.asked_ns >= limits.patience_ns);
}

// The mirror was heard of, though it has not answered the open question yet: it will, so the wait
// begins anew. Beyond what was answered the owner goes on only where it hears nothing.
constexpr void put_off(SequenceCeiling& owner, std::uint64_t heard_ns) noexcept {
  if (owner.usable != owner.asked) owner.asked_ns = std::max(owner.asked_ns, heard_ns);
}

constexpr bool is_ungranted(const SequenceCeiling& owner) noexcept {
  return owner.used > owner.answered;
}

// So near the end that a takeover might have no room to jump.
constexpr bool needs_new_sa(const SequenceCeiling& owner, SequenceSpace space) noexcept {
  return last_sequence(space) - owner.used <= kSequenceJumpMax;
}

// Numbers for `count` packets, or for as many of them as may go.
[[nodiscard]] constexpr SequenceRun take_sequences(SequenceCeiling& owner, std::uint32_t count,
                                                   std::uint64_t now_ns, const GrantLimits& limits,
                                                   SequenceSpace space) noexcept {
  if (is_grant_usable(owner, now_ns, limits)) owner.usable = owner.asked;
  const auto taken =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(count, owner.usable - owner.used));
  const std::uint64_t first = owner.used + 1;
  owner.used += taken;
  if (taken == count) return {first, taken, SequenceOutcome::kTaken};
  const bool is_end = owner.used == last_sequence(space);
  return {first, taken, is_end ? SequenceOutcome::kExhausted : SequenceOutcome::kAwaitsGrant};
}

// Once half a size or less is left, and no question is open, asks for the next. True: grant_of() is
// to be told, now and whenever it may have been lost.
[[nodiscard]] constexpr bool try_ask_grant(SequenceCeiling& owner, std::uint32_t rate_per_s,
                                           std::uint64_t now_ns, const GrantLimits& limits,
                                           SequenceSpace space) noexcept {
  if (owner.asked - owner.used > owner.size / 2 || owner.asked == last_sequence(space) ||
      !is_grant_usable(owner, now_ns, limits))
    return false;
  owner.usable = owner.asked;
  owner.asked = add_sequences(owner.used, owner.size, space);
  owner.asked_ns = now_ns;
  owner.size_told = std::max(owner.size_told, grant_size(rate_per_s, limits));
  return true;
}

// The mirror has applied a record with that ceiling.
constexpr GrantAnswer answer_grant(SequenceCeiling& owner, std::uint64_t ceiling) noexcept {
  if (ceiling > owner.asked) return GrantAnswer::kNeverAsked;
  if (ceiling <= owner.answered) return GrantAnswer::kKnown;
  owner.answered = ceiling;
  owner.usable = std::max(owner.usable, ceiling);
  // Sizes only rise, so a mirror that knows the last question knows none larger.
  if (ceiling == owner.asked) owner.size = owner.size_told;
  return GrantAnswer::kRaised;
}

// At the mirror; whatever comes late or twice, it only rises.
constexpr void merge_grant(SequenceGrant& known, const SequenceGrant& told) noexcept {
  known.ceiling = std::max(known.ceiling, told.ceiling);
  known.size = std::max(known.size, told.size);
}

// The mirror goes on with the SA; `owner` is its state from now on. stale_ns: how long ago, at
// most, the moment was up to which it knows all that the old owner said, with flush time and the
// link's delay.
[[nodiscard]] constexpr SequenceTakeover take_over(const SequenceGrant& known,
                                                   std::uint64_t stale_ns,
                                                   const GrantLimits& limits, SequenceSpace space,
                                                   SequenceCeiling& owner) noexcept {
  const std::uint64_t waits = stale_ns / limits.patience_ns;
  std::uint64_t jump = 0;
  const bool is_over = __builtin_mul_overflow(waits, known.size, &jump);
  const std::uint64_t passed = add_sequences(known.ceiling, jump, space);
  const std::uint64_t last = last_sequence(space);
  if (is_over || jump > kSequenceJumpMax || passed == last) {
    owner = open_ceiling(last, known.size, space);
    owner.used = last;
    return SequenceTakeover::kNewSaOnly;
  }
  owner = open_ceiling(passed + 1, known.size, space);
  return waits == 0 ? SequenceTakeover::kAbove : SequenceTakeover::kJumped;
}

}  // namespace twinplane::tables
