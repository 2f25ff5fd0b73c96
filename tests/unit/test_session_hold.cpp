// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <map>

#include "dataplane/duration_histogram.hpp"
#include "dataplane/session_hold.hpp"

namespace twinplane::dataplane {
namespace {

using ha2::Receipt;
using ha2::ReceiptState;
using tables::TableKind;

constexpr std::uint64_t kWaitNs = 5'000'000;

constexpr HeldPlace place(std::uint32_t slot, std::uint32_t partition = 0,
                          std::uint16_t generation = 1) {
  return {partition, TableKind::kSession4, slot, generation};
}

// A hold of numbered packets, and what the peer is made to say of each slot.
class Holding {
 public:
  bool put(const HeldPlace& where, int packet, std::uint64_t now_ns = 0) {
    return hold.try_put(where, packet, now_ns, [&] {
      ++asked_count;
      return Receipt{.kind = where.kind, .slot = where.slot};
    });
  }

  std::size_t poll(std::uint64_t now_ns) {
    return hold.poll(
        now_ns,
        [&](const HeldPlace&, const Receipt& receipt) {
          const auto said = states.find(receipt.slot);
          return said == states.end() ? ReceiptState::kWaiting : said->second;
        },
        [&](const HeldPlace& where, HoldEnd end, std::uint64_t waited_ns) {
          ends[where.slot] = end;
          last_waited_ns = waited_ns;
        },
        [&](int packet, HoldEnd end) {
          (end == HoldEnd::kGone ? dropped : released).push_back(packet);
        });
  }

