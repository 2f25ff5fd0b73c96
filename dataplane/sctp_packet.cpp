// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sctp_packet.hpp"

#include <rte_hash_crc.h>

#include <algorithm>
#include <bit>

#include "dataplane/bytes.hpp"

namespace twinplane::dataplane {
namespace {

using tables::SctpSummary;

constexpr std::size_t kTagAt = 4;
constexpr std::size_t kChecksumAt = 8;
constexpr std::size_t kUnitHeaderBytes = 4;  // of a chunk and of a parameter: both end in a length
constexpr std::size_t kInitBytes = 20;       // an INIT or INIT ACK without parameters

constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 3) & ~std::size_t{3}; }

// rte_hash_crc() itself reads words at odd addresses as if they were aligned.
std::uint32_t add_crc(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  static_assert(std::endian::native == std::endian::little);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) crc = rte_hash_crc_8byte(load_raw<std::uint64_t>(at), crc);
  for (; left != 0; --left, ++at) crc = rte_hash_crc_1byte(load_u8(at), crc);
  return crc;
}

void add_address(SctpSummary& out, const tables::Address6& address) noexcept {
  const auto known = out.known_addresses();
  if (std::ranges::find(known, address) != known.end()) return;
  if (known.size() < out.addresses.size()) out.addresses[known.size()] = address;
  ++out.address_count;
}

// A parameter that may be an address; one of another type is passed over.
SctpResult read_address(std::uint16_t type, std::span<const std::byte> value,
                        SctpSummary& out) noexcept {
  constexpr std::uint16_t kIp4Address = 5;
  constexpr std::uint16_t kIp6Address = 6;
  if (type == kIp4Address) {
    if (value.size() != sizeof(tables::Address4)) return SctpResult::kAddressBadLength;
    add_address(out, tables::mapped_address(load_raw<tables::Address4>(value.data())));
  } else if (type == kIp6Address) {
    if (value.size() != sizeof(tables::Address6)) return SctpResult::kAddressBadLength;
    add_address(out, load_raw<tables::Address6>(value.data()));
  }
  return SctpResult::kOk;
}

// Gives read(type, value) each of the parameters until one is wrong.
template <class Read>
SctpResult read_parameters(std::span<const std::byte> parameters, Read&& read) noexcept {
  std::size_t count = 0;
  for (auto left = parameters; !left.empty(); ++count) {
    if (count == kSctpParametersMax) return SctpResult::kTooManyParameters;
    if (left.size() < kUnitHeaderBytes) return SctpResult::kParameterHeaderCut;
    const auto type = load_be<std::uint16_t>(left.data());
    const std::size_t length = load_be<std::uint16_t>(left.data() + 2);
    if (length < kUnitHeaderBytes) return SctpResult::kParameterTooShort;
    if (length > left.size()) return SctpResult::kParameterCut;
    const auto value = left.subspan(kUnitHeaderBytes, length - kUnitHeaderBytes);
    if (const SctpResult result = read(type, value); result != SctpResult::kOk) return result;
    // The chunk's length does not count the last one's padding.
    left = left.subspan(std::min(padded(length), left.size()));
  }
  return SctpResult::kOk;
}

// The addresses that an ASCONF adds. Before its requests it names an address of its sender, which
// is one parameter more. A request for the unspecified address means the packet's source, which
// the association knows or the packet does not pass.
SctpResult read_asconf(std::span<const std::byte> chunk, SctpSummary& out) noexcept {
  constexpr std::uint16_t kAddAddress = 0xC001;
  constexpr std::size_t kSerialBytes = 4;
  constexpr std::size_t kCorrelationBytes = 4;
  constexpr tables::Address6 kUnspecified6{};
  constexpr tables::Address4 kUnspecified4{};
  const auto is_unspecified = [&](std::span<const std::byte> value) {
    return std::ranges::equal(value, std::as_bytes(std::span(kUnspecified6))) ||
           std::ranges::equal(value, std::as_bytes(std::span(kUnspecified4)));
  };
  if (chunk.size() < kUnitHeaderBytes + kSerialBytes) return SctpResult::kAsconfCut;
  const auto read_added = [&](std::uint16_t type, std::span<const std::byte> value) {
    return is_unspecified(value) ? SctpResult::kOk : read_address(type, value, out);
  };
  return read_parameters(chunk.subspan(kUnitHeaderBytes + kSerialBytes),
                         [&](std::uint16_t type, std::span<const std::byte> value) {
                           if (type != kAddAddress) return SctpResult::kOk;
                           if (value.size() < kCorrelationBytes + kUnitHeaderBytes)
                             return SctpResult::kAsconfCut;
                           return read_parameters(value.subspan(kCorrelationBytes), read_added);
                         });
}

// `chunks` are whole: walk_chunks() has said so.
SctpResult read_asconfs(std::span<const std::byte> chunks, SctpSummary& out) noexcept {
  for (auto left = chunks; !left.empty();) {
    const std::size_t length = load_be<std::uint16_t>(left.data() + 2);
    if (load_u8(left.data()) == tables::kSctpAsconf)
      if (const SctpResult result = read_asconf(left.first(length), out); result != SctpResult::kOk)
        return result;
    left = left.subspan(padded(length));
  }
  return SctpResult::kOk;
}

