// SPDX-License-Identifier: BSD-3-Clause
// expectation.hpp - a session that another one has announced: who may open it, to where, and as
// whom its ends know each other.
//
// Thread:  the core that owns the announcing session's partition; values.
// Memory:  an entry of 128 bytes.
// Limits:  one of each announcing session: the next takes its place.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D31; ha2/PROTOCOL.md section 4.8. IPv4 addresses are mapped ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/hash_index.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::tables {

enum class ExpectationState : std::uint8_t {
  kWaiting = 0,
  kUsed = 1,  // the session was opened: nobody else may, and what was written of it is still known
};
inline constexpr std::size_t kExpectationStateCount = 2;

// Which slot of which table of the same partition holds the session that announced it.
struct AnnouncingSession {
  std::uint32_t slot;
  std::uint8_t table;  // TableKind: kSession4 or kSession6
  std::array<std::uint8_t, 3> zero;
};

struct ExpectationBody {
  static constexpr TableKind kKind = TableKind::kExpectation;

  // The first packet, as it will come in; its source port may be any. Under the second key, which
  // has protocol 0, the first bytes of `source` are the AnnouncingSession.
  struct Key {
    Address6 source;
    Address6 target;
    std::uint16_t target_port_be;
    std::uint8_t protocol;
    std::uint8_t zone;  // by which it comes in: its number, agreed in the hello by name

    friend bool operator==(const Key&, const Key&) = default;
  };

  struct Patch {
    ExpectationState state;
  };

  Key flow;
  Address6 real_address;  // where it goes to
  std::uint16_t real_port_be;
  std::uint16_t rule;   // of the announcing session, which lets it in
  Address6 new_source;  // as whom it goes there; zeros: as itself
  AnnouncingSession session;
  std::uint16_t application;
  ExpectationState state;
  std::uint8_t zero;

  static constexpr auto fields() noexcept {
    return std::array{
        FieldPlace{"flow", offsetof(ExpectationBody, flow), sizeof(Key)},
        FieldPlace{"real target", offsetof(ExpectationBody, real_address), 18},
        FieldPlace{"rule", offsetof(ExpectationBody, rule), 2},
        FieldPlace{"new source", offsetof(ExpectationBody, new_source), sizeof(Address6)},
        FieldPlace{"session", offsetof(ExpectationBody, session), sizeof(AnnouncingSession)},
        FieldPlace{"application", offsetof(ExpectationBody, application), 2},
        FieldPlace{"state", offsetof(ExpectationBody, state), 1}};
  }

  static bool has_second_key() noexcept { return true; }

  // Each has both.
  static bool has_one_key() noexcept { return false; }

  static Key key_of(const AnnouncingSession& session) noexcept {
    Key key{};
    std::memcpy(key.source.data(), &session, sizeof session);
    return key;
  }

  Key key(Side side) const noexcept { return side == Side::kClient ? flow : key_of(session); }

  bool is_sound() const noexcept {
    return flow.protocol != 0 && session.slot <= HashIndex::kSlotMask &&
           session.table <= index_of(TableKind::kSession6) &&
           session.zero == std::array<std::uint8_t, 3>{} && zero == 0 && is_sound(patch());
  }

  static bool is_sound(Patch patch) noexcept {
    return static_cast<std::size_t>(patch.state) < kExpectationStateCount;
  }

  Patch patch() const noexcept { return {state}; }

  void set(Patch patch) noexcept { state = patch.state; }
};

static_assert(sizeof(ExpectationBody) == 84 && sizeof(PlainEntry<ExpectationBody>) == 128);

}  // namespace twinplane::tables
