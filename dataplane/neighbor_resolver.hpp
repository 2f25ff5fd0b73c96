// SPDX-License-Identifier: BSD-3-Clause
// neighbor_resolver.hpp - finds out neighbors' MAC addresses, holds packets meanwhile, and keeps
// the table true.
//
// Thread:  the home worker; the table's readers see the outcome.
// Memory:  16 bytes a slot of the table and HeldPackets, taken by the constructor.
// Limits:  NeighborOptions. poll() looks at slot_count / kScanRoundMs slots for each millisecond,
//          so a timer fires up to kScanRoundMs late. Time comes in, in milliseconds, and must not
//          go back.
// Errors:  a packet that cannot be sent comes back through HeldPacketSink with a NeighborDrop.
// Spec:    RFC 826; RFC 4861 sections 7.2 and 7.3, with one simplification: what is in the table
//          counts as used and is probed before its time is up, so that no reader has to leave a
//          mark. RFC 6583 for the limits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/held_packets.hpp"
#include "dataplane/neighbor_counters.hpp"
#include "dataplane/neighbor_message.hpp"
#include "dataplane/neighbor_sender.hpp"
#include "dataplane/neighbor_table.hpp"
#include "dataplane/own_addresses.hpp"
#include "dataplane/token_bucket.hpp"

namespace twinplane::dataplane {

struct NeighborOptions {
  // How long to wait after each request for an address; after the last wait it has failed.
  std::array<std::uint32_t, 4> request_waits_ms{200, 1000, 1000, 1000};
  std::uint32_t probe_wait_ms{1000};
  std::uint32_t probes_max{3};             // unanswered ones until a known neighbor is gone
  std::uint32_t reachable_min_ms{20'000};  // a confirmed neighbor is probed again after a time from
  std::uint32_t reachable_max_ms{30'000};  // here to there, at random
  // who is known but not confirmed when the box becomes active is probed within; who was confirmed
  // of late, not before half of reachable_min_ms
  std::uint32_t activation_spread_ms{2000};
  // of each zone, so that a flood in one does not keep another's hosts from being found
  std::uint32_t unresolved_max{1024};     // addresses being asked for at once
  TokenBucketLimits requests{1000, 512};  // new addresses to ask for
  TokenBucketLimits learns{100, 256};     // neighbors learned because they asked for us
};

// Who is told what an active box finds out.
class NeighborWatcher {
 public:
  virtual ~NeighborWatcher() = default;
  // Known from now on, known otherwise, or confirmed: `entry` is usable.
  virtual void on_known(const NeighborEntry& entry, std::uint64_t now_ms) noexcept = 0;
  // Not known any more.
  virtual void on_gone(const NeighborKey& key) noexcept = 0;
};

class NeighborResolver {
 public:
  static constexpr std::uint64_t kScanRoundMs = 32;

  NeighborResolver(const NeighborOptions& options, const OwnAddresses& own, NeighborTable& table,
                   NeighborSender& sender, HeldPacketSink& packets, NeighborCounters& counters);

  // null: nobody.
  void set_watcher(NeighborWatcher* watcher) noexcept { watcher_ = watcher; }

  // Starts passive: asks nobody and drops what it is given, but goes on learning.
  void set_active(bool is_active, std::uint64_t now_ms) noexcept;

  // Takes the packet over, see HeldPacketSink. nullptr: only find the neighbor out, for later.
  void resolve(const NeighborKey& key, void* packet, std::uint64_t now_ms) noexcept;

  // `key` has this MAC address, whatever anybody says. False when the table is full.
  [[nodiscard]] bool try_set_permanent(const NeighborKey& key, const MacAddress& mac,
                                       std::uint64_t now_ms) noexcept;

  // `key` is what its link says again.
  void unset_permanent(const NeighborKey& key, std::uint64_t now_ms) noexcept;

  // `key` asked for one of this box's addresses and told its MAC address.
  void learn(const NeighborKey& key, const MacAddress& mac, std::uint64_t now_ms) noexcept;

  // `message` tells about `key`; if it is an answer, it answers this box.
  void on_advertisement(const NeighborKey& key, const NeighborMessage& message,
                        std::uint64_t now_ms) noexcept;

  // How many neighbors it did something about.
  std::size_t poll(std::uint64_t now_ms) noexcept;

  std::uint32_t unresolved_count() const noexcept;

  std::size_t held_count() const noexcept { return held_.count(); }

 private:
  struct Timer {
    std::uint64_t due_ms;
    std::uint32_t sent;  // requests or probes since it was last known to be there
  };

  void on_due(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  void request(std::uint32_t slot, const NeighborKey& key, std::uint64_t now_ms) noexcept;
  void probe(std::uint32_t slot, const NeighborEntry& entry, std::uint64_t now_ms) noexcept;
  void set_known(std::uint32_t slot, NeighborState state, const MacAddress& mac,
                 std::uint64_t now_ms) noexcept;
  void give_up(std::uint32_t slot, const NeighborKey& key, NeighborDrop reason) noexcept;
  void forget(std::uint32_t slot) noexcept;
  void tell(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  void hold(std::uint32_t slot, void* packet) noexcept;
  void release(void* packet, std::size_t port_index, const MacAddress& mac) noexcept;
  void drop(void* packet, std::size_t port_index, NeighborDrop reason) noexcept;
  std::uint64_t activation_wait_ms(NeighborState state) noexcept;
  // [0, below)
  std::uint64_t random_ms(std::uint64_t below) noexcept;

  NeighborOptions options_;
  const OwnAddresses& own_;
  NeighborTable& table_;
  NeighborSender& sender_;
  HeldPacketSink& packets_;
  NeighborCounters& counters_;
  std::vector<TokenBucket> requests_;      // by zone
  std::vector<TokenBucket> learns_;        // by zone
  std::vector<std::uint32_t> unresolved_;  // by zone
  std::vector<Timer> timers_;              // by the table's slot
  HeldPackets held_;
  NeighborWatcher* watcher_ = nullptr;
  std::uint64_t last_poll_ms_ = 0;
  std::uint64_t random_ = 1;
  std::uint32_t cursor_ = 0;
  bool is_active_ = false;
};

}  // namespace twinplane::dataplane
