// SPDX-License-Identifier: BSD-3-Clause
// session_codec.hpp - sessions to records and back: the one place that knows both layouts.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  ages up to 2^24 - 1 seconds (194 days), longer ones are stated as that.
// Errors:  is_sound() says whether a record can be believed; read functions require it.
// Spec:    PROTOCOL.md section 4.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "ha2/wire.hpp"
#include "tables/base/mutant.hpp"
#include "tables/session.hpp"

namespace twinplane::ha2 {

// What the wire structs of one address family are called here.
template <class Address>
struct SessionWire;

template <>
struct SessionWire<tables::Address4> {
  static constexpr tables::TableKind kTable = tables::TableKind::kSession4;
  using Brief = Brief4;
  using Full = Full4;
  using Ends = Ends4;
};

template <>
struct SessionWire<tables::Address6> {
  static constexpr tables::TableKind kTable = tables::TableKind::kSession6;
  using Brief = Brief6;
  using Full = Full6;
  using Ends = Ends6;
};

// The high nibble moves down by one bit: 16 * rank - 8 * rank.
inline WireState wire_state(const tables::SessionState& state, std::uint16_t flags) noexcept {
  static_assert(tables::kReplySeen == 0x20U);
  const unsigned ranks = state.tcp_ranks;  // each below 8
  return static_cast<WireState>((ranks - (ranks >> 1U & 0x38U)) | (flags & tables::kReplySeen)
                                                                      << 1U);
}

// By what the byte may be: both ranks exist and the top bit is not set.
inline constexpr std::array<bool, 256> kSoundStates = [] {
  constexpr unsigned kRankMax = static_cast<unsigned>(tables::TcpRank::kReset);
  std::array<bool, 256> sound{};
  for (unsigned wire = 0; wire < 0x80U; ++wire)
    sound[wire] = (wire & 0x7U) <= kRankMax && (wire >> 3U & 0x7U) <= kRankMax;
  return sound;
}();

inline bool is_sound_state(WireState wire) noexcept { return kSoundStates[wire]; }

// timeout_class_of() for every protocol and state, in two steps without a branch.
class TimeoutClasses {
 public:
  constexpr TimeoutClasses() noexcept {
    // one of each kind; 0 stands for all others
    constexpr std::array<std::uint8_t, kKindCount> kProtocols{0, 6, 17, 1};
    kinds_[6] = 1;
    kinds_[17] = 2;
    kinds_[1] = kinds_[58] = 3;
    for (unsigned kind = 0; kind < kKindCount; ++kind)
      for (unsigned wire = 0; wire < kStateCount; ++wire)
        classes_[kind * kStateCount + wire] = static_cast<std::uint8_t>(tables::timeout_class_of(
            kProtocols[kind], static_cast<std::uint8_t>((wire & 0x7U) | (wire >> 3U & 0x7U) << 4U),
            (wire & 0x40U) != 0));
  }

  // Requires is_sound_state(wire).
  constexpr std::uint8_t of(std::uint8_t protocol, WireState wire) const noexcept {
    return classes_[kinds_[protocol] * kStateCount + wire];
  }

 private:
  static constexpr unsigned kKindCount = 4;
  static constexpr unsigned kStateCount = 128;

