// SPDX-License-Identifier: BSD-3-Clause
// ip4_fragments.hpp - an IPv4 packet cut for a link that it is too large for.
//
// Thread:  any; pure. One object a packet, which must stay as it is meanwhile.
// Memory:  40 bytes of options inside; frames are written into the caller's buffers.
// Limits:  a frame that parse() called kOk, without DF; an MTU of 68 or more (RFC 791 section 3.2).
// Errors:  none: who has no buffer for one fragment should send none.
// Spec:    RFC 791 section 3.2, RFC 1812 section 5.2.6. A fragment is cut like a whole packet: its
//          pieces go on from its offset, and only the last piece of a last fragment says so.
//          Options that do not ask to be copied stay in the first piece.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

class Ip4Fragments {
 public:
  // `frame` and `view` as the packet is to leave: link header, addresses and TTL are the pieces'.
  Ip4Fragments(std::span<const std::byte> frame, const PacketView& view,
               std::uint16_t mtu_bytes) noexcept;

  std::size_t count() const noexcept { return count_; }

  // Of the largest; no buffer need be larger.
  std::size_t frame_bytes_max() const noexcept;

  // Writes the frame of that place, [0, count()), with its checksum; returns its size.
  std::size_t write(std::size_t place, std::span<std::byte> out) const noexcept;

 private:
  static constexpr std::size_t kOptionBytesMax = 40;

  std::span<const std::byte> frame_;
  std::size_t l3_offset_;
  std::size_t header_bytes_;  // of the packet and of its first piece
  std::size_t body_bytes_;
  std::array<std::byte, kOptionBytesMax> later_options_{};
  std::size_t later_header_bytes_;
  std::size_t first_body_bytes_;  // what a piece carries: all but the last multiples of 8
  std::size_t later_body_bytes_;
  std::size_t count_;
};

}  // namespace twinplane::dataplane
