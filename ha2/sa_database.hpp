// SPDX-License-Identifier: BSD-3-Clause
// sa_database.hpp - the IPsec SAs of a partition as an ESP path uses them: installed with keys and
// selectors, found by SPI or by selector, their numbers handed out and accepted once, what they
// protect counted, ended by their lifetimes; and gone on with by whoever takes over.
//
//     SaDatabase sas(replica, SequenceLimits{});
//     sas.install(body, now_ns);                       // by IKE, or by hand
//     slot = sas.find_outbound(packet);                // once for a session
//     run = sas.take(slot, {packets, bytes}, now_ns);  // a burst's numbers
//     sas.follow(now_ns);                              // behind each Replica::assume()
//     sas.poll(now_ns);                                // each turn, in front of Replica::poll()
//
// Thread:  the core that owns the partition.
// Memory:  keeper() and 16 bytes a slot, taken by the constructor. Keys stand in the table alone,
//          and are zeros again as soon as their SA ends, on either box.
// Limits:  those of the partition's ipsec_sa and ipsec_sequence tables. A look for a selector goes
//          over all SAs.
// Errors:  install() says in words what is wrong. take() and accept() name their outcome.
// Spec:    RFC 4301 sections 4.4.1, 4.4.2, RFC 4303 sections 2.2, 3.3.3, 3.4.3; DESIGN.md D-H27,
//          D-H28; tables/DESIGN.md D-T18, D-T19.
#pragma once

#include <cstdint>
#include <vector>

#include "ha2/sequence_keeper.hpp"
#include "tables/security_association.hpp"

namespace twinplane::ha2 {

enum class SaInstall : std::uint8_t { kInstalled, kUnsound, kExists, kFull };

struct SaInstalled {
  SaInstall status;
  std::uint32_t slot;  // kInstalled
  const char* why;     // kUnsound: in words
};

// What an SA is chosen by: the inner packet of a tunnel, or the packet itself.
struct SaFlow {
  tables::Address6 local;  // IPv4 as ::ffff:a.b.c.d
  tables::Address6 remote;
  std::uint8_t protocol;
  std::uint16_t local_port;
  std::uint16_t remote_port;
};

struct SaUse {
  std::uint32_t packets;
  std::uint64_t bytes;
};

// Why no box of this pair may use such an SA; nullptr when it may.
const char* why_unsound(const tables::SecurityAssociationBody& sa) noexcept;

class SaDatabase {
 public:
  using Body = tables::SecurityAssociationBody;
  using Key = Body::Key;

  // `replica` must outlive it.
  SaDatabase(Replica& replica, const SequenceLimits& limits);

  // ---- owner: SAs come and go -------------------------------------------------------------------

  // A new SA, whose keys have protected nothing yet.
  SaInstalled install(const Body& sa, std::uint64_t now_ns) noexcept;

  // One whose numbers were in use, nobody knows how far: it is there, and sealed.
  SaInstalled install_sealed(const Body& sa, std::uint64_t now_ns) noexcept;

  // Rekeying: `sa` is used from now on, `slot` for what still comes in, until its lifetime ends.
  SaInstalled succeed(std::uint32_t slot, const Body& sa, std::uint64_t now_ns) noexcept;

  void end(std::uint32_t slot) noexcept;

  // ---- owner: packets ---------------------------------------------------------------------------

  // Outbound: numbers for a burst, or for a part of it; counted. None beyond a lifetime.
  [[nodiscard]] tables::SequenceRun take(std::uint32_t slot, SaUse use,
                                         std::uint64_t now_ns) noexcept;

  // Inbound, before authentication.
  [[nodiscard]] SequenceKeeper::Checked check(std::uint32_t slot,
                                              std::uint32_t wire) const noexcept {
    return keeper_.check(sequence_slots_[slot], wire);
  }

  // Inbound, after it: kNew is to be accepted, and was counted.
  [[nodiscard]] tables::ReplayVerdict accept(std::uint32_t slot, std::uint64_t sequence,
                                             std::uint64_t bytes, std::uint64_t now_ns) noexcept;

  // ---- any role ---------------------------------------------------------------------------------

  void follow(std::uint64_t now_ns) noexcept;
  void poll(std::uint64_t now_ns) noexcept;

  // kNoSlot when there is none.
  std::uint32_t find(const Key& key) const noexcept {
    return table_.slots().slot_count() == 0 ? tables::kNoSlot : table_.slots().find(key).slot;
  }

  // The youngest SA for this that is not dying, else the youngest that is. kNoSlot when there is
  // none.
  std::uint32_t find_outbound(const SaFlow& flow) const noexcept;

  // Past a soft lifetime, sealed, or at the end of its numbers: make a successor.
  bool needs_successor(std::uint32_t slot) const noexcept {
    return (sa(slot).flags & tables::kSaDying) != 0;
  }

  const Body& sa(std::uint32_t slot) const noexcept { return table_.slots().entry(slot).body; }

  Body::Refresh used(std::uint32_t slot) const noexcept { return uses_[slot]; }

  SequenceStatus sequences(std::uint32_t slot, std::uint64_t now_ns) const noexcept;

  std::uint32_t age_s(std::uint32_t slot, std::uint64_t now_ns) const noexcept;

  SequenceKeeper& keeper() noexcept { return keeper_; }

  // Ended because a lifetime was over.
  std::uint64_t expired_count() const noexcept { return expired_count_; }

 private:
  using Table = tables::PlainTable<Body>;

  SaInstalled install(const Body& sa, std::uint64_t now_ns, bool is_sealed) noexcept;
  void take_over(std::uint64_t now_ns) noexcept;
  void look_at(std::uint32_t slot, std::uint64_t now_ns) noexcept;
  void count(std::uint32_t slot, SaUse use) noexcept;
  bool is_past(std::uint32_t slot, unsigned percent, std::uint64_t now_ns) const noexcept;

  Replica& replica_;
  Table& table_;
  SequenceKeeper keeper_;
  std::vector<std::uint32_t> sequence_slots_;  // by slot
  std::vector<Body::Refresh> uses_;            // by slot; the table's are those that were told
  Holding last_holding_ = Holding::kNothing;
  std::uint32_t last_term_ = 0;
  std::uint32_t next_slot_ = 0;  // whose turn it is to be looked at
  std::uint64_t looked_ns_ = 0;
  std::uint64_t expired_count_ = 0;
};

}  // namespace twinplane::ha2
