// SPDX-License-Identifier: BSD-3-Clause
#include "tables/sctp_state.hpp"

#include <algorithm>

namespace twinplane::tables {

namespace {

// Used places stand first, each address once, one of them primary; the others are empty.
bool is_side_sound(const SctpState& state, Direction side) noexcept {
  constexpr std::uint8_t kAll = kSctpAddressUsed | kSctpAddressConfirmed | kSctpAddressPrimary;
  const auto& addresses = state.addresses[side];
  const auto& flags = state.address_flags[side];
  std::size_t used_count = 0;
  std::size_t primary_count = 0;
  for (std::size_t place = 0; place < kSctpAddressesMax; ++place) {
    if (flags[place] == 0) {
      if (addresses[place] != Address6{}) return false;
      continue;
    }
    if ((flags[place] & ~kAll) != 0 || (flags[place] & kSctpAddressUsed) == 0) return false;
    if (place != used_count++) return false;
    if ((flags[place] & kSctpAddressPrimary) != 0) ++primary_count;
    const auto before = addresses.begin() + static_cast<std::ptrdiff_t>(place);
    if (std::find(addresses.begin(), before, addresses[place]) != before) return false;
  }
  const bool is_full = used_count == kSctpAddressesMax;
  return primary_count == 1 && (is_full || !sctp_has(state, kSctpMoreAddresses, side));
}

// What a rank stands for was seen, and nothing that stands for a higher one.
bool is_course_sound(const SctpState& state) noexcept {
  constexpr std::uint16_t kBothShutdowns = 3 * kSctpShutdownSeen;
  constexpr std::uint16_t kBothShutdownAcks = 3 * kSctpShutdownAckSeen;
  const bool is_shut = (state.flags & kBothShutdowns) != 0;
  const bool is_shut_acked = (state.flags & kBothShutdownAcks) != 0;
  const bool is_ended = (state.flags & 3 * kSctpEnded) != 0;
  for (const Direction side : {kFromClient, kFromServer}) {
    if (sctp_has(state, kSctpShutdownAckSeen, side) &&
        !sctp_has(state, kSctpShutdownSeen, opposite(side)))
      return false;
  }
  if (is_ended != sctp_is_over(state)) return false;
  if ((state.flags & kSctpServerCookie) != 0 && state.rank < SctpRank::kCookieEchoed) return false;
  switch (state.rank) {
    case SctpRank::kShutdownSent:
      return is_shut && !is_shut_acked;
    case SctpRank::kShutdownAcked:
    case SctpRank::kClosed:
      return is_shut_acked;
    case SctpRank::kAborted:
      return true;
    default:
      return !is_shut;
  }
}

}  // namespace

bool sctp_is_sound(const SctpState& state) noexcept {
  if (state.rank == SctpRank::kNone) return state == SctpState{};
  if (static_cast<std::size_t>(state.rank) >= kSctpRankCount || state.zero != 0) return false;
  if ((state.flags & ~kSctpFlags) != 0 || state.tags[kFromServer] == 0) return false;
  // Nothing but an abort gets past the first step without the server's tag.
  const bool needs_both = state.rank != SctpRank::kInitSent && state.rank != SctpRank::kAborted;
  if (needs_both && state.tags[kFromClient] == 0) return false;
  return is_side_sound(state, kFromClient) && is_side_sound(state, kFromServer) &&
         is_course_sound(state);
}

}  // namespace twinplane::tables
