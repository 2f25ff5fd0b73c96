// SPDX-License-Identifier: BSD-3-Clause
// bridging.hpp - what all workers share of bridging: the domains, the table of addresses, who was
// seen when, and the news for the home worker.
//
// Thread:  each line is written by one thread: a worker its own ring, stamps and counters; the home
//          worker the table, its own stamps, the flags of what is full. Any thread reads.
// Memory:  64 to 128 bytes an address for the table, and 4 for each worker.
// Limits:  tables.mac_slots addresses; kEventPlaces news a worker between two turns of the home
//          worker.
// Errors:  news that find no place are counted by who has them, and told again with a later frame.
// Spec:    dataplane/DESIGN.md D-D24.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/bridge_counters.hpp"
#include "dataplane/bridge_domains.hpp"
#include "dataplane/mac_table.hpp"
#include "dataplane/spsc_ring.hpp"

namespace twinplane::dataplane {

// An address was heard by a port: it is new, or was known behind another one.
struct MacEvent {
  MacKey key;
  std::uint8_t port;
};

class Bridging {
 public:
  static constexpr std::size_t kEventPlaces = 512;

  Bridging(const Config& config, std::uint16_t worker_count, tables::HashSeed seed)
      : domains(config), table(config.tables.mac_slots, seed), workers_(worker_count) {
    for (auto& worker : workers_) worker = std::make_unique<OfWorker>(table.place_count());
    home_stamps_s_ = std::make_unique<Stamp[]>(table.place_count());
  }

  const BridgeDomains domains;
  MacTable table;  // the home worker's to change

  SpscRing<MacEvent, kEventPlaces>& events(std::uint16_t worker) noexcept {
    return workers_[worker]->events;
  }

  std::uint16_t worker_count() const noexcept {
    return static_cast<std::uint16_t>(workers_.size());
  }

  // The worker's own: the address in this place has sent a frame. The line is written once a
  // second.
  void see(std::uint16_t worker, std::uint32_t place, std::uint32_t now_s) noexcept {
    std::atomic<std::uint32_t>& stamp = workers_[worker]->stamps_s[place];
    // relaxed: a stamp stands for itself
    if (stamp.load(std::memory_order_relaxed) != now_s)
      stamp.store(now_s, std::memory_order_relaxed);  // as above
  }

  // The home worker: the address in this place is as old as this, whatever was seen of others
  // that stood there.
  void set_seen(std::uint32_t place, std::uint32_t now_s) noexcept {
    home_stamps_s_[place].store(now_s, std::memory_order_relaxed);  // as above
  }

  // Any thread: when any worker has last seen it, in seconds of this box's clock.
  std::uint32_t last_seen_s(std::uint32_t place) const noexcept {
    std::uint32_t last = home_stamps_s_[place].load(std::memory_order_relaxed);  // as above
    for (const auto& worker : workers_)
      last = std::max(last, worker->stamps_s[place].load(std::memory_order_relaxed));  // as above
    return last;
  }

  // Would an address that is new behind this port find no place?
  bool is_full(std::uint8_t domain, std::uint8_t port) const noexcept {
    // relaxed: the home worker decides, this is a hint to what becomes of the frame
    return are_full_[domain].load(std::memory_order_relaxed) || is_port_full(port);
  }

  bool is_port_full(std::uint8_t port) const noexcept {
    return are_ports_full_[port].load(std::memory_order_relaxed);  // as above
  }

  // The home worker.
  void set_full(std::uint8_t domain, bool is_full) noexcept {
    are_full_[domain].store(is_full, std::memory_order_relaxed);  // as is_full()
  }

  void set_port_full(std::uint8_t port, bool is_full) noexcept {
    are_ports_full_[port].store(is_full, std::memory_order_relaxed);  // as is_full()
  }

  BridgeStats& stats(std::uint16_t worker, std::uint8_t domain) noexcept {
    return workers_[worker]->stats[domain];
  }

  const BridgeStats& stats(std::uint16_t worker, std::uint8_t domain) const noexcept {
    return workers_[worker]->stats[domain];
  }

  MacStats& mac_stats(std::uint8_t domain) noexcept { return mac_stats_[domain]; }

  const MacStats& mac_stats(std::uint8_t domain) const noexcept { return mac_stats_[domain]; }

 private:
  using Stamp = std::atomic<std::uint32_t>;

  struct alignas(tables::kCacheLineBytes) OfWorker {
    explicit OfWorker(std::uint32_t place_count)
        : stamps_s(std::make_unique<Stamp[]>(place_count)) {}

    SpscRing<MacEvent, kEventPlaces> events;
    std::unique_ptr<Stamp[]> stamps_s;  // by place of the table; 0 = never
    std::array<BridgeStats, kBridgesMax> stats;
  };

  std::vector<std::unique_ptr<OfWorker>> workers_;
  std::unique_ptr<Stamp[]> home_stamps_s_;
  std::array<std::atomic<bool>, kBridgesMax> are_full_{};
  std::array<std::atomic<bool>, kPortsMax> are_ports_full_{};
  std::array<MacStats, kBridgesMax> mac_stats_;
};

}  // namespace twinplane::dataplane
