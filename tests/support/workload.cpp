// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/workload.hpp"

#include <algorithm>

namespace twinplane::tests {

namespace {

using tables::Direction;
using tables::SessionOf;
using tables::SessionTable;
using tables::Side;
using tables::TcpRank;

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::array<std::uint8_t, 3> kOtherProtocols{kUdp, 1, 47};

// Properties of a flow follow from its number by this.
std::uint32_t draw(std::uint32_t number, std::uint32_t salt) noexcept {
  return (number * 0x9E3779B1U ^ salt * 0x85EBCA6BU) * 0xC2B2AE35U >> 8U;
}

template <class Address>
tables::Endpoint<Address> endpoint(std::uint8_t net, std::uint32_t number, std::uint16_t port) {
  tables::Endpoint<Address> end{};
  end.address[0] = net;
  end.address[1] = static_cast<std::uint8_t>(number % 7);  // few upper halves in IPv6
  end.address[end.address.size() - 2] = static_cast<std::uint8_t>(number >> 8U);
  end.address[end.address.size() - 1] = static_cast<std::uint8_t>(number);
  end.port_be = port;
  return end;
}

template <class Address>
tables::KeyEnds<Address> ends_of(const tables::FlowKey<Address>& key) noexcept {
  return {key.address_a, key.address_b, key.port_a_be, key.port_b_be};
}

// Some TCP sessions have a sequence shift from the start, others get one while they live.
template <class Address>
bool is_born_shifted(const SessionOf<Address>& session) noexcept {
  return session.protocol == kTcp && session.state.rule % 16 == 3;
}

// Some sessions have a return path.
template <class Address>
bool is_born_returned(const SessionOf<Address>& session) noexcept {
  return session.state.rule % 16 == 7;
}

template <class Address>
bool is_to_be_shifted(const SessionOf<Address>& session) noexcept {
  return session.protocol == kTcp && session.state.rule % 16 == 5 &&
         (session.flags & tables::kShifted) == 0;
}

}  // namespace

WorkloadShape shape_of(WorkloadKind kind, const WorkloadShape& drawn) noexcept {
  WorkloadShape shape = drawn;
  const auto weigh = [&shape](std::uint32_t create, std::uint32_t advance, std::uint32_t data,
                              std::uint32_t end, std::uint32_t reuse, std::uint32_t expire) {
    shape.create_weight = create;
    shape.advance_weight = advance;
    shape.data_weight = data;
    shape.end_weight = end;
    shape.reuse_weight = reuse;
    shape.expire_weight = expire;
  };
  switch (kind) {
    case WorkloadKind::kHotKeys:
      weigh(6, 10, 5, 5, 10, 0);
      shape.hot_permille = 950;
      break;
    case WorkloadKind::kSynFlood:
      weigh(30, 1, 0, 0, 0, 1);
      shape.hot_permille = 0;
      break;
    case WorkloadKind::kMassExpiry:
      weigh(12, 5, 2, 0, 0, 2);
      shape.is_time_jumping = true;
      shape.jump_permille = 60;
      shape.jump_ms = 4'000'000;
      shape.scan_slots = 4096;
      break;
    case WorkloadKind::kFullTable:
      weigh(20, 5, 3, 1, 2, 0);
      shape.hot_permille = 0;
      break;
    case WorkloadKind::kMixed:
    case WorkloadKind::kCount:
      break;
  }
  return shape;
}

template <class Address>
SessionOf<Address> Workload::session_of(std::uint32_t number) const noexcept {
  SessionOf<Address> session{};
  const bool is_tcp = draw(number, 1) % 1000 < shape_.tcp_permille;
  session.protocol = is_tcp ? kTcp : kOtherProtocols[draw(number, 2) % kOtherProtocols.size()];
  session.vsys = static_cast<std::uint8_t>(draw(number, 3) % 2);
  const bool is_reversed = draw(number, 4) % 2 == 0;
  const auto client = endpoint<Address>(is_reversed ? 10 : 200, number, 0x1234);
  const auto server = endpoint<Address>(100, draw(number, 5) % 5, 0x5000);
  const auto there = tables::make_key(client, server, session.protocol, session.vsys);
  session.client_side = session.server_side = ends_of(there.key);
  session.flags = tables::kLive;
  bool is_a_behind = there.source_is_a;
  if (draw(number, 6) % 1000 < shape_.translated_permille) {
    const auto translated = endpoint<Address>(is_reversed ? 150 : 50, number, 0x4321);
    const auto behind = tables::make_key(translated, server, session.protocol, session.vsys);
    session.server_side = ends_of(behind.key);
    session.flags |= tables::kTranslated;
    is_a_behind = behind.source_is_a;
  }
  if (there.source_is_a) session.flags |= tables::kClientIsA0;
  if (is_a_behind) session.flags |= tables::kClientIsA1;
  if (draw(number, 7) % 1000 < shape_.local_only_permille) session.flags |= tables::kLocalOnly;
  if (draw(number, 8) % 1000 < shape_.rich_permille) {
    session.state.application = static_cast<std::uint16_t>(1 + draw(number, 9) % 500);
    session.state.qos_class = static_cast<std::uint8_t>(draw(number, 10) % 8);
  }
  session.state.ingress_role = static_cast<std::uint8_t>(draw(number, 11) % 4);
  session.state.egress_role = static_cast<std::uint8_t>(draw(number, 12) % 4);
  session.state.rule = static_cast<std::uint16_t>(draw(number, 13) % 1000);
  session.state.window_scales = 0xFF;
  session.state.timeout_class = static_cast<std::uint8_t>(
      tables::timeout_class_of(session.protocol, session.state.tcp_ranks, false));
  return session;
}

template <class Address>
void Workload::create(SessionTable<Address>& sessions, std::uint32_t number, std::uint64_t now_ns) {
  if (is_closed_) return;
  SessionOf<Address> session = session_of<Address>(number);
  // Half the time another user of the same key: what it is allowed may have changed.
  session.state.rule = static_cast<std::uint16_t>(session.state.rule + prng_.below(2));
  session.state.start_s = static_cast<std::uint32_t>(now_ns / 1'000'000'000U);
  if (session.protocol == kTcp) {
    const auto seq = static_cast<std::uint32_t>(prng_.next());
    tables::tcp_open(session.state, {seq, 0, 0, 65535, tables::kTcpSyn,
                                     static_cast<std::uint8_t>(prng_.coin() ? 7 : 15)});
  }
  if (is_born_shifted(session)) session.flags |= tables::kShifted;
  if (marking_.chance(50)) session.flags |= tables::kYoung | tables::kLocalOnly;
  if (is_born_returned(session)) session.flags |= tables::kReturned;
  const auto result = sessions.create(session, now_ms(now_ns));
  refused_count_ += result.status == tables::InsertStatus::kInserted ? 0 : 1;
}

// A takeover may have left nothing of a side's sequence numbers, or only what the other side had
// allowed: what it says next is near that.
std::uint32_t Workload::where_it_stands(const tables::SessionState& state, Direction direction) {
  if (state.edge[direction] != 0) return state.edge[direction];
  if (state.edge_max[direction] != 0) return state.edge_max[direction];
  return static_cast<std::uint32_t>(prng_.next());
}

template <class Address>
void Workload::take_segment(SessionTable<Address>& sessions, std::uint32_t slot,
                            Direction direction, std::uint8_t flags, std::uint32_t payload_bytes) {
  auto& slots = sessions.slots();
  SessionOf<Address>& session = slots.changeable(slot);
  const Direction other =
      direction == tables::kFromClient ? tables::kFromServer : tables::kFromClient;
  tables::TcpSegment segment{};
  // A side that has spoken goes on where it was; one that a takeover made silent again as well.
  segment.seq = where_it_stands(session.state, direction);
  segment.ack = where_it_stands(session.state, other);
  segment.payload_bytes = payload_bytes;
  segment.window = static_cast<std::uint16_t>(prng_.next());
  segment.flags = flags;
  segment.window_scale = prng_.coin() ? 7 : tables::kNoWindowScale;
  std::uint8_t marks = tables::tcp_advance(session.state, direction, segment);
  if (direction == tables::kFromServer && (session.flags & tables::kReplySeen) == 0) {
    session.flags |= tables::kReplySeen;
    marks |= tables::kMarkState;
  }
  if (marks != 0) slots.mark(slot, marks);
}

template <class Address>
void Workload::advance(SessionTable<Address>& sessions, std::uint32_t slot) {
  auto& slots = sessions.slots();
  SessionOf<Address>& session = slots.changeable(slot);
  if (session.protocol != kTcp) {
    if ((session.flags & tables::kReplySeen) != 0) return;
    session.flags |= tables::kReplySeen;
    session.state.timeout_class = static_cast<std::uint8_t>(
        tables::timeout_class_of(session.protocol, session.state.tcp_ranks, true));
    slots.mark(slot, tables::kMarkState);
    return;
  }
  if (tables::tcp_rank(session.state, tables::kFromServer) == TcpRank::kNone)
    return take_segment(sessions, slot, tables::kFromServer, tables::kTcpSyn | tables::kTcpAck, 0);
  const auto direction = static_cast<Direction>(prng_.below(2));
  const std::uint32_t what = prng_.below(16);
  if (what == 0)
    take_segment(sessions, slot, direction, tables::kTcpRst | tables::kTcpAck, 0);
  else if (what < 4)
    take_segment(sessions, slot, direction, tables::kTcpFin | tables::kTcpAck, 0);
  else
    take_segment(sessions, slot, direction, tables::kTcpAck, prng_.below(1400));
}

template <class Address>
void Workload::move_data(SessionTable<Address>& sessions, std::uint32_t slot) {
  const SessionOf<Address>& session = sessions.slots().entry(slot);
  if (session.protocol != kTcp ||
      tables::tcp_rank(session.state, tables::kFromServer) == TcpRank::kNone)
    return;
  if (is_to_be_shifted(session)) {
    sessions.slots().changeable(slot).flags |= tables::kShifted;
    sessions.slots().renew(slot);
  }
  take_segment(sessions, slot, static_cast<Direction>(prng_.below(2)), tables::kTcpAck,
               prng_.below(400'000));
}

template <class Address>
void Workload::operate_on(SessionTable<Address>& sessions, std::uint32_t flow_count,
                          std::uint64_t now_ns) {
  const std::uint32_t reach =
      prng_.chance(shape_.hot_permille) ? std::min(shape_.hot_flow_count, flow_count) : flow_count;
  const std::uint32_t number = prng_.below(reach);
  const auto key = tables::key_of(session_of<Address>(number), Side::kClient);
  const std::uint32_t slot = sessions.slots().find(key).slot;
  const bool is_live = slot != tables::kNoSlot;
  const std::uint32_t total_weight = shape_.create_weight + shape_.advance_weight +
                                     shape_.data_weight + shape_.end_weight + shape_.reuse_weight +
                                     shape_.expire_weight;
  std::uint32_t choice = prng_.below(total_weight);
  const auto is_chosen = [&choice](std::uint32_t weight) {
    const bool is_hit = choice < weight;
    choice -= std::min(choice, weight);
    return is_hit;
  };
  // A choice that is taken leaves the rest unasked.
  if (is_chosen(shape_.create_weight)) {
    if (!is_live) create(sessions, number, now_ns);
  } else if (is_chosen(shape_.advance_weight)) {
    if (is_live) advance(sessions, slot);
  } else if (is_chosen(shape_.data_weight)) {
    if (is_live) move_data(sessions, slot);
  } else if (is_chosen(shape_.end_weight)) {
    if (is_live) sessions.end(slot);
  } else if (is_chosen(shape_.reuse_weight)) {
    if (is_live) sessions.end(slot);
    create(sessions, number, now_ns);
  } else {
    if (shape_.is_time_jumping && prng_.chance(shape_.jump_permille)) jumped_ms_ += shape_.jump_ms;
    sessions.expire(now_ms(now_ns), shape_.scan_slots);
  }
  if (is_live && prng_.coin() &&
      tables::SessionTraits<Address>::is_live(sessions.slots().entry(slot))) {
    if ((sessions.slots().entry(slot).flags & tables::kYoung) != 0)
      sessions.touch_young(slot, now_ms(now_ns), marking_.coin() ? 0 : 2000);
    else
      sessions.touch(slot, now_ms(now_ns));
  }
  if (marking_.chance(20)) change_mark(sessions, now_ns);
}

// What is decided of any session later: that this box decrypts it, or that other rules hold.
template <class Address>
void Workload::change_mark(SessionTable<Address>& sessions, std::uint64_t now_ns) {
  const std::uint32_t slot = marking_.below(sessions.slots().slot_count());
  const auto& entry = sessions.slots().entry(slot);
  if (!tables::SessionTraits<Address>::is_live(entry)) return;
  if (marking_.chance(300)) return sessions.mark_decrypted(slot, now_ms(now_ns));
  const bool is_decrypted = (entry.flags & tables::kDecrypted) != 0;
  sessions.reassign(slot, static_cast<std::uint16_t>(marking_.below(1000)),
                    is_decrypted || marking_.coin() ? tables::kLocalOnly : std::uint16_t{0});
}

void Workload::operate(tables::Partition& owner, std::uint64_t now_ns) {
  if (prng_.coin())
    operate_on(owner.session4(), shape_.flow_count4, now_ns);
  else
    operate_on(owner.session6(), shape_.flow_count6, now_ns);
  plain_.operate(owner, now_ns);
}

template SessionOf<tables::Address4> Workload::session_of<tables::Address4>(
    std::uint32_t) const noexcept;
template SessionOf<tables::Address6> Workload::session_of<tables::Address6>(
    std::uint32_t) const noexcept;

}  // namespace twinplane::tests
