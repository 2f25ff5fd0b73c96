// SPDX-License-Identifier: BSD-3-Clause
// mac_learner.hpp - the addresses of all bridge domains, as the pair keeps them equal: learned,
// moved, aged, held; and shown to the workers.
//
// Thread:  the home worker.
// Memory:  32 bytes a slot of the home partition's table, taken by the constructor.
// Limits:  the table's slots; each domain's and port's limits of addresses and moves.
// Errors:  an address that finds no place is not learned, and counted: what is sent to it is
//          flooded.
// Spec:    IEEE 802.1Q-2018 section 8.7; RFC 7432 section 15.1 (moves); dataplane/DESIGN.md D-D19,
//          D-D24. A passive box learns nothing: its peer tells it. How often an address has moved
//          of late is this box's own knowledge.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/bridging.hpp"
#include "dataplane/mac_announcer.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

class MacLearner {
 public:
  // All must outlive it. Starts passive.
  MacLearner(Bridging& bridging, tables::Partition& home, FrameSink& frames);

  // Active: learns and ages, and tells the links around what is known already.
  void set_active(bool is_active, std::uint64_t now_ms) noexcept;

  // Tells them once more.
  void announce(std::uint64_t now_ms) noexcept;

  // News of the workers, and of the peer; ages; announcements. How much it did.
  std::size_t poll(std::uint64_t now_ms) noexcept;

 private:
  using Body = tables::MacBody;

  static constexpr std::size_t kEventsMax = 256;  // of each worker and poll
  static constexpr std::uint64_t kFullScanMs = 1000;

  // What the workers are shown for a slot.
  struct Shown {
    MacKey key{};
    std::uint8_t port{};
    bool is_there{};
  };

  // Of the owner: moves since the window began.
  struct Moves {
    std::uint32_t since_s{};
    std::uint32_t count{};
  };

  std::size_t take_events(std::uint64_t now_ms) noexcept;
  void on_heard(const MacEvent& event, std::uint64_t now_ms) noexcept;
  void learn(const MacEvent& event, std::uint64_t now_ms) noexcept;
  void move(std::uint32_t slot, std::uint8_t port, std::uint64_t now_ms) noexcept;
  void hold(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  bool moves_too_often(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  void set_static(const MacKey& key, std::uint8_t port, std::uint64_t now_ms) noexcept;
  std::size_t show_arrivals() noexcept;
  void show(std::uint32_t slot) noexcept;
  void hide(std::uint32_t slot) noexcept;
  void count(const Shown& shown, int step) noexcept;
  void age(std::uint64_t now_ms) noexcept;
  bool is_over(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  std::uint64_t deadline_ms(std::uint32_t slot, std::uint64_t now_ms) const noexcept;
  void set_seen(std::uint32_t slot, std::uint64_t now_ms) noexcept;
  void set_deadline(std::uint32_t slot, std::uint64_t deadline_ms) noexcept;
  bool is_possible(const Body& body) const noexcept;

  auto& macs() noexcept { return home_.table<tables::TableKind::kMac>(); }

  const auto& macs() const noexcept { return home_.table<tables::TableKind::kMac>(); }

  const Body& body(std::uint32_t slot) const noexcept { return macs().slots().entry(slot).body; }

  Bridging& bridging_;
  tables::Partition& home_;
  MacAnnouncer announcer_;
  std::vector<Shown> shown_;  // by slot
  std::vector<Moves> moves_;  // by slot
  std::array<std::uint32_t, kBridgesMax> domain_counts_{};
  std::array<std::uint32_t, kPortsMax> port_counts_{};
  std::uint32_t active_since_s_ = 0;
  std::uint64_t last_age_ms_ = 0;
  bool is_active_ = false;
};

}  // namespace twinplane::dataplane
