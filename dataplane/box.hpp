// SPDX-License-Identifier: BSD-3-Clause
// box.hpp - one Twinplane box: everything it is made of, in the order in which it must be made and
// taken down.
//
// Thread:  main. run() starts a worker on each further lcore and is itself the control thread.
// Memory:  all taken in the constructor.
// Limits:  one a process.
// Errors:  the constructor throws std::runtime_error that says what to do; tables that it kept stay
//          good for the next start.
// Spec:    dataplane/DESIGN.md D-D1 (cores and queues), D-D3 (start and end).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/control.hpp"
#include "dataplane/destination_nat.hpp"
#include "dataplane/eal.hpp"
#include "dataplane/nat_pool.hpp"
#include "dataplane/rule_reload.hpp"
#include "dataplane/table_memory.hpp"
#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

class Box {
 public:
  // path: of the file that `config` was read from.
  Box(const Config& config, const std::string& path);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  // Until `is_stopping` becomes true; reloads the rules whenever `wants_reload` does. Throws
  // std::runtime_error when a worker cannot be started; no worker runs afterwards, however it ends.
  void run(std::atomic<bool>& is_stopping, std::atomic<bool>& wants_reload);

 private:
  void make_tables();
  void make_partitions(const tables::PartitionLimits& limits, std::uint64_t hash_seed);
  tables::PartitionLimits home_limits() const;
  void make_home_partition(const tables::PartitionLimits& limits, tables::HashSeed seed);
  tables::Carver::Block block_state() const noexcept;
  std::uint64_t down_ms(std::uint64_t now_ns) const noexcept;
  void make_ports();
  void make_workers();
  void make_control();
  ha2::KeptTables kept_tables() const noexcept;
  void launch(std::uint16_t worker);

  const Config& config_;
  Eal eal_;
  std::uint16_t worker_count_;
  PacketPool packet_pool_;
  std::optional<PacketPool> ha2_pool_;
  std::optional<TableMemory> table_memory_;
  std::vector<std::unique_ptr<tables::Partition>> partitions_;

  std::unique_ptr<tables::Partition> home_partition_;
  std::vector<tables::Partition*> partition_views_;
  RuleBook rules_;
  RuleReload reload_;
  RouteTable routes_;
  NatPool nat_;
  DestinationNat destinations_;
  Expectations expectations_;
  ReturnPaths returns_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<Port> ha2_port_;
  ha2::EncapConfig encap_;
  PeerMac peer_mac_;
  std::vector<std::unique_ptr<HandoffRing>> packet_rings_;
  std::vector<std::unique_ptr<HandoffRing>> frame_rings_;
  std::vector<std::unique_ptr<HandoffRing>> port_rings_;
  HandoffRing home_ring_;
  HandoffRing group_ring_;
  HandoffRing relay_ring_;
  HandoffRing control_ring_;
  Orders orders_;
  SessionPageDesk page_desk_;
  NeighborTable neighbors_;
  std::unique_ptr<GroupShared> groups_;  // null: multicast is off
  DosShared dos_;
  std::unique_ptr<Bridging> bridging_;  // null: no bridge is configured
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Ha2Link> control_link_;
  std::unique_ptr<Ha1Socket> ha1_;
  std::optional<LinkWatch> link_watch_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<Telemetry> telemetry_;
  std::atomic<bool> are_workers_stopping_{false};
};

}  // namespace twinplane::dataplane
