// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/icmp_error.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"

namespace twinplane::dataplane {
namespace {

struct TypeAndCode {
  std::uint8_t type;
  std::uint8_t code;
};

// RFC 1812 section 5.2.7.
constexpr TypeAndCode type_and_code4(IcmpErrorKind kind) noexcept {
  switch (kind) {
    case IcmpErrorKind::kTimeExceeded:
      return {kIcmpTimeExceeded, 0};
    case IcmpErrorKind::kNoRoute:
      return {kIcmpUnreachable, 0};
    case IcmpErrorKind::kHostUnreachable:
      return {kIcmpUnreachable, 1};
    case IcmpErrorKind::kPortUnreachable:
      return {kIcmpUnreachable, 3};
    case IcmpErrorKind::kTooBig:
      return {kIcmpUnreachable, 4};
    case IcmpErrorKind::kAdminProhibited:
      break;
  }
  return {kIcmpUnreachable, 13};
}

// RFC 4443 section 3.
constexpr TypeAndCode type_and_code6(IcmpErrorKind kind) noexcept {
  switch (kind) {
    case IcmpErrorKind::kTimeExceeded:
      return {kIcmp6TimeExceeded, 0};
    case IcmpErrorKind::kNoRoute:
      return {kIcmp6Unreachable, 0};
    case IcmpErrorKind::kHostUnreachable:
      return {kIcmp6Unreachable, 3};
    case IcmpErrorKind::kPortUnreachable:
      return {kIcmp6Unreachable, 4};
    case IcmpErrorKind::kTooBig:
      return {kIcmp6PacketTooBig, 0};
    case IcmpErrorKind::kAdminProhibited:
      break;
  }
  return {kIcmp6Unreachable, 1};
}

constexpr std::uint8_t kErrorTtl = 64;

// `ip` is where the error's IP header goes; header, ICMP header and `quoted_bytes` have room there
// and the quote is in place.
void write_ip4(std::byte* ip, const PacketView& view, const IcmpErrorOrder& order,
               std::size_t quoted_bytes) noexcept {
  constexpr std::uint8_t kInternetworkControl = 0xC0;  // RFC 1812 section 4.3.2.5
  constexpr std::uint16_t kDontFragment = 0x4000;      // so the id may be 0 (RFC 6864)
  const auto total_bytes = static_cast<std::uint16_t>(kIp4Bytes + kIcmpBytes + quoted_bytes);
  std::memset(ip, 0, kIp4Bytes + kIcmpBytes);
  ip[0] = std::byte{0x45};
  ip[1] = std::byte{kInternetworkControl};
  store_be(ip + 2, total_bytes);
  store_be(ip + 6, kDontFragment);
  ip[8] = std::byte{kErrorTtl};
  ip[9] = std::byte{kProtocolIcmp};
  store_raw(ip + 12, order.source4);
  store_raw(ip + 16, view.source4.address);
  store_raw(ip + 10, checksum_be({ip, kIp4Bytes}));

  std::byte* icmp = ip + kIp4Bytes;
  const TypeAndCode code = type_and_code4(order.kind);
  icmp[0] = std::byte{code.type};
  icmp[1] = std::byte{code.code};
  if (order.kind == IcmpErrorKind::kTooBig) store_be(icmp + 6, order.mtu_bytes);
  store_raw(icmp + 2, checksum_be({icmp, kIcmpBytes + quoted_bytes}));
}

void write_ip6(std::byte* ip, const PacketView& view, const IcmpErrorOrder& order,
               std::size_t quoted_bytes) noexcept {
  std::memset(ip, 0, kIp6Bytes + kIcmpBytes);
  ip[0] = std::byte{0x60};
  store_be(ip + 4, static_cast<std::uint16_t>(kIcmpBytes + quoted_bytes));
  ip[6] = std::byte{kProtocolIcmp6};
  ip[7] = std::byte{kErrorTtl};
  store_raw(ip + 8, order.source6);
  store_raw(ip + 24, view.source6.address);

  std::byte* icmp = ip + kIp6Bytes;
  const TypeAndCode code = type_and_code6(order.kind);
  icmp[0] = std::byte{code.type};
  icmp[1] = std::byte{code.code};
  if (order.kind == IcmpErrorKind::kTooBig) store_be(icmp + 4, std::uint32_t{order.mtu_bytes});
  store_raw(icmp + 2, l4_checksum_be(order.source6, view.source6.address, kProtocolIcmp6,
                                     {icmp, kIcmpBytes + quoted_bytes}));
}

}  // namespace

IcmpErrorVerdict may_send_icmp_error(const PacketView& view, IcmpErrorKind kind) noexcept {
  const bool is_four = view.kind == PacketKind::kIp4;
  if (!is_four && view.kind != PacketKind::kIp6) return IcmpErrorVerdict::kNotIp;
  if (view.fragment.part == FragmentPart::kLater) return IcmpErrorVerdict::kAboutLater;
  const bool is_redirect = view.l4_kind == L4Kind::kNeighbor && view.icmp_type == kNdRedirect;
  if (view.l4_kind == L4Kind::kIcmpError || is_redirect) return IcmpErrorVerdict::kAboutError;
  const bool may_be_group = !is_four && kind == IcmpErrorKind::kTooBig;
  if ((view.is_group_frame || view.is_group_target) && !may_be_group)
    return IcmpErrorVerdict::kAboutGroup;
  if (view.is_unspecified_source) return IcmpErrorVerdict::kNoSingleSource;
  if (kind == IcmpErrorKind::kTooBig && !view.dont_fragment)
    return IcmpErrorVerdict::kMayBeFragmented;
  return IcmpErrorVerdict::kBuilt;
}

IcmpErrorResult build_icmp_error(std::span<const std::byte> frame, const PacketView& view,
                                 const IcmpErrorOrder& order, std::span<std::byte> out) noexcept {
  const IcmpErrorVerdict verdict = may_send_icmp_error(view, order.kind);
  if (verdict != IcmpErrorVerdict::kBuilt) return {verdict, 0};
  const bool is_four = view.kind == PacketKind::kIp4;
  const std::size_t header_bytes = (is_four ? kIp4Bytes : kIp6Bytes) + kIcmpBytes;
  const std::size_t bytes_max = is_four ? kIcmp4ErrorBytesMax : kIcmp6ErrorBytesMax;
  const std::size_t quoted_bytes = std::min<std::size_t>(view.l3_bytes, bytes_max - header_bytes);
  const std::size_t quote_offset = view.l3_offset + header_bytes;
  if (out.size() < quote_offset + quoted_bytes) return {IcmpErrorVerdict::kNoRoom, 0};

  std::memcpy(out.data(), frame.data(), view.l3_offset);  // tags and EtherType as they came
  std::memcpy(out.data(), frame.data() + 6, sizeof(MacAddress));
  store_raw(out.data() + 6, order.mac);
  std::memcpy(out.data() + quote_offset, frame.data() + view.l3_offset, quoted_bytes);
  std::byte* ip = out.data() + view.l3_offset;
  if (is_four)
    write_ip4(ip, view, order, quoted_bytes);
  else
    write_ip6(ip, view, order, quoted_bytes);
  return {IcmpErrorVerdict::kBuilt, quote_offset + quoted_bytes};
}

}  // namespace twinplane::dataplane
