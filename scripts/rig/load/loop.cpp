// SPDX-License-Identifier: BSD-3-Clause
#include "scripts/rig/load/loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "scripts/rig/load/clock.hpp"

namespace twinplane::load {
namespace {

constexpr std::int64_t kWaitMaxNs = 100 * kMillisecondNs;
constexpr int kEventsMax = 256;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) fail("epoll_create1");
}

Loop::~Loop() { close(epoll_); }

void Loop::watch(int fd, std::uint32_t events, Handler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl(ADD)");
}

void Loop::change(int fd, std::uint32_t events, Handler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) < 0) fail("epoll_ctl(MOD)");
}

void Loop::at(std::int64_t due_ns, Handler* handler) {
  const std::int64_t on_grid = (due_ns + kMillisecondNs - 1) / kMillisecondNs * kMillisecondNs;
  dues_.push({on_grid, handler});
}

void Loop::run_once() {
  std::int64_t wait_ns = kWaitMaxNs;
  if (!dues_.empty())
    wait_ns = std::clamp<std::int64_t>(dues_.top().due_ns - now_ns(), 0, kWaitMaxNs);
  const timespec wait{wait_ns / kSecondNs, wait_ns % kSecondNs};
  epoll_event events[kEventsMax];
  const int count = epoll_pwait2(epoll_, events, kEventsMax, &wait, nullptr);
  if (count < 0 && errno != EINTR) fail("epoll_pwait2");
  for (int i = 0; i < count; ++i)
    static_cast<Handler*>(events[i].data.ptr)->on_ready(events[i].events);

  const std::int64_t now = now_ns();
  while (!dues_.empty() && dues_.top().due_ns <= now) {
    Handler* const handler = dues_.top().handler;
    dues_.pop();
    handler->on_due(now);
  }
}

}  // namespace twinplane::load
