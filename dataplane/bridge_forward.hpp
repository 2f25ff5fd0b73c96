// SPDX-License-Identifier: BSD-3-Clause
// bridge_forward.hpp - the rules and sessions for IP between the ports of a bridge domain: as for
// routed packets, but the way out is the address table's, and the packet leaves as it came.
//
// Thread:  the core that owns the partition given; keeps no state.
// Memory:  none.
// Limits:  frames that parse() called kOk for bridging. One flow through two VLANs of one domain is
//          one session: such VLANs want domains of their own.
// Errors:  a DropReason; a bridge has no address to tell a sender by.
// Spec:    dataplane/DESIGN.md D-D25. What has no session to be found by, a group's packets first
//          of all, is asked of the rules one by one.
#pragma once

#include "dataplane/bridge_domains.hpp"
#include "dataplane/forward.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

struct BridgeArrival {
  std::uint8_t domain;
  std::uint8_t ingress_port;
  PortBits ports;  // that the address table leads to
  BurstTime time;
};

struct BridgeVerdict {
  DropReason reason = DropReason::kNone;  // kNone: it leaves by `ports`
  PortBits ports = 0;
  bool was_taken_over = false;                // its session was opened by the peer
  std::uint32_t held_slot = tables::kNoSlot;  // of a session that the peer must have first

  static BridgeVerdict drop(DropReason reason) noexcept { return {.reason = reason}; }
};

class BridgeForwarder {
 public:
  // All must outlive it.
  BridgeForwarder(const Config& config, const BridgeDomains& domains,
                  const RulesInUse& rules) noexcept
      : config_(config), domains_(domains), rules_(rules) {}

  // Does a session not come into it?
  static bool is_stateless(const PacketView& view) noexcept {
    return view.is_group_target || view.l4_kind == L4Kind::kNeighbor;
  }

  // The key that the session is found by.
  template <class Address>
  static tables::DirectedKey<Address> key_of(const PacketView& view, std::uint8_t domain) noexcept {
    return tables::make_key(view.source<Address>(), view.target<Address>(), view.protocol,
                            vsys_of(domain));
  }

  // Of the arrival's ports those that the rules let the packet leave by.
  template <class Address>
  [[nodiscard]] BridgeVerdict filter(const PacketView& view,
                                     const BridgeArrival& arrival) const noexcept;

  // As Forwarder::forward().
  template <class Address>
  [[nodiscard]] BridgeVerdict forward(tables::Partition& partition, const PacketView& view,
                                      const tables::DirectedKey<Address>& key, tables::Found found,
                                      const BridgeArrival& arrival) const noexcept;

  // As Forwarder::forward_error(): `key` and `found` are the quoted packet's.
  template <class Address>
  [[nodiscard]] BridgeVerdict forward_error(tables::Partition& partition,
                                            const tables::DirectedKey<Address>& key,
                                            tables::Found found,
                                            const BridgeArrival& arrival) const noexcept;

 private:
  template <class Address>
  BridgeVerdict open_session(tables::Partition& partition, const PacketView& view,
                             const tables::DirectedKey<Address>& key, const BridgeArrival& arrival,
                             tables::Found& found) const noexcept;
  template <class Address>
  PortBits permitted(const tables::SessionOf<Address>& session, tables::Direction direction,
                     const BridgeArrival& arrival) const noexcept;

  std::uint8_t zone_of(std::uint8_t port_index) const noexcept {
    return config_.zone_of(port_index);
  }

  const Config& config_;
  const BridgeDomains& domains_;
  const RulesInUse& rules_;
};

}  // namespace twinplane::dataplane
