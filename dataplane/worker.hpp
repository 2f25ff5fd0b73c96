// SPDX-License-Identifier: BSD-3-Clause
// worker.hpp - one core's loop: HA2 frames in, packets in, streams out, packets out, ages, and a
// bounded sleep when nothing is there.
//
// HA2 frames of a turn leave before the packets of the same turn: what a packet changed is on its
// way to the peer before anyone can answer the packet.
//
// Thread:  its lcore alone, but for stats() and counters().
// Memory:  taken at construction; a turn allocates nothing but packet buffers from the pools.
// Limits:  kBurst packets a port and turn.
// Errors:  every packet not sent on is counted under its reason.
// Spec:    dataplane/DESIGN.md D-D1, D-D2, D-D7.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/admission.hpp"
#include "dataplane/bridge_forward.hpp"
#include "dataplane/bridge_intake.hpp"
#include "dataplane/cookie_guard.hpp"
#include "dataplane/egress.hpp"
#include "dataplane/finding_ring.hpp"
#include "dataplane/forward.hpp"
#include "dataplane/fragment.hpp"
#include "dataplane/group_forward.hpp"
#include "dataplane/group_shared.hpp"
#include "dataplane/ha2_link.hpp"
#include "dataplane/home.hpp"
#include "dataplane/orders.hpp"
#include "dataplane/rematch.hpp"
#include "dataplane/rule_book.hpp"
#include "dataplane/sctp_forward.hpp"
#include "dataplane/session_hold.hpp"
#include "dataplane/session_page.hpp"
#include "dataplane/token_bucket.hpp"
#include "dataplane/worker_stats.hpp"
#include "ha2/replica.hpp"
#include "ha2/session_receipts.hpp"

namespace twinplane::dataplane {

// What all workers share; every reference outlives them.
struct WorkerShared {
  const Config& config;
  ForwardContext forward;
  std::vector<std::unique_ptr<Port>>& ports;  // as Config::ports
  Port* ha2_port;                             // null: no peer will ever be
  const PacketPool& packet_pool;
  const PacketPool* ha2_pool;
  // one a worker: packets of its partitions
  std::vector<std::unique_ptr<HandoffRing>>& packet_rings;
  // one a worker: HA2 frames of its partitions
  std::vector<std::unique_ptr<HandoffRing>>& frame_rings;
  // to worker 0: ARP, ND, packets without a neighbor
  HandoffRing& home_ring;
  // to worker 0: packets that begin a stream to a group; their flood must not hold up neighbors
  HandoffRing& group_ring;
  // to worker 0: HA2 frames of workers without a queue, and control's
  HandoffRing& relay_ring;
  HandoffRing& control_ring;  // to control: hello and keepalive
  // one a port: to worker 0, packets of workers without a queue
  std::vector<std::unique_ptr<HandoffRing>>& port_rings;
  RuleBook& rules;
  bool has_kept_tables;  // of the process before
  Orders& orders;
  SessionPageDesk& page_desk;
  const NeighborTable& neighbors;
  GroupShared* groups;  // null: multicast is off
  DosShared& dos;
  Bridging* bridging;  // null: no bridge is configured
  const ha2::EncapConfig& encap;
  const PeerMac& peer_mac;
  // those of the flows, of which worker w owns p when p mod workers = w; then the home partition,
  // which worker 0 owns
  std::vector<tables::Partition*>& partitions;
};

class Worker {
 public:
  Worker(std::uint16_t index, std::uint16_t worker_count, const WorkerShared& shared,
         std::unique_ptr<Home> home);

  // Turns until `is_stopping`.
  void run(const std::atomic<bool>& is_stopping) noexcept;

  // Null but on worker 0.
  const Home* home() const noexcept { return home_.get(); }

  const WorkerStats& stats() const noexcept { return stats_; }

  // Taken by the control thread.
  FindingRing& findings() noexcept { return findings_; }

  // Of all its streams together with what came in for none of them.
  std::uint64_t counter(ha2::Counter counter) const noexcept;

  // Of one kind of table, all its streams together.
  std::uint64_t counter(tables::TableKind kind, ha2::KindCounter counter) const noexcept;

  // HA2 frames that device or relay ring did not take.
  std::uint64_t frames_dropped() const noexcept {
    return ha2_link_ == nullptr ? 0 : ha2_link_->dropped_count();
  }

  // What is done to the HA2 frames that it sends; null: nothing.
  LinkFaults* link_faults() const noexcept {
    return ha2_link_ == nullptr ? nullptr : ha2_link_->faults();
  }

 private:
  static constexpr std::uint16_t kBurst = 32;
  // of several ports together: the more there are, the less each waits for memory
  static constexpr std::uint16_t kGatherMax = 64;

