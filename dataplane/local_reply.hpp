// SPDX-License-Identifier: BSD-3-Clause
// local_reply.hpp - answers a ping to one of the box's own addresses, in place.
//
// Thread:  any; pure.
// Memory:  changes the frame that came in and its view; the size stays.
// Limits:  whole packets; IPv6 without extension headers. The reply leaves by the port the request
//          came in on, to the MAC address that it came from.
// Errors:  LocalReplyVerdict; nothing has been changed unless it is kReplied. A wrong ICMP checksum
//          stays wrong.
// Spec:    RFC 792 and RFC 1122 section 3.2.2.6; RFC 4443 section 4.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

enum class LocalReplyVerdict : std::uint8_t {
  kReplied,
  kNotEchoRequest,
  kFragment,
  kExtensions,      // IPv6 extension headers, which a reply would have to take apart
  kGroup,           // to a multicast or broadcast address of either layer
  kNoSingleSource,  // the source is ::
  kCount,
};

inline constexpr auto kLocalReplyVerdictNames = std::to_array<std::string_view>({
    "local_replied",
    "local_not_echo_request",
    "local_fragment",
    "local_extensions",
    "local_group",
    "local_no_single_source",
});
static_assert(kLocalReplyVerdictNames.size() ==
              static_cast<std::size_t>(LocalReplyVerdict::kCount));

constexpr std::string_view name(LocalReplyVerdict verdict) noexcept {
  const auto index = static_cast<std::size_t>(verdict);
  return index < kLocalReplyVerdictNames.size() ? kLocalReplyVerdictNames[index] : "unknown";
}

// `view` is that of `frame`, parse() has said kOk, and the caller has found that the target is the
// box's own. `mac` is the virtual MAC of the port it came in on.
[[nodiscard]] LocalReplyVerdict reply_to_echo(std::span<std::byte> frame, PacketView& view,
                                              const MacAddress& mac) noexcept;

}  // namespace twinplane::dataplane
