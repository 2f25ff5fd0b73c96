// SPDX-License-Identifier: BSD-3-Clause
// groups.hpp - everything a box does about multicast besides forwarding: hears who listens, asks,
// begins and ends streams, writes both down for the peer, and takes them back when the peer is
// gone. Start reading here; the pieces are members.
//
//     IGMP, MLD ──▶ membership ──▶ replica ──▶ routes ──▶ every worker
//     first packets ──▶ streams ──▶   │  ▲
//                                     ▼  │
//                        the home partition's slots ◀──▶ the peer's
//
// Both boxes hear reports. Only the active one writes, asks and begins. Who becomes active forwards
// by the routes that it has shown all along, and puts entries back into its membership a batch at a
// time, each for a whole interval: within that everybody is asked. From then on all entries are
// compared with the membership in turn, so that what once found no room is tried again.
//
// Thread:  the home worker; counters() and fault_count() for any thread.
// Memory:  that of the members, taken by the constructor; 24 KiB to gather a group's sources.
// Limits:  those of MulticastConfig and of the members. poll() puts back kBatch entries; a round of
//          comparisons takes kRoundMs.
// Errors:  what is ignored or refused has a counter each.
// Spec:    RFC 3376, RFC 3810, RFC 2236, RFC 2710; dataplane/DESIGN.md D-D16, D-D21, D-D22.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/frame_sink.hpp"
#include "dataplane/group_membership.hpp"
#include "dataplane/group_replica.hpp"
#include "dataplane/group_shared.hpp"
#include "dataplane/group_streams.hpp"
#include "dataplane/parse_result.hpp"

namespace twinplane::dataplane {

// What the configuration makes of the ports, and of the limits.
std::vector<GroupPort> group_ports(const Config& config);
GroupOptions group_options(const Config& config) noexcept;

class Groups final : private GroupChangeSink {
 public:
  static constexpr std::uint32_t kBatch = 256;
  static constexpr std::uint64_t kRoundMs = 10'000;

  // Starts passive. All of them outlive it, but `ports`, which are Config::ports' as group_ports()
  // makes them; the partition has slots of both multicast kinds. Of a port in a bridge domain what
  // is learned stands under the domain's number: GroupRouteTable::wanted_ports().
  Groups(const Config& config, std::span<const GroupPort> ports, tables::Partition& home,
         GroupShared& shared, FrameSink& frames, tables::HashSeed seed);

  // Is the packet one for on_packet()? `parsed` is what parse() has said of it.
  static bool concerns(ParseResult parsed, const PacketView& view) noexcept;

  void set_active(bool is_active, std::uint64_t now_ms) noexcept;

  // IGMP or MLD, from the port's own VLAN.
  void on_packet(std::span<const std::byte> frame, const PacketView& view, std::size_t port_index,
                 std::uint64_t now_ms) noexcept;

  // See GroupStreams::begin(). Active only.
  GroupDrop begin_stream(const GroupRouteKey& key, std::uint8_t ingress,
                         std::uint64_t now_ms) noexcept {
    return streams_.begin(key, ingress, now_ms);
  }

  // Once a millisecond is enough; more often costs little. How much it did.
  std::size_t poll(std::uint64_t now_ms) noexcept;

  const GroupCounters& counters() const noexcept { return counters_; }

  // Messages that were not understood.
  std::uint64_t fault_count(GroupFault fault) const noexcept {
    return faults_[static_cast<std::size_t>(fault)].get();
  }

 private:
  // Where in a domain a source of a group is wanted, or (kNoAddress) any source.
  struct Wanted {
    std::uint16_t domain{};
    tables::Address6 source{};
    tables::PortSet egress{};
    tables::PortSet blocked{};
  };

  static std::pair<std::uint16_t, tables::Address6> name_of(const Wanted& wanted) noexcept {
    return {wanted.domain, wanted.source};
  }

  void on_membership_changed(const tables::Address6& group,
                             const tables::Address6* source) noexcept override;
  std::span<const Wanted> gather(const tables::Address6& group,
                                 const tables::Address6* only) noexcept;
  void write(const tables::Address6& group, const tables::Address6* only) noexcept;
  void restore_batch(std::uint64_t now_ms) noexcept;
  void restore(const GroupFacts& facts, std::uint64_t now_ms) noexcept;
  void compare(std::uint64_t now_ms) noexcept;
  void compare_one(std::uint32_t index) noexcept;
  std::uint32_t compared_count() const noexcept;
  void publish_queriers(std::uint64_t now_ms) noexcept;

  const Config& config_;
  GroupShared& shared_;
  GroupCounters counters_;
  std::array<Gauge, kGroupFaultCount> faults_;
  GroupReplica replica_;
  GroupStreams streams_;
  GroupMembership membership_;
  std::vector<std::uint16_t> domains_;  // by port
  std::vector<Wanted> gathered_;
  std::uint64_t now_ms_ = 0;  // of the call that is being answered
  std::uint64_t last_compare_ms_ = 0;
  std::uint64_t last_publish_ms_ = 0;
  std::uint32_t restored_ = 0;  // slots that have been put back; all of them: done
  std::uint32_t compared_ = 0;
  std::uint32_t hurried_ = 0;  // comparisons of the first round that are left
  bool is_active_ = false;
};

}  // namespace twinplane::dataplane
