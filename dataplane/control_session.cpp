// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/control_session.hpp"

#include <cstring>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/config.hpp"
#include "dataplane/destination_nat.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/mapped_endpoint.hpp"
#include "dataplane/nat_pool.hpp"
#include "dataplane/rss.hpp"
#include "dataplane/steered_port.hpp"
#include "tables/session_shift.hpp"
#include "tables/tcp_track.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::Direction;
using tables::Endpoint;
using tables::kFromClient;
using tables::kFromServer;
using tables::SessionOf;
using tables::Side;

constexpr std::uint16_t kPrivilegedEnd = 1024;

TextChange refusal(DropReason reason) noexcept {
  TextChange change;
  change.refused = reason;
  return change;
}

std::span<const std::byte> payload_of(const ControlPacket& packet) noexcept {
  return packet.frame.subspan(packet.view.payload_offset, packet.view.payload_bytes);
}

// Where a segment stands among the lines of its direction.
enum class LinePlace : std::uint8_t {
  kAtLine,  // it begins one
  kInLine,  // it goes on with one, or a part before it is missing
  kAgain,   // it begins with what has passed before
};

constexpr unsigned known_bit(Direction direction) noexcept { return 1U << direction; }

constexpr unsigned in_line_bit(Direction direction) noexcept { return 4U << direction; }

// Of a session that it has taken over a box knows the edges alone, and they may be behind: there
// the first segment is believed to begin a line.
LinePlace place_of(const tables::SessionState& state, const ControlPacket& packet) noexcept {
  const std::uint32_t sequence = packet.view.tcp.sequence;
  const std::uint32_t edge = state.edge[packet.direction];
  if (edge != 0 && tables::tcp_is_after(edge, sequence)) return LinePlace::kAgain;
  const bool is_known = (state.line_marks & known_bit(packet.direction)) != 0;
  if (!is_known && state.is_opened_here == 0) return LinePlace::kAtLine;
  const bool is_next = sequence == edge;
  return is_next && (state.line_marks & in_line_bit(packet.direction)) == 0 ? LinePlace::kAtLine
                                                                            : LinePlace::kInLine;
}

template <class Address>
tables::AnnouncingSession name_of(std::uint32_t slot) noexcept {
  constexpr auto kTable =
      sizeof(Address) == 4 ? tables::TableKind::kSession4 : tables::TableKind::kSession6;
  return {slot, static_cast<std::uint8_t>(kTable), {}};
}

TextChange written(const Helper& helper, const HelperText& text, const Address6& address,
                   std::uint16_t port) noexcept {
  TextChange change;
  change.offset = text.offset;
  change.old_bytes = text.bytes;
  change.new_bytes = static_cast<std::uint16_t>(helper.write(text, address, port, change.text));
  return change;
}

}  // namespace

// The session that a text announces. Its opener and its target are the ends of the control session.
template <class Address>
struct ControlSessions::Expected {
  Address opener;         // as it is known where it opens from
  Address known_as;       // by the other end
  Address public_target;  // whom the opener asks for
  Endpoint<Address> real;
  std::uint8_t zone_from;  // the opener's
  bool is_opened_by_client;
};

template <class Address>
DropReason ControlSessions::read(const SessionOf<Address>& session, const HelperText& text,
                                 Expected<Address>& expected) const noexcept {
  const tables::DirectedKey<Address> near{tables::key_of(session, Side::kClient),
                                          tables::client_is_a(session, Side::kClient)};
  const tables::DirectedKey<Address> far{tables::key_of(session, Side::kServer),
                                         tables::client_is_a(session, Side::kServer)};
  expected.is_opened_by_client = text.opener == kFromClient;
  const std::uint16_t port_be = network_order(text.port);
  if (expected.is_opened_by_client) {
    expected.opener = tables::source_of(near).address;
    expected.known_as = tables::source_of(far).address;
    expected.public_target = tables::target_of(near).address;
    expected.real = {tables::target_of(far).address, port_be};
    expected.zone_from = context_.config.zone_of(session.state.ingress_role);
  } else {
    expected.opener = tables::target_of(far).address;
    expected.known_as = tables::target_of(near).address;
    expected.public_target = tables::source_of(far).address;
    expected.real = {tables::source_of(near).address, port_be};
    expected.zone_from = context_.config.zone_of(session.state.egress_role);
  }
  const bool is_own = text.address == Address6{} || text.address == mapped(expected.real.address) ||
                      text.address == mapped(expected.public_target);
  // A client that names somebody else has the server attack that one. A server that does so has not
  // been told who it is; what it can be asked for is at its own address.
  if (!is_own && !expected.is_opened_by_client) return DropReason::kHelperBounce;
  if (!is_own && context_.expectations != nullptr)
    context_.expectations->add(ExpectationCounter::kOtherAddress);
  return text.port < kPrivilegedEnd ? DropReason::kHelperPrivileged : DropReason::kNone;
}

