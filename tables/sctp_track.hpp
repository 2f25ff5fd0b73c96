// SPDX-License-Identifier: BSD-3-Clause
// sctp_track.hpp - an SCTP association as seen from the middle: which of its packets pass, and what
// they change.
//
// Thread:  any; pure functions on one association's state.
// Memory:  none.
// Limits:  the caller has found the state by sctp_key.hpp, and has parsed the packet with success:
//          bundles are as RFC 9260 section 6.10 allows. Which addresses the rules allow is the
//          caller's question too.
// Errors:  SctpOutcome names why a packet is dropped; what is dropped changes nothing.
// Spec:    RFC 9260 sections 5.1, 5.2, 5.4, 8.3, 8.4, 8.5, 8.5.1, 9; RFC 5061 section 4.2;
//          invariant I3.
//
// Restart and collision (section 5.2). An INIT never changes what is established. With a tag that
// is not its sender's it asks for an association of its own, which has other keys and stands beside
// the first: its handshake moves it alone, and the first goes on, or falls silent and ages out.
// That is also why a rank never falls: a restart is another slot or another generation. When a
// packet makes a key known that another association has, sctp_gives_way() decides: one that is
// opening or over goes, as of two that both ends opened at once (5.2.1) one must; else the packet
// is dropped.
//
// Out of the blue (section 8.4). An end that knows no association answers with an ABORT or a
// SHUTDOWN COMPLETE that reflects the tag. So for a while after its end an association lets pass
// what its other side still sends, and such answers to it; without an association only an INIT
// passes.
//
// Addresses that join (RFC 5061). An ASCONF with the right tag, over a path that is known, adds
// addresses to its sender's, when it passes and not when it is answered. Its AUTH chunk is the
// ends' secret: that the rules are asked about each path beside the first is what bounds a forger.
// An address that it takes away stays: packets to it are under way, and the other end may refuse.
//
// Takeover. What the mirror had not heard yet must not end an association: packets of the server
// with the right tag prove that it took the cookie, seen or not, and everything else that is missed
// is sent again by the ends.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tables/sctp_state.hpp"
#include "tables/sctp_summary.hpp"

namespace twinplane::tables {

enum class SctpOutcome : std::uint8_t {
  kForward,
  kOpens,          // an INIT of another association: ask the rules, then sctp_open() that one
  kNoAssociation,  // nothing is known of it, and it is no INIT
  kBadBundle,      // a reflected tag covers the one chunk alone that reflects it
  kWrongTag,
  kUnknownAddress,  // the source is none of its side's addresses, or the target none of the other's
  kKeysAlike,       // an INIT or INIT ACK with the other side's tag, between equal ports
  kUnexpectedInitAck,   // not asked for, or answered differently before
  kUnexpectedCookie,    // COOKIE ECHO or COOKIE ACK where there is none to echo
  kUnexpectedShutdown,  // SHUTDOWN of what is not established, or an answer to none
  kTooEarly,            // anything else before the INIT is answered
  kTooLate,             // from a side that has ended the association
  kCount,
};

inline constexpr std::size_t kSctpOutcomeCount = static_cast<std::size_t>(SctpOutcome::kCount);

inline constexpr auto kSctpOutcomeNames = std::to_array<std::string_view>({
    "forward",
    "opens",
    "no_association",
    "bad_bundle",
    "wrong_tag",
    "unknown_address",
    "keys_alike",
    "unexpected_init_ack",
    "unexpected_cookie",
    "unexpected_shutdown",
    "too_early",
    "too_late",
});
static_assert(kSctpOutcomeNames.size() == kSctpOutcomeCount);
static_assert(std::ranges::none_of(kSctpOutcomeNames, &std::string_view::empty));

constexpr std::string_view name(SctpOutcome outcome) noexcept {
  const auto index = static_cast<std::size_t>(outcome);
  return index < kSctpOutcomeCount ? kSctpOutcomeNames[index] : "unknown";
}

struct SctpVerdict {
  SctpOutcome outcome;
  std::uint8_t marks;  // DirtyMark: kMarkWhole for tags and addresses, else kMarkState; 0 = nothing

  friend constexpr bool operator==(const SctpVerdict&, const SctpVerdict&) = default;
};

// IPv4 addresses are mapped: mapped_address().
struct SctpPath {
  Address6 source;
  Address6 target;
};

// Has each side the path's address of it, for packets of `direction`?
[[nodiscard]] bool sctp_knows_path(const SctpState& state, Direction direction,
                                   const SctpPath& path) noexcept;

// A new association from its INIT, whose sender is the client.
void sctp_open(SctpState& state, const SctpSummary& init, const SctpPath& path) noexcept;

// Judges one packet that runs in `direction`, and takes it into account.
[[nodiscard]] SctpVerdict sctp_advance(SctpState& state, Direction direction,
                                       const SctpSummary& packet, const SctpPath& path) noexcept;

// Judges one packet for which no association was found.
[[nodiscard]] constexpr SctpOutcome sctp_out_of_the_blue(const SctpSummary& packet) noexcept {
  return packet.first_chunk == kSctpInit ? SctpOutcome::kOpens : SctpOutcome::kNoAssociation;
}

}  // namespace twinplane::tables
