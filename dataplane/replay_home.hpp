// SPDX-License-Identifier: BSD-3-Clause
// replay_home.hpp - what a capture says of neighbors and of group membership, in the home partition
// of the box that hears it.
//
// A box believes about neighbors what it has asked for, and a capture answers nobody: here each
// host that tells its own address is learned, as if it had asked for the box. Membership is that of
// a switch which hears and never asks.
//
// Thread:  main.
// Memory:  a resolver, a membership and their tables, taken at construction.
// Limits:  the home partition's slots; no rate holds, as a capture may be replayed at once.
// Errors:  what finds no room is counted by its table. What is no sound message is not heard, and
//          is the caller's to treat like any packet.
// Spec:    dataplane/DESIGN.md D-D11, D-D16, D-D19. Reading, resolver, replica and membership are
//          those of the shipped box.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/config.hpp"
#include "dataplane/group_membership.hpp"
#include "dataplane/neighbor_replica.hpp"
#include "dataplane/neighbor_resolver.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

class ReplayHome final : private FrameSink, private HeldPacketSink, private GroupChangeSink {
 public:
  static constexpr std::uint32_t kGroupSlots = 8192;  // of each family, in the home partition

  // Both outlive it.
  ReplayHome(const Config& config, tables::Partition& home);

  // parse() has called it ARP or neighbor discovery.
  void hear_neighbor(std::span<const std::byte> frame, const PacketView& view,
                     std::size_t port_index, std::uint64_t now_ns) noexcept;

  // Was it a sound message of IGMP or MLD? parse() has said kOk or kIp4BadSource.
  bool hears_group(std::span<const std::byte> frame, const PacketView& view, std::size_t port_index,
                   std::uint64_t now_ns) noexcept;

  // Memberships that nobody has renewed end.
  void poll(std::uint64_t now_ns) noexcept;

 private:
  // Nothing is ever asked, held or sent.
  std::span<std::byte> try_frame(std::size_t port_index) noexcept override;
  void send(std::size_t port_index, std::size_t frame_bytes) noexcept override;
  void release(void* packet, std::size_t port_index, const MacAddress& mac) noexcept override;
  void drop(void* packet, std::size_t port_index, NeighborDrop reason) noexcept override;

  void on_membership_changed(const tables::Address6& group,
                             const tables::Address6* source) noexcept override;
  template <class Address>
  void write_down(const tables::Address6& group) noexcept;
  template <class Address>
  static tables::MulticastBody<Address> body_of(const tables::Address6& group,
                                                const tables::Address6& source) noexcept;

  tables::Partition& home_;
  OwnAddresses own_;
  NeighborCounters neighbor_counters_;
  NeighborTable table_;
  NeighborSender sender_;
  NeighborResolver resolver_;
  NeighborReplica replica_;
  GroupCounters group_counters_;
  GroupMembership membership_;
  std::uint64_t now_ms_ = 0;
};

}  // namespace twinplane::dataplane
