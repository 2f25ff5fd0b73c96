// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "dataplane/mac_table.hpp"

namespace twinplane::dataplane {
namespace {

MacKey key_of(std::uint32_t number) {
  return mac_key(
      {2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)},
      static_cast<std::uint16_t>(number % 5), static_cast<std::uint8_t>(number % 3));
}

class MacTableTest : public ::testing::Test {
 protected:
  int port_of(const MacKey& key) const {
    MacFound found{};
    return table_.try_lookup(key, found) ? found.port : -1;
  }

  MacTable table_{64, {42}};
};

TEST_F(MacTableTest, FindsAnAddressByVlanAndDomain) {
  const tables::MacBytes mac{2, 0, 0, 0, 0, 1};
  const MacRow row{.key = mac_key(mac, 10, 1), .move_count = 7, .port = 3, .flags = 1};
  const std::uint32_t place = table_.insert(row);
  ASSERT_NE(place, MacTable::kNoPlace);
  EXPECT_EQ(port_of(mac_key(mac, 10, 1)), 3);
  EXPECT_EQ(port_of(mac_key(mac, 0, 1)), -1);
  EXPECT_EQ(port_of(mac_key(mac, 10, 0)), -1);
  MacFound found{};
  ASSERT_TRUE(table_.try_lookup(row.key, found));
  EXPECT_EQ(found.place, place);
  EXPECT_TRUE(found.is_static());
  EXPECT_FALSE(found.is_held());
  MacRow read;
  ASSERT_TRUE(table_.try_row(place, read));
  EXPECT_EQ(read.key.mac, mac);
  EXPECT_EQ(read.key.vlan, 10);
  EXPECT_EQ(read.key.domain, 1);
  EXPECT_EQ(read.move_count, 7);
  table_.update(place, {.key = row.key, .move_count = 8, .port = 4, .flags = 0});
  EXPECT_EQ(port_of(row.key), 4) << "its moves are no part of its key";
  table_.erase(place);
  EXPECT_EQ(port_of(row.key), -1);
  EXPECT_FALSE(table_.try_row(place, read));
}

TEST_F(MacTableTest, AnswersAsAMapDoesWhateverComesAndGoes) {
  std::mt19937 dice(1);
  const auto draw = [&dice](std::uint32_t below) {
    return static_cast<std::uint32_t>(dice() % below);
  };
  std::map<std::uint32_t, std::uint8_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t number = draw(200);
    const auto port = static_cast<std::uint8_t>(draw(32));
    const std::uint32_t place = table_.find(key_of(number));
    ASSERT_EQ(place != MacTable::kNoPlace, model.contains(number));
    if (place == MacTable::kNoPlace && model.size() < 90) {
      ASSERT_NE(table_.insert({.key = key_of(number), .port = port}), MacTable::kNoPlace);
      model[number] = port;
    } else if (place != MacTable::kNoPlace && draw(2) == 0) {
      table_.update(place, {.key = key_of(number), .port = port});
      model[number] = port;
    } else if (place != MacTable::kNoPlace) {
      table_.erase(place);
      model.erase(number);
    }
    ASSERT_EQ(table_.live_count(), model.size());
    const std::uint32_t other = draw(200);
    const auto known = model.find(other);
    ASSERT_EQ(port_of(key_of(other)), known == model.end() ? -1 : known->second);
  }
}

// A port that says how often it was written, and its moves the same: a torn read would differ.
TEST_F(MacTableTest, IsReadWholeWhileItChanges) {
  const MacKey key = key_of(1);
  const std::uint32_t place = table_.insert({.key = key});
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    for (std::uint32_t i = 0; i < 200'000; ++i)
      table_.update(place, {.key = key,
                            .move_count = static_cast<std::uint16_t>(i % 32),
                            .port = static_cast<std::uint8_t>(i % 32)});
    is_over.store(true);
  });
  while (!is_over.load()) {
    MacRow row;
    if (table_.try_row(place, row)) {
      ASSERT_EQ(row.port, row.move_count);
    }
  }
  writer.join();
}

}  // namespace
}  // namespace twinplane::dataplane