  struct Admitted {
    rte_mbuf* packet = nullptr;
    PacketView view;
    PacketView quote;  // of an ICMP error: the packet it is about, by which its session is found
    tables::DirectedKey<tables::Address4> key4{};
    tables::DirectedKey<tables::Address6> key6{};
    std::uint32_t partition = 0;
    tables::KeyLookup lookup;
    tables::Found found{tables::kNoSlot, tables::Side::kClient};
    std::uint8_t ingress_port = 0;
    std::uint8_t domain = kNoDomain;  // of bridges, that the ingress port is of
    BridgeFrame bridge_frame;         // of a domain
    BridgeWay bridge_way;
  };

  // What a worker bridges with.
  struct Bridge {
    BridgeIntake intake;
    BridgeForwarder forwarder;
  };

  // What becomes a session's when its client has shown a cookie.
  struct Handshake {
    std::uint32_t cookie;
    std::uint16_t client_window;
  };

  // Where a packet goes: by the key's port, to the MAC address in its link header or, where that is
  // not known, to the key's address.
  struct NextHop {
    NeighborKey key;
    bool is_known;
  };

  struct HeldPacket {
    rte_mbuf* packet = nullptr;
    NextHop hop{};
  };

  bool turn(std::uint64_t now_ns) noexcept;
  void follow_orders(std::uint64_t now_ns) noexcept;
  void show_expectations() noexcept;
  void follow_rules() noexcept;
  std::uint32_t take_frames(std::uint64_t now_ns) noexcept;
  void on_ha2_packet(rte_mbuf* packet, std::uint64_t now_ns) noexcept;
  std::uint32_t take_packets(std::uint64_t now_ns) noexcept;
  void process(std::span<rte_mbuf*> packets, std::uint64_t now_ns, bool is_handed_over) noexcept;
  bool admit(rte_mbuf* packet, std::uint64_t now_ns, bool is_handed_over,
             Admitted& admitted) noexcept;
  bool know_fragment(Admitted& admitted, std::uint64_t now_ns, bool is_handed_over) noexcept;
  bool keeps_out(Admitted& admitted, std::uint64_t now_ns) noexcept;
  void answer_with_cookie(Admitted& admitted, std::uint64_t now_ns) noexcept;
  void connect_server(Admitted& admitted, const KnownSyn& known, std::uint64_t now_ns) noexcept;
  bool is_of_handshake(Admitted& admitted, std::uint64_t now_ns) noexcept;
  template <class Address>
  bool is_of_handshake(Admitted& admitted, const tables::DirectedKey<Address>& key,
                       std::uint64_t now_ns) noexcept;
  template <class Address>
  bool keep(const tables::DirectedKey<Address>& key, const Admitted& admitted,
            const Handshake& handshake, std::uint64_t now_ns) noexcept;
  template <class Address>
  bool move_numbers(const Admitted& admitted, std::uint32_t slot, std::uint32_t more,
                    std::uint64_t now_ns) noexcept;
  template <class Address>
  void take_answer(Admitted& admitted, std::uint32_t slot, std::uint64_t now_ns) noexcept;
  void ask_server_again(std::uint32_t partition_index, std::uint32_t shift,
                        std::uint64_t now_ns) noexcept;
  template <class Address>
  void ask_server_again(std::uint32_t partition_index, const tables::SequenceShiftBody& shift,
                        std::uint64_t now_ns) noexcept;
  void answer_again(Admitted& admitted, const tables::SessionState& state,
                    std::uint64_t now_ns) noexcept;
  void acknowledge(rte_mbuf* packet, PacketView view, std::uint8_t port_index, std::uint16_t window,
                   std::uint64_t now_ns) noexcept;
  bool hand_over(Admitted& admitted, std::uint32_t owner) noexcept;
  ForwardResult forward(Admitted& admitted, std::uint64_t now_ns) noexcept;
  bool admit_bridged(Admitted& admitted, std::uint64_t now_ns, bool is_handed_over) noexcept;
  bool place_bridged(Admitted& admitted, std::uint64_t now_ns, bool is_handed_over) noexcept;
  bool find_bridge_way(Admitted& admitted, std::uint64_t now_ns) noexcept;
  void drop_bridged(Admitted& admitted, BridgeOutcome outcome) noexcept;
  void forward_bridged(Admitted& admitted, std::uint64_t now_ns) noexcept;
  void send_bridged(Admitted& admitted, const BridgeVerdict& verdict,
                    std::uint64_t now_ns) noexcept;
  template <class Address>
  BridgeVerdict judge_bridged(Admitted& admitted, const tables::DirectedKey<Address>& key,
                              std::uint64_t now_ns) noexcept;
  void take_sctp(Admitted& admitted, std::uint64_t now_ns) noexcept;
  bool take_membership(rte_mbuf* packet, ParseResult parsed, const PacketView& view,
                       std::uint8_t ingress_port, std::uint64_t now_ns) noexcept;
  void take_group(Admitted& admitted, std::uint64_t now_ns) noexcept;
  std::uint32_t take_beginnings(std::uint64_t now_ns) noexcept;
  void send_to_group(Admitted& admitted, tables::PortSet egress) noexcept;
  GroupDrop send_copy(rte_mbuf* packet, PacketView& view, std::uint8_t port_index) noexcept;
  void drop_group(rte_mbuf* packet, GroupDrop reason) noexcept;
  void look_up(std::span<Admitted> admitted) noexcept;
  void carry_out(Admitted& admitted, const ForwardResult& result, std::uint64_t now_ns) noexcept;
  void answer_echo(Admitted& admitted, std::uint64_t now_ns) noexcept;
  void send_on(Admitted& admitted, const ForwardResult& result, std::uint64_t now_ns) noexcept;
  void put_out(rte_mbuf* packet, const NextHop& hop, std::uint64_t now_ns) noexcept;
  void put_out_in_pieces(Admitted& admitted, std::uint16_t mtu_bytes, const NextHop& hop,
                         const HeldPlace* place, std::uint64_t now_ns) noexcept;
  HeldPlace place_of(const Admitted& admitted, std::uint32_t slot) noexcept;
  // place: of the session that the peer must have first; null = none.
  void put_out_or_hold(rte_mbuf* packet, const NextHop& hop, const HeldPlace* place,
                       std::uint64_t now_ns) noexcept;
  std::uint32_t release_held() noexcept;
  rte_mbuf* try_make_error(rte_mbuf* about, const PacketView& view, IcmpErrorOrder order,
                           std::uint8_t port_index, std::uint64_t now_ns) noexcept;
  void answer_with_error(Admitted& admitted, const ForwardResult& result,
                         std::uint64_t now_ns) noexcept;
  void answer_unreachable(std::uint64_t now_ns) noexcept;
  void take_home(rte_mbuf* packet, std::uint64_t now_ns) noexcept;
  void drop(rte_mbuf* packet, DropReason reason) noexcept;
  void expire(std::uint64_t now_ns) noexcept;
  void publish(std::uint64_t now_ns) noexcept;
  void publish_kinds() noexcept;
  void publish_streams(std::uint64_t now_ns) noexcept;
  void pass_findings_on() noexcept;

