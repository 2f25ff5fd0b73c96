// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_frames.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::size_t kFrameBytesMin = 60;
constexpr std::size_t kIp4HeaderBytes = kIp4Bytes + kRouterAlert4.size();
constexpr std::size_t kHopByHopBytes = 8;
constexpr std::uint32_t kTenthMs = 100;

// The other way round than in group_message.cpp: the largest code that does not say more.
constexpr std::uint32_t encoded(std::uint32_t value, unsigned mantissa_bits) noexcept {
  const std::uint32_t hidden = 1U << mantissa_bits;
  if (value < hidden << 3U) return value;
  const std::uint32_t value_max = ((hidden << 1U) - 1) << 10U;
  value = std::min(value, value_max);
  const auto exponent = static_cast<std::uint32_t>(std::bit_width(value)) - mantissa_bits - 4;
  return hidden << 3U | exponent << mantissa_bits | ((value >> (exponent + 3)) & (hidden - 1));
}

static_assert(encoded(127, 4) == 127 && encoded(128, 4) == 0x80 && encoded(1'000'000, 4) == 0xFF);
static_assert(encoded(32'768, 12) == 0x8000 && encoded(8'387'584, 12) == 0xFFFF);

void check_fields(const GroupQueryFields& fields) noexcept {
  const bool is_six = family_of(fields.source) == GroupFamily::kIp6;
  TWINPLANE_CHECK(fields.sources.size(), <=, kGroupQuerySourcesMax);
  TWINPLANE_CHECK(fields.sources.empty() || fields.version == GroupVersion::k3, ==, true);
  TWINPLANE_CHECK(fields.sources.empty() || fields.group != kNoAddress, ==, true);
  TWINPLANE_CHECK(fields.group == kNoAddress || fields.version != GroupVersion::k1, ==, true);
  TWINPLANE_CHECK(is_six && fields.version == GroupVersion::k1, ==, false);
  const bool is_of_family = is_group(fields.group, family_of(fields.source));
  TWINPLANE_CHECK(is_of_family || fields.group == kNoAddress, ==, true);
}

tables::Address6 target_of(const GroupQueryFields& fields) noexcept {
  if (fields.group != kNoAddress) return fields.group;
  return family_of(fields.source) == GroupFamily::kIp4 ? kAllHosts4 : kAllNodes;
}

// Zeroes what the longest frame needs; answers where the network header goes.
std::byte* start_frame(std::span<std::byte> out, const GroupQueryFields& fields) noexcept {
  TWINPLANE_CHECK(out.size(), >=, kGroupFrameBytesMax);
  std::memset(out.data(), 0, kGroupFrameBytesMax);
  std::byte* at = out.data();
  store_raw(at, group_mac_of(target_of(fields)));
  store_raw(at + 6, fields.source_mac);
  at += 12;
  if (fields.vlan != 0) {
    store_be(at, kEtherTypeVlan);
    store_be(at + 2, fields.vlan);
    at += kVlanTagBytes;
  }
  store_be(at, family_of(fields.source) == GroupFamily::kIp4 ? kEtherTypeIp4 : kEtherTypeIp6);
  return at + 2;
}

// What only version 3 has; answers the bytes written.
std::size_t write_tail(std::byte* at, const GroupQueryFields& fields, GroupFamily family) noexcept {
  if (fields.version != GroupVersion::k3) return 0;
  constexpr unsigned kSuppresses = 0x08;
  constexpr unsigned kRobustnessMax = 7;
  const unsigned robustness = fields.robustness <= kRobustnessMax ? fields.robustness : 0U;
  at[0] = static_cast<std::byte>((fields.suppresses_timers ? kSuppresses : 0U) | robustness);
  at[1] = static_cast<std::byte>(encoded(fields.interval_s, 4));
  store_be(at + 2, static_cast<std::uint16_t>(fields.sources.size()));
  std::byte* source_at = at + kGroupQueryTailBytes;
  for (const tables::Address6& source : fields.sources) {
    if (family == GroupFamily::kIp4)
      store_raw(source_at, v4_of(source));
    else
      store_raw(source_at, source);
    source_at += GroupSources::address_bytes(family);
  }
  return static_cast<std::size_t>(source_at - at);
}

std::size_t write_igmp(std::byte* message, const GroupQueryFields& fields) noexcept {
  constexpr std::uint32_t kCodeMax = 0xFF;
  const std::uint32_t tenths = fields.max_response_ms / kTenthMs;
  message[0] = std::byte{kIgmpQuery};
  if (fields.version == GroupVersion::k2)
    message[1] = static_cast<std::byte>(std::clamp(tenths, 1U, kCodeMax));  // 0: version 1
  if (fields.version == GroupVersion::k3) message[1] = static_cast<std::byte>(encoded(tenths, 4));
  if (fields.group != kNoAddress) store_raw(message + 4, v4_of(fields.group));
  const std::size_t bytes =
      kIgmpBytes + write_tail(message + kIgmpBytes, fields, GroupFamily::kIp4);
  store_raw(message + 2, checksum_be({message, bytes}));
  return bytes;
}

std::size_t write_mld(std::byte* message, const GroupQueryFields& fields) noexcept {
  constexpr std::uint32_t kCodeMax = 0xFFFF;
  message[0] = std::byte{kMldQuery};
  const std::uint32_t code = fields.version == GroupVersion::k3
                                 ? encoded(fields.max_response_ms, 12)
                                 : std::min(fields.max_response_ms, kCodeMax);
  store_be(message + 4, static_cast<std::uint16_t>(code));
  store_raw(message + 8, fields.group);
  const std::size_t bytes = kMldBytes + write_tail(message + kMldBytes, fields, GroupFamily::kIp6);
  store_raw(message + 2,
            l4_checksum_be(fields.source, target_of(fields), kProtocolIcmp6, {message, bytes}));
  return bytes;
}

std::size_t write_ip4(std::byte* ip, const GroupQueryFields& fields) noexcept {
  constexpr std::uint8_t kVersionAndLength = 0x40 | kIp4HeaderBytes / 4;
  constexpr std::uint8_t kInternetworkControl = 0xC0;  // RFC 3376 section 4
  const std::size_t bytes = kIp4HeaderBytes + write_igmp(ip + kIp4HeaderBytes, fields);
  ip[0] = std::byte{kVersionAndLength};
  ip[1] = std::byte{kInternetworkControl};
  store_be(ip + 2, static_cast<std::uint16_t>(bytes));
  ip[8] = std::byte{1};
  ip[9] = std::byte{kProtocolIgmp};
  store_raw(ip + 12, v4_of(fields.source));
  store_raw(ip + 16, v4_of(target_of(fields)));
  store_raw(ip + kIp4Bytes, kRouterAlert4);
  store_raw(ip + 10, checksum_be({ip, kIp4HeaderBytes}));
  return bytes;
}

std::size_t write_ip6(std::byte* ip, const GroupQueryFields& fields) noexcept {
  std::byte* options = ip + kIp6Bytes;
  const std::size_t bytes = kHopByHopBytes + write_mld(options + kHopByHopBytes, fields);
  ip[0] = std::byte{0x60};
  store_be(ip + 4, static_cast<std::uint16_t>(bytes));
  ip[6] = std::byte{kProtocolHopByHop};
  ip[7] = std::byte{1};
  store_raw(ip + 8, fields.source);
  store_raw(ip + 24, target_of(fields));
  options[0] = std::byte{kProtocolIcmp6};
  store_raw(options + 2, kRouterAlert6);
  options[6] = std::byte{1};  // PadN of the two bytes that are left
  return kIp6Bytes + bytes;
}

}  // namespace

static_assert(kGroupFrameBytesMax >= kFrameBytesMin);

std::size_t write_group_query(std::span<std::byte> out, const GroupQueryFields& fields) noexcept {
  check_fields(fields);
  std::byte* ip = start_frame(out, fields);
  const std::size_t bytes =
      family_of(fields.source) == GroupFamily::kIp4 ? write_ip4(ip, fields) : write_ip6(ip, fields);
  return std::max(static_cast<std::size_t>(ip - out.data()) + bytes, kFrameBytesMin);
}

}  // namespace twinplane::dataplane
