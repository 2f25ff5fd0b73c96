// SPDX-License-Identifier: BSD-3-Clause
// neighbors.hpp - everything a box does on its links besides forwarding: finds neighbors, answers
// for its addresses, announces them at takeover. Start reading here; the pieces are members.
//
// Thread:  the home worker; own() and counters() for any thread. Other workers read the
//          NeighborTable.
// Memory:  that of the members, taken by the constructor.
// Limits:  packets come parsed (kOk), from the port's own VLAN, and belong to ARP or neighbor
//          discovery.
// Errors:  what is ignored has a counter each; packets to be sent come back through HeldPacketSink.
// Spec:    RFC 826, RFC 5227, RFC 4861 section 7. Passive: answers nothing and asks nothing. Where
//          the peer keeps its table equal it learns nothing by itself either; else from who asks
//          for the pair's addresses, so that a takeover finds a warm table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/announcer.hpp"
#include "dataplane/config.hpp"
#include "dataplane/frame_sink.hpp"
#include "dataplane/neighbor_resolver.hpp"
#include "dataplane/neighbor_table.hpp"
#include "dataplane/own_addresses.hpp"
#include "dataplane/packet_view.hpp"
#include "tables/table_kind.hpp"

namespace twinplane::dataplane {

class Neighbors {
 public:
  // Starts passive. `table`, `frames` and `packets` must outlive it.
  Neighbors(const Config& config, const NeighborOptions& options, NeighborTable& table,
            FrameSink& frames, HeldPacketSink& packets);
  Neighbors(const Neighbors&) = delete;
  Neighbors& operator=(const Neighbors&) = delete;

  // Active: answers and asks. Announces nothing by itself; passive ends announcements and gives
  //         held packets back.
  void set_active(bool is_active, std::uint64_t now_ms) noexcept;

  // Who is told what this box finds out; null: nobody.
  void set_watcher(NeighborWatcher* watcher) noexcept { resolver_.set_watcher(watcher); }

  // Which families' neighbors come from the peer while this box is passive.
  void set_kept(tables::KindSet kinds) noexcept { kept_ = kinds; }

  // A takeover: every own address of every port, now and again after 100 ms and 1 s by poll().
  // Active only.
  void announce(std::uint64_t now_ms) noexcept;

  // Is the packet one for on_packet()?
  static bool concerns(const PacketView& view) noexcept {
    return view.kind == PacketKind::kArp || view.l4_kind == L4Kind::kNeighbor;
  }

  void on_packet(std::span<const std::byte> frame, const PacketView& view, std::size_t port_index,
                 std::uint64_t now_ms) noexcept;

  // See NeighborResolver::resolve(): takes the packet over; nullptr only warms the table.
  void resolve(const NeighborKey& key, void* packet, std::uint64_t now_ms) noexcept {
    resolver_.resolve(key, packet, now_ms);
  }

  // Once a millisecond is enough; more often costs nothing. How much it did.
  std::size_t poll(std::uint64_t now_ms) noexcept {
    return announcer_.poll(now_ms) + resolver_.poll(now_ms);
  }

  const OwnAddresses& own() const noexcept { return own_; }

  const NeighborCounters& counters() const noexcept { return counters_; }

 private:
  void on_solicitation(const NeighborMessage& message, const MacAddress& frame_source,
                       std::size_t port_index, std::uint64_t now_ms) noexcept;
  void on_advertisement(const NeighborMessage& message, std::size_t port_index,
                        std::uint64_t now_ms) noexcept;
  void on_conflict(const IpAddress& address, std::size_t port_index, std::uint64_t now_ms) noexcept;
  bool does_learn(const IpAddress& about) const noexcept;
  void set_permanent(std::uint64_t now_ms) noexcept;

  OwnAddresses own_;
  NeighborCounters counters_;
  NeighborSender sender_;
  NeighborResolver resolver_;
  Announcer announcer_;
  std::vector<NeighborEntry> permanent_;  // of this box's configuration
  NeighborTable& table_;
  tables::KindSet kept_;
  bool is_active_ = false;
};

}  // namespace twinplane::dataplane