  SessionHold<int> hold{kWaitNs};
  int asked_count = 0;
  std::map<std::uint32_t, ReceiptState> states;
  std::map<std::uint32_t, HoldEnd> ends;
  std::vector<int> released;
  std::vector<int> dropped;
  std::uint64_t last_waited_ns = 0;
};

TEST(SessionHold, LetsNothingGoBeforeThePeerHasTheSession) {
  Holding holding;
  ASSERT_TRUE(holding.put(place(7), 1));
  EXPECT_EQ(holding.poll(kWaitNs - 1), 1U);
  EXPECT_TRUE(holding.released.empty());
  holding.states[7] = ReceiptState::kReceived;
  EXPECT_EQ(holding.poll(kWaitNs - 1), 0U);
  EXPECT_EQ(holding.released, std::vector<int>{1});
  EXPECT_EQ(holding.ends[7], HoldEnd::kReceived);
  EXPECT_EQ(holding.last_waited_ns, kWaitNs - 1);
}

TEST(SessionHold, KeepsTheOrderOfASessionsPacketsAndAsksOnce) {
  Holding holding;
  for (const int packet : {1, 2, 3}) ASSERT_TRUE(holding.put(place(7), packet));
  EXPECT_TRUE(holding.hold.is_waiting(place(7)));
  EXPECT_FALSE(holding.hold.is_waiting(place(7, 1)));
  EXPECT_EQ(holding.asked_count, 1);
  holding.states[7] = ReceiptState::kReceived;
  holding.poll(0);
  EXPECT_EQ(holding.released, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(holding.hold.is_waiting(place(7)));
}

TEST(SessionHold, ASessionDoesNotWaitForAnother) {
  Holding holding;
  ASSERT_TRUE(holding.put(place(1), 1));
  ASSERT_TRUE(holding.put(place(2), 2));
  ASSERT_TRUE(holding.put(place(1), 3));
  holding.states[2] = ReceiptState::kReceived;
  EXPECT_EQ(holding.poll(0), 1U);
  EXPECT_EQ(holding.released, std::vector<int>{2});
  holding.states[1] = ReceiptState::kReceived;
  holding.poll(0);
  EXPECT_EQ(holding.released, (std::vector<int>{2, 1, 3}));
}

TEST(SessionHold, LetsGoWhenTheTimeIsUpOrNobodyWillAnswer) {
  Holding holding;
  ASSERT_TRUE(holding.put(place(1), 1, 1000));
  ASSERT_TRUE(holding.put(place(2), 2, 1000));
  holding.states[2] = ReceiptState::kNoPeer;
  holding.poll(1000);
  EXPECT_EQ(holding.released, std::vector<int>{2});
  EXPECT_EQ(holding.ends[2], HoldEnd::kNoPeer);
  holding.poll(1000 + kWaitNs);
  EXPECT_EQ(holding.released, (std::vector<int>{2, 1}));
  EXPECT_EQ(holding.ends[1], HoldEnd::kTimeout);
}

TEST(SessionHold, DropsThePacketsOfASessionThatHasEnded) {
  Holding holding;
  ASSERT_TRUE(holding.put(place(1), 1));
  holding.states[1] = ReceiptState::kGone;
  EXPECT_EQ(holding.poll(0), 0U);
  EXPECT_TRUE(holding.released.empty());
  EXPECT_EQ(holding.dropped, std::vector<int>{1});
}

TEST(SessionHold, ANewSessionInTheSlotOfOneThatWaitsIsAnotherOne) {
  Holding holding;
  ASSERT_TRUE(holding.put(place(1), 1));
  EXPECT_FALSE(holding.hold.is_waiting(place(1, 0, 2)));
  ASSERT_TRUE(holding.put(place(1, 0, 2), 2));
  EXPECT_EQ(holding.asked_count, 2);
  EXPECT_EQ(holding.hold.session_count(), 2U);
}

TEST(SessionHold, SaysThatItIsFullAndHasPlacesAgainAfterwards) {
  Holding holding;
  for (std::uint32_t slot = 0; slot < SessionHold<int>::kSessionsMax; ++slot)
    ASSERT_TRUE(holding.put(place(slot), static_cast<int>(slot)));
  EXPECT_FALSE(holding.put(place(50'000), 1));
  EXPECT_FALSE(holding.hold.is_waiting(place(50'000)));
  for (std::size_t i = SessionHold<int>::kSessionsMax; i < SessionHold<int>::kPacketsMax; ++i)
    ASSERT_TRUE(holding.put(place(3), 0));
  EXPECT_FALSE(holding.put(place(3), 0));
  holding.poll(kWaitNs);
  EXPECT_EQ(holding.released.size(), SessionHold<int>::kPacketsMax);
  EXPECT_EQ(holding.hold.session_count(), 0U);
  for (std::uint32_t slot = 0; slot < SessionHold<int>::kSessionsMax; ++slot)
    ASSERT_TRUE(holding.put(place(slot), static_cast<int>(slot)));
}

TEST(SessionHold, GivesEverythingBackWhenItIsCleared) {
  Holding holding;
  for (const int packet : {1, 2, 3})
    ASSERT_TRUE(holding.put(place(static_cast<std::uint32_t>(packet) % 2), packet));
  std::vector<int> given;
  holding.hold.clear([&](int packet) { given.push_back(packet); });
  EXPECT_EQ(given.size(), 3U);
  EXPECT_EQ(holding.poll(kWaitNs), 0U);
  EXPECT_TRUE(holding.released.empty());
}

TEST(DurationHistogram, EachClassBeginsWhereTheOneBeforeEnds) {
  for (std::size_t i = 0; i + 1 < kDurationClasses; ++i) {
    const std::uint64_t end_ns = duration_class_end_ns(i);
    EXPECT_EQ(duration_class_of(end_ns - 1), i);
    EXPECT_EQ(duration_class_of(end_ns), i + 1);
  }
  EXPECT_EQ(duration_class_of(~std::uint64_t{0}), kDurationClasses - 1);
  EXPECT_GE(duration_class_end_ns(kDurationClasses - 1), 16'000'000U);
}

TEST(DurationHistogram, ThePercentileIsTheEndOfItsClass) {
  DurationCounts counts{};
  EXPECT_EQ(duration_at_ns(counts, 500), 0U);
  for (int i = 0; i < 99; ++i) ++counts[duration_class_of(10'000)];
  ++counts[duration_class_of(900'000)];
  EXPECT_EQ(duration_at_ns(counts, 500), duration_class_end_ns(duration_class_of(10'000)));
  EXPECT_EQ(duration_at_ns(counts, 990), duration_class_end_ns(duration_class_of(10'000)));
  EXPECT_EQ(duration_at_ns(counts, 999), duration_class_end_ns(duration_class_of(900'000)));
}

}  // namespace
}  // namespace twinplane::dataplane
