// SPDX-License-Identifier: BSD-3-Clause
// loop.hpp - sockets that are ready and times that are due, in one thread.
//
// Thread:  one.
// Memory:  the handlers are the caller's and outlive their registration.
// Limits:  times are kept on a grid of 1 ms, so that many flows share one wake-up.
// Errors:  set-up errors throw std::system_error.
// Spec:    epoll(7).
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

namespace twinplane::load {

class Handler {
 public:
  virtual ~Handler() = default;
  // `events` as epoll names them. It may forget and destroy itself, nobody else.
  virtual void on_ready(std::uint32_t events) = 0;

  virtual void on_due(std::int64_t /*now*/) {}
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void watch(int fd, std::uint32_t events, Handler* handler);
  void change(int fd, std::uint32_t events, Handler* handler);
  // Closing a descriptor forgets it. A handler with a time pending must not be destroyed.
  void at(std::int64_t due_ns, Handler* handler);

  // Waits for what comes first and serves it. At most 100 ms.
  void run_once();

 private:
  struct Due {
    std::int64_t due_ns;
    Handler* handler;

    bool operator>(const Due& other) const noexcept { return due_ns > other.due_ns; }
  };

  int epoll_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> dues_;
};

}  // namespace twinplane::load
