// SPDX-License-Identifier: BSD-3-Clause
#include "scripts/rig/load/transfer.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "scripts/rig/load/clock.hpp"

namespace twinplane::load {

Transfer::Transfer(Loop& loop, Tally& tally, Socket socket, const Hello& hello)
    : loop_(loop),
      tally_(tally),
      socket_(std::move(socket)),
      is_client_(true),
      stage_(Stage::kConnecting),
      hello_(hello),
      in_(hello.chunk_bytes),
      out_(sizeof hello),
      send_interval_us_(hello.up_interval_us),
      last_progress_ns_(now_ns()) {
  std::memcpy(out_.data(), &hello, sizeof hello);
  waits_for_room_ = true;
  ++tally_.started;
  loop_.watch(socket_.fd(), EPOLLIN | EPOLLOUT, this);
}

Transfer::Transfer(Loop& loop, Tally& tally, Socket socket)
    : loop_(loop),
      tally_(tally),
      socket_(std::move(socket)),
      is_client_(false),
      stage_(Stage::kGreeting),
      in_(sizeof(Hello)),
      last_progress_ns_(now_ns()) {
  ++tally_.started;
  loop_.watch(socket_.fd(), EPOLLIN, this);
}

void Transfer::on_ready(std::uint32_t events) {
  if (over()) return;
  if (stage_ == Stage::kConnecting) {
    if (const int error = pending_error(socket_); error != 0) return close_as(end_of_error(error));
    if ((events & EPOLLOUT) == 0) return;
    stage_ = Stage::kRunning;
    next_due_ns_ = first_due_ns();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_all();
  if (!over() && (events & EPOLLOUT) != 0) push();
}

void Transfer::read_all() {
  static std::array<std::byte, 65536> buffer;
  for (int round = 0; round < 16 && !over(); ++round) {
    const std::int64_t received = try_receive(socket_, buffer);
    if (received == 0) return;
    if (received == kEndOfStream) return on_end_of_stream();
    if (received < 0) return close_as(end_of_error(static_cast<int>(-received)));
    const std::int64_t now = now_ns();
    if (expects_chunks()) tally_.silence.widen(last_progress_ns_, now, hello_.flow);
    tally_.bytes += static_cast<std::uint64_t>(received);
    last_progress_ns_ = now;
    take(std::span(buffer).first(static_cast<std::size_t>(received)));
  }
}

void Transfer::take(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !over()) {
    const std::size_t part = std::min(bytes.size(), in_.size() - in_filled_);
    std::memcpy(in_.data() + in_filled_, bytes.data(), part);
    in_filled_ += part;
    bytes = bytes.subspan(part);
    if (in_filled_ == in_.size()) {
      in_filled_ = 0;
      on_whole();
    }
  }
}

void Transfer::on_whole() {
  if (stage_ == Stage::kGreeting) return on_hello();
  const ChunkHeader header = read_header(in_);
  const bool may_end = is_client_ && stage_ == Stage::kFinishing && !end_passed_;
  if (header.magic == Magic::kEnd && may_end && header.index == chunks_received_ &&
      verify_chunk(in_, Magic::kEnd, hello_.flow, chunks_received_) &&
      header.stamp_ns == static_cast<std::int64_t>(chunks_sent_)) {
    end_passed_ = true;
    return;
  }
  if (end_passed_ || !verify_chunk(in_, Magic::kChunk, hello_.flow, chunks_received_))
    return close_as(End::kCorrupt);
  on_chunk(header);
}

void Transfer::on_hello() {
  std::memcpy(&hello_, in_.data(), sizeof hello_);
  if (hello_.magic != Magic::kHello || hello_.chunk_bytes < kChunkBytesMin ||
      hello_.chunk_bytes > kChunkBytesMax || hello_.chunk_bytes % 8 != 0)
    return close_as(End::kCorrupt);
  in_.resize(hello_.chunk_bytes);
  send_interval_us_ = hello_.down_interval_us;
  stage_ = Stage::kRunning;
  next_due_ns_ = first_due_ns();
  if (send_interval_us_ != 0) loop_.at(next_due_ns_, this);
}

// Transfers that begin together take turns from then on.
std::int64_t Transfer::first_due_ns() const {
  constexpr std::int64_t kTurns = 64;
  return now_ns() + hello_.flow % kTurns * (send_interval_us_ * kMicrosecondNs) / kTurns;
}

void Transfer::on_chunk(const ChunkHeader& header) {
  ++chunks_received_;
  tally_.lateness.widen(header.stamp_ns, last_progress_ns_, hello_.flow);
}

void Transfer::on_end_of_stream() {
  if (is_client_) return close_as(end_passed_ ? End::kDone : End::kCut);
  if (stage_ == Stage::kGreeting || in_filled_ != 0) return close_as(End::kCut);
  if (stage_ == Stage::kRunning) {
    stage_ = Stage::kFinishing;
    push();
  }
}

void Transfer::on_due(std::int64_t now) {
  if (stage_ != Stage::kRunning) return;
  send_due(now);
  if (stage_ == Stage::kRunning && !waits_for_room_) loop_.at(next_due_ns_, this);
}

// What is due is sent, all of it: a sender that was held up by the network catches up.
void Transfer::send_due(std::int64_t now) {
  while (stage_ == Stage::kRunning && !waits_for_room_ && next_due_ns_ <= now) {
    out_.resize(hello_.chunk_bytes);
    fill_chunk(out_, {Magic::kChunk, hello_.flow, chunks_sent_, next_due_ns_});
    out_done_ = 0;
    ++chunks_sent_;
    next_due_ns_ += send_interval_us_ * kMicrosecondNs;
    push();
  }
}

void Transfer::push() {
  const bool waited = waits_for_room_;
  while (out_done_ < out_.size()) {
    const std::int64_t sent = try_send(socket_, std::span(out_).subspan(out_done_));
    if (sent < 0) return close_as(end_of_error(static_cast<int>(-sent)));
    if (sent == 0) break;
    out_done_ += static_cast<std::size_t>(sent);
  }
  if (stage_ == Stage::kFinishing && out_done_ == out_.size() && !said_all_) {
    if (is_client_ || end_passed_) {
      said_all_ = true;
      shutdown(socket_.fd(), SHUT_WR);
      if (!is_client_) return close_as(End::kDone);
    } else {
      end_passed_ = true;
      out_.resize(hello_.chunk_bytes);
      fill_chunk(out_, {Magic::kEnd, hello_.flow, chunks_sent_,
                        static_cast<std::int64_t>(chunks_received_)});
      out_done_ = 0;
      return push();
    }
  }
  waits_for_room_ = out_done_ < out_.size();
  if (waited == waits_for_room_) return;
  loop_.change(socket_.fd(), EPOLLIN | (waits_for_room_ ? EPOLLOUT : 0U), this);
  if (waited && stage_ == Stage::kRunning && send_interval_us_ != 0) loop_.at(next_due_ns_, this);
}

void Transfer::finish() {
  if (over()) return;
  if (stage_ == Stage::kConnecting) return close_as(End::kTimeout);
  stage_ = Stage::kFinishing;
  push();
}

void Transfer::close_as(End how) {
  stage_ = Stage::kOver;
  tally_.end(how, hello_.flow);
  if (how != End::kDone) {
    const linger reset{1, 0};
    setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  socket_.close();
}

}  // namespace twinplane::load
