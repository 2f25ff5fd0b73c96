// SPDX-License-Identifier: BSD-3-Clause
#include "scripts/rig/load/datagrams.hpp"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "scripts/rig/load/clock.hpp"
#include "scripts/rig/load/content.hpp"

namespace twinplane::load {
namespace {

constexpr int kDatagramsARound = 64;

}  // namespace

DatagramFlow::DatagramFlow(Loop& loop, Tally& tally, Socket socket, std::uint32_t flow,
                           std::uint32_t interval_us)
    : loop_(loop),
      tally_(tally),
      socket_(std::move(socket)),
      flow_(flow),
      interval_ns_(interval_us * kMicrosecondNs),
      next_due_ns_(now_ns() + flow % 64 * interval_ns_ / 64),
      last_progress_ns_(now_ns()) {
  ++tally_.started;
  loop_.watch(socket_.fd(), EPOLLIN, this);
  loop_.at(next_due_ns_, this);
}

void DatagramFlow::on_due(std::int64_t now) {
  if (stopped_) return;
  std::array<std::byte, kDatagramBytes> request;
  fill_chunk(request, {Magic::kRequest, flow_, requests_++, now});
  static_cast<void>(try_send(socket_, request));
  ++tally_.sent;
  next_due_ns_ += interval_ns_;
  loop_.at(next_due_ns_, this);
}

void DatagramFlow::on_ready(std::uint32_t /*events*/) {
  std::array<std::byte, kDatagramBytes + 1> reply;
  for (int round = 0; round < kDatagramsARound; ++round) {
    const std::int64_t received = try_receive(socket_, reply);
    if (received <= 0) return;
    const std::span<const std::byte> bytes(reply.data(), static_cast<std::size_t>(received));
    const ChunkHeader header = bytes.size() == kDatagramBytes ? read_header(bytes) : ChunkHeader{};
    if (header.index >= requests_ || !verify_chunk(bytes, Magic::kRequest, flow_, header.index)) {
      if (!std::exchange(corrupt_, true)) tally_.end(End::kCorrupt, flow_);
      continue;
    }
    if (header.index < next_reply_) continue;
    next_reply_ = header.index + 1;
    const std::int64_t now = now_ns();
    tally_.silence.widen(last_progress_ns_, now, flow_);
    tally_.lateness.widen(header.stamp_ns, now, flow_);
    last_progress_ns_ = now;
    ++tally_.received;
    tally_.bytes += bytes.size();
  }
}

DatagramServer::DatagramServer(Loop& loop, Tally& tally, std::uint16_t port)
    : tally_(tally), socket_(serve_on(SOCK_DGRAM, port)) {
  loop.watch(socket_.fd(), EPOLLIN, this);
}

void DatagramServer::on_ready(std::uint32_t /*events*/) {
  std::array<std::byte, kDatagramBytes + 1> request;
  for (int round = 0; round < kDatagramsARound; ++round) {
    sockaddr_storage peer{};
    socklen_t peer_bytes = sizeof peer;
    const ssize_t received = recvfrom(socket_.fd(), request.data(), request.size(), 0,
                                      reinterpret_cast<sockaddr*>(&peer), &peer_bytes);
    if (received <= 0) return;
    ++tally_.received;
    tally_.bytes += static_cast<std::uint64_t>(received);
    if (sendto(socket_.fd(), request.data(), static_cast<std::size_t>(received), 0,
               reinterpret_cast<const sockaddr*>(&peer), peer_bytes) > 0)
      ++tally_.sent;
  }
}

}  // namespace twinplane::load
