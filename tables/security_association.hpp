// SPDX-License-Identifier: BSD-3-Clause
// security_association.hpp - an IPsec SA: what it is named by, its algorithms and keys, the ends of
// its tunnel, what it is for and how long it lasts.
//
// Thread:  the home core; values.
// Memory:  an entry of 256 bytes, four cache lines.
// Limits:  cipher keys up to 32 bytes, integrity keys up to 64; one pair of selectors.
// Errors:  none. Keys leave the box in the HA2 frames: see ha2/DESIGN.md D-H8.
// Spec:    RFC 4301 section 4.4.2; ha2/PROTOCOL.md section 4.6.
#pragma once

#include <array>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::tables {

enum SaFlag : std::uint8_t {
  kSaInbound = 1U << 0U,
  kSaExtendedSequence = 1U << 1U,  // ESN, RFC 4303 section 2.2.1
  kSaTunnelMode = 1U << 2U,
  kSaNatTraversal = 1U << 3U,  // ESP in UDP, RFC 3948
  kSaDying = 1U << 4U,         // past its soft lifetime: its successor is being made
};

inline constexpr unsigned kSaFlags = 0x1F;

// Numbers of the IKEv2 registry: transform types 1 (ENCR) and 3 (INTEG).
enum class SaCipher : std::uint8_t { kNull = 11, kAesCbc = 12, kAesGcm16 = 20, kChaCha20 = 28 };
enum class SaIntegrity : std::uint8_t { kNone = 0, kSha1 = 2, kSha256 = 12, kSha512 = 14 };

struct SaSelector {
  Address6 address;
  std::uint16_t port_first;
  std::uint16_t port_last;
  std::uint8_t prefix_bits;  // of the address: 0..128
  std::uint8_t protocol;     // 0 = any
};

struct SecurityAssociationBody {
  static constexpr TableKind kKind = TableKind::kSecurityAssociation;

  struct Key {
    Address6 destination;  // IPv4 as ::ffff:a.b.c.d
    std::uint32_t spi;
    std::uint8_t protocol;  // 50 ESP, 51 AH
    std::array<std::uint8_t, 3> zero;
  };

  struct Patch {
    std::uint8_t flags;
  };

  // What it has protected so far. Travels late: lifetimes are not counted to the byte.
  struct Refresh {
    std::uint64_t used_bytes;
    std::uint64_t used_packets;
  };

  Key key;
  Address6 source;
  std::uint64_t bytes_max;    // lifetime; 0 = no bound
  std::uint64_t packets_max;  // lifetime; 0 = no bound
  std::uint32_t seconds_max;  // lifetime; 0 = no bound
  std::uint16_t tunnel;       // the tunnel interface's number, agreed in the hello by name
  std::uint8_t flags;         // SaFlag
  std::uint8_t cipher;        // SaCipher
  std::uint8_t integrity;     // SaIntegrity
  std::uint8_t cipher_key_bytes;
  std::uint8_t integrity_key_bytes;
  std::uint8_t soft_percent;  // of each lifetime, after which a successor is asked for
  std::array<std::uint8_t, 4> salt;
  std::array<std::uint8_t, 32> cipher_key;
  std::array<std::uint8_t, 64> integrity_key;
  SaSelector local;
  SaSelector remote;
  std::array<std::uint8_t, 4> zero;

  static constexpr auto fields() noexcept {
    using Self = SecurityAssociationBody;
    return std::array{
        FieldPlace{"spi", offsetof(Self, key), sizeof(Key)},
        FieldPlace{"source", offsetof(Self, source), sizeof(Address6)},
        FieldPlace{"lifetimes", offsetof(Self, bytes_max), 20},
        FieldPlace{"tunnel", offsetof(Self, tunnel), 2},
        FieldPlace{"flags", offsetof(Self, flags), 1},
        FieldPlace{"algorithms", offsetof(Self, cipher), 5},
        FieldPlace{"keys", offsetof(Self, salt), 100},
        FieldPlace{"selectors", offsetof(Self, local), 2 * sizeof(SaSelector)},
    };
  }

  bool is_sound() const noexcept {
    return key.zero == std::array<std::uint8_t, 3>{} && zero == std::array<std::uint8_t, 4>{} &&
           cipher_key_bytes <= cipher_key.size() && integrity_key_bytes <= integrity_key.size() &&
           soft_percent <= 100 && is_sound(local) && is_sound(remote) && is_sound(patch());
  }

  static bool is_sound(const SaSelector& selector) noexcept {
    return selector.prefix_bits <= 128 && selector.port_first <= selector.port_last;
  }

  static bool is_sound(Patch patch) noexcept { return (patch.flags & ~kSaFlags) == 0; }

  Patch patch() const noexcept { return {flags}; }

  void set(Patch patch) noexcept { flags = patch.flags; }
};

static_assert(sizeof(SecurityAssociationBody) == 216);
static_assert(sizeof(PlainEntry<SecurityAssociationBody>) == 256);

}  // namespace twinplane::tables
