// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/syn_proxy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint8_t kOptionEnd = 0;
constexpr std::uint8_t kOptionNothing = 1;
constexpr std::uint8_t kOptionMss = 2;
constexpr std::uint8_t kOptionSackPermitted = 4;
constexpr std::size_t kMssBytes = 4;
constexpr std::size_t kSackPermittedBytes = 2;
constexpr std::uint16_t kMssDefault4 = 536;
constexpr std::uint16_t kMssDefault6 = 1220;
constexpr std::uint8_t kAnswerTtl = 64;

std::size_t option_bytes(const BareSegment& segment) noexcept {
  if ((segment.flags & kTcpSyn) == 0) return 0;
  return segment.offer.has_sack ? kMssBytes + 2 + kSackPermittedBytes : kMssBytes;
}

void write_options(std::byte* at, const BareSegment& segment) noexcept {
  if ((segment.flags & kTcpSyn) == 0) return;
  at[0] = std::byte{kOptionMss};
  at[1] = std::byte{kMssBytes};
  store_be(at + 2, segment.offer.mss);
  if (!segment.offer.has_sack) return;
  at[4] = at[5] = std::byte{kOptionNothing};
  at[6] = std::byte{kOptionSackPermitted};
  at[7] = std::byte{kSackPermittedBytes};
}

// The IP header says how long the packet is now.
void write_l3_length(std::byte* ip, PacketView& view) noexcept {
  if (view.kind == PacketKind::kIp6) {
    store_be(ip + 4, view.l4_bytes);
    return;
  }
  store_be(ip + 2, static_cast<std::uint16_t>(view.l3_bytes));
  store_raw(ip + 10, std::uint16_t{0});
  store_raw(ip + 10, checksum_be({ip, kIp4Bytes}));
}

std::uint16_t tcp_checksum_be(std::span<const std::byte> segment, const PacketView& view) noexcept {
  return view.kind == PacketKind::kIp4
             ? l4_checksum_be(view.source4.address, view.target4.address, kProtocolTcp, segment)
             : l4_checksum_be(view.source6.address, view.target6.address, kProtocolTcp, segment);
}

template <class Address>
void swap_ends(std::byte* addresses, std::byte* ports, PacketView& view) noexcept {
  std::swap(view.source<Address>(), view.target<Address>());
  store_raw(addresses, view.source<Address>().address);
  store_raw(addresses + sizeof(Address), view.target<Address>().address);
  store_raw(ports, view.source<Address>().port_be);
  store_raw(ports + 2, view.target<Address>().port_be);
}

}  // namespace

SynOffer syn_offer(std::span<const std::byte> frame, const PacketView& view) noexcept {
  SynOffer offer{view.kind == PacketKind::kIp4 ? kMssDefault4 : kMssDefault6, false};
  const std::size_t header_bytes = std::size_t{view.payload_offset} - view.l4_offset;
  const std::byte* tcp = frame.data() + view.l4_offset;
  for (std::size_t at = kTcpBytes; at + 1 < header_bytes;) {
    const std::uint8_t kind = load_u8(tcp + at);
    if (kind == kOptionEnd) break;
    if (kind == kOptionNothing) {
      ++at;
      continue;
    }
    const std::size_t length = load_u8(tcp + at + 1);
    if (length < 2 || at + length > header_bytes) break;
    if (kind == kOptionMss && length == kMssBytes) offer.mss = load_be<std::uint16_t>(tcp + at + 2);
    if (kind == kOptionSackPermitted && length == kSackPermittedBytes) offer.has_sack = true;
    at += length;
  }
  return offer;
}

bool is_plain_tcp(const PacketView& view) noexcept {
  const std::size_t header_bytes = view.kind == PacketKind::kIp4 ? kIp4Bytes : kIp6Bytes;
  return view.l4_kind == L4Kind::kTcp && view.fragment.part == FragmentPart::kWhole &&
         view.l3_header_bytes() == header_bytes;
}

