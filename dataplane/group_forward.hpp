// SPDX-License-Identifier: BSD-3-Clause
// group_forward.hpp - the decision for one packet to a group: by which ports it leaves, or why by
// none.
//
// Thread:  one core: it keeps what rules have said of late.
// Memory:  64 bytes for each of kRememberedMax flows, taken by the constructor.
// Limits:  frames that parse() called kOk and whose VLAN is the port's; fragments come with the
//          ports of their first. Rules are asked once for each flow and zone that its packets would
//          leave by, and again when others hold; two flows that share a place ask in turn.
// Errors:  a packet that goes nowhere has a GroupDrop; copies that rules or NAT keep from a port
//          are counted in the verdict.
// Spec:    RFC 1112 section 7, RFC 5771 section 4, RFC 4291 section 2.7 (scopes), RFC 7761 section
//          4.2 (the ingress check); dataplane/DESIGN.md D-D21. Nobody is sent an ICMP error about a
//          packet to a group.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/forward.hpp"
#include "dataplane/group_drop.hpp"
#include "dataplane/group_routes.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/rules_in_use.hpp"

namespace twinplane::dataplane {

struct GroupVerdict {
  // The home worker is to begin the stream first; `egress` is what there is of it until then.
  bool begins{};
  GroupDrop drop{GroupDrop::kNone};
  std::uint8_t withheld_by_rule{};  // ports that want it and may not have it
  std::uint8_t withheld_by_nat{};
  std::uint32_t place{GroupRouteTable::kNoPlace};  // of the stream's route
  tables::PortSet egress{};                        // not empty when nothing else is said
};

class GroupForwarder {
 public:
  static constexpr std::size_t kRememberedMax = 512;

  GroupForwarder(const ForwardContext& context, const GroupRouteTable& routes,
                 tables::HashSeed seed);

  // Is it a packet to a group, to be judged here?
  static bool concerns(const PacketView& view) noexcept {
    return view.is_group_target &&
           (view.kind == PacketKind::kIp6 || view.target4.address[0] != 0xFF);
  }

  // What its stream is found by.
  static GroupRouteKey key_of(const PacketView& view) noexcept;

  [[nodiscard]] GroupVerdict judge(const PacketView& view, std::uint8_t ingress_port) noexcept;

 private:
  struct FlowName {
    tables::Address6 source{};
    tables::Address6 group{};
    std::uint16_t target_port_be{};
    std::uint8_t protocol{};
    std::uint8_t zone_from{};

    friend bool operator==(const FlowName&, const FlowName&) = default;
  };

  static_assert(std::has_unique_object_representations_v<FlowName>);

  // What rules and NAT say of a flow towards the ports about which they were asked.
  struct Remembered {
    FlowName flow{};
    tables::PortSet asked{};
    tables::PortSet refused{};     // by a rule
    tables::PortSet translated{};  // NAT would hide its source
  };

  GroupDrop refusal_of(const PacketView& view) const noexcept;
  bool is_from(const PacketView& view, std::uint8_t ingress_port) const noexcept;
  void ask_rules(const PacketView& view, std::uint8_t ingress_port, GroupVerdict& verdict) noexcept;
  template <class Address>
  void ask_about(const PacketView& view, std::uint8_t zone_to, Remembered& known) const noexcept;

  ForwardContext context_;
  const GroupRouteTable& routes_;
  std::array<tables::PortSet, kZonesMax> ports_of_zone_{};
  std::unique_ptr<Remembered[]> remembered_;
  std::uint32_t remembered_of_;  // RulesInUse::number()
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
