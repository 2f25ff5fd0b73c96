// SPDX-License-Identifier: BSD-3-Clause
#include "scripts/rig/load/shorts.hpp"

#include <sys/epoll.h>

#include <span>
#include <utility>

namespace twinplane::load {

class ShortClient::Connection : public Handler {
 public:
  Connection(ShortClient& owner, Socket socket, std::uint32_t number, std::int64_t start_ns)
      : owner_(owner), socket_(std::move(socket)), number_(number), start_ns_(start_ns) {
    owner_.loop_.watch(socket_.fd(), EPOLLOUT, this);
  }

  std::int64_t start_ns() const noexcept { return start_ns_; }

  // Ends by destroying itself.
  void on_ready(std::uint32_t events) override {
    if (!requested_) {
      if (const int error = pending_error(socket_); error != 0)
        return owner_.end(number_, end_of_error(error));
      std::array<std::byte, kRequestBytes> request;
      fill_chunk(request, {Magic::kRequest, number_, 0, start_ns_});
      if (try_send(socket_, request) != kRequestBytes) return owner_.end(number_, End::kReset);
      requested_ = true;
      owner_.loop_.change(socket_.fd(), EPOLLIN, this);
      return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_reply();
  }

 private:
  void read_reply() {
    const std::int64_t received = try_receive(socket_, std::span(reply_).subspan(filled_));
    if (received == 0) return;
    if (received == kEndOfStream) return owner_.end(number_, End::kCut);
    if (received < 0) return owner_.end(number_, end_of_error(static_cast<int>(-received)));
    filled_ += static_cast<std::size_t>(received);
    owner_.tally_.bytes += static_cast<std::uint64_t>(received);
    if (filled_ < reply_.size()) return;
    const bool right = verify_chunk(reply_, Magic::kReply, number_, 0);
    owner_.tally_.silence.widen(start_ns_, now_ns(), number_);
    owner_.end(number_, right ? End::kDone : End::kCorrupt);
  }

  ShortClient& owner_;
  Socket socket_;
  const std::uint32_t number_;
  const std::int64_t start_ns_;
  bool requested_ = false;
  std::array<std::byte, kReplyBytes> reply_;
  std::size_t filled_ = 0;
};

ShortClient::ShortClient(Loop& loop, Tally& tally, std::vector<Path> paths,
                         std::uint32_t per_second)
    : loop_(loop),
      tally_(tally),
      paths_(std::move(paths)),
      interval_ns_(per_second == 0 ? 0 : kSecondNs / per_second),
      next_due_ns_(now_ns()) {
  loop_.at(next_due_ns_, this);
}

ShortClient::~ShortClient() = default;

void ShortClient::on_due(std::int64_t now) {
  while (interval_ns_ != 0 && next_due_ns_ <= now) {
    if (connections_.size() < kOpenMax)
      start(now);
    else
      ++skipped_;
    next_due_ns_ += interval_ns_;
  }
  while (!by_age_.empty()) {
    const auto oldest = connections_.find(by_age_.front());
    if (oldest != connections_.end()) {
      if (now - oldest->second->start_ns() < kPatienceNs) break;
      tally_.silence.widen(oldest->second->start_ns(), now, by_age_.front());
      end(by_age_.front(), End::kTimeout);
    }
    by_age_.pop_front();
  }
  if (interval_ns_ != 0)
    loop_.at(next_due_ns_, this);
  else if (!connections_.empty())
    loop_.at(now + 100 * kMillisecondNs, this);
}

void ShortClient::start(std::int64_t now) {
  const std::uint32_t number = next_number_++;
  const Path& path = paths_[number % paths_.size()];
  Socket socket = connect_from(SOCK_STREAM, path.source, path.destination);
  ++tally_.started;
  by_age_.push_back(number);
  connections_.emplace(number, std::make_unique<Connection>(*this, std::move(socket), number, now));
}

void ShortClient::end(std::uint32_t number, End how) {
  tally_.end(how, number);
  connections_.erase(number);
}

class ShortServer::Connection : public Handler {
 public:
  Connection(ShortServer& owner, Socket socket) : owner_(owner), socket_(std::move(socket)) {
    owner_.loop_.watch(socket_.fd(), EPOLLIN, this);
  }

  // Ends by destroying itself.
  void on_ready(std::uint32_t /*events*/) override {
    const std::int64_t received =
        try_receive(socket_, replied_ ? std::span(beyond_) : std::span(request_).subspan(filled_));
    if (received == 0) return;
    if (received == kEndOfStream)
      return owner_.end(socket_.fd(), replied_ ? End::kDone : End::kCut);
    if (received < 0) return owner_.end(socket_.fd(), end_of_error(static_cast<int>(-received)));
    filled_ += static_cast<std::size_t>(received);
    if (filled_ < request_.size()) return;
    const ChunkHeader header = read_header(request_);
    if (replied_ || !verify_chunk(request_, Magic::kRequest, header.flow, 0))
      return owner_.end(socket_.fd(), End::kCorrupt);
    owner_.tally_.silence.widen(header.stamp_ns, now_ns(), header.flow);
    std::array<std::byte, kReplyBytes> reply;
    fill_chunk(reply, {Magic::kReply, header.flow, 0, header.stamp_ns});
    if (try_send(socket_, reply) != kReplyBytes) return owner_.end(socket_.fd(), End::kReset);
    replied_ = true;
  }

 private:
  ShortServer& owner_;
  Socket socket_;
  bool replied_ = false;
  std::array<std::byte, kRequestBytes> request_;
  std::array<std::byte, 1> beyond_;
  std::size_t filled_ = 0;
};

ShortServer::ShortServer(Loop& loop, Tally& tally, std::uint16_t port)
    : loop_(loop), tally_(tally), listener_(serve_on(SOCK_STREAM, port)) {
  loop_.watch(listener_.fd(), EPOLLIN, this);
}

ShortServer::~ShortServer() = default;

void ShortServer::on_ready(std::uint32_t /*events*/) {
  while (Socket accepted = accept_from(listener_)) {
    const int fd = accepted.fd();
    ++tally_.started;
    connections_.emplace(fd, std::make_unique<Connection>(*this, std::move(accepted)));
  }
}

void ShortServer::end(int fd, End how) {
  tally_.end(how, 0);
  connections_.erase(fd);
}

}  // namespace twinplane::load
