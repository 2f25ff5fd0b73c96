// SPDX-License-Identifier: BSD-3-Clause
#include <cstdint>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/link_local.hpp"
#include "dataplane/parse_steps.hpp"

namespace twinplane::dataplane::parse_steps {
namespace {

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kOffsetMask = 0x1FFF;

ParseResult check_options(std::span<const std::byte> options) noexcept {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNoOperation = 1;
  constexpr std::uint8_t kLooseSourceRoute = 131;
  constexpr std::uint8_t kStrictSourceRoute = 137;
  while (!options.empty()) {
    const std::uint8_t kind = load_u8(options.data());
    if (kind == kEnd) break;
    if (kind == kNoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) return ParseResult::kIp4BadOptions;
    const std::size_t length = load_u8(options.data() + 1);
    if (length < 2 || length > options.size()) return ParseResult::kIp4BadOptions;
    if (kind == kLooseSourceRoute || kind == kStrictSourceRoute)
      return ParseResult::kIp4SourceRoute;
    options = options.subspan(length);
  }
  return ParseResult::kOk;
}

ParseResult check_addresses(PacketView& out, ParseScope scope) noexcept {
  constexpr std::uint8_t kThisNetwork = 0;
  constexpr std::uint8_t kLoopback = 127;
  constexpr std::uint8_t kMulticast = 224;
  constexpr std::uint8_t kClassE = 240;
  const tables::Address4& source = out.source4.address;
  const tables::Address4& target = out.target4.address;
  const bool is_broadcast = target == tables::Address4{255, 255, 255, 255};
  const bool is_from_nobody =
      scope == ParseScope::kLink && is_broadcast && source == tables::Address4{};
  if ((source[0] == kThisNetwork && !is_from_nobody) || source[0] == kLoopback ||
      source[0] >= kMulticast)
    return ParseResult::kIp4BadSource;
  if (target[0] == kThisNetwork || target[0] == kLoopback ||
      (target[0] >= kClassE && !is_broadcast))
    return ParseResult::kIp4BadTarget;
  if (source == target) return ParseResult::kLand;
  out.is_group_target = target[0] >= kMulticast;
  out.is_link_local = is_link_local(source) || is_link_local(target);
  return ParseResult::kOk;
}

ParseResult read_fragment(const std::byte* ip, std::size_t header_bytes, PacketView& out) noexcept {
  const auto field = load_be<std::uint16_t>(ip + 6);
  out.dont_fragment = (field & kDontFragment) != 0;
  if ((field & (kMoreFragments | kOffsetMask)) == 0) return ParseResult::kOk;
  constexpr std::size_t kDatagramBytesMax = 65535;
  const std::size_t offset = (field & kOffsetMask) * std::size_t{8};
  const bool more = (field & kMoreFragments) != 0;
  if (out.l4_bytes == 0 || (more && out.l4_bytes % 8 != 0) ||
      offset + out.l4_bytes + header_bytes > kDatagramBytesMax)
    return ParseResult::kIp4BadFragment;
  out.fragment.id = load_be<std::uint16_t>(ip + 4);
  out.fragment.offset_bytes = static_cast<std::uint16_t>(offset);
  out.fragment.bytes = out.l4_bytes;
  out.fragment.more = more;
  out.fragment.part = offset == 0 ? FragmentPart::kFirst : FragmentPart::kLater;
  // RFC 1858 section 3.2: at offset 8 it would replace the flags that the first fragment was judged
  // by.
  if (out.protocol == kProtocolTcp && offset == 8) return ParseResult::kIp4TinyFragment;
  return ParseResult::kOk;
}

}  // namespace

ParseResult parse_ip4(std::span<const std::byte> frame, PacketView& out,
                      ParseScope scope) noexcept {
  const std::size_t available = frame.size() - out.l3_offset;
  if (available < kIp4Bytes) return ParseResult::kIp4HeaderCut;
  const std::byte* ip = frame.data() + out.l3_offset;
  const std::uint8_t version_and_length = load_u8(ip);
  if (version_and_length >> 4U != 4) return ParseResult::kIp4BadVersion;
  const std::size_t header_bytes = (version_and_length & 0xFU) * std::size_t{4};
  if (header_bytes < kIp4Bytes) return ParseResult::kIp4BadHeaderLength;
  if (header_bytes > available) return ParseResult::kIp4HeaderCut;
  const std::size_t total_bytes = load_be<std::uint16_t>(ip + 2);
  if (total_bytes < header_bytes || total_bytes > available) return ParseResult::kIp4LengthLies;
  const std::span<const std::byte> header(ip, header_bytes);
  if (checksum_be(header) != 0) return ParseResult::kIp4BadChecksum;

  out.kind = PacketKind::kIp4;
  out.l3_bytes = static_cast<std::uint32_t>(total_bytes);
  out.l4_offset = static_cast<std::uint16_t>(out.l3_offset + header_bytes);
  out.l4_bytes = static_cast<std::uint16_t>(total_bytes - header_bytes);
  out.ttl = load_u8(ip + 8);
  out.protocol = load_u8(ip + 9);
  out.source4.address = load_raw<tables::Address4>(ip + 12);
  out.target4.address = load_raw<tables::Address4>(ip + 16);
  if (header_bytes > kIp4Bytes) {
    const ParseResult result = check_options(header.subspan(kIp4Bytes));
    if (result != ParseResult::kOk) return result;
  }
  if (const ParseResult result = check_addresses(out, scope); result != ParseResult::kOk)
    return result;
  if (const ParseResult result = read_fragment(ip, header_bytes, out); result != ParseResult::kOk)
    return result;
  return parse_l4(frame, out);
}

}  // namespace twinplane::dataplane::parse_steps