  std::array<std::uint8_t, 256> kinds_{};
  std::array<std::uint8_t, kKindCount * kStateCount> classes_{};
};

inline constexpr TimeoutClasses kTimeoutClasses;

template <class Address>
inline void read_state(WireState wire, tables::SessionOf<Address>& session) noexcept {
  session.state.tcp_ranks = static_cast<std::uint8_t>((wire & 0x7U) | (wire >> 3U & 0x7U) << 4U);
  session.flags =
      static_cast<std::uint16_t>((session.flags & ~tables::kReplySeen) | (wire & 0x40U) >> 1U);
  session.state.timeout_class = kTimeoutClasses.of(session.protocol, wire);
}

inline constexpr unsigned kClientIsABit = 0x80;  // of WholeTail::state_and_end

template <class Address>
inline WholeTail wire_tail(const tables::SessionOf<Address>& session,
                           std::uint32_t now_s) noexcept {
  static_assert(kClientIsABit == tables::kClientIsA0 << 6U);
  WholeTail tail;
  tail.state_and_end = static_cast<std::uint8_t>(wire_state(session.state, session.flags) |
                                                 (session.flags & tables::kClientIsA0) << 6U);
  tail.ingress_role = session.state.ingress_role;
  tail.egress_role = session.state.egress_role;
  tail.rule.set(session.state.rule);
  tail.age_s.set(std::min<std::uint32_t>(now_s - session.state.start_s, 0xFFFFFFU));
  return tail;
}

inline WireState state_of(const WholeTail& tail) noexcept {
  return static_cast<WireState>(tail.state_and_end & ~kClientIsABit);
}

inline bool is_sound_tail(const WholeTail& tail) noexcept { return is_sound_state(state_of(tail)); }

// The flags are those of an untranslated session, whose two sides are one.
template <class Address>
inline void read_tail(const WholeTail& tail, std::uint32_t now_s,
                      tables::SessionOf<Address>& session) noexcept {
  session.flags = static_cast<std::uint16_t>(
      tables::kLive |
      ((tail.state_and_end & kClientIsABit) != 0 ? tables::kClientIsA0 | tables::kClientIsA1 : 0));
  session.state.ingress_role = tail.ingress_role;
  session.state.egress_role = tail.egress_role;
  session.state.rule = tail.rule.get();
  session.state.start_s = now_s - tail.age_s.get();
  read_state(state_of(tail), session);
}

// The first two flags of FullExtra::sides stand side by side in the table as well, and so do the
// other two.
inline constexpr unsigned kSidesShift = 2;
inline constexpr unsigned kSidesMask = 3;
inline constexpr unsigned kShiftedShift = 4;
inline constexpr std::uint8_t kSidesMax = 15;
static_assert(tables::kClientIsA1 == 1U << kSidesShift && tables::kTranslated == 2U << kSidesShift);
inline constexpr unsigned kBesideFlags = tables::kShifted | tables::kReturned;
static_assert(kBesideFlags == 12U << kShiftedShift);

template <class Address>
inline FullExtra wire_extra(const tables::SessionOf<Address>& session) noexcept {
  FullExtra extra;
  extra.sides = static_cast<std::uint8_t>((session.flags >> kSidesShift & kSidesMask) |
                                          (session.flags & kBesideFlags) >> kShiftedShift);
  extra.vsys = session.vsys;
  extra.qos_class = session.state.qos_class;
  extra.application.set(session.state.application);
  return extra;
}

inline bool is_sound_extra(const FullExtra& extra) noexcept { return extra.sides <= kSidesMax; }

// After read_tail(). The virtual system belongs to the key and is read with it. An untranslated
// session is the same on both sides, whatever is said: two would be keys that nothing finds again.
template <class Address>
inline void read_extra(const FullExtra& extra, tables::SessionOf<Address>& session) noexcept {
  const unsigned client_end = session.flags & tables::kClientIsA1;
  session.flags = static_cast<std::uint16_t>(
      (session.flags & ~(tables::kClientIsA1 | tables::kTranslated)) |
      (extra.sides & kSidesMask) << kSidesShift | (extra.sides & ~kSidesMask) << kShiftedShift);
  if ((session.flags & tables::kTranslated) == 0)
    session.flags = static_cast<std::uint16_t>((session.flags & ~tables::kClientIsA1) | client_end);
  session.state.qos_class = extra.qos_class;
  session.state.application = extra.application.get();
}

// A brief record says all of a session that is untranslated, its client the same end on both sides,
// and has neither sequence shift, return path, virtual system, application nor QoS class.
template <class Address>
inline bool is_brief(const tables::SessionOf<Address>& session) noexcept {
  const bool is_a0 = (session.flags & tables::kClientIsA0) != 0;
  const bool is_a1 = (session.flags & tables::kClientIsA1) != 0;
  constexpr unsigned kUnsaid = tables::kTranslated | kBesideFlags;
  const unsigned unsaid = session.flags & kUnsaid;
  const bool is_said = unsaid == 0 || (unsaid == tables::kShifted &&
                                       tables::is_mutant(tables::Mutant::kBriefForgetsShift));
  return is_said && is_a0 == is_a1 && session.vsys == 0 && session.state.application == 0 &&
         session.state.qos_class == 0;
}

inline Ends4 wire_ends(const tables::KeyEnds<tables::Address4>& ends) noexcept {
  Ends4 wire;
  static_assert(sizeof wire == sizeof ends);
  std::memcpy(&wire, &ends, sizeof wire);
  return wire;
}

inline Ends6 wire_ends(const tables::KeyEnds<tables::Address6>& ends) noexcept {
  Ends6 wire;
  static_assert(sizeof wire == sizeof ends);
  std::memcpy(&wire, &ends, sizeof wire);
  return wire;
}

// Window edges are worth stating once more is known than the client's first SYN.
inline bool has_window(const tables::SessionState& state) noexcept {
  return state.edge[tables::kFromServer] != 0 || state.edge_max[tables::kFromServer] != 0;
}

// As of a plain entry: its refresh are the window edges.
template <class Address>
inline bool has_refresh(const tables::SessionOf<Address>& session) noexcept {
  return has_window(session.state);
}

inline WindowPatch wire_window(const tables::SessionState& state) noexcept {
  WindowPatch patch;
  patch.scales = state.window_scales;
  for (std::size_t direction = 0; direction < 2; ++direction) {
    patch.edge[direction].set(state.edge[direction]);
    patch.edge_max[direction].set(state.edge_max[direction]);
  }
  return patch;
}

inline void read_window(const WindowPatch& patch, tables::SessionState& state) noexcept {
  state.window_scales = patch.scales;
  for (std::size_t direction = 0; direction < 2; ++direction) {
    state.edge[direction] = patch.edge[direction].get();
    state.edge_max[direction] = patch.edge_max[direction].get();
  }
}

// The replicated fields of a slot in one fixed form, for digests and for comparing: no ages, marks,
// edges or start times.
template <class Address>
struct SessionImage {
  tables::KeyEnds<Address> client_side{};
  tables::KeyEnds<Address> server_side{};
  std::uint16_t flags = 0;
  std::uint16_t generation = 0;
  std::uint16_t rule = 0;
  std::uint16_t application = 0;
  std::uint8_t protocol = 0;
  std::uint8_t vsys = 0;
  std::uint8_t tcp_ranks = 0;
  std::uint8_t timeout_class = 0;
  std::uint8_t qos_class = 0;
  std::uint8_t ingress_role = 0;
  std::uint8_t egress_role = 0;
  std::uint8_t zero = 0;

