// SPDX-License-Identifier: BSD-3-Clause
// shorts.hpp - the stream of short connections: connect, request, reply, close, so many a second.
//
// Open loop: a connection starts when it is due, whatever became of those before it.
//
// Thread:  the loop's.
// Memory:  grows with the connections that are open, up to the limits.
// Limits:  kOpenMax connections at a time at the client; beyond, starts are skipped and counted.
// Errors:  each ends the connection as one of End; at kPatienceNs it is End::kTimeout.
// Spec:    content.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "scripts/rig/load/clock.hpp"
#include "scripts/rig/load/content.hpp"
#include "scripts/rig/load/loop.hpp"
#include "scripts/rig/load/socket.hpp"
#include "scripts/rig/load/tally.hpp"

namespace twinplane::load {

constexpr std::size_t kRequestBytes = 64;
constexpr std::size_t kReplyBytes = 512;

// A way from the client to the server.
struct Path {
  Address source;
  Address destination;
};

class ShortClient : public Handler {
 public:
  static constexpr std::size_t kOpenMax = 8192;
  static constexpr std::int64_t kPatienceNs = 15 * kSecondNs;  // outlives four lost SYNs

  // `paths` are taken in turn.
  ShortClient(Loop& loop, Tally& tally, std::vector<Path> paths, std::uint32_t per_second);
  ~ShortClient() override;

  void on_ready(std::uint32_t /*events*/) override {}

  void on_due(std::int64_t now) override;

  void stop() noexcept { interval_ns_ = 0; }

  std::size_t open() const noexcept { return connections_.size(); }

  std::uint64_t skipped() const noexcept { return skipped_; }

 private:
  class Connection;

  void start(std::int64_t now);
  void end(std::uint32_t number, End how);

  Loop& loop_;
  Tally& tally_;
  std::vector<Path> paths_;
  std::int64_t interval_ns_;
  std::int64_t next_due_ns_;
  std::uint32_t next_number_ = 0;
  std::uint64_t skipped_ = 0;
  std::unordered_map<std::uint32_t, std::unique_ptr<Connection>> connections_;
  std::deque<std::uint32_t> by_age_;
};

class ShortServer : public Handler {
 public:
  ShortServer(Loop& loop, Tally& tally, std::uint16_t port);
  ~ShortServer() override;

  void on_ready(std::uint32_t events) override;

 private:
  class Connection;

  void end(int fd, End how);

  Loop& loop_;
  Tally& tally_;
  Socket listener_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace twinplane::load
