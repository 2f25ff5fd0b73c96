// SPDX-License-Identifier: BSD-3-Clause
// sequence_keeper.hpp - the numbers of IPsec SAs over a stream: which an outbound SA may use, which
// an inbound one has accepted, and where whoever takes over goes on, so that no number is used or
// accepted twice.
//
//     owner:   take() within what the mirror has answered; accept() once each; poll() asks for
//              more, tells tops, and pledges
//     mirror:  poll() reads the pledge
//     taking over:  follow() jumps by what the old owner may have done since its last pledge
//
// Beyond what was answered the owner goes on only after a patience without any answer from the
// mirror. The pledge says: at the moment when I had your answer of that time, no number was in use
// that you did not know. So from that time on the mirror counts patiences, and the owner has
// counted no more of them (tables/sequence_ceiling.hpp).
//
// Thread:  the core that owns the partition.
// Memory:  about 300 bytes a slot, taken by the constructor.
// Limits:  those of the partition's ipsec_sequence table, of which one slot is the pledge's. Only a
//          box that hears a dead owner is covered, not two owners at once (README, Limits).
// Errors:  named outcomes. An SA of which too little is known is sealed: nothing is sent or
//          accepted until it has a successor.
// Spec:    PROTOCOL.md section 12; DESIGN.md D-H27; tables/DESIGN.md D-T12, D-T13, D-T18;
//          invariant I6.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "ha2/receipt.hpp"
#include "ha2/replica.hpp"
#include "tables/ipsec_sequence.hpp"
#include "tables/packet_rate.hpp"
#include "tables/replay_window.hpp"
#include "tables/sequence_ceiling.hpp"

namespace twinplane::ha2 {

// The same on both boxes.
struct SequenceLimits {
  tables::GrantLimits grant;
  std::uint64_t pledge_ns = 25'000'000;  // between pledges; well below the patience
  std::uint64_t tell_ns = 100'000'000;   // an inbound top is told so long after it moved,
  std::uint32_t tell_packets = 32'768;   // or so many numbers on
  std::uint32_t untold_max = 65'536;     // no pledge while more of a top is not answered
};

// What a takeover did to an SA.
enum class SequenceResult : std::uint8_t {
  kMadeHere,  // no takeover yet
  kAbove,     // outbound: goes on above the ceiling that was known
  kJumped,    // outbound: above all that may have been used since; inbound: the window was moved
  kNewSaOnly  // sealed, or moved so far that it needs a successor
};

// One SA's numbers, to show.
struct SequenceStatus {
  std::uint64_t used = 0;     // outbound: the last number; inbound: the window's top
  std::uint64_t ceiling = 0;  // outbound: asked for
  std::uint64_t told = 0;     // outbound: the ceiling that the mirror knows; inbound: the top
  std::uint32_t rate_per_s = 0;
  bool is_ungranted = false;
  bool needs_new_sa = false;
  SequenceResult result = SequenceResult::kMadeHere;
  std::uint64_t jump = 0;  // numbers left out or closed by the last takeover
};

class SequenceKeeper {
 public:
  static constexpr std::uint32_t kWidth = tables::kReplayWidthOfLine;

  // `replica` must outlive it.
  SequenceKeeper(Replica& replica, const SequenceLimits& limits);

  SequenceKeeper(const SequenceKeeper&) = delete;
  SequenceKeeper& operator=(const SequenceKeeper&) = delete;

  // After each Replica::assume(): takes the SAs over, or tells a new stream all of them.
  void follow(std::uint64_t now_ns) noexcept;

  void poll(std::uint64_t now_ns) noexcept;

  // There will never be a peer that has these: what is asked for is granted.
  void set_alone(bool is_alone) noexcept { is_alone_ = is_alone; }

  // ---- owner ------------------------------------------------------------------------------------

  // A new SA. The key must not be in the table, and its numbers must never have been used.
  [[nodiscard]] tables::InsertResult open(const tables::IpsecSequenceBody::Key& key,
                                          std::uint8_t flags, std::uint64_t now_ns,
                                          std::uint32_t rate_per_s = 0) noexcept;

  // As open(), but what was used of it is not known: nothing is sent or accepted.
  [[nodiscard]] tables::InsertResult open_sealed(const tables::IpsecSequenceBody::Key& key,
                                                 std::uint8_t flags, std::uint64_t now_ns) noexcept;

  void close(std::uint32_t slot) noexcept;

