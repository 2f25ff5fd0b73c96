// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <random>

#include "dataplane/neighbors.hpp"
#include "tests/support/link_fakes.hpp"

namespace twinplane::dataplane {
namespace {

using tests::arp_frame;
using tests::Bytes;
using tests::ip;
using tests::kHostMac;
using tests::nd_frame;
using Counter = NeighborCounter;

class Box : public ::testing::Test {
 protected:
  Box() { box_.set_active(true, 0); }

  void receive(const Bytes& frame, std::size_t port_index = 0) {
    box_.on_packet(frame, tests::parsed(frame), port_index, now_ms_);
  }

  // The message of the last frame sent.
  NeighborMessage last_sent() const {
    NeighborMessage message;
    const Bytes& frame = link_.sent.at(link_.sent.size() - 1).bytes;
    EXPECT_EQ(read_neighbor_message(frame, tests::parsed(frame), message), NeighborFault::kNone);
    return message;
  }

  bool is_known(const char* address, std::size_t port_index = 0) const {
    MacAddress mac;
    return table_.try_lookup(NeighborKey::of(port_index, ip(address)), mac) && mac == kHostMac;
  }

  std::uint64_t count(Counter counter) const { return box_.counters().get(counter); }

  NeighborTable table_{64, {7}};
  tests::FakeLink link_;
  tests::FakePackets packets_;
  Neighbors box_{tests::two_ports(), {}, table_, link_, packets_};
  std::uint64_t now_ms_ = 1;
};

TEST_F(Box, AnswersForItsAddressesAndLearnsWhoAsked) {
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  EXPECT_EQ(last_sent().subject, ip("10.1.0.254"));
  EXPECT_TRUE(is_known("10.1.0.7"));
  receive(nd_frame({.type = 135,
                    .source = "fd00:1::7",
                    .target = "ff02::1:ff00:fe",
                    .subject = "fd00:1::fe",
                    .option = 1}));
  EXPECT_EQ(last_sent().subject, ip("fd00:1::fe"));
  EXPECT_TRUE(is_known("fd00:1::7"));
  receive(nd_frame({.type = 135,
                    .source = "fe80::7",
                    .target = "ff02::1:ff00:300",
                    .subject = "fe80::21b:17ff:fe00:300",
                    .option = 1}));
  EXPECT_EQ(last_sent().subject, ip("fe80::21b:17ff:fe00:300"));
  EXPECT_TRUE(is_known("fe80::7"));
  EXPECT_EQ(count(Counter::kAnswersSent), 3U);
}

Config with_permanent(const char* address) {
  Config config = tests::two_ports();
  config.neighbors.push_back({ip(address), kHostMac, "", 0});
  return config;
}

TEST_F(Box, NeverChangesNorProbesAPermanentNeighbor) {
  constexpr MacAddress kStranger{2, 0, 0, 0, 0, 0x66};
  Neighbors box(with_permanent("10.1.0.9"), {}, table_, link_, packets_);
  EXPECT_TRUE(is_known("10.1.0.9")) << "before it is active";
  box.set_active(true, now_ms_);
  const auto hear = [&](const Bytes& frame) {
    box.on_packet(frame, tests::parsed(frame), 0, now_ms_);
  };
  hear(arp_frame(1, kStranger, "10.1.0.9", "10.1.0.254"));
  hear(arp_frame(1, kStranger, "10.1.0.9", "10.1.0.9"));  // gratuitous
  EXPECT_TRUE(is_known("10.1.0.9"));
  EXPECT_EQ(box.counters().get(Counter::kIgnoredPermanent), 2U);
  link_.sent.clear();
  for (; now_ms_ < 120'000; now_ms_ += 10) box.poll(now_ms_);
  EXPECT_TRUE(link_.sent.empty());
  EXPECT_TRUE(is_known("10.1.0.9"));
}

TEST_F(Box, LetsGoOfWhatOnlyThePeerHadForPermanent) {
  ASSERT_NE(table_.insert(NeighborKey::of(0, ip("10.1.0.9")), NeighborState::kPermanent, kHostMac),
            NeighborTable::kNoSlot);
  Neighbors box(with_permanent("10.1.0.10"), {}, table_, link_, packets_);
  box.set_active(true, now_ms_);
  EXPECT_EQ(table_.entry(table_.find(NeighborKey::of(0, ip("10.1.0.9")))).state,
            NeighborState::kStale);
  EXPECT_EQ(table_.entry(table_.find(NeighborKey::of(0, ip("10.1.0.10")))).state,
            NeighborState::kPermanent);
}

TEST_F(Box, ThatIsPassiveLearnsOnlyWhatThePeerDoesNotTellIt) {
  box_.set_active(false, now_ms_);
  box_.set_kept({tables::TableKind::kArp});
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  EXPECT_FALSE(is_known("10.1.0.7")) << "the peer tells of it";
  box_.set_kept({});
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  EXPECT_TRUE(is_known("10.1.0.7"));
}

TEST_F(Box, AnswersForNatAddressesOnTheirLinkOnly) {
  receive(arp_frame(1, kHostMac, "10.2.0.1", "10.2.0.77"), 1);
  EXPECT_EQ(last_sent().subject, ip("10.2.0.77"));
  EXPECT_EQ(last_sent().mac, tests::kOutsideMac);
  EXPECT_TRUE(is_known("10.2.0.1", 1));
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.2.0.77"), 0);
  EXPECT_EQ(count(Counter::kAnswersSent), 1U);
  EXPECT_EQ(count(Counter::kIgnoredNotForUs), 1U);
}

TEST_F(Box, DefendsItsAddressesAgainstDuplicates) {
  receive(arp_frame(1, kHostMac, "0.0.0.0", "10.1.0.254"));
  EXPECT_EQ(last_sent().subject, ip("10.1.0.254"));
  receive(nd_frame(
      {.type = 135, .source = "::", .target = "ff02::1:ff00:fe", .subject = "fd00:1::fe"}));
  EXPECT_EQ(last_sent().subject, ip("fd00:1::fe"));
  EXPECT_EQ(table_.live_count(), 0U);
}

TEST_F(Box, AnswersNothingWhilePassiveButLearns) {
  box_.set_active(false, now_ms_);
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  receive(arp_frame(2, kHostMac, "10.1.0.254", "10.1.0.254"));
  box_.announce(now_ms_);
  box_.poll(5'000);
  EXPECT_TRUE(link_.sent.empty());
  EXPECT_TRUE(is_known("10.1.0.7"));
}

TEST_F(Box, LearnsNothingFromWhoIsNotOnTheLink) {
  receive(arp_frame(1, kHostMac, "192.0.2.1", "10.1.0.254"));
  receive(arp_frame(1, kHostMac, "10.1.0.255", "10.1.0.254"));
  EXPECT_EQ(table_.live_count(), 0U);
  EXPECT_EQ(count(Counter::kIgnoredOffLink), 2U);
  EXPECT_TRUE(link_.sent.empty());
}

TEST_F(Box, ReleasesPacketsOnAnAnswerToItself) {
  box_.resolve(NeighborKey::of(0, ip("10.1.0.7")), packets_.packet(0), now_ms_);
  receive(arp_frame(2, kHostMac, "10.1.0.7", "10.1.0.9"));
  EXPECT_TRUE(packets_.released.empty()) << "an answer to another";
  receive(arp_frame(2, kHostMac, "10.1.0.7", "10.1.0.254"));
  ASSERT_EQ(packets_.released.size(), 1U);
  EXPECT_EQ(packets_.released[0].mac, kHostMac);

  box_.resolve(NeighborKey::of(0, ip("fd00:1::7")), packets_.packet(1), now_ms_);
  receive(nd_frame({.type = 136,
                    .source = "fd00:1::7",
                    .target = "fd00:1::fe",
                    .subject = "fd00:1::7",
                    .flags = 0x60,
                    .option = 2}));
  EXPECT_EQ(packets_.released.size(), 2U);
}

TEST_F(Box, TakesGratuitousArpFromKnownNeighborsOnly) {
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.7"));
  EXPECT_EQ(table_.live_count(), 0U);
  receive(arp_frame(1, tests::kOtherMac, "10.1.0.7", "10.1.0.254"));
  receive(arp_frame(2, kHostMac, "10.1.0.7", "10.1.0.7"));
  EXPECT_TRUE(is_known("10.1.0.7"));
}

// RFC 826 would have it merge what it hears by chance.
TEST_F(Box, NeitherLearnsNorChangesANeighborByWhatIsSaidToOthers) {
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.9"));
  receive(arp_frame(2, kHostMac, "10.1.0.7", "10.1.0.9"));
  EXPECT_EQ(table_.live_count(), 0U);
  receive(arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"));
  receive(arp_frame(1, tests::kOtherMac, "10.1.0.7", "10.1.0.9"));
  receive(arp_frame(2, tests::kOtherMac, "10.1.0.7", "10.1.0.9"));
  receive(nd_frame({.type = 136,
                    .source = "fd00:1::7",
                    .target = "fd00:1::9",
                    .subject = "fd00:1::7",
                    .flags = 0x60,
                    .option = 2}));
  EXPECT_TRUE(is_known("10.1.0.7"));
  EXPECT_EQ(count(Counter::kIgnoredNotForUs), 5U);
}

TEST_F(Box, IgnoresWhatItsPeerOrItselfHasSent) {
  for (const auto& frame : {arp_frame(1, tests::kInsideMac, "10.1.0.254", "10.1.0.254"),
                            arp_frame(1, tests::kInsideMac, "10.1.0.254", "10.1.0.7"),
                            nd_frame({.type = 136,
                            .source = "fd00:1::fe",
                            .target = "ff02::1",
                            .subject = "fd00:1::fe",
                            .flags = 0xA0,
                            .option = 2,
                            .mac = tests::kInsideMac})})
    receive(frame);
  EXPECT_EQ(count(Counter::kIgnoredOwn), 3U);
  EXPECT_EQ(count(Counter::kConflicts), 0U);
}

TEST_F(Box, CountsWhoUsesItsAddressesAndSaysOnceWhoseTheyAre) {
  receive(arp_frame(1, kHostMac, "10.1.0.254", "10.1.0.254"));
  EXPECT_EQ(link_.sent.size(), 2U);
  EXPECT_EQ(last_sent().mac, tests::kInsideMac);
  receive(arp_frame(1, kHostMac, "10.1.0.254", "10.1.0.7"));
  receive(nd_frame({.type = 136,
                    .source = "fd00:1::fe",
                    .target = "ff02::1",
                    .subject = "fd00:1::fe",
                    .flags = 0x20,
                    .option = 2}));
  EXPECT_EQ(count(Counter::kConflicts), 3U);
  EXPECT_EQ(link_.sent.size(), 2U);
  EXPECT_EQ(table_.live_count(), 0U);
}

TEST_F(Box, AnnouncesAtTakeover) {
  box_.announce(now_ms_);
  EXPECT_EQ(link_.sent.size(), 8U);
  box_.poll(now_ms_ + 100);
  EXPECT_EQ(link_.sent.size(), 16U);
  box_.set_active(false, now_ms_ + 200);
  box_.poll(now_ms_ + 1'000);
  EXPECT_EQ(link_.sent.size(), 16U);
}

TEST_F(Box, SurvivesAnythingThatParses) {
  std::mt19937 random(5);
  const std::array<Bytes, 4> seeds{arp_frame(1, kHostMac, "10.1.0.7", "10.1.0.254"),
                                   arp_frame(2, kHostMac, "10.1.0.7", "10.1.0.254"),
                                   nd_frame({.type = 135,
                                             .source = "fd00:1::7",
                                             .target = "ff02::1:ff00:fe",
                                             .subject = "fd00:1::fe",
                                             .option = 1}),
                                   nd_frame({.type = 136,
                                             .source = "fd00:1::7",
                                             .target = "fd00:1::fe",
                                             .subject = "fd00:1::7",
                                             .flags = 0x60,
                                             .option = 2})};
  std::size_t handed_over = 0;
  for (std::size_t round = 0; round < 200'000; ++round) {
    Bytes frame = seeds[round % seeds.size()];
    for (unsigned i = static_cast<unsigned>(random()) % 4; i > 0; --i)
      frame[random() % frame.size()] = static_cast<std::byte>(random());
    frame.resize(frame.size() - random() % 3 * 8);
    // Mends the checksum, so that discovery gets as far as it can.
    if (round % seeds.size() >= 2 && frame.size() >= 62) {
      tests::put16(frame, 56, 0);
      const auto segment = std::span(frame).subspan(54);
      tests::put16(frame, 18, static_cast<unsigned>(segment.size()));
      tests::put16(
          frame, 56,
          tests::slow_l4_checksum(load_raw<tables::Address6>(frame.data() + 22),
                                  load_raw<tables::Address6>(frame.data() + 38), 58, segment));
    }
    PacketView view;
    if (parse(frame, view) != ParseResult::kOk || !Neighbors::concerns(view)) continue;
    ++handed_over;
    box_.on_packet(frame, view, random() % 2, now_ms_ += random() % 3);
    box_.poll(now_ms_);
    link_.sent.clear();
  }
  EXPECT_GT(handed_over, 50'000U);
  EXPECT_LE(table_.live_count(), table_.capacity());
}

}  // namespace
}  // namespace twinplane::dataplane
