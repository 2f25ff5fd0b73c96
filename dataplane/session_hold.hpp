// SPDX-License-Identifier: BSD-3-Clause
// session_hold.hpp - packets of new sessions that wait until the peer has their session.
//
// Packets of one session leave in the order in which they came; different sessions do not wait for
// each other. `Packet` is whatever the caller needs to send one on.
//
// Thread:  one worker.
// Memory:  some 300 KiB, taken at construction; the packets stay their owner's.
// Limits:  kSessionsMax sessions and kPacketsMax packets at a time; poll() looks at each session.
// Errors:  try_put() says that there is no room, and has kept nothing then.
// Spec:    dataplane/DESIGN.md D-D33; ha2/PROTOCOL.md section 5.5.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ha2/receipt.hpp"

namespace twinplane::dataplane {

// The session of a held packet.
struct HeldPlace {
  std::uint32_t partition;
  tables::TableKind kind;
  std::uint32_t slot;
  std::uint16_t generation;

  friend bool operator==(const HeldPlace&, const HeldPlace&) noexcept = default;
};

// Why a session's packets wait no more.
enum class HoldEnd : std::uint8_t {
  kReceived,  // the peer has the session
  kTimeout,   // it has not said so in time: the packets leave all the same
  kNoPeer,    // nobody will say so: as kTimeout
  kGone,      // the session has ended meanwhile: its packets are dropped
  kCount
};

inline constexpr std::size_t kHeldPacketsMax = 2048;

class HeldPlaces {
 public:
  // Packets of the session wait.
  virtual bool is_waiting(const HeldPlace& place) const noexcept = 0;

 protected:
  ~HeldPlaces() = default;
};

// `Receipts` is what ask() gives and look() looks at.
template <class Packet, class Receipts = ha2::Receipt>
class SessionHold final : public HeldPlaces {
 public:
  static constexpr std::size_t kSessionsMax = 1024;
  static constexpr std::size_t kPacketsMax = kHeldPacketsMax;

  explicit SessionHold(std::uint64_t wait_ns_max)
      : wait_ns_max_(wait_ns_max), sessions_(kSessionsMax), packets_(kPacketsMax) {
    order_.reserve(kSessionsMax);
    free_sessions_.reserve(kSessionsMax);
    free_packets_.reserve(kPacketsMax);
    for (std::size_t i = kSessionsMax; i-- > 0;) free_sessions_.push_back(index(i));
    for (std::size_t i = kPacketsMax; i-- > 0;) free_packets_.push_back(index(i));
    heads_.fill(kNone);
  }

  bool is_waiting(const HeldPlace& place) const noexcept override { return find(place) != kNone; }

  // Behind what waits of the same session; the first one asks: Receipts ask().
  template <class Ask>
  [[nodiscard]] bool try_put(const HeldPlace& place, const Packet& packet, std::uint64_t now_ns,
                             Ask&& ask) noexcept {
    if (free_packets_.empty()) return false;
    Index at = find(place);
    if (at == kNone) {
      if (free_sessions_.empty()) return false;
      at = begin(place, now_ns);
      sessions_[at].receipts = ask();
    }
    const Index held = free_packets_.back();
    free_packets_.pop_back();
    packets_[held] = {packet, kNone};
    Session& session = sessions_[at];
    if (session.first == kNone)
      session.first = held;
    else
      packets_[session.last].next = held;
    session.last = held;
    return true;
  }

  // For each session whose time has come on_end(place, end, waited_ns), then for each of its
  // packets in order on_packet(packet, end). look(place, receipts) gives their state. Returns
  // how many sessions go on waiting.
  template <class Look, class OnEnd, class OnPacket>
  std::size_t poll(std::uint64_t now_ns, Look&& look, OnEnd&& on_end,
                   OnPacket&& on_packet) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const Index at = order_[i];
      Session& session = sessions_[at];
      const std::uint64_t waited_ns = now_ns - std::min(now_ns, session.since_ns);
      HoldEnd end{};
      switch (look(session.place, session.receipts)) {
        case ha2::ReceiptState::kReceived:
          end = HoldEnd::kReceived;
          break;
        case ha2::ReceiptState::kGone:
          end = HoldEnd::kGone;
          break;
        case ha2::ReceiptState::kNoPeer:
          end = HoldEnd::kNoPeer;
          break;
        case ha2::ReceiptState::kWaiting:
          if (waited_ns < wait_ns_max_) {
            order_[kept++] = at;
            continue;
          }
          end = HoldEnd::kTimeout;
          break;
      }
      finish(at, end, waited_ns, on_end, on_packet);
    }
    order_.resize(kept);
    return kept;
  }

  // Nothing waits any more: on_packet(packet) for each.
  template <class OnPacket>
  void clear(OnPacket&& on_packet) noexcept {
    for (const Index at : order_)
      finish(
          at, HoldEnd::kGone, 0, [](const HeldPlace&, HoldEnd, std::uint64_t) {},
          [&](Packet& packet, HoldEnd) { on_packet(packet); });
    order_.clear();
  }

  std::size_t session_count() const noexcept { return order_.size(); }

 private:
  using Index = std::uint16_t;
  static constexpr Index kNone = 0xFFFF;
  static constexpr std::size_t kHeads = 2 * kSessionsMax;

  struct Session {
    HeldPlace place{};
    Receipts receipts;
    std::uint64_t since_ns = 0;
    Index first = kNone;  // packet
    Index last = kNone;
    Index next = kNone;  // session of the same head
  };

  struct Held {
    Packet packet{};
    Index next = kNone;
  };

  static Index index(std::size_t value) noexcept { return static_cast<Index>(value); }

  static std::size_t head_of(const HeldPlace& place) noexcept {
    const std::uint32_t key =
        place.slot * 2U + place.partition * 0x9E37U + static_cast<std::uint32_t>(place.kind);
    return (key * 0x9E3779B1U >> 16U) % kHeads;
  }

  Index find(const HeldPlace& place) const noexcept {
    Index at = heads_[head_of(place)];
    while (at != kNone && !(sessions_[at].place == place)) at = sessions_[at].next;
    return at;
  }

  Index begin(const HeldPlace& place, std::uint64_t now_ns) noexcept {
    const Index at = free_sessions_.back();
    free_sessions_.pop_back();
    Index& head = heads_[head_of(place)];
    sessions_[at] = Session{.place = place, .receipts = {}, .since_ns = now_ns, .next = head};
    head = at;
    order_.push_back(at);
    return at;
  }

  template <class OnEnd, class OnPacket>
  void finish(Index at, HoldEnd end, std::uint64_t waited_ns, OnEnd&& on_end,
              OnPacket&& on_packet) noexcept {
    Session& session = sessions_[at];
    Index* link = &heads_[head_of(session.place)];
    while (*link != at) link = &sessions_[*link].next;
    *link = session.next;
    on_end(session.place, end, waited_ns);
    for (Index held = session.first; held != kNone;) {
      const Index next = packets_[held].next;
      on_packet(packets_[held].packet, end);
      free_packets_.push_back(held);
      held = next;
    }
    free_sessions_.push_back(at);
  }

  std::uint64_t wait_ns_max_;
  std::vector<Session> sessions_;
  std::vector<Held> packets_;
  std::vector<Index> order_;  // of sessions, the oldest first
  std::vector<Index> free_sessions_;
  std::vector<Index> free_packets_;
  std::array<Index, kHeads> heads_;
};

}  // namespace twinplane::dataplane
