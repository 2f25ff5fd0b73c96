// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment ended while its interrupt thread is at work. Needs no huge pages and no
// privileges.
// NOLINTNEXTLINE(readability-identifier-naming): DPDK's name; stands in for a device.
#define ALLOW_EXPERIMENTAL_API
#include <gtest/gtest.h>
#include <rte_interrupts.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "dataplane/eal.hpp"

namespace twinplane::dataplane {
namespace {

using namespace std::chrono_literals;

struct SlowWork {
  int event = eventfd(0, 0);
  std::atomic<bool> is_begun{false};
  std::atomic<bool> is_done{false};
};

// Runs on DPDK's interrupt thread, as what a device's close leaves behind does.
void work_slowly(void* argument) {
  auto& work = *static_cast<SlowWork*>(argument);
  eventfd_t count = 0;
  eventfd_read(work.event, &count);
  work.is_begun = true;
  std::this_thread::sleep_for(500ms);
  work.is_done = true;
}

TEST(Eal, EndsOnlyWhenItsInterruptThreadIsThrough) {
  Config config;
  config.eal.huge_pages = HugePages::kOff;
  config.eal.memory_mib = 64;
  config.eal.lcores = "0";
  config.eal.lcore_ids = {0};
  config.eal.file_prefix = "test-eal-" + std::to_string(getpid());
  config.eal.args = {"--no-shconf", "--no-telemetry", "--log-level=error"};
  std::optional<Eal> eal(config);
  SlowWork work;
  rte_intr_handle* const handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
  ASSERT_NE(handle, nullptr);
  ASSERT_EQ(rte_intr_fd_set(handle, work.event), 0);
  ASSERT_EQ(rte_intr_type_set(handle, RTE_INTR_HANDLE_EXT), 0);
  ASSERT_EQ(rte_intr_callback_register(handle, work_slowly, &work), 0);
  ASSERT_EQ(eventfd_write(work.event, 1), 0);
  while (!work.is_begun) std::this_thread::yield();
  eal.reset();
  EXPECT_TRUE(work.is_done) << "DPDK's memory went away while its interrupt thread was at work";
}

}  // namespace
}  // namespace twinplane::dataplane
