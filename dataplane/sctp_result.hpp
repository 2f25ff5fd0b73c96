// SPDX-License-Identifier: BSD-3-Clause
// sctp_result.hpp - one named reason for each way in which an SCTP packet can be wrong, and the
// table of their names.
//
// Thread:  any; values.
// Memory:  none.
// Limits:  kCount is not a result; it sizes counter arrays.
// Errors:  none.
// Spec:    RFC 9260; the comments name the section that each breaks. In the order of the checks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twinplane::dataplane {

enum class SctpResult : std::uint8_t {
  kOk,
  kHeaderCut,       // shorter than the common header (3.1)
  kPortZero,        // either port is (3.1)
  kBadChecksum,     // 6.8
  kNoChunk,         // nothing follows the common header
  kChunkHeaderCut,  // fewer than 4 bytes are left
  kChunkTooShort,   // its length does not cover its own header (3.2)
  kChunkCut,        // partial: its length goes beyond the packet (6.10)
  kPaddingCut,      // not padded to 4 bytes (3.2)
  kDataTooShort,    // a DATA chunk without a byte of a message (3.3.1)
  kTooManyChunks,
  kInitBundled,              // 6.10
  kInitAckBundled,           // 6.10
  kShutdownCompleteBundled,  // 6.10
  kCookieNotFirst,           // COOKIE ECHO or COOKIE ACK behind something other than AUTH (5.1)
  kInitTagNotZero,           // 8.5.1 A
  kTagZero,                  // and no INIT (8.5.1 A)
  kInitCut,                  // INIT or INIT ACK shorter than its fixed part (3.3.2, as all below)
  kInitiateTagZero,
  kWindowTooSmall,  // a receiver window below 1500 bytes
  kNoOutboundStreams,
  kNoInboundStreams,
  kTooManyParameters,
  kParameterHeaderCut,
  kParameterTooShort,  // its length does not cover its own header (3.2.1)
  kParameterCut,       // its length goes beyond the chunk
  kAddressBadLength,   // an IPv4 or IPv6 address parameter that is not as long as one
  kAsconfCut,  // an ASCONF, or a request to add an address, shorter than its fixed part (RFC 5061)
  kNoCookie,   // an INIT ACK without State Cookie (3.3.3)
  kCount,
};

inline constexpr std::size_t kSctpResultCount = static_cast<std::size_t>(SctpResult::kCount);

inline constexpr auto kSctpResultNames = std::to_array<std::string_view>({
    "ok",
    "header_cut",
    "port_zero",
    "bad_checksum",
    "no_chunk",
    "chunk_header_cut",
    "chunk_too_short",
    "chunk_cut",
    "padding_cut",
    "data_too_short",
    "too_many_chunks",
    "init_bundled",
    "init_ack_bundled",
    "shutdown_complete_bundled",
    "cookie_not_first",
    "init_tag_not_zero",
    "tag_zero",
    "init_cut",
    "initiate_tag_zero",
    "window_too_small",
    "no_outbound_streams",
    "no_inbound_streams",
    "too_many_parameters",
    "parameter_header_cut",
    "parameter_too_short",
    "parameter_cut",
    "address_bad_length",
    "asconf_cut",
    "no_cookie",
});
static_assert(kSctpResultNames.size() == kSctpResultCount);
static_assert(std::ranges::none_of(kSctpResultNames, &std::string_view::empty));

constexpr std::string_view name(SctpResult result) noexcept {
  const auto index = static_cast<std::size_t>(result);
  return index < kSctpResultCount ? kSctpResultNames[index] : "unknown";
}

}  // namespace twinplane::dataplane
