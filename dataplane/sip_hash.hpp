// SPDX-License-Identifier: BSD-3-Clause
// sip_hash.hpp - SipHash-2-4: 64 bits that nobody can foretell who does not know the key.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  any number of bytes; made for the 20 to 60 of a flow. The key is 128 random bits.
// Errors:  none.
// Spec:    Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with the vectors of
//          their reference code. XXH3 with a secret seed spreads keys over a table; it promises
//          nothing to one who sees its answers.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace twinplane::dataplane {

static_assert(std::endian::native == std::endian::little, "words are read as they stand");

struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

namespace sip_hash_internal {

struct SipState {
  std::array<std::uint64_t, 4> v;

  void round() noexcept {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = std::rotl(v[1], 13) ^ v[0];
    v[3] = std::rotl(v[3], 16) ^ v[2];
    v[0] = std::rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = std::rotl(v[1], 17) ^ v[2];
    v[3] = std::rotl(v[3], 21) ^ v[0];
    v[2] = std::rotl(v[2], 32);
  }

  void take(std::uint64_t word) noexcept {
    v[3] ^= word;
    round();
    round();
    v[0] ^= word;
  }
};

}  // namespace sip_hash_internal

inline std::uint64_t sip_hash(const SipKey& key, std::span<const std::byte> bytes) noexcept {
  sip_hash_internal::SipState state{{key.low ^ 0x736F6D6570736575U, key.high ^ 0x646F72616E646F6DU,
                                     key.low ^ 0x6C7967656E657261U,
                                     key.high ^ 0x7465646279746573U}};
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    state.take(word);
  }
  std::uint64_t last = std::uint64_t{bytes.size()} << 56U;
  for (std::size_t i = 0; at + i < bytes.size(); ++i)
    last |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  state.take(last);
  state.v[2] ^= 0xFF;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
}

}  // namespace twinplane::dataplane
