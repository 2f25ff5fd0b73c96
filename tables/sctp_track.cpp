// SPDX-License-Identifier: BSD-3-Clause
#include "tables/sctp_track.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace twinplane::tables {

namespace {

constexpr SctpVerdict drop(SctpOutcome outcome) noexcept { return {outcome, 0}; }

// The place of `address` among those of `side`; kSctpAddressesMax when it is none of them.
std::size_t place_of(const SctpState& state, Direction side, const Address6& address) noexcept {
  std::size_t place = 0;
  while (place < kSctpAddressesMax && ((state.address_flags[side][place] & kSctpAddressUsed) == 0 ||
                                       state.addresses[side][place] != address))
    ++place;
  return place;
}

bool is_address_of(const SctpState& state, Direction side, const Address6& address) noexcept {
  return sctp_has(state, kSctpMoreAddresses, side) ||
         place_of(state, side, address) < kSctpAddressesMax;
}

// kMarkWhole when any of them is new to the side. `has_more`: these are not all that were told.
std::uint8_t add_addresses(SctpState& state, Direction side, std::span<const Address6> addresses,
                           bool has_more) noexcept {
  auto& flags = state.address_flags[side];
  const auto free_place = std::ranges::find(flags, 0);
  auto used_count = static_cast<std::size_t>(free_place - flags.begin());
  const std::size_t used_before = used_count;
  for (const Address6& address : addresses) {
    if (place_of(state, side, address) < kSctpAddressesMax) continue;
    has_more |= used_count == kSctpAddressesMax;
    if (used_count == kSctpAddressesMax) break;
    state.addresses[side][used_count] = address;
    flags[used_count++] = kSctpAddressUsed;
  }
  const std::uint16_t flags_before = state.flags;
  if (has_more) state.flags |= sctp_flag(kSctpMoreAddresses, side);
  const bool is_changed = used_count != used_before || state.flags != flags_before;
  return is_changed ? std::uint8_t{kMarkWhole} : std::uint8_t{0};
}

std::uint8_t add_announced(SctpState& state, Direction side,
                           const SctpSummary& announced) noexcept {
  return add_addresses(state, side, announced.known_addresses(),
                       announced.address_count > kSctpAddressesMax);
}

// Forgets the side's addresses for the one that it is spoken to by, and those that it lists.
void set_addresses(SctpState& state, Direction side, const Address6& primary,
                   std::uint8_t primary_flags, const SctpSummary* announced) noexcept {
  auto& addresses = state.addresses[side];
  auto& flags = state.address_flags[side];
  addresses = {};
  flags = {};
  addresses[0] = primary;
  flags[0] = static_cast<std::uint8_t>(kSctpAddressUsed | kSctpAddressPrimary | primary_flags);
  state.flags = static_cast<std::uint16_t>(state.flags & ~sctp_flag(kSctpMoreAddresses, side));
  if (announced != nullptr) add_announced(state, side, *announced);
}

// kMarkState when the address was not confirmed before.
std::uint8_t confirm(SctpState& state, Direction side, const Address6& address) noexcept {
  const std::size_t place = place_of(state, side, address);
  if (place == kSctpAddressesMax) return 0;
  std::uint8_t& flags = state.address_flags[side][place];
  if ((flags & kSctpAddressConfirmed) != 0) return 0;
  flags |= kSctpAddressConfirmed;
  return kMarkState;
}

// kMarkState when either changes.
std::uint8_t set_course(SctpState& state, SctpRank rank, std::uint16_t flags) noexcept {
  const bool is_changed = rank != state.rank || flags != state.flags;
  state.rank = rank;
  state.flags = flags;
  return is_changed ? std::uint8_t{kMarkState} : std::uint8_t{0};
}

// Sections 8.5 and 8.5.1 for whatever is no INIT.
SctpOutcome check_tag_and_path(const SctpState& state, Direction direction,
                               const SctpSummary& packet, const SctpPath& path) noexcept {
  if (packet.is_tag_reflected && packet.chunk_count != 1) return SctpOutcome::kBadBundle;
  const std::uint32_t tag = state.tags[packet.is_tag_reflected ? opposite(direction) : direction];
  if (tag == 0 || packet.tag != tag) return SctpOutcome::kWrongTag;
  return sctp_knows_path(state, direction, path) ? SctpOutcome::kForward
                                                 : SctpOutcome::kUnknownAddress;
}

// Between equal ports, equal tags would make one key of two, and hide which way a packet goes.
constexpr bool makes_keys_alike(const SctpState& state, Direction direction,
                                const SctpSummary& packet) noexcept {
  return packet.source_port_be == packet.target_port_be &&
         packet.initiate_tag == state.tags[direction];
}

// An INIT to or from another address is one to ask the rules about: it opens, and what is opening
// gives way to it.
SctpVerdict on_init(SctpState& state, Direction direction, const SctpSummary& init,
                    const SctpPath& path) noexcept {
  if (init.tag != 0) return drop(SctpOutcome::kWrongTag);
  if (sctp_is_over(state) || !sctp_knows_path(state, direction, path))
    return drop(SctpOutcome::kOpens);
  std::uint32_t& own_tag = state.tags[opposite(direction)];
  if (own_tag == 0) {
    if (makes_keys_alike(state, direction, init)) return drop(SctpOutcome::kKeysAlike);
    // Both ends open at once. Anybody can claim this tag: the server's INIT ACK may correct it.
    own_tag = init.initiate_tag;
    set_addresses(state, direction, path.source, kSctpAddressConfirmed, &init);
    state.flags |= kSctpAskedAgain;
    return {SctpOutcome::kForward, kMarkWhole};
  }
  if (own_tag != init.initiate_tag) return drop(SctpOutcome::kOpens);
  // A server that keeps nothing before the cookie answers each INIT with another tag.
  const bool asks_again = direction == kFromClient && state.tags[kFromClient] != 0 &&
                          state.rank <= SctpRank::kCookieEchoed;
  std::uint16_t flags = state.flags;
  if (asks_again) flags |= kSctpAskedAgain;
  return {SctpOutcome::kForward, set_course(state, state.rank, flags)};
}

const Address6& primary_of(const SctpState& state, Direction side) noexcept {
  std::size_t place = 0;
  while (place + 1 < kSctpAddressesMax &&
         (state.address_flags[side][place] & kSctpAddressPrimary) == 0)
    ++place;
  return state.addresses[side][place];
}

// An end with several addresses may answer by another one than it was asked by, when it lists that
// one as its own (section 5.1.2). The path that the rules were asked about stays the first.
SctpVerdict on_init_ack(SctpState& state, Direction direction, const SctpSummary& init_ack,
                        const SctpPath& path) noexcept {
  const Address6 primary = primary_of(state, direction);
  const auto listed = init_ack.known_addresses();
  const bool lists_primary = std::ranges::find(listed, primary) != listed.end();
  const SctpOutcome outcome = check_tag_and_path(
      state, direction, init_ack, {lists_primary ? primary : path.source, path.target});
  if (outcome != SctpOutcome::kForward) return drop(outcome);
  std::uint32_t& own_tag = state.tags[opposite(direction)];
  const bool is_known = own_tag == init_ack.initiate_tag;
  const bool is_asked_for =
      direction == kFromServer && (own_tag == 0 || (state.flags & kSctpAskedAgain) != 0);
  if (state.rank > SctpRank::kCookieEchoed || (!is_known && !is_asked_for))
    return drop(SctpOutcome::kUnexpectedInitAck);
  if (makes_keys_alike(state, direction, init_ack)) return drop(SctpOutcome::kKeysAlike);
  std::uint8_t marks = confirm(state, direction, path.source);
  if (!is_known) {
    own_tag = init_ack.initiate_tag;
    set_addresses(state, direction, primary, 0, &init_ack);
    add_addresses(state, direction, std::span(&path.source, 1), false);
    confirm(state, direction, path.source);
    marks = kMarkWhole;
  }
  std::uint16_t flags = state.flags;
  if (direction == kFromServer) flags &= static_cast<std::uint16_t>(~kSctpAskedAgain);
  marks |= set_course(state, std::max(state.rank, SctpRank::kInitAcked), flags);
  return {SctpOutcome::kForward, (marks & kMarkWhole) != 0 ? std::uint8_t{kMarkWhole} : marks};
}

// ABORT, or SHUTDOWN COMPLETE: whoever sends it has forgotten the association, or never knew it.
SctpVerdict on_end(SctpState& state, Direction direction, const SctpSummary& packet,
                   const SctpPath& path) noexcept {
  const SctpOutcome outcome = check_tag_and_path(state, direction, packet, path);
  if (outcome != SctpOutcome::kForward) return drop(outcome);
  const bool is_abort = packet.has(kSctpAbort);
  if (!is_abort && !sctp_is_over(state) &&
      !sctp_has(state, kSctpShutdownAckSeen, opposite(direction)))
    return drop(SctpOutcome::kUnexpectedShutdown);
  const SctpRank end = is_abort ? SctpRank::kAborted : SctpRank::kClosed;
  return {SctpOutcome::kForward,
          set_course(state, sctp_is_over(state) ? state.rank : end,
                     static_cast<std::uint16_t>(state.flags | sctp_flag(kSctpEnded, direction)))};
}

// Of a server's packet without COOKIE ECHO: one that has not taken the cookie keeps nothing, and
// could not send it. An ERROR it could (a stale cookie), and a SHUTDOWN ACK is of an association
// before (section 8.5.1 E).
constexpr bool proves_cookie_taken(const SctpSummary& packet) noexcept {
  constexpr std::uint32_t kNoProof =
      sctp_chunk_bit(kSctpError) | sctp_chunk_bit(kSctpAuth) | sctp_chunk_bit(kSctpShutdownAck);
  return (packet.chunks & ~kNoProof) != 0;
}

SctpVerdict on_other_when_over(const SctpState& state, Direction direction,
                               const SctpSummary& packet) noexcept {
  if (sctp_has(state, kSctpEnded, direction)) return drop(SctpOutcome::kTooLate);
  if (packet.has(kSctpCookieEcho) || packet.has(kSctpCookieAck))
    return drop(SctpOutcome::kUnexpectedCookie);
  return {SctpOutcome::kForward, 0};
}

SctpVerdict on_other(SctpState& state, Direction direction, const SctpSummary& packet,
                     const SctpPath& path) noexcept {
  const SctpOutcome outcome = check_tag_and_path(state, direction, packet, path);
  if (outcome != SctpOutcome::kForward) return drop(outcome);
  if (sctp_is_over(state)) return on_other_when_over(state, direction, packet);
  if (state.rank == SctpRank::kInitSent) return drop(SctpOutcome::kTooEarly);
  SctpRank rank = state.rank;
  std::uint16_t flags = state.flags;
  if (packet.has(kSctpCookieEcho)) {
    rank = std::max(rank, SctpRank::kCookieEchoed);
    if (direction == kFromServer) flags |= kSctpServerCookie;
  } else if (direction == kFromServer && proves_cookie_taken(packet)) {
    rank = std::max(rank, SctpRank::kEstablished);
  }
  if (packet.has(kSctpCookieAck)) {
    if (direction == kFromClient && (flags & kSctpServerCookie) == 0)
      return drop(SctpOutcome::kUnexpectedCookie);
    rank = std::max(rank, SctpRank::kEstablished);
  }
  const bool is_shutting_down = packet.has(kSctpShutdown) || packet.has(kSctpShutdownAck);
  if (is_shutting_down && rank < SctpRank::kEstablished)
    return drop(SctpOutcome::kUnexpectedShutdown);
  if (packet.has(kSctpShutdown)) {
    flags |= sctp_flag(kSctpShutdownSeen, direction);
    rank = std::max(rank, SctpRank::kShutdownSent);
  }
  if (packet.has(kSctpShutdownAck)) {
    // It tells of the other side's SHUTDOWN too, which only the box before a takeover may have
    // seen.
    flags |= sctp_flag(kSctpShutdownSeen, opposite(direction));
    flags |= sctp_flag(kSctpShutdownAckSeen, direction);
    rank = std::max(rank, SctpRank::kShutdownAcked);
  }
  std::uint8_t marks = set_course(state, rank, flags);
  if (packet.has(kSctpHeartbeatAck)) marks |= confirm(state, direction, path.source);
  // Before the other end has agreed: what comes from there meanwhile is not to be lost.
  if (packet.address_count != 0 && rank >= SctpRank::kEstablished)
    marks |= add_announced(state, direction, packet);
  return {SctpOutcome::kForward, (marks & kMarkWhole) != 0 ? std::uint8_t{kMarkWhole} : marks};
}

}  // namespace

bool sctp_knows_path(const SctpState& state, Direction direction, const SctpPath& path) noexcept {
  return is_address_of(state, direction, path.source) &&
         is_address_of(state, opposite(direction), path.target);
}

void sctp_open(SctpState& state, const SctpSummary& init, const SctpPath& path) noexcept {
  state = {};
  state.tags[kFromServer] = init.initiate_tag;
  set_addresses(state, kFromClient, path.source, kSctpAddressConfirmed, &init);
  set_addresses(state, kFromServer, path.target, 0, nullptr);
  state.rank = SctpRank::kInitSent;
}

SctpVerdict sctp_advance(SctpState& state, Direction direction, const SctpSummary& packet,
                         const SctpPath& path) noexcept {
  if (state.rank == SctpRank::kNone) return drop(sctp_out_of_the_blue(packet));
  if (packet.has(kSctpInit)) return on_init(state, direction, packet, path);
  if (packet.has(kSctpInitAck)) return on_init_ack(state, direction, packet, path);
  if (packet.has(kSctpAbort) || packet.has(kSctpShutdownComplete))
    return on_end(state, direction, packet, path);
  return on_other(state, direction, packet, path);
}

}  // namespace twinplane::tables
