// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse.hpp"

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/parse_steps.hpp"

namespace twinplane::dataplane {
namespace {

constexpr bool is_group(std::uint8_t first_mac_byte) noexcept { return (first_mac_byte & 1U) != 0; }

ParseResult parse_arp(std::span<const std::byte> frame, PacketView& out) noexcept {
  if (frame.size() - out.l3_offset < kArpBytes) return ParseResult::kArpCut;
  const std::byte* arp = frame.data() + out.l3_offset;
  constexpr std::uint16_t kHardwareEthernet = 1;
  constexpr std::uint16_t kAddressLengths = 0x0604;
  const bool is_ethernet_ip4 = load_be<std::uint16_t>(arp) == kHardwareEthernet &&
                               load_be<std::uint16_t>(arp + 2) == kEtherTypeIp4 &&
                               load_be<std::uint16_t>(arp + 4) == kAddressLengths;
  out.arp_operation = load_be<std::uint16_t>(arp + 6);
  const bool is_known = out.arp_operation == kArpRequest || out.arp_operation == kArpReply;
  if (!is_ethernet_ip4 || !is_known || is_group(load_u8(arp + 8)))
    return ParseResult::kArpMalformed;
  out.kind = PacketKind::kArp;
  out.source4.address = load_raw<tables::Address4>(arp + 14);
  out.target4.address = load_raw<tables::Address4>(arp + 24);
  return ParseResult::kOk;
}

// Reads addresses and tags; leaves l3_offset behind them and ethertype at what follows.
ParseResult parse_ethernet(std::span<const std::byte> frame, PacketView& out) noexcept {
  if (frame.size() < kEthernetBytes) return ParseResult::kFrameTooShort;
  out.is_group_frame = is_group(load_u8(frame.data()));
  if (is_group(load_u8(frame.data() + 6))) return ParseResult::kBadSourceMac;
  std::size_t at = kEthernetBytes;
  out.ethertype = load_be<std::uint16_t>(frame.data() + at - 2);
  while (out.ethertype == kEtherTypeVlan || out.ethertype == kEtherTypeProviderVlan) {
    const bool is_provider = out.ethertype == kEtherTypeProviderVlan;
    const bool is_under_provider =
        out.vlan_count == 1 &&
        load_be<std::uint16_t>(frame.data() + kEthernetBytes - 2) == kEtherTypeProviderVlan;
    if (out.vlan_count != 0 &&
        (is_provider || !is_under_provider || out.vlan_count == kVlanTagsMax))
      return ParseResult::kVlanTooDeep;
    if (frame.size() - at < kVlanTagBytes) return ParseResult::kFrameTooShort;
    out.vlan_tcis[out.vlan_count] = load_be<std::uint16_t>(frame.data() + at);
    ++out.vlan_count;
    at += kVlanTagBytes;
    out.ethertype = load_be<std::uint16_t>(frame.data() + at - 2);
  }
  out.l3_offset = static_cast<std::uint16_t>(at);
  return ParseResult::kOk;
}

}  // namespace

ParseResult parse(std::span<const std::byte> frame, PacketView& out, ParseScope scope) noexcept {
  out = PacketView{};
  if (const ParseResult result = parse_ethernet(frame, out); result != ParseResult::kOk)
    return result;
  switch (out.ethertype) {
    case kEtherTypeIp4:
      return parse_steps::parse_ip4(frame, out, scope);
    case kEtherTypeIp6:
      return parse_steps::parse_ip6(frame, out);
    case kEtherTypeArp:
      return parse_arp(frame, out);
    default:
      return ParseResult::kNotForUs;
  }
}

}  // namespace twinplane::dataplane
