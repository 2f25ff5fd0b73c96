// SPDX-License-Identifier: BSD-3-Clause
#include "scripts/rig/load/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace twinplane::load {
namespace {

constexpr int kBacklog = 4096;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void set_option(const Socket& socket, int level, int name, int value) {
  if (setsockopt(socket.fd(), level, name, &value, sizeof value) < 0) fail("setsockopt");
}

Socket open_socket(int family, int type) {
  Socket opened(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!opened) fail("socket");
  if (type == SOCK_STREAM) set_option(opened, IPPROTO_TCP, TCP_NODELAY, 1);
  return opened;
}

}  // namespace

void Socket::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Address Address::parse(const std::string& text, std::uint16_t port) {
  Address address;
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  if (inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    std::memcpy(&address.storage, &ipv4, sizeof ipv4);
    address.bytes = sizeof ipv4;
  } else if (inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    std::memcpy(&address.storage, &ipv6, sizeof ipv6);
    address.bytes = sizeof ipv6;
  } else {
    throw std::invalid_argument("not an address: " + text);
  }
  return address;
}

Socket connect_from(int type, const Address& source, const Address& destination) {
  Socket opened = open_socket(destination.storage.ss_family, type);
  // The port is chosen at connect(), so that it need only be free towards this destination.
  if (type == SOCK_STREAM) set_option(opened, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  if (bind(opened.fd(), reinterpret_cast<const sockaddr*>(&source.storage), source.bytes) < 0)
    fail("bind");
  if (connect(opened.fd(), reinterpret_cast<const sockaddr*>(&destination.storage),
              destination.bytes) < 0 &&
      errno != EINPROGRESS)
    fail("connect");
  return opened;
}

Socket serve_on(int type, std::uint16_t port) {
  Socket opened = open_socket(AF_INET6, type);
  set_option(opened, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(opened, SOL_SOCKET, SO_REUSEADDR, 1);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  if (bind(opened.fd(), reinterpret_cast<const sockaddr*>(&any), sizeof any) < 0) fail("bind");
  if (type == SOCK_STREAM && listen(opened.fd(), kBacklog) < 0) fail("listen");
  return opened;
}

Socket accept_from(const Socket& listener) {
  Socket accepted(accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted) set_option(accepted, IPPROTO_TCP, TCP_NODELAY, 1);
  return accepted;
}

int pending_error(const Socket& socket) noexcept {
  int error = 0;
  socklen_t bytes = sizeof error;
  if (getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &bytes) < 0) return errno;
  return error;
}

std::int64_t try_send(const Socket& socket, std::span<const std::byte> bytes) noexcept {
  const ssize_t sent = send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

std::int64_t try_receive(const Socket& socket, std::span<std::byte> bytes) noexcept {
  const ssize_t received = recv(socket.fd(), bytes.data(), bytes.size(), 0);
  if (received > 0) return received;
  if (received == 0) return kEndOfStream;
  return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

}  // namespace twinplane::load