// The target as the opener asks for it, such that the session's packets of both directions lead to
// one partition, whatever port they come from: what a port adds to a hash depends on nothing else.
template <class Address>
std::optional<std::uint16_t> ControlSessions::public_port(
    const SessionOf<Address>& session, const Expected<Address>& expected) const noexcept {
  if (expected.public_target == expected.real.address) return expected.real.port_be;
  const std::uint32_t partition_count = context_.config.tables.partitions;
  const Endpoint<Address> opener{expected.opener, 0};
  const std::uint32_t home =
      partition_of(flow_hash(kProtocolTcp, opener, expected.real), partition_count);
  const auto fits = [&](std::uint16_t port_be) {
    if (network_order(port_be) < kPrivilegedEnd) return false;
    const Arrival<Address> arrival{.protocol = kProtocolTcp,
                                   .source = opener,
                                   .target = {expected.public_target, port_be},
                                   .zone = expected.zone_from};
    const auto real = context_.destinations.try_real_target(arrival);
    if (real && !(*real == expected.real)) return false;
    const auto hash = flow_hash(kProtocolTcp, opener, real.value_or(arrival.target));
    return partition_of(hash, partition_count) == home &&
           !context_.expectations->board().try_find({.source = mapped(expected.opener),
                                                     .target = mapped(expected.public_target),
                                                     .target_port_be = port_be,
                                                     .protocol = kProtocolTcp,
                                                     .zone = expected.zone_from});
  };
  if (!expected.is_opened_by_client) {
    // A hidden client gets a port that its rule may give it.
    const std::uint8_t zone_from = context_.config.zone_of(session.state.ingress_role);
    bool is_of_rule = false;
    const NatChoice<Address> choice = context_.nat.choose(
        NatQuery<Address>{.source = expected.real.address,
                          .zone_from = zone_from,
                          .zone_to = expected.zone_from,
                          .has_ports = true,
                          .flow_hash = flow_hash(kProtocolTcp, opener, expected.real)},
        256 * partition_count,
        [&](const Address& address, std::uint16_t) {
          is_of_rule |= address == expected.public_target;
          return address == expected.public_target;
        },
        [&](const Address&, std::uint16_t port_be) { return fits(port_be); });
    if (choice.result == NatResult::kChosen) return choice.port_be;
    if (is_of_rule) return std::nullopt;
  }
  return try_steered_port(
      ReplyBase::of(kProtocolTcp, opener, expected.public_target),
      {.preferred_be = expected.real.port_be, .home = home, .partition_count = partition_count},
      fits);
}

