// SPDX-License-Identifier: BSD-3-Clause
// hash.hpp - XXH3 with a secret seed over the bytes of a key.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  keys of 16 to 40 bytes are what it is used for; any size works.
// Errors:  none.
// Spec:    xxHash 0.8 (XXH3 64 bits). The seed is drawn at start and never leaves the box, so that
//          nobody can aim at one bucket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace twinplane::tables {

struct HashSeed {
  std::uint64_t value = 0;
};

// XXH3_64bits_withSeed(), by the name of its body, which is always inlined: with the size known
// what is left of it are two reads, two multiplications and a few moves.
template <class Key>
inline std::uint64_t hash_of(const Key& key, HashSeed seed) noexcept {
  static_assert(std::has_unique_object_representations_v<Key>);
  return XXH3_64bits_internal(&key, sizeof key, seed.value, XXH3_kSecret, sizeof XXH3_kSecret,
                              XXH3_hashLong_64b_withSeed);
}

inline std::uint64_t hash_bytes(std::span<const std::byte> bytes, HashSeed seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed.value);
}

}  // namespace twinplane::tables
