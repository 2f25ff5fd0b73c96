// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "dataplane/neighbor_table.hpp"

namespace twinplane::dataplane {
namespace {

constexpr auto kNoSlot = NeighborTable::kNoSlot;
constexpr MacAddress kMac{2, 0, 0, 0, 0, 1};
constexpr MacAddress kOtherMac{2, 0, 0, 0, 0, 2};

NeighborKey key_of(std::uint32_t number) {
  return NeighborKey::of(number % 3, tables::Address4{10, static_cast<std::uint8_t>(number >> 16U),
                                                      static_cast<std::uint8_t>(number >> 8U),
                                                      static_cast<std::uint8_t>(number)});
}

// A MAC that says whose it is and how often it has changed.
MacAddress mac_of(std::uint32_t number, std::uint32_t change) {
  return {2,
          static_cast<std::uint8_t>(number >> 8U),
          static_cast<std::uint8_t>(number),
          static_cast<std::uint8_t>(change >> 8U),
          static_cast<std::uint8_t>(change),
          static_cast<std::uint8_t>(change ^ number)};
}

bool is_mac_of(std::uint32_t number, const MacAddress& mac) {
  return mac[0] == 2 && mac[1] == static_cast<std::uint8_t>(number >> 8U) &&
         mac[2] == static_cast<std::uint8_t>(number) &&
         mac[5] == static_cast<std::uint8_t>(mac[4] ^ number);
}

class Table : public ::testing::Test {
 protected:
  bool finds(const NeighborKey& key) const {
    MacAddress mac;
    return table_.try_lookup(key, mac);
  }