  friend bool operator==(const SessionImage& left, const SessionImage& right) noexcept {
    return std::memcmp(&left, &right, sizeof left) == 0;
  }
};

static_assert(std::has_unique_object_representations_v<SessionImage<tables::Address4>>);
static_assert(std::has_unique_object_representations_v<SessionImage<tables::Address6>>);

// A slot that never leaves its box reads as empty, on both sides.
template <class Address>
inline bool is_replicated(const tables::SessionOf<Address>& session) noexcept {
  return (session.flags & (tables::kLive | tables::kLocalOnly)) == tables::kLive;
}

template <class Address>
inline SessionImage<Address> image_of(const tables::SessionOf<Address>& session) noexcept {
  SessionImage<Address> image;
  if (!is_replicated(session)) return image;
  image.client_side = session.client_side;
  image.server_side =
      (session.flags & tables::kTranslated) != 0 ? session.server_side : session.client_side;
  image.flags = session.flags & tables::kReplicatedFlags;
  image.generation = session.state.generation;
  image.rule = session.state.rule;
  image.application = session.state.application;
  image.protocol = session.protocol;
  image.vsys = session.vsys;
  image.tcp_ranks = session.state.tcp_ranks;
  image.timeout_class = session.state.timeout_class;
  image.qos_class = session.state.qos_class;
  image.ingress_role = session.state.ingress_role;
  image.egress_role = session.state.egress_role;
  return image;
}

}  // namespace twinplane::ha2
