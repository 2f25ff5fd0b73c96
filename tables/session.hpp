// SPDX-License-Identifier: BSD-3-Clause
// session.hpp - what one session holds: both sides' keys, TCP state, window edges, rule, classes.
//
// Thread:  the core that owns the partition; values.
// Memory:  64 bytes (IPv4, one cache line), 128 bytes (IPv6, two cache lines).
// Limits:  generation 14 bits; see the field ranges.
// Errors:  none.
// Spec:    tables/DESIGN.md D-T1; TCP states follow RFC 9293 as seen from the middle.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tables/flow_key.hpp"
#include "tables/slot_marks.hpp"

namespace twinplane::tables {

// TCP as one direction of it is seen from the middle; a direction's rank never falls within a
// generation (invariant I3).
enum class TcpRank : std::uint8_t {
  kNone = 0,         // nothing seen from this side yet (or not TCP)
  kSynSent = 1,      // SYN, or SYN and ACK, seen from this side
  kEstablished = 2,  // this side acknowledged the other's SYN
  kFinSent = 3,      // FIN seen from this side
  kFinAcked = 4,     // that FIN was acknowledged by the other side
  kReset = 5,        // RST seen; the session is over in both directions
};

enum class TimeoutClass : std::uint8_t {
  kTcpOpening = 0,  // half-open: what a SYN flood fills the table with
  kTcpEstablished = 1,
  kTcpClosing = 2,
  kTcpClosed = 3,
  kUdp = 4,       // one direction seen
  kUdpReply = 5,  // both directions seen
  kIcmp = 6,
  kOther = 7,
};
inline constexpr std::size_t kTimeoutClassCount = 8;

enum SessionFlag : std::uint16_t {
  // bit 0: kLive
  kClientIsA0 = 1U << 1U,  // the client is end `a` of the client-side key
  kClientIsA1 = 1U << 2U,  // the (translated) client is end `a` of the server-side key
  kTranslated = 1U << 3U,  // the server-side key differs: NAT
  // bit 4: kLocalOnly: by its rule, as it is young, or as it is decrypted
  kReplySeen = 1U << 5U,  // the server has answered
  kShifted = 1U << 6U,    // TCP: it has a sequence shift, see session_shift.hpp
  kReturned = 1U << 7U,   // it has a return path, see session_return.hpp
  // This box's own; never sent, nor compared.
  kHeld = 1U << 8U,        // its packets wait until the peer has it
  kYoung = 1U << 9U,       // local until it has the age that its rule wants
  kDecrypted = 1U << 10U,  // local for good: this box alone can read on
};

// What the peer holds too. kLocalOnly sessions are stated as empty slots.
inline constexpr std::uint16_t kReplicatedFlags =
    kLive | kClientIsA0 | kClientIsA1 | kTranslated | kReplySeen | kShifted | kReturned;

// The two directions of a session, as index into per-direction fields.
enum Direction : std::uint8_t { kFromClient = 0, kFromServer = 1 };

constexpr Direction opposite(Direction direction) noexcept {
  return direction == kFromClient ? kFromServer : kFromClient;
}

// Everything but the keys. `marks`, `is_opened_here` and `line_marks` are this box's own.
struct SessionState {
  std::uint16_t generation;     // 14 bits; rises by one each time the slot is filled
  std::uint8_t marks;           // DirtyMark
  std::uint8_t tcp_ranks;       // TcpRank: client in the low nibble, server in the high one
  std::uint8_t timeout_class;   // TimeoutClass
  std::uint8_t qos_class;       // 0..255, as the rule says
  std::uint8_t ingress_role;    // small number of the client-side port, agreed in the hello by name
  std::uint8_t egress_role;     // the same of the server-side port
  std::uint16_t rule;           // small number of the rule, agreed in the hello by name
  std::uint16_t application;    // 0 = unknown
  std::uint32_t start_s;        // seconds of this box's clock; a duration on the wire
  std::uint32_t edge[2];        // per direction: highest end seen (SYN and FIN count one)
  std::uint32_t edge_max[2];    // per direction: highest end the other side has allowed
  std::uint8_t window_scales;   // RFC 7323 shifts, nibbles as above; 15 = none offered
  std::uint8_t is_opened_here;  // 1: by this box; 0: it came from the peer. Never compared or sent
  std::uint8_t line_marks;      // of a control session, where its lines stand; as is_opened_here
  std::uint8_t spare;
};

static_assert(sizeof(SessionState) == 36);

// The ends of a key without protocol and virtual system, which both keys of a session share.
template <class Address>
struct KeyEnds {
  Address address_a;
  Address address_b;
  std::uint16_t port_a_be;
  std::uint16_t port_b_be;
};

template <class Address>
inline bool is_canonical(const KeyEnds<Address>& ends) noexcept {
  return !endpoint_less(Endpoint<Address>{ends.address_b, ends.port_b_be},
                        Endpoint<Address>{ends.address_a, ends.port_a_be});
}

// One slot. The client-side key stands first and is laid out as a FlowKey, so that the usual hit
// compares one block of bytes.
template <class Address>
struct alignas(64) SessionOf {
  KeyEnds<Address> client_side;
  std::uint8_t protocol;
  std::uint8_t vsys;
  std::uint16_t flags;           // SessionFlag
  KeyEnds<Address> server_side;  // equal to client_side unless kTranslated
  SessionState state;
};

using Session4 = SessionOf<Address4>;
using Session6 = SessionOf<Address6>;
static_assert(sizeof(Session4) == 64 && sizeof(Session6) == 128);
static_assert(offsetof(Session4, protocol) == offsetof(FlowKey4, protocol));
static_assert(offsetof(Session6, protocol) == offsetof(FlowKey6, protocol));

// The class that a session's age is counted by follows from what else it holds; it is never sent.
constexpr TimeoutClass timeout_class_of(std::uint8_t protocol, std::uint8_t tcp_ranks,
                                        bool is_reply_seen) noexcept {
  constexpr std::uint8_t kTcp = 6;
  constexpr std::uint8_t kUdp = 17;
  constexpr std::uint8_t kIcmp = 1;
  constexpr std::uint8_t kIcmp6 = 58;
  if (protocol == kUdp) return is_reply_seen ? TimeoutClass::kUdpReply : TimeoutClass::kUdp;
  if (protocol == kIcmp || protocol == kIcmp6) return TimeoutClass::kIcmp;
  if (protocol != kTcp) return TimeoutClass::kOther;
  const auto client = static_cast<TcpRank>(tcp_ranks & 0xFU);
  const auto server = static_cast<TcpRank>(tcp_ranks >> 4U);
  if (client == TcpRank::kReset || server == TcpRank::kReset) return TimeoutClass::kTcpClosed;
  if (client == TcpRank::kFinAcked && server == TcpRank::kFinAcked) return TimeoutClass::kTcpClosed;
  if (client >= TcpRank::kFinSent || server >= TcpRank::kFinSent) return TimeoutClass::kTcpClosing;
  if (client == TcpRank::kEstablished && server == TcpRank::kEstablished)
    return TimeoutClass::kTcpEstablished;
  return TimeoutClass::kTcpOpening;
}

constexpr TcpRank tcp_rank(const SessionState& state, Direction direction) noexcept {
  return static_cast<TcpRank>((state.tcp_ranks >> (4U * direction)) & 0xFU);
}

constexpr void set_tcp_rank(SessionState& state, Direction direction, TcpRank rank) noexcept {
  const unsigned shift = 4U * direction;
  state.tcp_ranks = static_cast<std::uint8_t>((state.tcp_ranks & ~(0xFU << shift)) |
                                              (static_cast<unsigned>(rank) << shift));
}

// Put together in words: pieces that are stored small and read large at once would wait for the
// store buffer.
template <class Address>
inline FlowKey<Address> key_of(const SessionOf<Address>& session, Side side) noexcept {
  const KeyEnds<Address>& ends = side == Side::kClient ? session.client_side : session.server_side;
  constexpr std::size_t kWholeWords = sizeof ends / 8;
  static_assert(sizeof ends % 8 == 4 && sizeof(FlowKey<Address>) == 8 * (kWholeWords + 1));
  std::array<std::uint64_t, kWholeWords + 1> words;
  std::memcpy(words.data(), &ends, 8 * kWholeWords);
  std::uint32_t ports;
  std::uint16_t protocol_and_vsys;
  std::memcpy(&ports, reinterpret_cast<const std::byte*>(&ends) + 8 * kWholeWords, sizeof ports);
  std::memcpy(&protocol_and_vsys, &session.protocol, sizeof protocol_and_vsys);
  words[kWholeWords] = ports | std::uint64_t{protocol_and_vsys} << 32U;
  return std::bit_cast<FlowKey<Address>>(words);
}

template <class Address>
constexpr bool client_is_a(const SessionOf<Address>& session, Side side) noexcept {
  return (session.flags & (side == Side::kClient ? kClientIsA0 : kClientIsA1)) != 0;
}

}  // namespace twinplane::tables
