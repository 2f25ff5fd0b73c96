// SPDX-License-Identifier: BSD-3-Clause
// hash_index.hpp - from a key's hash to the slots that may hold it: two-choice buckets of one cache
// line.
//
//   bucket, 64 bytes:  | 12 tags, 1 byte each | moved | filter, 3 bytes | 12 references, 4 bytes
//   each | reference:         | is_second 1 | more tag bits 4 | side 1 | slot 26 |
//
// A key lives in its first bucket or, when that is full, in its second. `moved` counts the keys
// whose first bucket this is and which live in their second, `filter` has a bit for some of their
// signatures: so a miss reads one line, rarely two, and a hit at most two before the slot's own
// line.
//
// Thread:  the core that owns the partition, readers included.
// Memory:  64 bytes for 7.2 keys (load 0.6: one key in 80 has moved then, one in 20 at 0.75) and a
//          stash of 64; cut from the caller's block. Never resized.
// Limits:  2^26 slots, two keys a slot. A key is moved to make room by a bounded walk; then the
//          stash; then kFull.
// Errors:  insert returns false when no place was found (walks and stash exhausted:
//          tables/DESIGN.md D-T2 says how likely that is).
// Spec:    tables/DESIGN.md D-T2. After Cuckoo++ (Le Scouarnec, 2018) and F14's tag probe, written
//          anew.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tables/base/carver.hpp"
#include "tables/slot_marks.hpp"

namespace twinplane::tables {

class HashIndex {
 public:
  static constexpr std::uint32_t kSlotBits = 26;
  static constexpr std::uint32_t kSlotMask = (1U << kSlotBits) - 1;
  static constexpr std::size_t kWays = 12;

  struct Reference {
    std::uint32_t slot;
    Side side;
  };

  static constexpr std::uint32_t bucket_count_for(std::uint64_t key_count) noexcept {
    return static_cast<std::uint32_t>((key_count * 5 + kWays * 3 - 1) / (kWays * 3)) + 1;
  }

