// SPDX-License-Identifier: BSD-3-Clause
// What a worker does with packets of a flood, and with handshakes in another's name: syn_proxy.hpp
// shows one from end to end. A session that is made by one has a sequence shift from its start;
// until the server has answered, which its rank says, the cookie itself stands in it.
#include <algorithm>
#include <cstring>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/virtual_mac.hpp"
#include "dataplane/worker.hpp"
#include "tables/session_shift.hpp"
#include "tables/tcp_track.hpp"

namespace twinplane::dataplane {

namespace {

using tables::kFromClient;
using tables::kFromServer;
using tables::TcpRank;

constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
constexpr std::uint32_t kAskAgainS = 8;         // for so long a server is asked, once a second
constexpr std::uint32_t kWindowUnknown = 1220;  // one segment, which any client takes

bool is_answered(const tables::SessionState& state) noexcept {
  return tables::tcp_rank(state, kFromServer) != TcpRank::kNone;
}

// Of a session whose server has not answered: how far the server may send stands in edge_max, from
// 0 on, until its first number is known. Where the session was taken over nothing may stand there.
std::uint16_t client_window(const tables::SessionState& state) noexcept {
  const std::uint32_t kept = state.edge_max[kFromServer];
  return static_cast<std::uint16_t>(kept == 0 ? kWindowUnknown : kept - 1);
}

// The packet becomes that segment in its own buffer.
bool try_become_bare(rte_mbuf* packet, PacketView& view, const BareSegment& segment) noexcept {
  const std::size_t frame_bytes =
      become_bare({rte_pktmbuf_mtod(packet, std::byte*),
                   std::size_t{packet->data_len} + rte_pktmbuf_tailroom(packet)},
                  view, segment);
  if (frame_bytes == 0) return false;
  packet->data_len = static_cast<std::uint16_t>(frame_bytes);
  packet->pkt_len = packet->data_len;
  return true;
}

}  // namespace

// A packet that had no session when its burst came in: true when it has been seen to.
bool Worker::keeps_out(Admitted& admitted, std::uint64_t now_ns) noexcept {
  const PacketView& view = admitted.view;
  if (view.is_group_target || view.is_group_frame) return false;
  const std::uint8_t zone = shared_.config.ports[admitted.ingress_port].zone_index;
  if (view.l4_kind == L4Kind::kTcp && cookies_.serves(zone))
    if (const std::optional<KnownSyn> known = cookies_.try_know(view); known) {
      admission_.note_proven(view, zone, now_ns);
      connect_server(admitted, *known, now_ns);
      return true;
    }
  switch (admission_.judge(view, zone, now_ns)) {
    case FloodAction::kPass:
      return false;
    case FloodAction::kAnswerWithCookie:
      answer_with_cookie(admitted, now_ns);
      break;
    case FloodAction::kDropAtRandom:
      drop(admitted.packet, DropReason::kDosRandom);
      break;
    case FloodAction::kDropAll:
      drop(admitted.packet, DropReason::kDosMaximum);
      break;
  }
  return true;
}

// Only where the SYN could open a session: whoever is not allowed in is not told otherwise.
void Worker::answer_with_cookie(Admitted& admitted, std::uint64_t now_ns) noexcept {
  PacketView& view = admitted.view;
  const std::uint8_t port_index = admitted.ingress_port;
  if (!is_plain_tcp(view)) return drop(admitted.packet, DropReason::kCookieUnfit);
  const ForwardResult judged = view.kind == PacketKind::kIp4
                                   ? forwarder_.opener().judge<tables::Address4>(view, port_index)
                                   : forwarder_.opener().judge<tables::Address6>(view, port_index);
  if (judged.verdict != ForwardVerdict::kForward) return carry_out(admitted, judged, now_ns);
  const SynOffer offer = syn_offer(bytes_of(admitted.packet), view);
  const BareSegment answer{.sequence = cookies_.make(view, offer),
                           .acknowledgement = view.tcp.sequence + 1,
                           .window = 0,  // until the server has answered
                           .flags = kSynAck,
                           .offer = {cookies_.own_mss(view.kind), offer.has_sack}};
  if (!try_become_bare(admitted.packet, view, answer))
    return drop(admitted.packet, DropReason::kNoBuffer);
  turn_round(bytes_of(admitted.packet), view,
             virtual_mac(shared_.config.ports[port_index], port_index));
  put_out(admitted.packet, {.key = {.address = {}, .port_index = port_index}, .is_known = true},
          now_ns);
}

// The client's packet becomes the SYN that it once sent, and opens the session as any other; or
// goes to the server once more, when the session waits for its answer.
void Worker::connect_server(Admitted& admitted, const KnownSyn& known,
                            std::uint64_t now_ns) noexcept {
  const std::uint16_t window = admitted.view.tcp.window;
  if (!is_plain_tcp(admitted.view)) return drop(admitted.packet, DropReason::kCookieUnfit);
  if (!try_become_bare(admitted.packet, admitted.view,
                       {.sequence = known.client_sequence,
                        .window = window,
                        .flags = kTcpSyn,
                        .offer = known.offer}))
    return drop(admitted.packet, DropReason::kNoBuffer);
  const PacketKind kind = admitted.view.kind;
  const ForwardResult result = forward(admitted, now_ns);
  if (result.verdict == ForwardVerdict::kForward) {
    const Handshake handshake{.cookie = known.cookie, .client_window = window};
    const bool is_kept = kind == PacketKind::kIp4
                             ? keep(admitted.key4, admitted, handshake, now_ns)
                             : keep(admitted.key6, admitted, handshake, now_ns);
    if (!is_kept) return drop(admitted.packet, DropReason::kSpliceNoRoom);
  }
  carry_out(admitted, result, now_ns);
}

template <class Address>
bool Worker::keep(const tables::DirectedKey<Address>& key, const Admitted& admitted,
                  const Handshake& handshake, std::uint64_t now_ns) noexcept {
  tables::Partition& mine = partition(admitted.partition);
  auto& sessions = mine.sessions<Address>();
  const std::uint32_t slot = sessions.slots().find(key.key).slot;
  // A copy of the packet, in one burst with it and the server's answer.
  if (slot == tables::kNoSlot || is_answered(sessions.slots().entry(slot).state)) return false;
  const tables::ShiftStatus kept = tables::try_shift<Address>(
      mine, slot, kFromServer, handshake.cookie, BurstTime{now_ns}.milliseconds());
  if (kept != tables::ShiftStatus::kDone) {
    sessions.end(slot);
    return false;
  }
  sessions.slots().changeable(slot).state.edge_max[kFromServer] = handshake.client_window + 1U;
  return true;
}

bool Worker::is_of_handshake(Admitted& admitted, std::uint64_t now_ns) noexcept {
  const auto by = [&](const auto& slots, const auto& key) {
    const bool is_shifted = (slots.entry(admitted.found.slot).flags & tables::kShifted) != 0;
    return is_shifted && is_of_handshake(admitted, key, now_ns);
  };
  const tables::Partition& mine = partition(admitted.partition);
  if (admitted.view.l4_kind == L4Kind::kIcmpError) return false;
  return admitted.view.kind == PacketKind::kIp4 ? by(mine.session4().slots(), admitted.key4)
                                                : by(mine.session6().slots(), admitted.key6);
}

// A packet of a session that has a shift: true when it belongs to the handshake and has been seen
// to.
template <class Address>
bool Worker::is_of_handshake(Admitted& admitted, const tables::DirectedKey<Address>& key,
                             std::uint64_t now_ns) noexcept {
  auto& slots = partition(admitted.partition).sessions<Address>().slots();
  const std::uint32_t slot = admitted.found.slot;
  auto& session = slots.changeable(slot);
  if (!tables::SessionTraits<Address>::matches(session, admitted.found.side, key.key)) return false;
  const PacketView& view = admitted.view;
  const bool is_reset = (view.tcp.flags & kTcpRst) != 0;
  const bool is_open = is_answered(session.state);
  const bool is_from_client = key.source_is_a == tables::client_is_a(session, admitted.found.side);
  if (is_from_client) {
    if (is_open || is_reset) return false;
    const std::optional<KnownSyn> known = cookies_.try_know(view);
    if (known)
      connect_server(admitted, *known, now_ns);
    else
      drop(admitted.packet, DropReason::kSpliceOpening);
    return true;
  }
  const bool is_answer = (view.tcp.flags & kSynAck) == kSynAck && is_plain_tcp(view);
  if (is_open && is_answer) {
    answer_again(admitted, session.state, now_ns);
    return true;
  }
  if (is_open) return false;
  const bool is_for_it = view.l4_kind == L4Kind::kTcp && (view.tcp.flags & kTcpAck) != 0 &&
                         view.tcp.acknowledgement == session.state.edge[kFromClient];
  if (is_for_it && is_answer && !is_reset) {
    take_answer<Address>(admitted, slot, now_ns);
    return true;
  }
  // The client takes a reset for its own where it has the next number that it waits for.
  if (is_for_it && is_reset && move_numbers<Address>(admitted, slot, 1 - view.tcp.sequence, now_ns))
    return false;
  drop(admitted.packet, DropReason::kSpliceOpening);
  return true;
}

// The server has lost the acknowledgement of its SYN.
void Worker::answer_again(Admitted& admitted, const tables::SessionState& state,
                          std::uint64_t now_ns) noexcept {
  const std::uint32_t next = admitted.view.tcp.sequence + 1;
  const std::uint32_t window = std::min(state.edge_max[kFromServer] - next, 0xFFFFU);
  acknowledge(admitted.packet, admitted.view, admitted.ingress_port,
              static_cast<std::uint16_t>(window), now_ns);
}

// A SYN from the server is acknowledged to it, in the client's name; the packet is used up.
void Worker::acknowledge(rte_mbuf* packet, PacketView view, std::uint8_t port_index,
                         std::uint16_t window, std::uint64_t now_ns) noexcept {
  if (!try_become_bare(packet, view,
                       {.sequence = view.tcp.acknowledgement,
                        .acknowledgement = view.tcp.sequence + 1,
                        .window = window,
                        .flags = kTcpAck}))
    return drop(packet, DropReason::kNoBuffer);
  turn_round(bytes_of(packet), view, virtual_mac(shared_.config.ports[port_index], port_index));
  put_out(packet, {.key = {.address = {}, .port_index = port_index}, .is_known = true}, now_ns);
}

// Adds to what the numbers of the server are moved by; false: that is not known.
template <class Address>
bool Worker::move_numbers(const Admitted& admitted, std::uint32_t slot, std::uint32_t more,
                          std::uint64_t now_ns) noexcept {
  tables::Partition& mine = partition(admitted.partition);
  const std::uint32_t shift = tables::shift_slot_of<Address>(mine, slot);
  if (shift == tables::kNoSlot) return false;
  const std::uint32_t base =
      mine.slots<tables::TableKind::kSequenceShift>().entry(shift).body.ways[kFromServer].base;
  return tables::try_shift<Address>(mine, slot, kFromServer, base + more,
                                    BurstTime{now_ns}.milliseconds()) == tables::ShiftStatus::kDone;
}

// The server has answered: it is acknowledged, and the client learns how far it may send. On its
// way to the client the packet has the cookie for its number, which the acknowledgement follows.
template <class Address>
void Worker::take_answer(Admitted& admitted, std::uint32_t slot, std::uint64_t now_ns) noexcept {
  rte_mbuf* const packet = admitted.packet;
  const PacketView view = admitted.view;
  rte_mbuf* const answer = rte_pktmbuf_alloc(shared_.packet_pool.get());
  const std::size_t head_bytes = view.l4_offset + kTcpBytes;
  if (answer == nullptr ||
      rte_pktmbuf_append(answer, static_cast<std::uint16_t>(head_bytes)) == nullptr) {
    rte_pktmbuf_free(answer);
    return drop(packet, DropReason::kNoBuffer);
  }
  std::memcpy(rte_pktmbuf_mtod(answer, std::byte*), rte_pktmbuf_mtod(packet, std::byte*),
              head_bytes);
  auto& slots = partition(admitted.partition).sessions<Address>().slots();
  const std::uint32_t kept = slots.entry(slot).state.edge_max[kFromServer];
  const std::uint16_t window = client_window(slots.entry(slot).state);
  slots.changeable(slot).state.edge_max[kFromServer] = 0;
  const ForwardResult result = forward(admitted, now_ns);
  if (result.verdict != ForwardVerdict::kForward ||
      !move_numbers<Address>(admitted, slot, 0U - view.tcp.sequence, now_ns)) {
    slots.changeable(slot).state.edge_max[kFromServer] = kept;
    rte_pktmbuf_free(answer);
    return result.verdict == ForwardVerdict::kForward ? drop(packet, DropReason::kShiftLost)
                                                      : carry_out(admitted, result, now_ns);
  }
  slots.changeable(slot).state.edge_max[kFromServer] = view.tcp.sequence + 1 + window;
  acknowledge(answer, view, admitted.ingress_port, window, now_ns);
  if (!try_become_bare(packet, admitted.view,
                       {.sequence = admitted.view.tcp.sequence + 1,
                        .acknowledgement = admitted.view.tcp.acknowledgement,
                        .window = view.tcp.window,
                        .flags = kTcpAck}))
    return drop(packet, DropReason::kNoBuffer);
  carry_out(admitted, result, now_ns);
}

// The box's SYN may be lost, and a client that waits for the server to speak first sends nothing
// that could bring it forth again.
void Worker::ask_server_again(std::uint32_t partition_index, std::uint32_t shift,
                              std::uint64_t now_ns) noexcept {
  const auto& entry =
      partition(partition_index).slots<tables::TableKind::kSequenceShift>().entry(shift);
  if (entry.body.key.table == tables::index_of(tables::TableKind::kSession4))
    ask_server_again<tables::Address4>(partition_index, entry.body, now_ns);
  else
    ask_server_again<tables::Address6>(partition_index, entry.body, now_ns);
}

template <class Address>
void Worker::ask_server_again(std::uint32_t partition_index, const tables::SequenceShiftBody& shift,
                              std::uint64_t now_ns) noexcept {
  const auto& session =
      partition(partition_index).sessions<Address>().slots().entry(shift.key.slot);
  const std::uint32_t client_next = session.state.edge[kFromClient];
  // A peer's record names any port.
  if (session.state.ingress_role >= shared_.config.ports.size()) return;
  if (is_answered(session.state) || tables::tcp_is_over(session.state) || client_next == 0 ||
      BurstTime{now_ns}.seconds() - session.state.start_s > kAskAgainS)
    return;
  rte_mbuf* const packet = rte_pktmbuf_alloc(shared_.packet_pool.get());
  if (packet == nullptr) return;
  const tables::DirectedKey<Address> key{tables::key_of(session, tables::Side::kClient),
                                         tables::client_is_a(session, tables::Side::kClient)};
  Admitted again;
  again.packet = packet;
  again.partition = partition_index;
  again.ingress_port = session.state.ingress_role;
  again.found = {shift.key.slot, tables::Side::kClient};
  if constexpr (sizeof(Address) == 4)
    again.key4 = key;
  else
    again.key6 = key;
  again.view =
      make_blank<Address>({rte_pktmbuf_mtod(packet, std::byte*), rte_pktmbuf_tailroom(packet)},
                          tables::source_of(key), tables::target_of(key));
  // As the client's acknowledgement was.
  again.view.tcp = {.sequence = client_next,
                    .acknowledgement = shift.ways[kFromServer].base + 1,
                    .window = client_window(session.state),
                    .flags = kTcpAck};
  if (const std::optional<KnownSyn> known = cookies_.try_know(again.view); known)
    connect_server(again, *known, now_ns);
  else
    rte_pktmbuf_free(packet);
}

}  // namespace twinplane::dataplane
