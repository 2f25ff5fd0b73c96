// SPDX-License-Identifier: BSD-3-Clause
// forward.hpp - the decision for one packet: its session found or made, its TCP state advanced, its
// addresses rewritten, its way out.
//
// Thread:  the core that owns the partition given; one Forwarder a core, or one shared: it keeps no
//          state but counters of its own.
// Memory:  none after construction.
// Limits:  frames that parse() called kOk and fragments that the fragment table knows.
// Errors:  every packet not forwarded has a DropReason; nothing is changed then but the session's
//          TCP state.
// Spec:    dataplane/DESIGN.md D-D5, D-D17; rules: the first match; NAT: RFC 4787
//          endpoint-dependent mapping, RFC 5508 for ICMP errors; TCP sessions start with a SYN.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/config.hpp"
#include "dataplane/control_session.hpp"
#include "dataplane/forward_context.hpp"
#include "dataplane/forward_result.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/return_paths.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/routes.hpp"
#include "dataplane/session_opener.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

class Forwarder {
 public:
  explicit Forwarder(const ForwardContext& context)
      : context_(context), opener_(context), controls_(context) {}

  // The key that the packet's session is found by.
  template <class Address>
  static tables::DirectedKey<Address> key_of(const PacketView& view) noexcept {
    return tables::make_key(view.source<Address>(), view.target<Address>(), view.protocol, 0);
  }

  // `found` is what a lookup of key_of(view) in this partition said, at the start of the burst or
  // now. On kForward the frame is rewritten but for its link header. What `frame` has behind the
  // packet's end, as the view says, is room that a helper may use; then the result has frame_bytes.
  template <class Address>
  [[nodiscard]] ForwardResult forward(tables::Partition& partition, std::span<std::byte> frame,
                                      PacketView& view, const tables::DirectedKey<Address>& key,
                                      tables::Found found, std::uint8_t ingress_port,
                                      BurstTime time) const noexcept;

  // An ICMP error: `quote` is the packet it is about, as parse_quote() read it, and `key` and
  // `found` are that packet's. The error goes to whoever sent the quoted packet, who knows it by
  // its own names. One that the box itself sent, about a packet that waited for a neighbor, comes
  // in like any other and leaves with an address of the port that it leaves by.
  template <class Address>
  [[nodiscard]] ForwardResult forward_error(tables::Partition& partition,
                                            std::span<std::byte> frame, PacketView& view,
                                            PacketView& quote,
                                            const tables::DirectedKey<Address>& key,
                                            tables::Found found,
                                            std::uint8_t ingress_port) const noexcept;

  // For packets that have no session.
  const SessionOpener& opener() const noexcept { return opener_; }

 private:
  bool is_own_link_local(const PacketView& view, std::uint8_t port_index) const noexcept;

  template <class Address>
  RouteResult<Address> route_to(const Address& target,
                                const std::optional<tables::ReturnPath>& back) const noexcept;
  template <class Address>
  ForwardResult way_out(const PacketView& view, const tables::SessionOf<Address>& session,
                        tables::Direction direction, const std::optional<tables::ReturnPath>& back,
                        bool was_taken_over, Translation<Address>& to) const noexcept;
  template <class Address>
  std::optional<tables::ReturnPath> try_way_back(const tables::Partition& partition,
                                                 std::uint32_t slot,
                                                 tables::Direction direction) const noexcept;

  std::uint8_t zone_of(std::uint8_t port_index) const noexcept {
    return context_.config.zone_of(port_index);
  }

  ForwardContext context_;
  SessionOpener opener_;
  ControlSessions controls_;
};

}  // namespace twinplane::dataplane