  HashIndex(Carver& carver, std::uint64_t key_count_max) noexcept
      : buckets_(carver.take<Bucket>(bucket_count_for(key_count_max))),
        bucket_count_(bucket_count_for(key_count_max)) {}

  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&buckets_[first_bucket(hash)]);
  }

  // The first reference that `is_match(Reference)` confirms; slot kSlotMask + 1 when there is none.
  // `is_match` reads the slot.
  template <class Match>
  Reference find(std::uint64_t hash, Match&& is_match) const noexcept {
    const Signature signature = signature_of(hash);
    const std::uint32_t first = first_bucket(hash);
    const Bucket& bucket = buckets_[first];
    if (const Reference reference = find_in(bucket, signature, is_match); !is_none(reference))
      return reference;
    if (may_have_moved(bucket, signature)) [[unlikely]]
      return find_second(signature, first, is_match);
    return kNoReference;
  }

  // ---- find() in steps, for a pipeline that gives each line time to come: prefetch(), glimpse(),
  // glimpse_second(), find() --

  // What one bucket says of a hash.
  struct Glimpse {
    Reference reference;  // the first that looks alike; is_none() when none does
    // none looks alike here, but the key may be in its second bucket or in the stash
    bool is_elsewhere;
  };

  Glimpse glimpse(std::uint64_t hash) const noexcept {
    const Signature signature = signature_of(hash);
    const Bucket& bucket = buckets_[first_bucket(hash)];
    const std::uint32_t ways = ways_with(bucket, signature);
    if (ways != 0) [[likely]]
      return {first_of(bucket, ways), false};
    return {kNoReference, may_have_moved(bucket, signature)};
  }

  void prefetch_second(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&buckets_[other_bucket(first_bucket(hash), signature_of(hash))]);
  }

  // For an insert to come, once its first bucket is here: asks for the second where that one is
  // full.
  void prefetch_room(std::uint64_t hash) const noexcept {
    if (free_ways(buckets_[first_bucket(hash)]) == 0) [[unlikely]]
      prefetch_second(hash);
  }

  // The first reference in the second bucket that looks alike.
  Reference glimpse_second(std::uint64_t hash) const noexcept {
    const Signature signature = signature_of(hash);
    const Bucket& bucket = buckets_[other_bucket(first_bucket(hash), signature)];
    const std::uint32_t ways = ways_with(bucket, signature);
    return ways == 0 ? kNoReference : first_of(bucket, ways);
  }

  // False when no place was found; nothing changed then.
  [[nodiscard]] bool insert(std::uint64_t hash, Reference reference) noexcept {
    const Signature signature = signature_of(hash);
    const std::uint32_t first = first_bucket(hash);
    if (!try_place(first, signature, pack(reference, signature, false))) [[unlikely]]
      return insert_elsewhere(hash, reference);
    ++key_count_;
    return true;
  }

  struct Claim {
    Reference holder;  // whom is_match() confirmed: nothing changed then; is_none() when nobody
    bool is_inserted;
  };

  // find() among the other slots and, when it finds nobody, insert(), in one visit to the bucket. A
  // reference that is there already, by an entry that lost its key to damage, stays the only one.
  template <class Match>
  [[nodiscard]] Claim claim(std::uint64_t hash, Reference reference, Match&& is_match) noexcept {
    bool is_there = false;
    const Reference holder = find(hash, [&](Reference candidate) {
      if (candidate.slot != reference.slot) return is_match(candidate);
      is_there |= candidate.side == reference.side;
      return false;
    });
    if (!is_none(holder)) [[unlikely]]
      return {holder, false};
    if (is_there) [[unlikely]]
      return {kNoReference, true};
    return {kNoReference, insert(hash, reference)};
  }

  // True when exactly this reference was there.
  bool erase(std::uint64_t hash, Reference reference) noexcept;

  // Every reference to the slot goes, whatever its hash: for a slot whose entry does not tell its
  // keys any more. Linear in the index. Returns how many there were.
  std::uint32_t sweep(std::uint32_t slot) noexcept;

  static constexpr bool is_none(Reference reference) noexcept { return reference.slot > kSlotMask; }

  std::uint64_t key_count() const noexcept { return key_count_; }

  std::uint32_t stash_count() const noexcept { return stash_count_; }

  std::uint32_t bucket_count() const noexcept { return bucket_count_; }

 private:
  struct alignas(64) Bucket {
    std::array<std::uint8_t, kWays> tags;  // 0 = free
    std::uint8_t moved;                    // saturates at 255 and then stays
    std::array<std::uint8_t, 3> filter;
    std::array<std::uint32_t, kWays> references;
  };

  static_assert(sizeof(Bucket) == 64);

  // What is kept of a hash beside the bucket: 8 bits of tag (never 0) and 4 more in the reference.
  struct Signature {
    std::uint8_t tag;
    std::uint8_t more;
  };

  struct Stashed {
    std::uint64_t hash;
    std::uint32_t reference;
  };

  static constexpr std::uint32_t kSideShift = kSlotBits;
  static constexpr std::uint32_t kMoreShift = kSlotBits + 1;
  static constexpr std::uint32_t kSecondBit = 1U << 31U;
  static constexpr std::uint32_t kMoreMask = 0xFU << kMoreShift;
  static constexpr Reference kNoReference{kSlotMask + 1, Side::kClient};

  static Signature signature_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash);
    return {tag == 0 ? std::uint8_t{1} : tag, static_cast<std::uint8_t>((hash >> 8U) & 0xFU)};
  }

  std::uint32_t first_bucket(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(((hash >> 32U) * bucket_count_) >> 32U);
  }

  // The other of a signature's two buckets; its own inverse, so that a key can be moved without
  // reading it.
  std::uint32_t other_bucket(std::uint32_t bucket, Signature signature) const noexcept {
    const std::uint32_t mixed =
        (signature.tag | static_cast<std::uint32_t>(signature.more) << 8U) * 0x9E3779B1U;
    const auto offset = static_cast<std::uint32_t>((std::uint64_t{mixed} * bucket_count_) >> 32U);
    return offset >= bucket ? offset - bucket : offset + bucket_count_ - bucket;
  }

  // The ways that hold this signature: tags and further bits of all twelve compared at once, so
  // that 4095 of 4096 chance equals are gone before any slot is read.
  static std::uint32_t ways_with(const Bucket& bucket, Signature signature) noexcept {
    const auto* const lanes = reinterpret_cast<const __m128i*>(&bucket);
    const __m128i mask = _mm_set1_epi32(static_cast<int>(kMoreMask));
    const __m128i more =
        _mm_set1_epi32(static_cast<int>(std::uint32_t{signature.more} << kMoreShift));
    const auto is_more = [&](__m128i references) {
      return _mm_cmpeq_epi32(_mm_and_si128(references, mask), more);
    };
    const __m128i low =
        _mm_packs_epi32(is_more(_mm_load_si128(lanes + 1)), is_more(_mm_load_si128(lanes + 2)));
    const __m128i high = _mm_packs_epi32(is_more(_mm_load_si128(lanes + 3)), _mm_setzero_si128());
    const __m128i is_tag =
        _mm_cmpeq_epi8(_mm_load_si128(lanes), _mm_set1_epi8(static_cast<char>(signature.tag)));
    return static_cast<std::uint32_t>(
        _mm_movemask_epi8(_mm_and_si128(is_tag, _mm_packs_epi16(low, high))));
  }

  static Reference first_of(const Bucket& bucket, std::uint32_t ways) noexcept {
    return unpack(bucket.references[static_cast<unsigned>(std::countr_zero(ways))]);
  }

  static Reference unpack(std::uint32_t packed) noexcept {
    return {packed & kSlotMask, static_cast<Side>(packed >> kSideShift & 1U)};
  }

  static std::uint32_t pack(Reference reference, Signature signature, bool is_second) noexcept {
    return reference.slot | static_cast<std::uint32_t>(reference.side) << kSideShift |
           std::uint32_t{signature.more} << kMoreShift | (is_second ? kSecondBit : 0U);
  }

  static unsigned filter_bit(Signature signature) noexcept {
    return ((signature.tag ^ static_cast<unsigned>(signature.more) * 29U) & 0xFFU) % 24U;
  }

  bool may_have_moved(const Bucket& bucket, Signature signature) const noexcept {
    std::uint32_t moved_and_filter;  // read as one: no bit is set where none has moved
    std::memcpy(&moved_and_filter, &bucket.moved, sizeof moved_and_filter);
    return ((moved_and_filter >> (8U + filter_bit(signature)) & 1U) != 0) | (stash_count_ != 0);
  }

  // Way by way: mostly one looks alike, or none.
  template <class Match>
  static Reference find_in(const Bucket& bucket, Signature signature, Match&& is_match) noexcept {
    const std::uint32_t more = std::uint32_t{signature.more} << kMoreShift;
    for (std::uint32_t ways = ways_tagged(bucket, signature.tag); ways != 0; ways &= ways - 1) {
      const std::uint32_t packed = bucket.references[static_cast<unsigned>(std::countr_zero(ways))];
      if (((packed ^ more) & kMoreMask) != 0) continue;
      if (const Reference reference = unpack(packed); is_match(reference)) [[likely]]
        return reference;
    }
    return kNoReference;
  }

  template <class Match>
  Reference find_second(Signature signature, std::uint32_t first, Match&& is_match) const noexcept {
    const Bucket& bucket = buckets_[other_bucket(first, signature)];
    if (const Reference reference = find_in(bucket, signature, is_match); !is_none(reference))
      return reference;
    for (std::uint32_t i = 0; i < stash_count_; ++i)
      if (const Reference reference = unpack(stash_[i].reference); is_match(reference))
        return reference;
    return kNoReference;
  }

  static std::uint32_t ways_tagged(const Bucket& bucket, std::uint8_t tag) noexcept {
    constexpr std::uint32_t kAllWays = (1U << kWays) - 1;
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&bucket));
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(tags, wanted))) & kAllWays;
  }

  static std::uint32_t free_ways(const Bucket& bucket) noexcept { return ways_tagged(bucket, 0); }

  // The ways with exactly this reference; a free one may have it from before.
  static std::uint32_t ways_referring(const Bucket& bucket, std::uint32_t packed) noexcept {
    const auto* const lanes = reinterpret_cast<const __m128i*>(&bucket);
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(packed));
    const auto is_equal = [&](int lane) {
      return _mm_cmpeq_epi32(_mm_load_si128(lanes + lane), wanted);
    };
    const __m128i low = _mm_packs_epi32(is_equal(1), is_equal(2));
    const __m128i high = _mm_packs_epi32(is_equal(3), _mm_setzero_si128());
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
  }

  bool try_place(std::uint32_t bucket_index, Signature signature, std::uint32_t packed) noexcept {
    Bucket& bucket = buckets_[bucket_index];
    const std::uint32_t free = free_ways(bucket);
    if (free == 0) return false;
    const auto way = static_cast<unsigned>(std::countr_zero(free));
    bucket.tags[way] = signature.tag;
    bucket.references[way] = packed;
    return true;
  }

  bool insert_elsewhere(std::uint64_t hash, Reference reference) noexcept;
  bool make_room(std::uint32_t bucket_index) noexcept;
  bool try_push_out(std::uint32_t bucket_index, unsigned way) noexcept;
  void note_moved(std::uint32_t first, Signature signature) noexcept;
  void note_returned(std::uint32_t first) noexcept;
  bool erase_in(std::uint32_t bucket_index, std::uint32_t packed) noexcept;

  std::span<Bucket> buckets_;
  std::uint32_t bucket_count_;
  std::uint64_t key_count_ = 0;
  std::uint32_t stash_count_ = 0;
  std::uint32_t walk_state_ = 0x2545F491U;
  std::array<Stashed, 64> stash_{};
};

}  // namespace twinplane::tables
