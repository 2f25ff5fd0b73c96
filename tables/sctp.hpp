// SPDX-License-Identifier: BSD-3-Clause
// sctp.hpp - SCTP associations: one entry each, found by the tag that packets to either side carry.
//
// Side::kClient is the key of packets to the client, which its INIT makes known; Side::kServer that
// of packets to the server, which there is from the INIT ACK on. A change of keys is
// SlotTable::rekey().
//
// Thread:  the core that owns the partition; values.
// Memory:  an entry of 192 bytes.
// Limits:  SctpState's.
// Errors:  none.
// Spec:    sctp_key.hpp, sctp_state.hpp; ha2/PROTOCOL.md section 4.8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tables/plain_entry.hpp"
#include "tables/sctp_key.hpp"
#include "tables/sctp_state.hpp"

namespace twinplane::tables {

struct SctpBody {
  static constexpr TableKind kKind = TableKind::kSctp;
  using Key = SctpKey;

  struct Patch {
    std::array<std::array<std::uint8_t, kSctpAddressesMax>, 2> address_flags;
    std::uint16_t flags;
    SctpRank rank;
    std::uint8_t zero;
  };

  std::uint16_t client_port_be;
  std::uint16_t server_port_be;
  SctpState state;
  std::uint16_t rule;
  std::uint8_t ingress_role;  // the port that the client's INIT came in by
  std::uint8_t egress_role;   // the port that it left by

  static constexpr auto fields() noexcept {
    constexpr std::size_t kState = offsetof(SctpBody, state);
    return std::array{
        FieldPlace{"client port", offsetof(SctpBody, client_port_be), 2},
        FieldPlace{"server port", offsetof(SctpBody, server_port_be), 2},
        FieldPlace{"addresses", kState + offsetof(SctpState, addresses),
                   sizeof(SctpState::addresses)},
        FieldPlace{"tags", kState + offsetof(SctpState, tags), sizeof(SctpState::tags)},
        FieldPlace{"address flags", kState + offsetof(SctpState, address_flags),
                   sizeof(SctpState::address_flags)},
        FieldPlace{"flags", kState + offsetof(SctpState, flags), sizeof(SctpState::flags)},
        FieldPlace{"rank", kState + offsetof(SctpState, rank), sizeof(SctpState::rank)},
        FieldPlace{"rule", offsetof(SctpBody, rule), 2},
        FieldPlace{"ingress", offsetof(SctpBody, ingress_role), 1},
        FieldPlace{"egress", offsetof(SctpBody, egress_role), 1}};
  }

  bool has_second_key() const noexcept { return state.tags[kFromClient] != 0; }

  // Nothing but an INIT, or an INIT that was answered by an ABORT, is without the server's tag.
  bool has_one_key() const noexcept {
    return state.rank == SctpRank::kInitSent || state.rank == SctpRank::kAborted;
  }

  SctpKey key(Side side) const noexcept {
    if (side == Side::kClient) return {server_port_be, client_port_be, state.tags[kFromServer]};
    return {client_port_be, server_port_be, state.tags[kFromClient]};
  }

  bool is_sound() const noexcept {
    return client_port_be != 0 && server_port_be != 0 && state.rank != SctpRank::kNone &&
           sctp_is_sound(state) && (!has_second_key() || key(Side::kClient) != key(Side::kServer));
  }

  static bool is_sound(const Patch& patch) noexcept {
    constexpr std::uint8_t kAll = kSctpAddressUsed | kSctpAddressConfirmed | kSctpAddressPrimary;
    std::uint8_t address_flags = 0;
    for (const auto& side : patch.address_flags)
      for (const std::uint8_t flags : side) address_flags |= flags;
    return (address_flags & ~kAll) == 0 && (patch.flags & ~kSctpFlags) == 0 &&
           patch.rank != SctpRank::kNone && static_cast<std::size_t>(patch.rank) < kSctpRankCount &&
           patch.zero == 0;
  }

  Patch patch() const noexcept { return {state.address_flags, state.flags, state.rank, 0}; }

  void set(const Patch& patch) noexcept {
    state.address_flags = patch.address_flags;
    state.flags = patch.flags;
    state.rank = patch.rank;
  }
};

static_assert(sizeof(SctpBody) == 156 && sizeof(PlainEntry<SctpBody>) == 192);
static_assert(sizeof(SctpBody::Patch) == 12);

// The direction of a packet that was found under this side's key.
constexpr Direction sctp_direction(Side side, bool is_against) noexcept {
  return (side == Side::kClient) == is_against ? kFromClient : kFromServer;
}

}  // namespace twinplane::tables