  NeighborTable table_{1024, {42}};
};

TEST_F(Table, FindsWhatWasInsertedUntilItIsErased) {
  EXPECT_FALSE(finds(key_of(1)));
  const std::uint32_t slot = table_.insert(key_of(1), NeighborState::kReachable, kMac);
  ASSERT_NE(slot, kNoSlot);
  MacAddress mac;
  EXPECT_TRUE(table_.try_lookup(key_of(1), mac));
  EXPECT_EQ(mac, kMac);
  EXPECT_EQ(table_.find(key_of(1)), slot);
  EXPECT_EQ(table_.entry(slot).key, key_of(1));
  table_.update(slot, NeighborState::kStale, kOtherMac);
  EXPECT_TRUE(table_.try_lookup(key_of(1), mac));
  EXPECT_EQ(mac, kOtherMac);
  EXPECT_EQ(table_.entry(slot).state, NeighborState::kStale);
  table_.erase(slot);
  EXPECT_FALSE(finds(key_of(1)));
  EXPECT_EQ(table_.live_count(), 0U);
}

TEST_F(Table, TellsPortsAndFamiliesApart) {
  const auto four = IpAddress::of(tables::Address4{10, 0, 0, 1});
  const NeighborKey six = NeighborKey::of(0, tables::Address6{0xFD, 0, 0, 1});
  ASSERT_NE(table_.insert(NeighborKey::of(0, four), NeighborState::kReachable, kMac), kNoSlot);
  EXPECT_FALSE(finds(NeighborKey::of(1, four)));
  ASSERT_NE(table_.insert(NeighborKey::of(1, four), NeighborState::kReachable, kOtherMac), kNoSlot);
  ASSERT_NE(table_.insert(six, NeighborState::kReachable, kMac), kNoSlot);
  MacAddress mac;
  EXPECT_TRUE(table_.try_lookup(NeighborKey::of(1, four), mac));
  EXPECT_EQ(mac, kOtherMac);
  EXPECT_TRUE(finds(six));
}

TEST_F(Table, HidesFromReadersWhoIsNotResolvedYet) {
  const std::uint32_t slot = table_.insert(key_of(1), NeighborState::kIncomplete, {});
  EXPECT_FALSE(finds(key_of(1)));
  EXPECT_EQ(table_.find(key_of(1)), slot);
}

TEST_F(Table, TakesItsCapacityAndRefusesMore) {
  for (std::uint32_t i = 0; i < table_.capacity(); ++i)
    ASSERT_NE(table_.insert(key_of(i), NeighborState::kReachable, mac_of(i, 0)), kNoSlot);
  EXPECT_EQ(table_.insert(key_of(5000), NeighborState::kReachable, kMac), kNoSlot);
  for (std::uint32_t i = 0; i < table_.capacity(); ++i) EXPECT_TRUE(finds(key_of(i)));
  table_.erase(table_.find(key_of(7)));
  EXPECT_NE(table_.insert(key_of(5000), NeighborState::kReachable, kMac), kNoSlot);
}

TEST_F(Table, AgreesWithAMapThroughAMillionChanges) {
  std::mt19937 random(1);
  std::map<std::uint32_t, std::uint32_t> model;
  for (std::uint32_t step = 0; step < 1'000'000; ++step) {
    const std::uint32_t number = static_cast<std::uint32_t>(random()) % 1500;
    const auto known = model.find(number);
    const std::uint32_t slot = table_.find(key_of(number));
    ASSERT_EQ(slot != kNoSlot, known != model.end());
    if (known == model.end()) {
      const bool has_room = model.size() < table_.capacity();
      const bool is_in =
          table_.insert(key_of(number), NeighborState::kReachable, mac_of(number, step)) != kNoSlot;
      // At half load a run of 64 taken slots does not come about.
      ASSERT_EQ(is_in, has_room);
      if (is_in) model[number] = step;
    } else if (step % 2 == 0) {
      table_.update(slot, NeighborState::kStale, mac_of(number, known->second = step));
    } else {
      table_.erase(slot);
      model.erase(known);
    }
  }
  EXPECT_EQ(table_.live_count(), model.size());
  for (const auto& [number, change] : model) {
    MacAddress mac;
    EXPECT_TRUE(table_.try_lookup(key_of(number), mac));
    EXPECT_EQ(mac, mac_of(number, change));
  }
}

TEST_F(Table, FreesAllSlotsWhenAllNeighborsAreGone) {
  for (std::uint32_t i = 0; i < 900; ++i)
    ASSERT_NE(table_.insert(key_of(i), NeighborState::kReachable, kMac), kNoSlot);
  for (std::uint32_t i = 0; i < 900; ++i) table_.erase(table_.find(key_of(i * 7 % 900)));
  std::uint32_t removed = 0;
  for (std::uint32_t slot = 0; slot < table_.slot_count(); ++slot)
    removed += table_.entry(slot).state != NeighborState::kFree ? 1 : 0;
  EXPECT_EQ(removed, 0U);
}

// What is left alone is always found; what changes is found whole or not at all.
TEST_F(Table, NeverShowsAReaderAMixedEntry) {
  constexpr std::uint32_t kStable = 200;
  constexpr std::uint32_t kNumbers = 800;
  constexpr std::uint32_t kChanges = 200'000;
  for (std::uint32_t i = 0; i < kStable; ++i)
    ASSERT_NE(table_.insert(key_of(i), NeighborState::kReachable, mac_of(i, 0)), kNoSlot);

  std::atomic<bool> is_done{false};
  std::atomic<std::uint64_t> mixed{0};
  std::atomic<std::uint64_t> missed{0};
  std::vector<std::thread> readers;
  for (std::uint32_t reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      std::mt19937 random(reader);
      // Acquire: pairs with the release store below; the reader ends after the last change.
      while (!is_done.load(std::memory_order_acquire)) {
        const std::uint32_t number = static_cast<std::uint32_t>(random()) % kNumbers;
        MacAddress mac;
        // Relaxed: only counted, and read after join().
        if (!table_.try_lookup(key_of(number), mac))
          missed.fetch_add(number < kStable ? 1 : 0, std::memory_order_relaxed);
        else if (!is_mac_of(number, mac))
          mixed.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  std::mt19937 random(99);
  for (std::uint32_t change = 0; change < kChanges; ++change) {
    const std::uint32_t number =
        kStable + static_cast<std::uint32_t>(random()) % (kNumbers - kStable);
    const std::uint32_t slot = table_.find(key_of(number));
    if (slot == kNoSlot)
      static_cast<void>(
          table_.insert(key_of(number), NeighborState::kReachable, mac_of(number, change)));
    else if (random() % 2 == 0)
      table_.update(slot, NeighborState::kStale, mac_of(number, change));
    else
      table_.erase(slot);
  }
  // Release: pairs with the readers' acquire load.
  is_done.store(true, std::memory_order_release);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(mixed.load(), 0U);
  EXPECT_EQ(missed.load(), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
