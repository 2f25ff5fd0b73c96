// SPDX-License-Identifier: BSD-3-Clause
// After a takeover the switches hear each address from the side on which it is not.
#include <gtest/gtest.h>

#include <set>

#include "dataplane/mac_announcer.hpp"
#include "tests/support/bridge_text.hpp"
#include "tests/support/link_fakes.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::kLeft;
using tests::kMiddle;
using tests::kRight;

constexpr std::uint32_t kSlots = 1024;

tables::PartitionLimits limits() {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kMac) = kSlots;
  return limits;
}

class MacAnnouncerTest : public ::testing::Test {
 protected:
  void know(std::uint32_t number, std::uint8_t port, std::uint16_t vlan = 0,
            std::uint8_t flags = 0) {
    tables::MacBody body{};
    body.key = mac_key(
        {2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)},
        vlan, 0);
    body.port = port;
    body.flags = flags;
    ASSERT_EQ(home_->table<tables::TableKind::kMac>().create(body, 0).status,
              tables::InsertStatus::kInserted);
  }

  std::multiset<std::pair<std::size_t, int>> told() const {
    std::multiset<std::pair<std::size_t, int>> result;
    for (const tests::SentFrame& frame : link_.sent)
      result.emplace(frame.port_index, std::to_integer<int>(frame.bytes[11]));
    return result;
  }

  Config config_ = tests::bridge_config();
  Bridging bridging_{config_, 1, {3}};
  tests::InBlock<tables::Partition> home_{limits(), tables::HashSeed{5}};
  tests::FakeLink link_;
  MacAnnouncer announcer_{bridging_, *home_, link_};
};

TEST_F(MacAnnouncerTest, SaysEachAddressByEveryOtherPort) {
  know(1, kLeft);
  know(2, kRight, 0, tables::kIsStatic);
  know(3, kMiddle, 0, tables::kIsHeld);
  announcer_.start(5);
  EXPECT_EQ(told(), (std::multiset<std::pair<std::size_t, int>>{
                        {kMiddle, 1}, {kRight, 1}, {kLeft, 2}, {kMiddle, 2}}));
  EXPECT_EQ(bridging_.mac_stats(0).announced.get(), 4U);
}

TEST_F(MacAnnouncerTest, SpeaksAsTheStationInReverseArp) {
  know(1, kLeft);
  know(2, kLeft, 10);
  announcer_.start(5);
  const Bytes& plain = link_.sent[0].bytes;
  ASSERT_EQ(plain.size(), 60U);
  EXPECT_EQ(
      Bytes(plain.begin(), plain.begin() + 42),
      tests::bytes_of({255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 0x80, 0x35,              //
                       0,   1,   8,   0,   6,   4,   0, 3, 2, 0, 0, 0, 0,    1,    0, 0, 0, 0,  //
                       2,   0,   0,   0,   0,   1,   0, 0, 0, 0}));
  const Bytes& tagged = link_.sent[2].bytes;
  ASSERT_EQ(tagged.size(), 60U);
  EXPECT_EQ(Bytes(tagged.begin() + 12, tagged.begin() + 22),
            tests::bytes_of({0x81, 0, 0, 10, 0x80, 0x35, 0, 1, 8, 0}));
}

TEST_F(MacAnnouncerTest, TakesItsTimeAndDoesItTwice) {
  for (std::uint32_t i = 0; i < 250; ++i) know(i, kLeft);
  announcer_.start(10'000);
  EXPECT_EQ(link_.sent.size(), 200U) << "a hundred, by two ports";
  EXPECT_EQ(announcer_.poll(10'000), 0U);
  EXPECT_EQ(announcer_.poll(10'001), 100U);
  EXPECT_EQ(announcer_.poll(10'002), 50U);
  EXPECT_EQ(announcer_.poll(10'999), 0U);
  std::size_t again = 0;
  for (std::uint64_t ms = 11'000; ms < 11'010; ++ms) again += announcer_.poll(ms);
  EXPECT_EQ(again, 250U);
  EXPECT_TRUE(announcer_.is_done());
  EXPECT_EQ(announcer_.poll(20'000), 0U);
}

TEST_F(MacAnnouncerTest, CountsWhatFindsNoBuffer) {
  know(1, kLeft);
  link_.is_out_of_frames = true;
  announcer_.start(5);
  EXPECT_EQ(bridging_.mac_stats(0).announce_missed.get(), 2U);
  link_.is_out_of_frames = false;
  announcer_.poll(1005);
  EXPECT_EQ(link_.sent.size(), 2U) << "the second round says it";
}

TEST_F(MacAnnouncerTest, StopsWhenTheBoxIsPassive) {
  for (std::uint32_t i = 0; i < 250; ++i) know(i, kLeft);
  announcer_.start(5);
  announcer_.stop();
  EXPECT_EQ(announcer_.poll(6), 0U);
}

}  // namespace
}  // namespace twinplane::dataplane
