// SPDX-License-Identifier: BSD-3-Clause
// sctp_state.hpp - what is held of one SCTP association: tags, rank, and the addresses of both
// sides.
//
// Thread:  the core that owns the partition; values.
// Memory:  148 bytes, no padding; unused places are 0, so that states are compared as bytes.
// Limits:  4 addresses a side. A side that has more is open: packets of any address are its own
//          when their tag is right. Addresses that join later (RFC 5061) take places that are
//          left; one that leaves keeps its place until the association ends.
// Errors:  none.
// Spec:    RFC 9260 sections 4, 5, 8.5, 9 as seen from the middle; invariant I3: the rank only
//          rises within a generation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tables/flow_key.hpp"
#include "tables/sctp_summary.hpp"
#include "tables/session.hpp"

namespace twinplane::tables {

// The association's, not one side's: what both ends know is what has passed the middle.
enum class SctpRank : std::uint8_t {
  kNone = 0,           // no association
  kInitSent = 1,       // the client waits for a cookie
  kInitAcked = 2,      // the server has answered; both tags are known
  kCookieEchoed = 3,   // the cookie was brought back
  kEstablished = 4,    // the cookie was taken
  kShutdownSent = 5,   // SHUTDOWN seen from either side
  kShutdownAcked = 6,  // SHUTDOWN ACK seen
  kClosed = 7,         // SHUTDOWN COMPLETE seen
  kAborted = 8,        // ABORT seen
};
inline constexpr std::size_t kSctpRankCount = 9;

// Those marked (d) are two bits, one for each side: sctp_flag() makes them.
enum SctpFlag : std::uint16_t {
  kSctpAskedAgain = 1U << 0U,       // an INIT came after what is known of the server's tag
  kSctpServerCookie = 1U << 1U,     // the server echoed a cookie too: both had sent an INIT
  kSctpShutdownSeen = 1U << 2U,     // (d) SHUTDOWN seen from this side
  kSctpShutdownAckSeen = 1U << 4U,  // (d) SHUTDOWN ACK seen from this side
  kSctpEnded = 1U << 6U,            // (d) this side has forgotten the association
  kSctpMoreAddresses = 1U << 8U,    // (d) this side has more addresses than there is room for
};

inline constexpr std::uint16_t kSctpFlags = (1U << 10U) - 1;

constexpr std::uint16_t sctp_flag(SctpFlag flag, Direction side) noexcept {
  return static_cast<std::uint16_t>(flag << static_cast<unsigned>(side));
}

enum SctpAddressFlag : std::uint8_t {
  kSctpAddressUsed = 1U << 0U,       // the place holds an address
  kSctpAddressConfirmed = 1U << 1U,  // an INIT, INIT ACK or HEARTBEAT ACK came from it
  kSctpAddressPrimary = 1U << 2U,    // the one that the association was opened between
};

// Per-side fields are indexed by the direction of the side's own packets: [kFromClient] is the
// client's.
struct SctpState {
  std::array<std::array<Address6, kSctpAddressesMax>, 2> addresses;
  // What packets of this direction carry: the receiver's own. 0 = not known yet.
  std::array<std::uint32_t, 2> tags;
  std::array<std::array<std::uint8_t, kSctpAddressesMax>, 2> address_flags;  // SctpAddressFlag
  std::uint16_t flags;                                                       // SctpFlag
  SctpRank rank;
  std::uint8_t zero;

  friend bool operator==(const SctpState& left, const SctpState& right) noexcept {
    return std::memcmp(&left, &right, sizeof(SctpState)) == 0;
  }
};

static_assert(sizeof(SctpState) == 148 && std::has_unique_object_representations_v<SctpState>);

enum class SctpTimeoutClass : std::uint8_t {
  kOpening = 0,  // what a flood of INITs fills the table with
  kEstablished = 1,
  kClosing = 2,
  kClosed = 3,
};
inline constexpr std::size_t kSctpTimeoutClassCount = 4;

constexpr bool sctp_has(const SctpState& state, SctpFlag flag, Direction side) noexcept {
  return (state.flags & sctp_flag(flag, side)) != 0;
}

// One end has forgotten the association.
constexpr bool sctp_is_over(const SctpState& state) noexcept {
  return state.rank >= SctpRank::kClosed;
}

// The class follows from the rank; it is never sent.
constexpr SctpTimeoutClass sctp_timeout_class(const SctpState& state) noexcept {
  if (sctp_is_over(state)) return SctpTimeoutClass::kClosed;
  if (state.rank >= SctpRank::kShutdownSent) return SctpTimeoutClass::kClosing;
  return state.rank == SctpRank::kEstablished ? SctpTimeoutClass::kEstablished
                                              : SctpTimeoutClass::kOpening;
}

// True when a new association that needs one of its keys may take its place: nobody has gained
// anything by it yet, or no longer.
constexpr bool sctp_gives_way(const SctpState& state) noexcept {
  return state.rank < SctpRank::kEstablished || sctp_is_over(state);
}

// False for a state that sctp_open() and sctp_advance() cannot have made: what comes from a peer is
// asked before it is taken.
[[nodiscard]] bool sctp_is_sound(const SctpState& state) noexcept;

}  // namespace twinplane::tables
