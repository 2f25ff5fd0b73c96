// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "dataplane/session_page.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

tables::PartitionLimits limits() {
  tables::PartitionLimits limits;
  limits.session4 = limits.session6 = {64, 1};
  return limits;
}

class SessionPageTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kPartitions = 2;

  // Partition p has p + 1 sessions.
  void SetUp() override {
    for (std::uint32_t p = 0; p < kPartitions; ++p)
      for (std::uint32_t number = 0; number <= p; ++number)
        ASSERT_EQ(partitions_[p]
                      ->session4()
                      .create(tests::make_session<tables::Address4>(number, false), 0)
                      .status,
                  tables::InsertStatus::kInserted);
  }

  // As a worker that has the one partition, in each of its turns.
  void serve(std::uint32_t own) {
    desk_.serve([&](std::uint32_t asked) { return asked == own ? &*partitions_[own] : nullptr; });
  }

  SessionPageDesk desk_;
  std::array<tests::InBlock<tables::Partition>, kPartitions> partitions_{
      tests::InBlock<tables::Partition>(limits(), tables::HashSeed{1}),
      tests::InBlock<tables::Partition>(limits(), tables::HashSeed{2})};
};

TEST_F(SessionPageTest, IsServedByTheWorkerOfThePartitionThatIsAskedFor) {
  std::atomic<bool> is_over{false};
  std::vector<std::thread> workers;
  workers.reserve(kPartitions);
  for (std::uint32_t own = 0; own < kPartitions; ++own)
    workers.emplace_back([&, own] {
      while (!is_over) serve(own);
    });
  SessionPage page;
  for (std::uint32_t round = 0; round < 200; ++round) {
    const std::uint32_t asked = round % kPartitions;
    ASSERT_TRUE(desk_.try_ask(asked, 0, page));
    EXPECT_EQ(page.partition, asked);
    EXPECT_EQ(page.sessions4.size(), asked + 1U);
    EXPECT_EQ(page.next_slot, 0U);
  }
  is_over = true;
  for (std::thread& worker : workers) worker.join();
}

TEST_F(SessionPageTest, AskedInVainIsNoAnswerToTheNext) {
  SessionPage page;
  EXPECT_FALSE(desk_.try_ask(1, 0, page)) << "nobody serves";
  EXPECT_FALSE(desk_.try_ask(0, 0, page)) << "that one is still to be served";
  serve(0);
  serve(1);
  std::atomic<bool> is_over{false};
  std::thread worker([&] {
    while (!is_over) serve(0);
  });
  EXPECT_TRUE(desk_.try_ask(0, 0, page));
  is_over = true;
  worker.join();
  EXPECT_EQ(page.sessions4.size(), 1U) << "not the two of the late answer";
}

}  // namespace
}  // namespace twinplane::dataplane