  // Outbound: numbers for `count` packets, or for as many as may go.
  [[nodiscard]] tables::SequenceRun take(std::uint32_t slot, std::uint32_t count,
                                         std::uint64_t now_ns) noexcept;

  // Inbound, before authentication: the number of a packet that says `wire`, and whether it may
  // still come. Changes nothing.
  struct Checked {
    std::uint64_t sequence;
    tables::ReplayVerdict verdict;
  };

  [[nodiscard]] Checked check(std::uint32_t slot, std::uint32_t wire) const noexcept;

  // Inbound, after it: kNew is to be accepted.
  [[nodiscard]] tables::ReplayVerdict accept(std::uint32_t slot, std::uint64_t sequence,
                                             std::uint64_t now_ns) noexcept;

  // ---- any role ---------------------------------------------------------------------------------

  // kNoSlot when the table has no such SA.
  std::uint32_t find(const tables::IpsecSequenceBody::Key& key) const noexcept {
    return table_.slots().slot_count() == 0 ? tables::kNoSlot : table_.slots().find(key).slot;
  }

  SequenceStatus status(std::uint32_t slot, std::uint64_t now_ns) const noexcept;

  // The old owner's word is believed up to this time of this box's clock; 0 = there is none.
  std::uint64_t proven_ns() const noexcept { return is_pledge_valid() ? proven_ns_ : 0; }

  const SequenceLimits& limits() const noexcept { return limits_; }

 private:
  using Table = tables::PlainTable<tables::IpsecSequenceBody>;

  struct Numbers {
    tables::SequenceCeiling ceiling{};      // outbound
    tables::ReplayWindow<kWidth> window{};  // inbound
    tables::PacketRate rate{0};
    std::uint64_t told_top = 0;  // inbound: the mirror knows it
    std::uint64_t said = 0;      // ceiling or top of the last statement
    std::uint64_t said_ns = 0;
    Receipt receipt;  // of it, while `is_waiting`
    bool is_waiting = false;
    std::uint64_t untold_since_ns = kNever;  // inbound: the top has moved
    std::uint64_t jump = 0;
    SequenceResult result = SequenceResult::kMadeHere;
    bool is_told = false;  // in this stream
  };

  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  const tables::IpsecSequenceBody& body(std::uint32_t slot) const noexcept {
    return table_.slots().entry(slot).body;
  }

  template <class OnSlot>
  void for_each_sa(OnSlot&& on_slot) const noexcept;
  tables::InsertResult create(const tables::IpsecSequenceBody& body, std::uint64_t now_ns) noexcept;
  void seal(std::uint32_t slot) noexcept;
  void say(std::uint32_t slot, std::uint64_t now_ns) noexcept;
  void wait_for(std::uint32_t slot) noexcept;
  void take_receipts() noexcept;
  void on_received(std::uint32_t slot) noexcept;
  void put_off(tables::SequenceCeiling& ceiling) const noexcept;
  void ask(std::uint32_t slot, std::uint64_t now_ns) noexcept;
  bool is_tell_due(const Numbers& numbers, std::uint64_t now_ns) const noexcept;
  void take_over(std::uint64_t now_ns) noexcept;
  void take_over(std::uint32_t slot, std::uint64_t stale_ns, std::uint64_t now_ns) noexcept;
  void read_pledge(std::uint64_t now_ns) noexcept;
  bool is_pledge_valid() const noexcept;
  bool is_known(const Numbers& numbers, std::uint32_t slot, std::uint64_t now_ns) const noexcept;
  void pledge_if_due(std::uint64_t now_ns) noexcept;
  void write_pledge(std::uint32_t term, std::uint32_t echo_us, std::uint64_t now_ns) noexcept;

  bool is_owner() const noexcept { return last_.holding == Holding::kOwner; }

  Replica& replica_;
  SequenceLimits limits_;
  Table& table_;
  std::vector<Numbers> numbers_;        // by slot
  std::vector<std::uint32_t> waiting_;  // slots, each once: is_listed_
  std::vector<bool> is_listed_;         // by slot
  Assignment last_;
  StreamName stream_;  // the last one that was told all
  bool is_alone_ = false;
  std::uint32_t next_slot_ = 0;  // whose turn it is to be looked at
  std::uint64_t pledged_ns_ = 0;
  std::uint64_t pledged_heard_ns_ = 0;
  // As a mirror: the owner's word.
  std::uint32_t pledge_term_ = 0;
  std::uint32_t pledge_echo_us_ = 0;
  std::uint64_t proven_ns_ = 0;
};

}  // namespace twinplane::ha2
