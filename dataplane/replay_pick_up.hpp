// SPDX-License-Identifier: BSD-3-Clause
// replay_pick_up.hpp - a TCP session taken up in the middle: for captures that began after its SYN.
//
// Thread:  main.
// Memory:  none.
// Limits:  the sender of the segment is taken for the client. Window scales are unknown and read as
//          none.
// Errors:  the Forwarder's.
// Spec:    the Forwarder opens sessions from a SYN alone: so it is shown the SYN that must have
//          been, and the session then the answer to it and the segment itself.
#pragma once

#include "dataplane/forward.hpp"
#include "tables/tcp_track.hpp"

namespace twinplane::dataplane {

// From a segment with ACK that neither opens nor resets.
inline bool can_pick_up(const PacketView& view) noexcept {
  return view.l4_kind == L4Kind::kTcp &&
         (view.tcp.flags & (kTcpSyn | kTcpAck | kTcpRst)) == kTcpAck;
}

// For a packet that forward() dropped as kTcpNotSyn.
template <class Address>
ForwardResult pick_up(const Forwarder& forwarder, tables::Partition& partition,
                      std::span<std::byte> frame, const PacketView& view,
                      const tables::DirectedKey<Address>& key, std::uint8_t ingress_port,
                      BurstTime time) noexcept {
  PacketView as_syn = view;
  as_syn.tcp.flags = kTcpSyn;
  as_syn.tcp.sequence = view.tcp.sequence - 1;
  as_syn.payload_bytes = 0;
  const ForwardResult result = forwarder.forward(
      partition, frame, as_syn, key, {tables::kNoSlot, tables::Side::kClient}, ingress_port, time);
  auto& slots = partition.sessions<Address>().slots();
  const tables::Found found = slots.find(key.key);
  if (found.slot == tables::kNoSlot) return result;
  tables::SessionState& state = slots.changeable(found.slot).state;
  const tables::TcpSegment answer{.seq = view.tcp.acknowledgement - 1,
                                  .ack = view.tcp.sequence,
                                  .payload_bytes = 0,
                                  .window = view.tcp.window,
                                  .flags = kTcpSyn | kTcpAck,
                                  .window_scale = kNoWindowScale};
  const tables::TcpSegment segment{.seq = view.tcp.sequence,
                                   .ack = view.tcp.acknowledgement,
                                   .payload_bytes = view.payload_bytes,
                                   .window = view.tcp.window,
                                   .flags = view.tcp.flags,
                                   .window_scale = kNoWindowScale};
  const unsigned marks = tables::tcp_advance(state, tables::kFromServer, answer) |
                         tables::tcp_advance(state, tables::kFromClient, segment);
  slots.mark(found.slot, static_cast<std::uint8_t>(marks));
  partition.sessions<Address>().touch(found.slot, time.milliseconds());
  return result;
}

}  // namespace twinplane::dataplane
