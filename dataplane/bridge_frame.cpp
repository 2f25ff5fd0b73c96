// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/bridge_frame.hpp"

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint16_t kEtherTypeMin = 0x0600;  // below it is a length
constexpr std::uint16_t kVlanReserved = 4095;

BridgeTarget kind_of(const MacAddress& target) noexcept {
  if ((target[0] & 1U) == 0) return BridgeTarget::kUnicast;
  if (target == MacAddress{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}) return BridgeTarget::kBroadcast;
  const bool is_reserved = target[0] == 0x01 && target[1] == 0x80 && target[2] == 0xC2 &&
                           target[3] == 0 && target[4] == 0 && target[5] <= 0x0F;
  return is_reserved ? BridgeTarget::kReserved : BridgeTarget::kMulticast;
}

}  // namespace

bool BridgeFrame::is_ip() const noexcept {
  return ether_type == kEtherTypeIp4 || ether_type == kEtherTypeIp6;
}

bool BridgeFrame::is_pause() const noexcept {
  return target_kind == BridgeTarget::kReserved && target[5] == 0x01;
}

BridgeFrameFault read_bridge_frame(std::span<const std::byte> frame, BridgeFrame& out) noexcept {
  if (frame.size() < kEthernetBytes) return BridgeFrameFault::kMalformed;
  out.target = load_raw<MacAddress>(frame.data());
  out.source = load_raw<MacAddress>(frame.data() + 6);
  if ((out.source[0] & 1U) != 0 || out.source == MacAddress{}) return BridgeFrameFault::kMalformed;
  out.target_kind = kind_of(out.target);
  std::size_t at = kEthernetBytes;
  auto type = load_be<std::uint16_t>(frame.data() + 12);
  out.vlan = 0;
  if (type == kEtherTypeVlan) {
    if (frame.size() < kEthernetBytes + kVlanTagBytes) return BridgeFrameFault::kMalformed;
    out.vlan = load_be<std::uint16_t>(frame.data() + at) & kVlanNumberMask;
    if (out.vlan == kVlanReserved) return BridgeFrameFault::kWrongTag;
    type = load_be<std::uint16_t>(frame.data() + at + 2);
    at += kVlanTagBytes;
  }
  if (type == kEtherTypeVlan || type == kEtherTypeProviderVlan) return BridgeFrameFault::kWrongTag;
  out.ether_type = type < kEtherTypeMin ? std::uint16_t{0} : type;
  out.l3_offset = static_cast<std::uint16_t>(at);
  return BridgeFrameFault::kNone;
}

}  // namespace twinplane::dataplane
