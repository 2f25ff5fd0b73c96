// SPDX-License-Identifier: BSD-3-Clause
// forward_result.hpp - what becomes of a packet, and why when it is dropped.
//
// Thread:  any; values.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    each reason is a counter `drop_<name>` over telemetry.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/icmp_error.hpp"
#include "tables/slot_table.hpp"

namespace twinplane::dataplane {

enum class DropReason : std::uint8_t {
  kNone,
  kNotActive,       // this box is not the active one
  kBadChecksum,     // the device says so, where it checks
  kWrongVlan,       // not the VLAN that the port serves
  kGroupFrame,      // multicast or broadcast: not forwarded
  kNotForwardable,  // link-local or unspecified address
  kNoFirstFragment,
  kBadFragment,
  kTcpNotSyn,      // no session, and not the first packet of one
  kIcmpNoSession,  // an ICMP message other than an echo request, and no session for it
  kNoRoute,
  kLocalRefused,  // to the box itself, and nothing here answers that
  kRuleDrop,      // a rule says drop, or no rule matches
  kNatExhausted,
  kNatBlockExhausted,  // no port of the client's own block is free for that server
  kNatConflict,        // translated it would be another session, or one of a host with itself
  kTableFull,
  kIndexFull,
  kWrongDirection,  // it matches a session's key from the side that never sends it
  kWrongZone,       // it came in by another zone than the session's
  kTtlExceeded,
  kTooBig,
  kNotFragmented,  // too big for the port's MTU, to be cut, and no buffers for the pieces
  kNoNeighbor,     // the next hop did not answer
  kNoBuffer,
  kRingFull,          // the owner core's ring was full
  kTransmitFull,      // the device took no more
  kShiftLost,         // what its session's sequence numbers are moved by was lost at a takeover
  kShiftCut,          // it holds a part of a text that is replaced, and not all of it
  kDosBlocked,        // its source is on the block list
  kDosRandom,         // without a session, more of them than activate: chosen by chance
  kDosMaximum,        // without a session, more of them than maximum
  kCookieUnfit,       // it has IP options or extension headers: no cookie answers it
  kSpliceOpening,     // its session waits for the server's answer to a SYN of the box's
  kSpliceNoRoom,      // a client showed its cookie, and no shift is free, or it did twice at once
  kHelperPartial,     // a control session's segment ends within what names an endpoint, or is cut
  kHelperCrowded,     // it names more than one
  kHelperBounce,      // a client names an endpoint that is not its own
  kHelperPrivileged,  // it names a port below 1024
  kHelperNoRoom,      // no room for an expectation, a shift, a port or the text
  kHelperUnsettled,   // another text of that direction is not acknowledged yet, or came otherwise
  kBridge,            // by a bridge domain: /twinplane/bridges says why
  kHoldFull,          // its session waits for the peer, and no more packets can
  kHoldGone,          // its session waited for the peer and has ended meanwhile
  // In the order of tables::SctpOutcome, which says what each means.
  kSctpNoAssociation,
  kSctpBadBundle,
  kSctpWrongTag,
  kSctpUnknownAddress,
  kSctpKeysAlike,
  kSctpUnexpectedInitAck,
  kSctpUnexpectedCookie,
  kSctpUnexpectedShutdown,
  kSctpTooEarly,
  kSctpTooLate,
  kSctpKeyHeld,     // another association has the key that the packet makes known
  kSctpTranslated,  // a rule of NAT would hide the client: SCTP is not translated
  kSctpFragment,    // an IP fragment, whose chunks and checksum cannot be seen
  kCount,
};

inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::kCount);

inline constexpr auto kDropReasonNames =
    std::to_array<std::string_view>({"none",
                                     "not_active",
                                     "bad_checksum",
                                     "wrong_vlan",
                                     "group_frame",
                                     "not_forwardable",
                                     "no_first_fragment",
                                     "bad_fragment",
                                     "tcp_not_syn",
                                     "icmp_no_session",
                                     "no_route",
                                     "local_refused",
                                     "rule",
                                     "nat_exhausted",
                                     "nat_block_exhausted",
                                     "nat_conflict",
                                     "table_full",
                                     "index_full",
                                     "wrong_direction",
                                     "wrong_zone",
                                     "ttl_exceeded",
                                     "too_big",
                                     "not_fragmented",
                                     "no_neighbor",
                                     "no_buffer",
                                     "ring_full",
                                     "transmit_full",
                                     "shift_lost",
                                     "shift_cut",
                                     "dos_blocked",
                                     "dos_random",
                                     "dos_maximum",
                                     "cookie_unfit",
                                     "splice_opening",
                                     "splice_no_room",
                                     "helper_partial",
                                     "helper_crowded",
                                     "helper_bounce",
                                     "helper_privileged",
                                     "helper_no_room",
                                     "helper_unsettled",
                                     "bridge",
                                     "hold_full",
                                     "hold_gone",
                                     "sctp_no_association",
                                     "sctp_bad_bundle",
                                     "sctp_wrong_tag",
                                     "sctp_unknown_address",
                                     "sctp_keys_alike",
                                     "sctp_unexpected_init_ack",
                                     "sctp_unexpected_cookie",
                                     "sctp_unexpected_shutdown",
                                     "sctp_too_early",
                                     "sctp_too_late",
                                     "sctp_key_held",
                                     "sctp_translated",
                                     "sctp_fragment"});
static_assert(kDropReasonNames.size() == kDropReasonCount);
static_assert(std::ranges::none_of(kDropReasonNames, &std::string_view::empty));

constexpr std::string_view name(DropReason reason) noexcept {
  return kDropReasonNames[static_cast<std::size_t>(reason)];
}

enum class ForwardVerdict : std::uint8_t {
  kForward,  // rewritten; send it by port_index to next_hop or return_mac
  kDrop,
  kIcmpError,  // drop it and answer its sender
  kToSelf,     // for one of the box's own addresses: an echo request
};

struct ForwardResult {
  ForwardVerdict verdict = ForwardVerdict::kDrop;
  DropReason reason = DropReason::kNone;               // kDrop and kIcmpError
  IcmpErrorKind icmp_error = IcmpErrorKind::kNoRoute;  // kIcmpError
  // what the packet is too big for, in kIcmpError to be told, in kForward to be cut for; 0: it fits
  std::uint16_t mtu_bytes = 0;
  // kForward: how long the frame is now, that a helper has written into; 0: as it was
  std::uint16_t frame_bytes = 0;
  std::uint8_t port_index = 0;  // kForward
  bool was_taken_over = false;  // the session was opened by the peer
  std::uint32_t held_slot = tables::kNoSlot;
  bool is_returned = false;  // kForward: to return_mac, and next_hop is not set
  std::array<std::uint8_t, 6> return_mac{};
  tables::Address4 next_hop4{};  // kForward, by the packet's family
  tables::Address6 next_hop6{};

  static ForwardResult drop(DropReason reason) noexcept {
    return {.verdict = ForwardVerdict::kDrop, .reason = reason};
  }

  static ForwardResult error(IcmpErrorKind kind, DropReason reason,
                             std::uint16_t mtu_bytes = 0) noexcept {
    return {.verdict = ForwardVerdict::kIcmpError,
            .reason = reason,
            .icmp_error = kind,
            .mtu_bytes = mtu_bytes};
  }
};

}  // namespace twinplane::dataplane
