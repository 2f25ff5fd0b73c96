// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "dataplane/sequence_locked.hpp"

namespace twinplane::dataplane {
namespace {

TEST(SequenceLocked, GivesBackWhatWasWritten) {
  SequenceLocked<2> value;
  value.write({3, 4});
  SequenceLocked<2>::Words words;
  ASSERT_TRUE(value.try_read(words));
  EXPECT_EQ(words, (SequenceLocked<2>::Words{3, 4}));
  EXPECT_EQ(value.own_words(), words);
  EXPECT_EQ(value.own_word(1), 4U);
}

// So many words that a write and a read often meet.
TEST(SequenceLocked, IsReadWholeAndNeverGoesBack) {
  using Value = SequenceLocked<1024>;
  Value value;
  std::atomic<bool> is_done{false};
  std::uint64_t torn = 0;
  std::uint64_t went_back = 0;
  std::uint64_t reads = 0;
  std::thread reader([&] {
    Value::Words words;
    std::uint64_t last = 0;
    do {
      if (!value.try_read(words)) continue;
      ++reads;
      torn += std::ranges::count(words, words[0]) != 1024 ? 1 : 0;
      went_back += words[0] < last ? 1 : 0;
      last = words[0];
      // Acquire: pairs with the release store below; the reader ends after the last write.
    } while (!is_done.load(std::memory_order_acquire));
  });
  Value::Words words;
  for (std::uint64_t i = 1; i <= 50'000; ++i) {
    words.fill(i);
    value.write(words);
  }
  // Release: pairs with the reader's acquire load.
  is_done.store(true, std::memory_order_release);
  reader.join();
  EXPECT_GT(reads, 0U);
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(went_back, 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
