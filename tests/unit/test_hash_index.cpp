// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <unordered_map>
#include <vector>

#include "tables/hash_index.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tables {
namespace {

using tests::InBlock;
using tests::Prng;

// The index knows hashes and references only: here a slot's hash is its key.
class IndexAndHashes {
 public:
  explicit IndexAndHashes(std::uint64_t key_count_max) : index_(key_count_max) {}

  bool insert(std::uint64_t hash, std::uint32_t slot) {
    if (!index_->insert(hash, {slot, Side::kClient})) return false;
    hashes_[slot] = hash;
    return true;
  }

  bool erase(std::uint64_t hash, std::uint32_t slot) {
    hashes_.erase(slot);
    return index_->erase(hash, {slot, Side::kClient});
  }

  std::uint32_t find(std::uint64_t hash) {
    return index_
        ->find(hash,
               [&](HashIndex::Reference candidate) {
                 const auto known = hashes_.find(candidate.slot);
                 return known != hashes_.end() && known->second == hash;
               })
        .slot;
  }

  HashIndex& index() { return *index_; }

  const std::unordered_map<std::uint32_t, std::uint64_t>& hashes() const { return hashes_; }

 private:
  InBlock<HashIndex> index_;
  std::unordered_map<std::uint32_t, std::uint64_t> hashes_;
};

constexpr std::uint32_t kNone = HashIndex::kSlotMask + 1;

TEST(HashIndex, FindsWhatWasInsertedAndNothingElse) {
  IndexAndHashes all(100);
  Prng prng(1);
  const std::uint64_t hash = prng.next();
  EXPECT_EQ(all.find(hash), kNone);
  ASSERT_TRUE(all.insert(hash, 7));
  EXPECT_EQ(all.find(hash), 7U);
  EXPECT_EQ(all.find(hash ^ 1U), kNone);
  EXPECT_EQ(all.index().key_count(), 1U);
}

TEST(HashIndex, ErasesExactlyTheReferenceThatIsNamed) {
  IndexAndHashes all(100);
  ASSERT_TRUE(all.insert(0x1234'5678'9ABC'DEF0U, 3));
  EXPECT_FALSE(all.index().erase(0x1234'5678'9ABC'DEF0U, {4, Side::kClient}));
  EXPECT_FALSE(all.index().erase(0x1234'5678'9ABC'DEF0U, {3, Side::kServer}));
  EXPECT_EQ(all.find(0x1234'5678'9ABC'DEF0U), 3U);
  EXPECT_TRUE(all.erase(0x1234'5678'9ABC'DEF0U, 3));
  EXPECT_EQ(all.find(0x1234'5678'9ABC'DEF0U), kNone);
  EXPECT_EQ(all.index().key_count(), 0U);
}

TEST(HashIndex, HoldsKeysWhoseHashesDifferInNothingThatItKeeps) {
  IndexAndHashes all(1000);
  // Same bucket, same tag: only the slot's own key tells them apart.
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 20; ++i) hashes.push_back(0xAAAA'AAAA'0000'0055U | i << 16U);
  for (std::uint32_t i = 0; i < hashes.size(); ++i) ASSERT_TRUE(all.insert(hashes[i], i));
  for (std::uint32_t i = 0; i < hashes.size(); ++i) EXPECT_EQ(all.find(hashes[i]), i);
}

TEST(HashIndex, PutsIntoItsStashWhatFindsNoBucket) {
  IndexAndHashes all(1000);
  const auto hash_at = [](std::uint64_t i) { return 0xAAAA'AAAA'0000'0055U | i << 16U; };
  std::uint32_t count = 0;
  for (; all.index().stash_count() < 5; ++count) {
    ASSERT_TRUE(all.insert(hash_at(count), count));
  }
  for (std::uint32_t i = 0; i < count; ++i) EXPECT_EQ(all.find(hash_at(i)), i);
  for (std::uint32_t i = 0; i < count; ++i) EXPECT_TRUE(all.erase(hash_at(i), i));
  EXPECT_EQ(all.index().stash_count(), 0U);
  EXPECT_EQ(all.index().key_count(), 0U);
}

TEST(HashIndex, RefusesWhenEvenItsStashIsFullAndKeepsAllThatItHas) {
  IndexAndHashes all(1000);
  const auto hash_at = [](std::uint64_t i) { return 0xAAAA'AAAA'0000'0055U | i << 16U; };
  std::uint32_t count = 0;
  while (all.insert(hash_at(count), count)) ++count;
  EXPECT_EQ(all.index().key_count(), count);
  for (std::uint32_t i = 0; i < count; ++i) EXPECT_EQ(all.find(hash_at(i)), i);
}

TEST(HashIndex, TakesAsManyKeysAsItWasMadeFor) {
  for (const std::uint32_t key_count : {1U, 12U, 100U, 1000U, 50'000U}) {
    IndexAndHashes all(key_count);
    Prng prng(key_count);
    for (std::uint32_t slot = 0; slot < key_count; ++slot)
      ASSERT_TRUE(all.insert(prng.next(), slot)) << slot << " of " << key_count;
    for (const auto& [slot, hash] : all.hashes()) ASSERT_EQ(all.find(hash), slot);
  }
}

// Few buckets and a high load: keys move between their buckets all the time.
TEST(HashIndex, AgreesWithAMapThroughLongChurnAtFullLoad) {
  constexpr std::uint32_t kKeys = 300;
  IndexAndHashes all(kKeys);
  Prng prng(42);
  std::vector<std::uint64_t> gone;
  for (std::uint32_t round = 0; round < 200'000; ++round) {
    const std::uint32_t slot = prng.below(kKeys);
    const auto known = all.hashes().find(slot);
    if (known == all.hashes().end()) {
      ASSERT_TRUE(all.insert(prng.next(), slot));
    } else if (prng.chance(100)) {
      const std::uint64_t hash = known->second;
      ASSERT_EQ(all.find(hash), slot) << "round " << round;
      ASSERT_TRUE(all.erase(hash, slot));
      ASSERT_EQ(all.find(hash), kNone);
    } else {
      ASSERT_EQ(all.find(known->second), slot) << "round " << round;
    }
    ASSERT_EQ(all.index().key_count(), all.hashes().size());
  }
}

// Past its design load the walks that make room are long and cross themselves.
TEST(HashIndex, LosesNoKeyWhileItIsOverfull) {
  constexpr std::uint32_t kMadeFor = 200;
  IndexAndHashes all(kMadeFor);
  Prng prng(7);
  const std::uint32_t slot_count = all.index().bucket_count() * 12 + 60;
  for (std::uint32_t round = 0; round < 100'000; ++round) {
    const std::uint32_t slot = prng.below(slot_count);
    const auto known = all.hashes().find(slot);
    if (known == all.hashes().end()) {
      static_cast<void>(all.insert(prng.next(), slot));
    } else if (prng.chance(200)) {
      ASSERT_TRUE(all.erase(std::uint64_t{known->second}, slot)) << "round " << round;
    }
    if (round % 512 != 0) continue;
    for (const auto& [live_slot, hash] : all.hashes())
      ASSERT_EQ(all.find(hash), live_slot) << "round " << round;
  }
}

}  // namespace
}  // namespace twinplane::tables
