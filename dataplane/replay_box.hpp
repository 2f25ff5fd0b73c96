// SPDX-License-Identifier: BSD-3-Clause
// replay_box.hpp - one box of a replay: its tables, a Replica for each partition, its end of the
// HA2 link.
//
// Thread:  main.
// Memory:  tables and streams, taken at construction.
// Limits:  the configuration's.
// Errors:  throws at construction; frames that are refused are counted.
// Spec:    the parts are those of the shipped box (box.cpp, worker.cpp), on one thread and a clock
//          of the caller's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/ha2_link.hpp"
#include "dataplane/replay_wire.hpp"
#include "dataplane/sctp_forward.hpp"
#include "dataplane/table_memory.hpp"
#include "ha2/replica.hpp"

namespace twinplane::dataplane {

struct ReplayBoxSetup {
  const Config& config;
  ha2::Holding holding;
  ReplayWire& out;
  ReplayWire& in;
  const PacketPool& ha2_pool;
  std::uint64_t seed;  // of the hash: each box has its own
};

class ReplayBox {
 public:
  explicit ReplayBox(const ReplayBoxSetup& setup);

  // Sends what is due for this partition; it is on the wire when the call returns.
  void poll(std::uint32_t partition, std::uint64_t now_ns) noexcept;

  // Takes every frame that has come in.
  void take_frames(std::uint64_t now_ns) noexcept;

  // Ends sessions that are due. A scan of all slots takes a second, as in a worker.
  void expire(std::uint64_t now_ns, std::uint64_t past_ns) noexcept;

  std::uint32_t partition_count() const noexcept {
    return static_cast<std::uint32_t>(partitions_.size());
  }

  tables::Partition& partition(std::uint32_t index) noexcept { return *partitions_[index]; }

  const tables::Partition& partition(std::uint32_t index) const noexcept {
    return *partitions_[index];
  }

  // An owner with nothing waiting and nothing unanswered.
  bool is_quiet(std::uint32_t partition) const noexcept {
    return replicas_[partition]->owner().is_quiet();
  }

  // The last one: what a box's workers share.
  tables::Partition& home() noexcept { return *partitions_.back(); }

  const tables::Partition& home() const noexcept { return *partitions_.back(); }

  // Sessions and associations.
  std::uint64_t live_count() const noexcept;
  // Of both tables of all partitions together.
  tables::SessionCounters sessions() const noexcept;

  tables::TableCounters associations() const noexcept;
  std::uint64_t counter(ha2::Counter counter) const noexcept;

 private:
  ReplayWire& in_;
  tables::SctpAges sctp_ages_;
  ha2::EncapConfig encap_;
  PeerMac peer_mac_;
  TableMemory memory_;
  std::vector<std::unique_ptr<tables::Partition>> partitions_;
  std::uint16_t frame_bytes_max_;
  Ha2Link link_;
  ha2::FrameBuilder builder_;
  std::vector<std::unique_ptr<ha2::Replica>> replicas_;
  ha2::Counters link_counters_;
};

}  // namespace twinplane::dataplane