// The chunks of a packet as far as their bounds and their company go.
SctpResult walk_chunks(std::span<const std::byte> chunks, SctpSummary& out) noexcept {
  constexpr std::uint8_t kReflectedBit = 0x01;
  constexpr std::size_t kDataBytesMin = 17;  // with one byte of a message
  std::size_t control_count = 0;
  bool is_only_auth_before = true;
  bool is_cookie_late = false;
  if (chunks.empty()) return SctpResult::kNoChunk;
  for (auto left = chunks; !left.empty();) {
    if (left.size() < kUnitHeaderBytes) return SctpResult::kChunkHeaderCut;
    const std::uint8_t type = load_u8(left.data());
    const std::uint8_t flags = load_u8(left.data() + 1);
    const std::size_t length = load_be<std::uint16_t>(left.data() + 2);
    if (length < kUnitHeaderBytes) return SctpResult::kChunkTooShort;
    if (length > left.size()) return SctpResult::kChunkCut;
    if (padded(length) > left.size()) return SctpResult::kPaddingCut;
    const bool is_data = type == tables::kSctpData;
    if (is_data && length < kDataBytesMin) return SctpResult::kDataTooShort;
    if (!is_data && ++control_count > kSctpControlChunksMax) return SctpResult::kTooManyChunks;
    if (out.chunk_count == 0) out.first_chunk = type;
    ++out.chunk_count;
    out.chunks |= tables::sctp_chunk_bit(type);
    if (type == tables::kSctpAbort || type == tables::kSctpShutdownComplete)
      out.is_tag_reflected |= (flags & kReflectedBit) != 0;
    if (type == tables::kSctpCookieEcho || type == tables::kSctpCookieAck)
      is_cookie_late |= !is_only_auth_before;
    is_only_auth_before &= type == tables::kSctpAuth;
    left = left.subspan(padded(length));
  }
  if (out.chunk_count > 1) {
    if (out.has(tables::kSctpInit)) return SctpResult::kInitBundled;
    if (out.has(tables::kSctpInitAck)) return SctpResult::kInitAckBundled;
    if (out.has(tables::kSctpShutdownComplete)) return SctpResult::kShutdownCompleteBundled;
  }
  return is_cookie_late ? SctpResult::kCookieNotFirst : SctpResult::kOk;
}

SctpResult read_init(std::span<const std::byte> chunk, SctpSummary& out) noexcept {
  constexpr std::uint32_t kWindowBytesMin = 1500;
  if (chunk.size() < kInitBytes) return SctpResult::kInitCut;
  const std::byte* init = chunk.data();
  out.initiate_tag = load_be<std::uint32_t>(init + 4);
  out.outbound_streams = load_be<std::uint16_t>(init + 12);
  out.inbound_streams = load_be<std::uint16_t>(init + 14);
  out.initial_tsn = load_be<std::uint32_t>(init + 16);
  if (out.initiate_tag == 0) return SctpResult::kInitiateTagZero;
  if (load_be<std::uint32_t>(init + 8) < kWindowBytesMin) return SctpResult::kWindowTooSmall;
  if (out.outbound_streams == 0) return SctpResult::kNoOutboundStreams;
  if (out.inbound_streams == 0) return SctpResult::kNoInboundStreams;
  constexpr std::uint16_t kStateCookie = 7;
  bool has_cookie = false;
  const SctpResult result = read_parameters(
      chunk.subspan(kInitBytes), [&](std::uint16_t type, std::span<const std::byte> value) {
        has_cookie |= type == kStateCookie;
        return read_address(type, value, out);
      });
  const bool lacks_cookie = out.first_chunk == tables::kSctpInitAck && !has_cookie;
  return result == SctpResult::kOk && lacks_cookie ? SctpResult::kNoCookie : result;
}

}  // namespace

std::uint32_t sctp_checksum_raw(std::span<const std::byte> packet) noexcept {
  std::uint32_t crc = add_crc(packet.first(kChecksumAt), ~0U);
  crc = rte_hash_crc_4byte(0, crc);
  return ~add_crc(packet.subspan(kSctpHeaderBytes), crc);
}

void set_sctp_checksum(std::span<std::byte> packet) noexcept {
  store_raw(packet.data() + kChecksumAt, sctp_checksum_raw(packet));
}

SctpResult parse_sctp(std::span<const std::byte> packet, SctpChecksum checksum,
                      SctpSummary& out) noexcept {
  out = {};
  if (packet.size() < kSctpHeaderBytes) return SctpResult::kHeaderCut;
  out.source_port_be = load_raw<std::uint16_t>(packet.data());
  out.target_port_be = load_raw<std::uint16_t>(packet.data() + 2);
  out.tag = load_be<std::uint32_t>(packet.data() + kTagAt);
  if (out.source_port_be == 0 || out.target_port_be == 0) return SctpResult::kPortZero;
  if (checksum == SctpChecksum::kVerify &&
      load_raw<std::uint32_t>(packet.data() + kChecksumAt) != sctp_checksum_raw(packet))
    return SctpResult::kBadChecksum;
  const auto chunks = packet.subspan(kSctpHeaderBytes);
  const SctpResult result = walk_chunks(chunks, out);
  if (result != SctpResult::kOk) return result;
  const bool is_init = out.first_chunk == tables::kSctpInit;
  if (is_init && out.tag != 0) return SctpResult::kInitTagNotZero;
  if (!is_init && out.tag == 0) return SctpResult::kTagZero;
  if (is_init || out.first_chunk == tables::kSctpInitAck)
    return read_init(chunks.first(load_be<std::uint16_t>(chunks.data() + 2)), out);
  return out.has(tables::kSctpAsconf) ? read_asconfs(chunks, out) : SctpResult::kOk;
}

}  // namespace twinplane::dataplane