std::size_t become_bare(std::span<std::byte> room, PacketView& view,
                        const BareSegment& segment) noexcept {
  const std::size_t tcp_bytes = kTcpBytes + option_bytes(segment);
  const std::size_t frame_bytes = view.l4_offset + tcp_bytes;
  if (frame_bytes > room.size()) return 0;
  view.l4_bytes = static_cast<std::uint16_t>(tcp_bytes);
  view.l3_bytes = static_cast<std::uint32_t>(view.l3_header_bytes() + tcp_bytes);
  view.payload_offset = static_cast<std::uint16_t>(frame_bytes);
  view.payload_bytes = 0;
  view.tcp = {.sequence = segment.sequence,
              .acknowledgement = segment.acknowledgement,
              .window = segment.window,
              .flags = segment.flags};
  std::byte* tcp = room.data() + view.l4_offset;
  store_be(tcp + 4, segment.sequence);
  store_be(tcp + 8, segment.acknowledgement);
  tcp[12] = static_cast<std::byte>(tcp_bytes / 4 << 4U);
  tcp[13] = static_cast<std::byte>(segment.flags);
  store_be(tcp + 14, segment.window);
  store_raw(tcp + 16, std::uint32_t{0});  // checksum and urgent pointer
  write_options(tcp + kTcpBytes, segment);
  store_raw(tcp + 16, tcp_checksum_be({tcp, tcp_bytes}, view));
  write_l3_length(room.data() + view.l3_offset, view);
  return frame_bytes;
}

template <class Address>
PacketView make_blank(std::span<std::byte> room, const tables::Endpoint<Address>& source,
                      const tables::Endpoint<Address>& target) noexcept {
  constexpr bool kIsFour = sizeof(Address) == 4;
  constexpr std::size_t kL3Bytes = kIsFour ? kIp4Bytes : kIp6Bytes;
  std::fill_n(room.begin(), kBlankBytes, std::byte{0});
  PacketView view;
  view.kind = kIsFour ? PacketKind::kIp4 : PacketKind::kIp6;
  view.l4_kind = L4Kind::kTcp;
  view.protocol = kProtocolTcp;
  view.ttl = kAnswerTtl;
  view.ethertype = kIsFour ? kEtherTypeIp4 : kEtherTypeIp6;
  view.l3_offset = kEthernetBytes;
  view.l4_offset = kEthernetBytes + kL3Bytes;
  view.dont_fragment = true;
  view.source<Address>() = source;
  view.target<Address>() = target;
  store_be(room.data() + 12, view.ethertype);
  std::byte* ip = room.data() + view.l3_offset;
  constexpr std::size_t kAddresses = kIsFour ? 12 : 8;
  store_raw(ip + kAddresses, source.address);
  store_raw(ip + kAddresses + sizeof(Address), target.address);
  if constexpr (kIsFour) {
    constexpr std::uint16_t kDontFragment = 0x4000;
    ip[0] = std::byte{0x45};
    store_be(ip + 6, kDontFragment);
    ip[8] = std::byte{kAnswerTtl};
    ip[9] = std::byte{kProtocolTcp};
  } else {
    ip[0] = std::byte{0x60};
    ip[6] = std::byte{kProtocolTcp};
    ip[7] = std::byte{kAnswerTtl};
  }
  std::byte* tcp = room.data() + view.l4_offset;
  store_raw(tcp, source.port_be);
  store_raw(tcp + 2, target.port_be);
  return view;
}

template PacketView make_blank(std::span<std::byte>, const tables::Endpoint<tables::Address4>&,
                               const tables::Endpoint<tables::Address4>&) noexcept;
template PacketView make_blank(std::span<std::byte>, const tables::Endpoint<tables::Address6>&,
                               const tables::Endpoint<tables::Address6>&) noexcept;

void turn_round(std::span<std::byte> frame, PacketView& view, const MacAddress& mac) noexcept {
  store_raw(frame.data(), load_raw<MacAddress>(frame.data() + 6));
  store_raw(frame.data() + 6, mac);
  std::byte* ip = frame.data() + view.l3_offset;
  std::byte* tcp = frame.data() + view.l4_offset;
  view.ttl = kAnswerTtl;
  // Exchanging ends changes no checksum; the time to live is in that of IPv4's header.
  if (view.kind == PacketKind::kIp6) {
    ip[7] = std::byte{kAnswerTtl};
    return swap_ends<tables::Address6>(ip + 8, tcp, view);
  }
  const auto before_be = load_raw<std::uint16_t>(ip + 8);
  ip[8] = std::byte{kAnswerTtl};
  ChecksumDelta delta;
  delta.replace(before_be, load_raw<std::uint16_t>(ip + 8));
  store_raw(ip + 10, delta.apply(load_raw<std::uint16_t>(ip + 10)));
  swap_ends<tables::Address4>(ip + 12, tcp, view);
}

}  // namespace twinplane::dataplane