// The text has passed already, perhaps not arrived: it must become what it became.
template <class Address>
TextChange ControlSessions::repeat(const tables::Partition& partition, std::uint32_t slot,
                                   const Helper& helper,
                                   const ControlPacket& packet) const noexcept {
  const std::uint32_t shift = tables::shift_slot_of<Address>(partition, slot);
  if (shift == tables::kNoSlot) return {};
  const auto& shifts = partition.slots<tables::TableKind::kSequenceShift>();
  const tables::ShiftWay& way = shifts.entry(shift).body.ways[packet.direction];
  const std::uint32_t offset = way.position - packet.view.tcp.sequence;
  const bool is_held = way.old_bytes != 0 && offset < packet.view.payload_bytes;
  if (!is_held) return {};
  const auto* const body = Expectations::try_of(partition, name_of<Address>(slot));
  const HelperText text = helper.find(payload_of(packet), packet.direction, true);
  if (body == nullptr || text.verdict != HelperVerdict::kNamed || text.offset != offset ||
      text.bytes != way.old_bytes)
    return refusal(DropReason::kHelperUnsettled);
  const TextChange change =
      written(helper, text, body->flow.target, network_order(body->flow.target_port_be));
  if (change.new_bytes != way.new_bytes) return refusal(DropReason::kHelperUnsettled);
  return change;
}

template <class Address>
TextChange ControlSessions::inspect(tables::Partition& partition, std::uint32_t slot,
                                    const ControlPacket& packet, BurstTime time) const noexcept {
  const SessionOf<Address>& session = partition.sessions<Address>().slots().entry(slot);
  const Helper* const helper = try_helper(session.state.application);
  const PacketView& view = packet.view;
  if (helper == nullptr || context_.expectations == nullptr || view.l4_kind != L4Kind::kTcp ||
      view.payload_bytes == 0 || (view.tcp.flags & (kTcpSyn | kTcpRst)) != 0)
    return {};
  if (view.fragment.part != FragmentPart::kWhole) return refusal(DropReason::kHelperPartial);
  const LinePlace place = place_of(session.state, packet);
  TextChange change;
  if (place == LinePlace::kAgain) {
    change = repeat<Address>(partition, slot, *helper, packet);
    if (change.growth() > static_cast<int>(packet.room_bytes))
      return refusal(DropReason::kHelperNoRoom);
    return change;
  }
  const HelperText text =
      helper->find(payload_of(packet), packet.direction, place == LinePlace::kAtLine);
  if (text.verdict == HelperVerdict::kPartial) return refusal(DropReason::kHelperPartial);
  if (text.verdict == HelperVerdict::kCrowded) return refusal(DropReason::kHelperCrowded);
  if (text.verdict == HelperVerdict::kMalformed)
    context_.expectations->add(ExpectationCounter::kMalformed);
  if (text.verdict != HelperVerdict::kNamed) return {};

  Expected<Address> expected{};
  if (const DropReason refused = read(session, text, expected); refused != DropReason::kNone)
    return refusal(refused);
  const tables::AnnouncingSession name = name_of<Address>(slot);
  const auto* const before = Expectations::try_of(partition, name);
  const bool is_same = before != nullptr && before->real_address == mapped(expected.real.address) &&
                       before->real_port_be == expected.real.port_be &&
                       before->flow.source == mapped(expected.opener) &&
                       before->flow.target == mapped(expected.public_target);
  const auto port_be =
      is_same ? std::optional(before->flow.target_port_be) : public_port(session, expected);
  if (!port_be) return refusal(DropReason::kHelperNoRoom);
  const bool is_rewritten =
      expected.public_target != expected.real.address || *port_be != expected.real.port_be;
  if (is_rewritten) {
    change = written(*helper, text, mapped(expected.public_target), network_order(*port_be));
    if (!change.is_any() || change.growth() > static_cast<int>(packet.room_bytes))
      return refusal(DropReason::kHelperNoRoom);
  }
  tables::ExpectationBody body{};
  body.flow = {.source = mapped(expected.opener),
               .target = mapped(expected.public_target),
               .target_port_be = *port_be,
               .protocol = kProtocolTcp,
               .zone = expected.zone_from};
  body.real_address = mapped(expected.real.address);
  body.real_port_be = expected.real.port_be;
  body.rule = session.state.rule;
  if (expected.known_as != expected.opener) body.new_source = mapped(expected.known_as);
  body.session = name;
  body.application = expected.is_opened_by_client ? helper->data : helper->data_by_server;
  const bool is_local_only = (session.flags & tables::kLocalOnly) != 0;
  if (!context_.expectations->try_expect(partition, body, is_local_only, time.milliseconds()))
    return refusal(DropReason::kHelperNoRoom);
  if (!is_rewritten) return {};
  switch (tables::try_replace<Address>(partition, slot,
                                       {.direction = packet.direction,
                                        .position = view.tcp.sequence + change.offset,
                                        .old_bytes = change.old_bytes,
                                        .new_bytes = change.new_bytes},
                                       time.milliseconds())) {
    case tables::ShiftStatus::kDone:
      context_.expectations->add(ExpectationCounter::kRewritten);
      return change;
    case tables::ShiftStatus::kNoRoom:
      return refusal(DropReason::kHelperNoRoom);
    case tables::ShiftStatus::kUnsettled:
      return refusal(DropReason::kHelperUnsettled);
    case tables::ShiftStatus::kLost:
      break;
  }
  return refusal(DropReason::kShiftLost);
}

