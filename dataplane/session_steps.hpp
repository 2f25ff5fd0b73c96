// SPDX-License-Identifier: BSD-3-Clause
// session_steps.hpp - what routed and bridged packets do alike to a session: open it, and move it
// on.
//
// Thread:  the core that owns the session's partition.
// Memory:  none.
// Limits:  packets that parse() called kOk.
// Errors:  none.
// Spec:    tables/tcp_track.hpp; RFC 4787 section 4.3 (timeouts of what is answered).
#pragma once

#include <cstdint>

#include "dataplane/forward_context.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tables/session.hpp"
#include "tables/session_shift.hpp"
#include "tables/slot_marks.hpp"
#include "tables/tcp_track.hpp"

namespace twinplane::dataplane {

inline tables::TcpSegment segment_of(const PacketView& view) noexcept {
  return {.seq = view.tcp.sequence,
          .ack = view.tcp.acknowledgement,
          .payload_bytes = view.payload_bytes,
          .window = view.tcp.window,
          .flags = view.tcp.flags,
          .window_scale = view.tcp.window_scale};
}

inline bool is_first_syn(const PacketView& view) noexcept {
  return (view.tcp.flags & (kTcpSyn | kTcpAck | kTcpRst | kTcpFin)) == kTcpSyn;
}

template <class Address>
tables::KeyEnds<Address> ends_of(const tables::FlowKey<Address>& key) noexcept {
  return {key.address_a, key.address_b, key.port_a_be, key.port_b_be};
}

struct SessionPorts {
  std::uint8_t ingress;
  std::uint8_t egress;
};

// The session that the packet with this key opens, not translated yet.
template <class Address>
tables::SessionOf<Address> opened_session(const PacketView& view,
                                          const tables::DirectedKey<Address>& key,
                                          const RuleVerdict& rule, SessionPorts ports,
                                          std::uint32_t now_s) noexcept {
  tables::SessionOf<Address> session{};
  session.client_side = ends_of(key.key);
  session.server_side = session.client_side;
  session.protocol = view.protocol;
  session.vsys = key.key.vsys;
  session.flags = static_cast<std::uint16_t>(
      tables::kLive | (key.source_is_a ? tables::kClientIsA0 | tables::kClientIsA1 : 0) |
      (rule.sync ? 0 : tables::kLocalOnly) | (rule.hold ? tables::kHeld : 0) |
      (rule.sync_after_s != 0 ? tables::kYoung | tables::kLocalOnly : 0));
  session.state.ingress_role = ports.ingress;
  session.state.egress_role = ports.egress;
  session.state.rule = rule.rule;
  session.state.start_s = now_s;
  session.state.is_opened_here = 1;
  if (view.l4_kind == L4Kind::kTcp)
    tables::tcp_open(session.state, segment_of(view));
  else
    session.state.timeout_class =
        static_cast<std::uint8_t>(tables::timeout_class_of(view.protocol, 0, false));
  return session;
}

// Until a session has the age at which its rule lets it leave the box; not above 0: it has.
template <class Address>
std::int32_t ages_in_ms(const tables::SessionOf<Address>& session, std::uint32_t sync_after_s,
                        std::uint32_t now_s) noexcept {
  const auto age_s = static_cast<std::int32_t>(now_s - session.state.start_s);
  return (static_cast<std::int32_t>(sync_after_s) - age_s) * 1000;
}

// A packet of it has passed. A young one comes of age when its rule says so.
template <class Address>
void touch(tables::Partition& partition, std::uint32_t slot, const RulesInUse& rules,
           BurstTime time) noexcept {
  auto& sessions = partition.sessions<Address>();
  const auto& session = sessions.slots().entry(slot);
  if ((session.flags & tables::kYoung) == 0) [[likely]]
    return sessions.touch(slot, time.milliseconds());
  tables::touch_young<Address>(
      partition, slot, time.milliseconds(),
      ages_in_ms(session, rules.sync_after_s(session.state.rule), time.seconds()));
}

// Returns the marks of what the packet changed in the session. `acknowledgement` is the packet's,
// by the numbers that the end counts by which it answers.
template <class Address>
std::uint8_t advance(tables::SessionOf<Address>& session, tables::Direction direction,
                     const PacketView& view, std::uint32_t acknowledgement) noexcept {
  if (view.l4_kind == L4Kind::kTcp) {
    tables::TcpSegment segment = segment_of(view);
    segment.ack = acknowledgement;
    std::uint8_t marks = tables::tcp_advance(session.state, direction, segment);
    if (direction == tables::kFromServer && (session.flags & tables::kReplySeen) == 0) {
      session.flags |= tables::kReplySeen;
      marks |= tables::kMarkState;
    }
    return marks;
  }
  if (direction == tables::kFromClient || (session.flags & tables::kReplySeen) != 0) return 0;
  session.flags |= tables::kReplySeen;
  session.state.timeout_class = static_cast<std::uint8_t>(
      tables::timeout_class_of(session.protocol, session.state.tcp_ranks, true));
  return tables::kMarkState;
}

}  // namespace twinplane::dataplane
