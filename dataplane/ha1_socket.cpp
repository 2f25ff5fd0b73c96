// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ha1_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace twinplane::dataplane {

namespace {

socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& storage) {
  std::memset(&storage, 0, sizeof storage);
  if (address.address.is6()) {
    auto* const in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address.port);
    std::memcpy(&in6->sin6_addr, address.address.bytes.data(), 16);
    return sizeof *in6;
  }
  auto* const in4 = reinterpret_cast<sockaddr_in*>(&storage);
  in4->sin_family = AF_INET;
  in4->sin_port = htons(address.port);
  std::memcpy(&in4->sin_addr, address.address.bytes.data(), 4);
  return sizeof *in4;
}

}  // namespace

Ha1Socket::Ha1Socket(const Ha1Config& config) {
  const int family = config.local.address.is6() ? AF_INET6 : AF_INET;
  descriptor_ = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  const auto fail = [&](const char* step, const SocketAddress& address) {
    const int error = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw std::runtime_error(std::string("HA1: ") + step + " " + to_text(address) +
                             " failed: " + std::strerror(error) +
                             ". ha1.local must be an address of this machine, and its port free.");
  };
  if (descriptor_ < 0) fail("opening a socket for", config.local);
  const socklen_t length = to_sockaddr(config.local, storage);
  if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&storage), length) != 0)
    fail("binding", config.local);
  peer_bytes_ = to_sockaddr(config.peer, peer_);
}

Ha1Socket::~Ha1Socket() { ::close(descriptor_); }

void Ha1Socket::send(std::size_t frame_bytes, std::uint16_t /*partition*/) noexcept {
  // A refused or full socket loses the datagram; the next keepalive follows.
  static_cast<void>(::sendto(descriptor_, send_room_.data(), frame_bytes,
                             MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&peer_),
                             peer_bytes_));
}

bool Ha1Socket::is_peer(const sockaddr_storage& source) const noexcept {
  if (source.ss_family != peer_.ss_family) return false;
  if (source.ss_family == AF_INET6) {
    const auto& theirs = reinterpret_cast<const sockaddr_in6&>(source);
    const auto& wanted = reinterpret_cast<const sockaddr_in6&>(peer_);
    return theirs.sin6_port == wanted.sin6_port &&
           std::memcmp(&theirs.sin6_addr, &wanted.sin6_addr, sizeof wanted.sin6_addr) == 0;
  }
  const auto& theirs = reinterpret_cast<const sockaddr_in&>(source);
  const auto& wanted = reinterpret_cast<const sockaddr_in&>(peer_);
  return theirs.sin_port == wanted.sin_port && theirs.sin_addr.s_addr == wanted.sin_addr.s_addr;
}

std::span<const std::byte> Ha1Socket::try_receive() noexcept {
  constexpr int kForeignMax = 32;  // datagrams of others that are passed over in one call
  for (int i = 0; i < kForeignMax; ++i) {
    sockaddr_storage source{};
    socklen_t source_bytes = sizeof source;
    const ssize_t bytes =
        ::recvfrom(descriptor_, receive_room_.data(), receive_room_.size(), MSG_DONTWAIT,
                   reinterpret_cast<sockaddr*>(&source), &source_bytes);
    if (bytes < 0) return {};
    if (bytes > 0 && is_peer(source))
      return {receive_room_.data(), static_cast<std::size_t>(bytes)};
  }
  return {};
}

}  // namespace twinplane::dataplane