  std::span<std::byte> bytes_of(rte_mbuf* packet) noexcept {
    return {rte_pktmbuf_mtod(packet, std::byte*), packet->data_len};
  }

  // The same with the room behind it.
  std::span<std::byte> roomy_bytes_of(rte_mbuf* packet) noexcept {
    return {rte_pktmbuf_mtod(packet, std::byte*),
            std::size_t{packet->data_len} + rte_pktmbuf_tailroom(packet)};
  }

  tables::Partition& partition(std::uint32_t index) noexcept { return *shared_.partitions[index]; }

  // The worker that owns a partition.
  std::uint32_t owner_of(std::uint32_t partition) const noexcept {
    return partition == shared_.config.tables.partitions ? 0 : partition % worker_count_;
  }

  bool is_mine(std::uint32_t partition) const noexcept { return owner_of(partition) == index_; }

  std::uint16_t index_;
  std::uint16_t worker_count_;
  WorkerShared shared_;
  Forwarder forwarder_;
  SctpForwarder sctp_forwarder_;
  std::optional<GroupForwarder> group_forwarder_;  // not there: multicast is off
  std::optional<Bridge> bridge_;
  FragmentTable fragments_;
  Admission admission_;
  CookieGuard cookies_;
  SessionHold<HeldPacket, ha2::SessionReceipts> hold_;
  Egress egress_;
  std::unique_ptr<Home> home_;  // worker 0: neighbors and what the box itself answers
  std::unique_ptr<Ha2Link> ha2_link_;
  ha2::FrameBuilder builder_;
  // by partition; null where another worker owns it
  std::vector<std::unique_ptr<ha2::Replica>> replicas_;
  ha2::Counters link_counters_;
  TokenBucket icmp_errors_;
  WorkerStats stats_;
  Rematch rematch_;
  FindingRing findings_;
  bool is_active_ = false;
  bool awaits_first_packet_ = false;
  std::uint32_t verify_number_ = 0;
  std::uint32_t announce_number_ = 0;
  std::uint64_t last_publish_ns_ = 0;
  std::uint64_t last_expire_ns_ = 0;
  // DPDK port number to Config::ports
  std::array<std::uint8_t, RTE_MAX_ETHPORTS> config_port_of_{};
  std::array<Admitted, kGatherMax> burst_;
};

}  // namespace twinplane::dataplane
