// SPDX-License-Identifier: BSD-3-Clause
// bridge_frame.hpp - what a bridge reads of a frame: addresses, tag, EtherType.
//
// Thread:  any; pure.
// Memory:  a value; reads the frame.
// Limits:  one 802.1Q tag at most.
// Errors:  BridgeFrameFault.
// Spec:    IEEE 802.3 section 3.2, IEEE 802.1Q-2018 sections 9.3 to 9.6 (tags; VLAN 0 of a tag is a
//          priority alone, 4095 is reserved), table 8-1 (reserved addresses).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

enum class BridgeFrameFault : std::uint8_t {
  kNone,
  kMalformed,  // cut short, or sent by a group address or by nobody
  kWrongTag,   // more than one tag, a provider's tag, or a VLAN number that nothing may have
};

enum class BridgeTarget : std::uint8_t { kUnicast, kMulticast, kBroadcast, kReserved };

struct BridgeFrame {
  MacAddress target{};
  MacAddress source{};
  std::uint16_t vlan{};        // 0 = untagged, or tagged with a priority alone
  std::uint16_t ether_type{};  // below the tag; 0 for an 802.3 length
  std::uint16_t l3_offset{};
  BridgeTarget target_kind{BridgeTarget::kUnicast};

  bool is_ip() const noexcept;
  // A pause is between two neighbors, whatever stands between them.
  bool is_pause() const noexcept;
};

[[nodiscard]] BridgeFrameFault read_bridge_frame(std::span<const std::byte> frame,
                                                 BridgeFrame& out) noexcept;

}  // namespace twinplane::dataplane
