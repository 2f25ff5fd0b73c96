// SPDX-License-Identifier: BSD-3-Clause
// icmp_error.hpp - the frame that tells a sender why its packet went no further.
//
// Thread:  any; pure. The rate is limited by the caller's TokenBucket (token_bucket.hpp), after the
//          error has proved permitted.
// Memory:  writes into the caller's buffer; kIcmpErrorFrameBytesMax always suffices.
// Limits:  IPv4 errors quote as much as keeps the datagram within 576 bytes, IPv6 within 1280.
// Errors:  IcmpErrorVerdict; nothing has been written unless it is kBuilt.
// Spec:    RFC 1812 sections 4.3.2 and 5.2.7, RFC 1122 section 3.2.2, RFC 1191 (MTU); RFC 4443
//          sections 2.4, 3.1 to 3.3. Later fragments are refused in IPv6 as well: what they carry
//          cannot be told, and their first fragment is answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kIcmp4ErrorBytesMax = 576;
inline constexpr std::size_t kIcmp6ErrorBytesMax = 1280;
inline constexpr std::size_t kIcmpErrorFrameBytesMax =
    kEthernetBytes + kVlanTagsMax * kVlanTagBytes + kIcmp6ErrorBytesMax;

enum class IcmpErrorKind : std::uint8_t {
  kTimeExceeded,     // in transit
  kNoRoute,          // IPv4: network unreachable
  kHostUnreachable,  // IPv6: address unreachable
  kPortUnreachable,  // for the box's own addresses
  kAdminProhibited,
  kTooBig,  // IPv4: fragmentation needed and DF set
};

enum class IcmpErrorVerdict : std::uint8_t {
  kBuilt,
  kNotIp,
  kAboutError,  // an ICMP error or a redirect
  kAboutLater,  // a fragment that is not the first
  // to a multicast or broadcast address of either layer; IPv6's packet too big is exempt
  kAboutGroup,
  kNoSingleSource,   // the source is :: ; other such sources do not come out of parse()
  kMayBeFragmented,  // kTooBig about an IPv4 packet without DF
  kNoRoom,           // the buffer is smaller than the frame
  kCount,
};

inline constexpr auto kIcmpErrorVerdictNames = std::to_array<std::string_view>({
    "icmp_error_built",
    "icmp_error_not_ip",
    "icmp_error_about_error",
    "icmp_error_about_later",
    "icmp_error_about_group",
    "icmp_error_no_single_source",
    "icmp_error_may_be_fragmented",
    "icmp_error_no_room",
});
static_assert(kIcmpErrorVerdictNames.size() == static_cast<std::size_t>(IcmpErrorVerdict::kCount));

constexpr std::string_view name(IcmpErrorVerdict verdict) noexcept {
  const auto index = static_cast<std::size_t>(verdict);
  return index < kIcmpErrorVerdictNames.size() ? kIcmpErrorVerdictNames[index] : "unknown";
}

struct IcmpErrorOrder {
  IcmpErrorKind kind{};
  std::uint16_t mtu_bytes{};   // kTooBig: of the link that the packet did not fit
  MacAddress mac{};            // of the port the error leaves by, which is where the packet came in
  tables::Address4 source4{};  // this box's address there; the one of the packet's family is used
  tables::Address6 source6{};
};

struct IcmpErrorResult {
  IcmpErrorVerdict verdict{};
  std::size_t frame_bytes{};
};

// May there be such an error about this packet at all?
[[nodiscard]] IcmpErrorVerdict may_send_icmp_error(const PacketView& view,
                                                   IcmpErrorKind kind) noexcept;

// `frame` as it came in: before translation and before its TTL changed. The error carries the same
// VLAN tags and goes to the MAC address that the packet came from; write_link_header changes that.
// `out` must not overlap `frame`.
[[nodiscard]] IcmpErrorResult build_icmp_error(std::span<const std::byte> frame,
                                               const PacketView& view, const IcmpErrorOrder& order,
                                               std::span<std::byte> out) noexcept;

}  // namespace twinplane::dataplane
