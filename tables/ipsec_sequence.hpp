// SPDX-License-Identifier: BSD-3-Clause
// ipsec_sequence.hpp - how far the numbers of an IPsec SA have come, as the peer must know it: for
// an outbound SA the ceiling, for an inbound one the window's top and its rate; and one entry for
// all of them, the pledge.
//
// The pledge is the owner's word about every SA of the partition at once: "when I had your answer
// of that time, no number had been used that you did not know to be mine". A mirror without a
// pledge of the owner that it mirrored knows no safe number.
//
// Thread:  the home core; values.
// Memory:  an entry of 128 bytes, two cache lines.
// Limits:  one pledge a table, under SPI 0, which no SA has (RFC 4303 section 2.1).
// Errors:  none.
// Spec:    DESIGN.md section 8 by way of D-T12, D-T13, D-T18; ha2/PROTOCOL.md sections 4.8, 12.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/plain_entry.hpp"
#include "tables/security_association.hpp"
#include "tables/sequence_ceiling.hpp"

namespace twinplane::tables {

enum IpsecSequenceFlag : std::uint8_t {
  kSequenceInbound = 1U << 0U,
  kSequenceExtended = 1U << 1U,  // ESN
};

inline constexpr unsigned kIpsecSequenceFlags = 0x3;

// Larger sizes are refused where they are read: a jump is counted in them.
inline constexpr std::uint32_t kGrantSizeMax = 1U << 26U;

struct IpsecSequenceBody {
  static constexpr TableKind kKind = TableKind::kIpsecSequence;

  using Key = SecurityAssociationBody::Key;

  struct Patch {
    std::uint64_t ceiling;  // outbound: SequenceGrant
    std::uint32_t size;     // outbound: SequenceGrant, a power of two
    std::uint32_t term;     // pledge: of the owner whose word it is; 0 = no word
    std::uint32_t echo_us;  // pledge: the mirror's time in its newest answer
    std::uint32_t zero;
  };

  // Inbound. Travels late: a takeover makes up for what is not known of it.
  struct Refresh {
    std::uint64_t top;   // highest number accepted or closed
    std::uint32_t rate;  // numbers a second, rather too many (PacketRate)
    std::uint32_t zero;
  };

  Key key;
  Patch news;
  std::uint8_t flags;  // IpsecSequenceFlag
  std::array<std::uint8_t, 7> zero;

  static constexpr auto fields() noexcept {
    using Self = IpsecSequenceBody;
    return std::array{
        FieldPlace{"spi", offsetof(Self, key), sizeof(Key)},
        FieldPlace{"ceiling", offsetof(Self, news) + offsetof(Patch, ceiling), 8},
        FieldPlace{"size", offsetof(Self, news) + offsetof(Patch, size), 4},
        FieldPlace{"pledge", offsetof(Self, news) + offsetof(Patch, term), 8},
        FieldPlace{"flags", offsetof(Self, flags), 1},
    };
  }

  bool is_sound() const noexcept {
    return key.zero == std::array<std::uint8_t, 3>{} && zero == std::array<std::uint8_t, 7>{} &&
           (flags & ~kIpsecSequenceFlags) == 0 && is_sound(news);
  }

  static bool is_sound(const Patch& patch) noexcept {
    return patch.zero == 0 && patch.size <= kGrantSizeMax &&
           (patch.size == 0 || std::has_single_bit(patch.size));
  }

  Patch patch() const noexcept { return news; }

  void set(const Patch& patch) noexcept { news = patch; }

  bool is_pledge() const noexcept { return key.spi == 0; }

  bool is_inbound() const noexcept { return (flags & kSequenceInbound) != 0; }

  SequenceSpace space() const noexcept {
    return (flags & kSequenceExtended) != 0 ? SequenceSpace::k64 : SequenceSpace::k32;
  }
};

static_assert(sizeof(IpsecSequenceBody) == 56);
static_assert(sizeof(PlainEntry<IpsecSequenceBody>) == 128);

}  // namespace twinplane::tables
