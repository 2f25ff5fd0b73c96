// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>

#include "dataplane/announcer.hpp"
#include "tests/support/link_fakes.hpp"

namespace twinplane::dataplane {
namespace {

// two_ports(): three IPv4 addresses, two frames each, and two IPv6 addresses.
constexpr std::size_t kFramesARound = 8;

class Announces : public ::testing::Test {
 protected:
  tests::FakeLink link_;
  NeighborCounters counters_;
};

TEST_F(Announces, EveryAddressAtOnceAfter100MsAndAfterASecond) {
  const OwnAddresses own(tests::two_ports());
  NeighborSender sender(own, link_, counters_);
  Announcer announcer(own, sender);
  announcer.poll(4'999);
  EXPECT_TRUE(link_.sent.empty()) << "not started";
  announcer.start(5'000);
  EXPECT_EQ(link_.sent.size(), kFramesARound);
  announcer.poll(5'099);
  EXPECT_EQ(link_.sent.size(), kFramesARound);
  announcer.poll(5'100);
  announcer.poll(5'101);
  EXPECT_EQ(link_.sent.size(), 2 * kFramesARound);
  announcer.poll(6'000);
  announcer.poll(60'000);
  EXPECT_EQ(link_.sent.size(), 3 * kFramesARound);
}

TEST_F(Announces, NothingMoreWhenItIsStopped) {
  const OwnAddresses own(tests::two_ports());
  NeighborSender sender(own, link_, counters_);
  Announcer announcer(own, sender);
  announcer.start(0);
  announcer.stop();
  announcer.poll(2'000);
  EXPECT_EQ(link_.sent.size(), kFramesARound);
}

TEST_F(Announces, ManyAddressesInBatches) {
  Config config = tests::two_ports();
  config.nat[0].addresses.clear();
  for (unsigned i = 1; i <= 100; ++i)
    config.nat[0].addresses.push_back(
        IpAddress::of(tables::Address4{10, 2, 0, static_cast<std::uint8_t>(i)}));
  const OwnAddresses own(config);
  NeighborSender sender(own, link_, counters_);
  Announcer announcer(own, sender);
  announcer.start(0);
  EXPECT_LE(link_.sent.size(), 2 * Announcer::kBatchMax);
  announcer.poll(0);
  std::set<tables::Address4> announced;
  for (const tests::SentFrame& frame : link_.sent) {
    const PacketView view = tests::parsed(frame.bytes);
    if (view.kind == PacketKind::kArp) announced.insert(view.source4.address);
  }
  EXPECT_EQ(announced.size(), 102U);
}

TEST_F(Announces, TheRestWhenOneFindsNoFrame) {
  const OwnAddresses own(tests::two_ports());
  NeighborSender sender(own, link_, counters_);
  Announcer announcer(own, sender);
  link_.is_out_of_frames = true;
  announcer.start(0);
  EXPECT_EQ(counters_.get(NeighborCounter::kNoFrame), own.all().size());
  link_.is_out_of_frames = false;
  announcer.poll(100);
  EXPECT_EQ(link_.sent.size(), kFramesARound);
}

TEST_F(Announces, WhoseAnAddressIsOnceInTenSeconds) {
  const OwnAddresses own(tests::two_ports());
  NeighborSender sender(own, link_, counters_);
  Announcer announcer(own, sender);
  for (const std::uint64_t now_ms : {1'000U, 1'001U, 10'999U})
    announcer.defend(0, tests::ip("10.1.0.254"), now_ms);
  EXPECT_EQ(link_.sent.size(), 2U);
  announcer.defend(0, tests::ip("10.1.0.254"), 11'000);
  EXPECT_EQ(link_.sent.size(), 4U);
}

}  // namespace
}  // namespace twinplane::dataplane
