// SPDX-License-Identifier: BSD-3-Clause
// datagrams.hpp - UDP flows: a request every so often, echoed by the server, replies checked.
//
// Thread:  the loop's.
// Memory:  fixed.
// Limits:  a flow's requests are numbered from 0; a reply counts once, in rising order.
// Errors:  a lost datagram is no error, only counted; wrong content is End::kCorrupt, once.
// Spec:    content.hpp.
#pragma once

#include <cstdint>

#include "scripts/rig/load/loop.hpp"
#include "scripts/rig/load/socket.hpp"
#include "scripts/rig/load/tally.hpp"

namespace twinplane::load {

constexpr std::size_t kDatagramBytes = 200;

class DatagramFlow : public Handler {
 public:
  DatagramFlow(Loop& loop, Tally& tally, Socket socket, std::uint32_t flow,
               std::uint32_t interval_us);

  void on_ready(std::uint32_t events) override;
  void on_due(std::int64_t now) override;

  void stop() noexcept { stopped_ = true; }

  bool over() const noexcept { return stopped_; }

  bool expects_chunks() const noexcept { return true; }

  std::uint32_t flow() const noexcept { return flow_; }

  std::int64_t last_progress_ns() const noexcept { return last_progress_ns_; }

 private:
  Loop& loop_;
  Tally& tally_;
  Socket socket_;
  const std::uint32_t flow_;
  const std::int64_t interval_ns_;
  std::int64_t next_due_ns_;
  std::int64_t last_progress_ns_;
  std::uint64_t requests_ = 0;
  std::uint64_t next_reply_ = 0;
  bool stopped_ = false;
  bool corrupt_ = false;
};

class DatagramServer : public Handler {
 public:
  DatagramServer(Loop& loop, Tally& tally, std::uint16_t port);

  void on_ready(std::uint32_t events) override;

 private:
  Tally& tally_;
  Socket socket_;
};

}  // namespace twinplane::load