void ControlSessions::note_passed(tables::SessionState& state,
                                  const ControlPacket& packet) noexcept {
  const PacketView& view = packet.view;
  if (view.l4_kind != L4Kind::kTcp || view.payload_bytes == 0) return;
  const std::uint32_t end = view.tcp.sequence + view.payload_bytes;
  const std::uint32_t edge = state.edge[packet.direction];
  const bool is_known = (state.line_marks & known_bit(packet.direction)) != 0;
  if (is_known && !tables::tcp_is_after(end, edge)) return;
  unsigned marks = state.line_marks | known_bit(packet.direction);
  marks &= ~in_line_bit(packet.direction);
  if (payload_of(packet).back() != std::byte{'\n'}) marks |= in_line_bit(packet.direction);
  state.line_marks = static_cast<std::uint8_t>(marks);
}

void ControlSessions::write(std::byte* frame, PacketView& view, const TextChange& change) noexcept {
  std::byte* const tcp = frame + view.l4_offset;
  std::byte* const payload = frame + view.payload_offset;
  // A payload begins at an even place of what the checksum covers.
  const std::uint16_t sum_before = fold_sum(add_sum({payload, view.payload_bytes}));
  const int growth = change.growth();
  const std::size_t tail = std::size_t{change.offset} + change.old_bytes;
  std::memmove(payload + change.offset + change.new_bytes, payload + tail,
               view.payload_bytes - tail);
  std::memcpy(payload + change.offset, change.text.data(), change.new_bytes);
  const auto grown = [growth](auto bytes) {
    return static_cast<decltype(bytes)>(static_cast<int>(bytes) + growth);
  };
  const std::uint16_t l4_bytes_before = view.l4_bytes;
  view.payload_bytes = grown(view.payload_bytes);
  view.l4_bytes = grown(view.l4_bytes);
  view.l3_bytes = grown(view.l3_bytes);
  ChecksumDelta delta;
  delta.replace(sum_before, fold_sum(add_sum({payload, view.payload_bytes})));
  delta.replace(network_order(l4_bytes_before), network_order(view.l4_bytes));
  store_raw(tcp + 16, delta.apply(load_raw<std::uint16_t>(tcp + 16)));
  std::byte* const ip = frame + view.l3_offset;
  if (view.kind == PacketKind::kIp6) {
    store_be(ip + 4, static_cast<std::uint16_t>(view.l3_bytes - kIp6Bytes));
    return;
  }
  const auto total_before = load_raw<std::uint16_t>(ip + 2);
  store_be(ip + 2, static_cast<std::uint16_t>(view.l3_bytes));
  ChecksumDelta ip_delta;
  ip_delta.replace(total_before, load_raw<std::uint16_t>(ip + 2));
  store_raw(ip + 10, ip_delta.apply(load_raw<std::uint16_t>(ip + 10)));
}

template TextChange ControlSessions::inspect<Address4>(tables::Partition&, std::uint32_t,
                                                       const ControlPacket&,
                                                       BurstTime) const noexcept;
template TextChange ControlSessions::inspect<Address6>(tables::Partition&, std::uint32_t,
                                                       const ControlPacket&,
                                                       BurstTime) const noexcept;

}  // namespace twinplane::dataplane
