// SPDX-License-Identifier: BSD-3-Clause
// home.hpp - what worker 0 does for all: neighbors are found and answered, packets wait here for a
// neighbor's MAC, loud sources are blocked, and who listens to which group is known.
//
// Thread:  worker 0; counters() for any thread.
// Memory:  the neighbors' own; frames from the packet pool.
// Limits:  those of Neighbors.
// Errors:  a packet whose neighbor does not answer is dropped and counted, and kept until its
//          sender has been told.
// Spec:    dataplane/DESIGN.md D-D6, D-D21.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/block_list.hpp"
#include "dataplane/egress.hpp"
#include "dataplane/floating_holders.hpp"
#include "dataplane/groups.hpp"
#include "dataplane/ipsec_home.hpp"
#include "dataplane/mac_learner.hpp"
#include "dataplane/neighbor_replica.hpp"
#include "dataplane/neighbors.hpp"
#include "dataplane/packet_pool.hpp"

namespace twinplane::dataplane {

class Home final : private FrameSink, private HeldPacketSink {
 public:
  // `partition` is the home partition: what all workers share and the pair keeps equal.
  // `groups` is null where multicast is off, `bridging` where there is no bridge; `seed` is secret.
  Home(const Config& config, NeighborTable& table, tables::Partition& partition,
       GroupShared* groups, DosShared& dos, tables::HashSeed seed, Bridging* bridging)
      : neighbors_(config, NeighborOptions{}, table, *this, *this),
        replica_(partition, table, config.ports.size()),
        holders_(config, neighbors_.own().all(), partition),
        block_list_(config, partition, dos, seed) {
    neighbors_.set_watcher(&replica_);
    FrameSink& frames = *this;
    if (groups != nullptr)
      groups_ =
          std::make_unique<Groups>(config, group_ports(config), partition, *groups, frames, seed);
    if (bridging != nullptr) macs_.emplace(*bridging, partition, frames);
    for (const RouteConfig& route : config.routes)
      routers_.push_back(NeighborKey::of(route.port_index, route.via));
  }

  ~Home() override;

  // Before the first use: where frames go, and where the buffers come from.
  void attach(Egress& egress, const PacketPool& pool, WorkerStats& stats) noexcept {
    egress_ = &egress;
    pool_ = &pool;
    stats_ = &stats;
  }

  // Before the first use: the home partition's end of its stream, which has the SAs too.
  void attach(const Config& config, ha2::Replica& replica) {
    ipsec_ = std::make_unique<IpsecHome>(config, replica);
  }

  // Behind each change of role or stream.
  void follow(std::uint64_t now_ns) noexcept { ipsec_->follow(now_ns); }

  const IpsecHome& ipsec() const noexcept { return *ipsec_; }

  // What the peer keeps equal while this box is passive.
  void set_kept(tables::KindSet kinds) noexcept { neighbors_.set_kept(kinds); }

  // Taking over announces every address of every port, now and again.
  void set_active(bool is_active, std::uint64_t now_ns) noexcept;

  // The same announcements again: somebody else answered for the addresses meanwhile.
  void announce(std::uint64_t now_ns) noexcept;

  // A parsed ARP or neighbor discovery packet; takes it over.
  void on_neighbor_packet(rte_mbuf* packet, const PacketView& view, std::size_t port_index,
                          std::uint64_t now_ns) noexcept;

  // An IGMP or MLD packet, where multicast is on; takes it over.
  void on_group_packet(rte_mbuf* packet, const PacketView& view, std::size_t port_index,
                       std::uint64_t now_ns) noexcept;

  // See GroupStreams::begin(); where multicast is on, of the active box.
  GroupDrop begin_stream(const GroupRouteKey& key, std::uint8_t ingress,
                         std::uint64_t now_ns) noexcept {
    return groups_->begin_stream(key, ingress, now_ns / 1'000'000);
  }

  // A packet that is complete but for its target MAC; its note says port and next hop. Takes it
  // over.
  void resolve(rte_mbuf* packet, std::uint64_t now_ns) noexcept;

  void poll(std::uint64_t now_ns) noexcept;

  // Packets whose neighbor did not answer, as resolve() got them. They stay Home's, until
  // free_unreachable() or the next poll().
  std::span<rte_mbuf* const> unreachable() const noexcept {
    return {unreachable_.data(), unreachable_count_};
  }

  void free_unreachable() noexcept;

  const NeighborCounters& counters() const noexcept { return neighbors_.counters(); }

  // Null: multicast is off.
  const Groups* groups() const noexcept { return groups_.get(); }

  // Who answers for the floating addresses.
  const FloatingHolders& holders() const noexcept { return holders_; }

 private:
  std::span<std::byte> try_frame(std::size_t port_index) noexcept override;
  void send(std::size_t port_index, std::size_t frame_bytes) noexcept override;
  void release(void* packet, std::size_t port_index, const MacAddress& mac) noexcept override;
  void drop(void* packet, std::size_t port_index, NeighborDrop reason) noexcept override;

  Neighbors neighbors_;
  NeighborReplica replica_;
  FloatingHolders holders_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<IpsecHome> ipsec_;
  BlockList block_list_;
  std::optional<MacLearner> macs_;  // of bridges
  std::vector<NeighborKey> routers_;
  Egress* egress_ = nullptr;
  const PacketPool* pool_ = nullptr;
  WorkerStats* stats_ = nullptr;
  rte_mbuf* open_ = nullptr;
  std::array<rte_mbuf*, HeldPackets::kMax> unreachable_{};
  std::size_t unreachable_count_ = 0;
};

}  // namespace twinplane::dataplane
