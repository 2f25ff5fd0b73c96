// SPDX-License-Identifier: BSD-3-Clause
// packet_view.hpp - what parsing says about one frame: where its headers are and what they hold.
//
// Thread:  any; values.
// Memory:  108 bytes; holds no pointer, so it outlives the frame and moves with it.
// Limits:  offsets count from the frame's first byte. A field that its comment binds to a kind is 0
//          for the others.
// Errors:  none.
// Spec:    IEEE 802.3 and 802.1Q, RFC 826, 791, 792, 768, 9293, 8200, 4443, 4861.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

using MacAddress = std::array<std::uint8_t, 6>;

enum class PacketKind : std::uint8_t { kNone, kArp, kIp4, kIp6 };

enum class L4Kind : std::uint8_t {
  kNone,  // no transport header here: ARP, or a fragment that is not the first
  kTcp,
  kUdp,
  kIcmpEcho,   // request or reply: both ports hold the identifier
  kIcmpError,  // quotes the packet it is about, see quote.hpp
  kNeighbor,   // neighbor discovery, hop limit, checksum and option lengths checked
  kIcmpOther,
  kSctp,   // sctp_packet.hpp reads it; ports of 0: it is cut short
  kOther,  // any other protocol; both ports are 0
};

enum class FragmentPart : std::uint8_t { kWhole, kFirst, kLater };

enum TcpFlag : std::uint8_t {
  kTcpFin = 0x01,
  kTcpSyn = 0x02,
  kTcpRst = 0x04,
  kTcpPsh = 0x08,
  kTcpAck = 0x10,
  kTcpUrg = 0x20,
};

inline constexpr std::uint8_t kNoWindowScale = 15;  // as tables::SessionState has it

struct TcpView {
  std::uint32_t sequence{};
  std::uint32_t acknowledgement{};
  std::uint16_t window{};                     // as sent, not scaled
  std::uint8_t flags{};                       // TcpFlag
  std::uint8_t window_scale{kNoWindowScale};  // of a SYN: 0..14, or kNoWindowScale
};

struct FragmentView {
  std::uint32_t id{};  // 16 bits in IPv4; 0 unless the packet is a fragment
  std::uint16_t offset_bytes{};
  std::uint16_t bytes{};  // how much of the datagram this one carries
  FragmentPart part{FragmentPart::kWhole};
  bool more{};
};

struct PacketView {
  PacketKind kind{PacketKind::kNone};
  L4Kind l4_kind{L4Kind::kNone};
  std::uint8_t
      // the transport's; of a later IPv6 fragment what its header names, which may be an extension
      protocol{};
  std::uint8_t ttl{};                        // or hop limit
  std::uint16_t ethertype{};                 // below the tags
  std::uint8_t vlan_count{};                 // 0..2
  bool is_group_frame{};                     // the Ethernet destination is multicast or broadcast
  std::array<std::uint16_t, 2> vlan_tcis{};  // outer first; VLAN number in the low 12 bits

  std::uint16_t l3_offset{};
  std::uint16_t l4_offset{};
  std::uint16_t payload_offset{};  // behind the transport header
  std::uint16_t payload_bytes{};   // of this frame, link padding left out
  std::uint16_t l4_bytes{};        // transport header and payload
  std::uint16_t
      // ARP: kArpRequest or kArpReply; sender and target addresses are source4 and target4
      arp_operation{};
  std::uint32_t l3_bytes{};  // IP header and all behind it, as its length says

  std::uint8_t icmp_type{};
  std::uint8_t icmp_code{};
  bool is_group_target{};  // the IP destination is multicast or the limited broadcast
  bool
      // either address is: not to be forwarded (RFC 3927 section 7, RFC 4291 section 2.5.6)
      is_link_local{};
  bool is_unspecified_source{};  // IPv6 ::, seen with ICMPv6 only: not to be forwarded
  bool
      // IPv6 routing header with segments left: the final destination is another
      is_routed_elsewhere{};
  bool dont_fragment{};  // IPv4 DF; always set in IPv6

  FragmentView fragment{};
  TcpView tcp{};                                 // kTcp
  tables::Endpoint<tables::Address4> source4{};  // kIp4, kArp
  tables::Endpoint<tables::Address4> target4{};
  tables::Endpoint<tables::Address6> source6{};  // kIp6
  tables::Endpoint<tables::Address6> target6{};

  template <class Address>
  const tables::Endpoint<Address>& source() const noexcept {
    if constexpr (std::is_same_v<Address, tables::Address4>)
      return source4;
    else
      return source6;
  }

  template <class Address>
  const tables::Endpoint<Address>& target() const noexcept {
    if constexpr (std::is_same_v<Address, tables::Address4>)
      return target4;
    else
      return target6;
  }

  template <class Address>
  tables::Endpoint<Address>& source() noexcept {
    if constexpr (std::is_same_v<Address, tables::Address4>)
      return source4;
    else
      return source6;
  }

  template <class Address>
  tables::Endpoint<Address>& target() noexcept {
    if constexpr (std::is_same_v<Address, tables::Address4>)
      return target4;
    else
      return target6;
  }

  std::uint16_t l3_header_bytes() const noexcept {
    return static_cast<std::uint16_t>(l4_offset - l3_offset);
  }
};

static_assert(sizeof(PacketView) == 108);

inline constexpr std::uint16_t kVlanNumberMask = 0x0FFF;

}  // namespace twinplane::dataplane
