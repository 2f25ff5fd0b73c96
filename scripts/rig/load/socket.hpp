// SPDX-License-Identifier: BSD-3-Clause
// socket.hpp - sockets as this tool wants them: not blocking, no Nagle, IPv4 and IPv6 alike.
//
// Thread:  any.
// Memory:  a Socket closes its descriptor.
// Limits:  none.
// Errors:  set-up throws std::system_error; connecting and moving bytes give an errno.
// Spec:    tcp(7), ipv6(7).
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace twinplane::load {

class Socket {
 public:
  Socket() = default;

  explicit Socket(int fd) noexcept : fd_(fd) {}

  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  ~Socket() { close(); }

  int fd() const noexcept { return fd_; }

  explicit operator bool() const noexcept { return fd_ >= 0; }

  void close() noexcept;

 private:
  int fd_ = -1;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  // A numeric IPv4 or IPv6 address. Throws std::invalid_argument.
  static Address parse(const std::string& text, std::uint16_t port);

  bool is_ipv6() const noexcept { return storage.ss_family == AF_INET6; }
};

// `type` is SOCK_STREAM or SOCK_DGRAM. Bound to `source`, connecting to `destination`.
Socket connect_from(int type, const Address& source, const Address& destination);
// Bound to every address, IPv4 and IPv6; listening when it is a stream.
Socket serve_on(int type, std::uint16_t port);
// An invalid Socket when nothing waits.
Socket accept_from(const Socket& listener);

// Why a connecting socket failed, or 0.
int pending_error(const Socket& socket) noexcept;

// Bytes moved, 0 when there is nothing to move now, or -errno. At the end of a stream:
// kEndOfStream.
constexpr std::int64_t kEndOfStream = -100'000;
std::int64_t try_send(const Socket& socket, std::span<const std::byte> bytes) noexcept;
std::int64_t try_receive(const Socket& socket, std::span<std::byte> bytes) noexcept;

}  // namespace twinplane::load
