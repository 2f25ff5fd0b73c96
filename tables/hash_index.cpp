// SPDX-License-Identifier: BSD-3-Clause
#include "tables/hash_index.hpp"

#include "tables/base/mutant.hpp"

namespace twinplane::tables {

namespace {

constexpr int kWalkStepsMax = 256;
constexpr int kWalksMax = 8;

}  // namespace

void HashIndex::note_moved(std::uint32_t first, Signature signature) noexcept {
  if (is_mutant(Mutant::kIndexForgetsMoved)) return;
  Bucket& bucket = buckets_[first];
  if (bucket.moved < 255) ++bucket.moved;
  const unsigned bit = filter_bit(signature);
  bucket.filter[bit / 8] = static_cast<std::uint8_t>(bucket.filter[bit / 8] | 1U << (bit % 8));
}

void HashIndex::note_returned(std::uint32_t first) noexcept {
  Bucket& bucket = buckets_[first];
  // A saturated count has forgotten how many there are: it stays, and misses there read two lines.
  if (bucket.moved == 255) return;
  if (--bucket.moved == 0) bucket.filter = {};
}

// Moves the resident of `way` to its other bucket, if there is a place.
bool HashIndex::try_push_out(std::uint32_t bucket_index, unsigned way) noexcept {
  Bucket& bucket = buckets_[bucket_index];
  if (bucket.tags[way] == 0) return true;  // a walk that crossed itself has emptied it before
  const std::uint32_t packed = bucket.references[way];
  const Signature signature{bucket.tags[way],
                            static_cast<std::uint8_t>((packed & kMoreMask) >> kMoreShift)};
  const std::uint32_t target = other_bucket(bucket_index, signature);
  if (target == bucket_index || !try_place(target, signature, packed ^ kSecondBit)) return false;
  bucket.tags[way] = 0;
  if ((packed & kSecondBit) != 0)
    note_returned(target);
  else
    note_moved(bucket_index, signature);
  return true;
}

// Frees one way of the bucket: by a resident whose other bucket has a place, else by a random walk
// that swaps its way there.
bool HashIndex::make_room(std::uint32_t bucket_index) noexcept {
  for (unsigned way = 0; way < kWays; ++way)
    if (try_push_out(bucket_index, way)) return true;

  // Walk forward to a bucket where one step helps, remembering the way taken, then push out
  // backwards along it.
  std::array<std::uint32_t, kWalkStepsMax> path_buckets;
  std::array<std::uint8_t, kWalkStepsMax> path_ways;
  std::uint32_t here = bucket_index;
  for (std::size_t step = 0; step < kWalkStepsMax; ++step) {
    walk_state_ ^= walk_state_ << 13U;
    walk_state_ ^= walk_state_ >> 17U;
    walk_state_ ^= walk_state_ << 5U;
    const auto way = static_cast<std::uint8_t>((std::uint64_t{walk_state_} * kWays) >> 32U);
    path_buckets[step] = here;
    path_ways[step] = way;
    const Bucket& bucket = buckets_[here];
    const Signature signature{
        bucket.tags[way],
        static_cast<std::uint8_t>((bucket.references[way] & kMoreMask) >> kMoreShift)};
    here = other_bucket(here, signature);
    bool is_open = false;
    for (unsigned next = 0; next < kWays && !is_open; ++next) is_open = try_push_out(here, next);
    if (!is_open) continue;
    for (std::size_t back = step + 1; back-- > 0;)
      // the walk crossed itself
      if (!try_push_out(path_buckets[back], path_ways[back])) return false;
    return true;
  }
  return false;
}

// The first bucket is full.
bool HashIndex::insert_elsewhere(std::uint64_t hash, Reference reference) noexcept {
  const Signature signature = signature_of(hash);
  const std::uint32_t first = first_bucket(hash);
  const std::uint32_t second = other_bucket(first, signature);
  if (second != first && try_place(second, signature, pack(reference, signature, true))) {
    note_moved(first, signature);
    ++key_count_;
    return true;
  }
  // A walk may cross itself; the next one goes another way.
  for (int walk = 0; walk < kWalksMax; ++walk) {
    if (!make_room(first) || !try_place(first, signature, pack(reference, signature, false)))
      continue;
    ++key_count_;
    return true;
  }
  if (stash_count_ == stash_.size()) return false;
  stash_[stash_count_++] = {hash, pack(reference, signature, false)};
  ++key_count_;
  return true;
}

bool HashIndex::erase_in(std::uint32_t bucket_index, std::uint32_t packed) noexcept {
  Bucket& bucket = buckets_[bucket_index];
  for (std::uint32_t ways = ways_referring(bucket, packed); ways != 0; ways &= ways - 1) {
    const auto way = static_cast<unsigned>(std::countr_zero(ways));
    if (bucket.tags[way] == 0) continue;
    bucket.tags[way] = 0;
    --key_count_;
    return true;
  }
  return false;
}

bool HashIndex::erase(std::uint64_t hash, Reference reference) noexcept {
  const Signature signature = signature_of(hash);
  const std::uint32_t first = first_bucket(hash);
  if (erase_in(first, pack(reference, signature, false))) [[likely]]
    return true;
  if (erase_in(other_bucket(first, signature), pack(reference, signature, true))) {
    note_returned(first);
    return true;
  }
  for (std::uint32_t i = 0; i < stash_count_; ++i) {
    if (stash_[i].hash != hash || stash_[i].reference != pack(reference, signature, false))
      continue;
    stash_[i] = stash_[--stash_count_];
    --key_count_;
    return true;
  }
  return false;
}

std::uint32_t HashIndex::sweep(std::uint32_t slot) noexcept {
  const std::uint64_t before = key_count_;
  for (std::uint32_t index = 0; index < bucket_count_; ++index) {
    Bucket& bucket = buckets_[index];
    for (unsigned way = 0; way < kWays; ++way) {
      const std::uint32_t packed = bucket.references[way];
      if (bucket.tags[way] == 0 || unpack(packed).slot != slot) continue;
      const Signature signature{bucket.tags[way],
                                static_cast<std::uint8_t>((packed & kMoreMask) >> kMoreShift)};
      bucket.tags[way] = 0;
      if ((packed & kSecondBit) != 0) note_returned(other_bucket(index, signature));
      --key_count_;
    }
  }
  for (std::uint32_t i = 0; i < stash_count_;) {
    if (unpack(stash_[i].reference).slot != slot) {
      ++i;
      continue;
    }
    stash_[i] = stash_[--stash_count_];
    --key_count_;
  }
  return static_cast<std::uint32_t>(before - key_count_);
}

}  // namespace twinplane::tables
