// SPDX-License-Identifier: BSD-3-Clause
// ip_numbers.hpp - the assigned numbers and header sizes that parsing and rewriting share.
//
// Thread:  any; constants.
// Memory:  none.
// Limits:  only what this dataplane acts on.
// Errors:  none.
// Spec:    IANA registries: EtherTypes, protocol numbers, ICMP types; RFC 791, 792, 4443, 4861,
//          8200, 9293.
#pragma once

#include <cstddef>
#include <cstdint>

namespace twinplane::dataplane {

inline constexpr std::uint16_t kEtherTypeIp4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeArp = 0x0806;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
inline constexpr std::uint16_t kEtherTypeIp6 = 0x86DD;
inline constexpr std::uint16_t kEtherTypeProviderVlan = 0x88A8;

inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kVlanTagBytes = 4;
inline constexpr std::size_t kArpBytes = 28;
inline constexpr std::size_t kIp4Bytes = 20;  // without options
inline constexpr std::size_t kIp6Bytes = 40;  // without extension headers
inline constexpr std::size_t kTcpBytes = 20;  // without options
inline constexpr std::size_t kUdpBytes = 8;
inline constexpr std::size_t kIcmpBytes = 8;
inline constexpr std::size_t kVlanTagsMax = 2;
inline constexpr std::size_t kIp6ExtensionsMax = 8;

inline constexpr std::uint8_t kProtocolHopByHop = 0;
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolRouting = 43;
inline constexpr std::uint8_t kProtocolFragment = 44;
inline constexpr std::uint8_t kProtocolAh = 51;
inline constexpr std::uint8_t kProtocolIcmp6 = 58;
inline constexpr std::uint8_t kProtocolNoNext = 59;
inline constexpr std::uint8_t kProtocolDestinationOptions = 60;
inline constexpr std::uint8_t kProtocolSctp = 132;

inline constexpr std::uint8_t kIcmpEchoReply = 0;
inline constexpr std::uint8_t kIcmpUnreachable = 3;
inline constexpr std::uint8_t kIcmpSourceQuench = 4;
inline constexpr std::uint8_t kIcmpRedirect = 5;
inline constexpr std::uint8_t kIcmpEchoRequest = 8;
inline constexpr std::uint8_t kIcmpTimeExceeded = 11;
inline constexpr std::uint8_t kIcmpParameterProblem = 12;

inline constexpr std::uint8_t kIcmp6Unreachable = 1;
inline constexpr std::uint8_t kIcmp6PacketTooBig = 2;
inline constexpr std::uint8_t kIcmp6TimeExceeded = 3;
inline constexpr std::uint8_t kIcmp6ErrorTypesEnd = 128;  // types [0, 128) are errors
inline constexpr std::uint8_t kIcmp6EchoRequest = 128;
inline constexpr std::uint8_t kIcmp6EchoReply = 129;
inline constexpr std::uint8_t kNdRouterSolicitation = 133;
inline constexpr std::uint8_t kNdRouterAdvertisement = 134;
inline constexpr std::uint8_t kNdNeighborSolicitation = 135;
inline constexpr std::uint8_t kNdNeighborAdvertisement = 136;
inline constexpr std::uint8_t kNdRedirect = 137;

inline constexpr std::uint16_t kArpRequest = 1;
inline constexpr std::uint16_t kArpReply = 2;

}  // namespace twinplane::dataplane
