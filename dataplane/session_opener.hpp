// SPDX-License-Identifier: BSD-3-Clause
// session_opener.hpp - the decision for a packet that has no session: may it open one, by which
// rule, translated how, and with what beside it.
//
// Thread:  the core that owns the partition given; keeps no state of its own.
// Memory:  none after construction.
// Limits:  frames that parse() called kOk.
// Errors:  every packet that opens none has a DropReason, and nothing is left of its session then.
// Spec:    dataplane/DESIGN.md D-D5, D-D17, D-D31, D-D37; rules: the first match; NAT: RFC 4787
//          endpoint-dependent mapping; TCP sessions start with a SYN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/announced_rule.hpp"
#include "dataplane/config.hpp"
#include "dataplane/expectation_board.hpp"
#include "dataplane/forward_context.hpp"
#include "dataplane/forward_result.hpp"
#include "dataplane/nat_pool.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/rules.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

// Of a packet to one of the box's own addresses: nothing but echo is answered here.
ForwardResult to_self(const PacketView& view) noexcept;

class SessionOpener {
 public:
  explicit SessionOpener(const ForwardContext& context)
      : context_(context), announced_(context.config) {}

  // kForward: there is a session now, which `found` names. The packet itself is not looked at
  // further.
  template <class Address>
  [[nodiscard]] ForwardResult open(tables::Partition& partition, const PacketView& view,
                                   const tables::DirectedKey<Address>& key,
                                   std::uint8_t ingress_port, std::span<const std::byte> frame,
                                   BurstTime time, tables::Found& found) const noexcept;

  // What open() would say of its route and rule; nothing is made.
  template <class Address>
  [[nodiscard]] ForwardResult judge(const PacketView& view,
                                    std::uint8_t ingress_port) const noexcept;

 private:
  template <class Address>
  struct Opening;

  template <class Address>
  ForwardResult find_opening(const PacketView& view, std::uint8_t ingress_port,
                             Opening<Address>& opening) const noexcept;
  template <class Address>
  DropReason translate_new(tables::Partition& partition, const PacketView& view,
                           const Opening<Address>& opening,
                           tables::SessionOf<Address>& session) const noexcept;
  template <class Address>
  std::optional<ExpectationBoard::Seen> find_expected(const PacketView& view,
                                                      std::uint8_t zone_from) const noexcept;
  template <class Address>
  RuleVerdict rule_of(const ExpectationBoard::Seen& expected, const PacketView& view,
                      std::uint8_t zone_from, std::uint8_t zone_to) const noexcept;
  template <class Address>
  std::optional<std::uint16_t> expected_port(const tables::Partition& partition,
                                             const PacketView& view,
                                             const Opening<Address>& opening,
                                             const Address& source) const noexcept;
  std::uint16_t application_of(std::uint8_t protocol, std::uint16_t port_be) const noexcept;
  template <class Address>
  NatChoice<Address> choose_source(tables::Partition& partition, const PacketView& view,
                                   const Opening<Address>& opening) const noexcept;

  std::uint8_t zone_of(std::uint8_t port_index) const noexcept {
    return context_.config.zone_of(port_index);
  }

  ForwardContext context_;
  AnnouncedRule announced_;
};

}  // namespace twinplane::dataplane
