// SPDX-License-Identifier: BSD-3-Clause
// ha1_socket.hpp - the second keepalive path: a UDP socket of the kernel, apart from every DPDK
// device.
//
// Thread:  the control thread.
// Memory:  one frame.
// Limits:  frames up to 1500 bytes; only datagrams from the configured peer are taken.
// Errors:  throws std::runtime_error at set-up; later a datagram that cannot be sent is lost, as on
//          any link.
// Spec:    ha2/PROTOCOL.md section 8.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/config.hpp"
#include "ha2/link.hpp"

namespace twinplane::dataplane {

class Ha1Socket final : public ha2::Link {
 public:
  explicit Ha1Socket(const Ha1Config& config);
  ~Ha1Socket();

  std::span<std::byte> try_frame() noexcept override { return send_room_; }

  void send(std::size_t frame_bytes, std::uint16_t partition) noexcept override;

  // The next datagram from the peer, or empty; valid until the next call.
  std::span<const std::byte> try_receive() noexcept;

  int descriptor() const noexcept { return descriptor_; }

 private:
  bool is_peer(const sockaddr_storage& source) const noexcept;

  int descriptor_ = -1;
  // Kept here and not by connect(), which fails while the link is down: a box must start then as
  // well.
  sockaddr_storage peer_{};
  socklen_t peer_bytes_ = 0;
  std::array<std::byte, 1500> send_room_{};
  std::array<std::byte, 1500> receive_room_{};
};

}  // namespace twinplane::dataplane
