// SPDX-License-Identifier: BSD-3-Clause
// link_faults.hpp - loses, doubles, delays, reorders, damages and holds up the HA2 frames that one
// core sends, by seed.
//
// It stands between a frame that is complete and the device or ring that takes it. Fates are drawn
// in this order: lost, over the rate, damaged, delayed or stalled, reordered, doubled. Delays and
// stalls keep the order: no frame overtakes one that is held, for the mirror takes what was
// overtaken for lost. Only one that is reordered comes up to a millisecond later than it would.
// Every stall_every_s seconds, counted from the start, nothing leaves for stall_ms. Damage is bits
// behind the Ethernet header, after all checksums were made.
//
// Thread:  take() and release() by the core that sends; set_on() and the counters by any thread.
// Memory:  taken at construction; holds at most kHeldMax packet buffers.
// Limits:  kHeldMax frames held. One more is lost, as by a full queue; it goes at once if outside a
//          stall, with nothing held that it may not overtake.
// Errors:  none; every fault done is counted.
// Spec:    config_faults.hpp.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/config.hpp"
#include "dataplane/token_bucket.hpp"
#include "dataplane/worker_stats.hpp"

namespace twinplane::dataplane {

enum class LinkFault : std::uint8_t {
  kFrames,  // no fault: all that came by while they were on
  kLost,
  kLostInBurst,
  kQueueFull,  // above the rate, or more than can be held: lost
  kCorrupted,
  kDelayed,
  kStalled,  // came in a stall, whose end it waited for
  kReordered,
  kDuplicated,
  kNotHeld,  // no room to hold it: the frame went at once, or the copy was not made
  kCount
};

inline constexpr std::size_t kLinkFaultCount = static_cast<std::size_t>(LinkFault::kCount);

// As counters, with "fault_" in front.
inline constexpr std::array<std::string_view, kLinkFaultCount> kLinkFaultLabels{
    "frames",  "lost",    "lost_in_burst", "queue_full", "corrupted",
    "delayed", "stalled", "reordered",     "duplicated", "not_held"};

class LinkFaults {
 public:
  static constexpr std::size_t kHeldMax = 1024;
  static constexpr std::uint64_t kReorderMinNs = 50'000;
  static constexpr std::uint64_t kReorderMaxNs = 1'000'000;

  // `sender` tells the box's sending cores apart: each draws fates of its own, and so does each
  // box.
  LinkFaults(const FaultsConfig& config, std::uint8_t box_id, std::uint16_t sender,
             std::uint64_t now_ns);
  ~LinkFaults();
  LinkFaults(const LinkFaults&) = delete;
  LinkFaults& operator=(const LinkFaults&) = delete;

  // Null where the configuration does not enable them.
  static std::unique_ptr<LinkFaults> try_make(const Config& config, std::uint16_t sender);

  // True: it took the frame over, which leaves later or never. False: the frame goes now.
  [[nodiscard]] bool take(rte_mbuf* packet, std::uint64_t now_ns) noexcept;

  // Puts frames whose time has come into `out`, and says how many. Called before take(), it makes
  // room for what comes.
  std::uint16_t release(std::span<rte_mbuf*> out, std::uint64_t now_ns) noexcept;

  // While off, frames go as they come, behind those held, which all leave. On at start.
  void set_on(bool is_on) noexcept {
    is_on_.store(is_on, std::memory_order_relaxed);  // a flag alone: nothing is published with it
  }

  bool is_on() const noexcept { return is_on_.load(std::memory_order_relaxed); }  // as set_on()

  std::uint64_t count(LinkFault fault) const noexcept {
    return counts_[static_cast<std::size_t>(fault)].get();
  }

 private:
  struct Held {
    std::uint64_t due_ns;
    std::uint64_t number;  // of equal due times the first comes first
    rte_mbuf* packet;
    bool is_in_order;  // neither reordered nor a copy: no later frame goes before it
  };

  static bool is_later(const Held& one, const Held& other) noexcept;
  static std::uint64_t chance_of(double percent) noexcept;

  std::uint64_t draw() noexcept;
  std::uint64_t draw_between(std::uint64_t min, std::uint64_t max) noexcept;

  bool happens(std::uint64_t chance) noexcept { return chance != 0 && (draw() >> 32U) < chance; }

  void add(LinkFault fault) noexcept { counts_[static_cast<std::size_t>(fault)].add(1); }

  bool is_lost(std::uint64_t now_ns) noexcept;
  void corrupt(rte_mbuf* packet) noexcept;
  bool is_stalled(std::uint64_t now_ns) const noexcept;
  bool try_hold(rte_mbuf* packet, std::uint64_t due_ns, bool is_in_order) noexcept;

  // Chances of 2^32.
  std::uint64_t loss_;
  std::uint64_t burst_;
  std::uint64_t duplicate_;
  std::uint64_t reorder_;
  std::uint64_t corrupt_;
  std::uint32_t burst_frames_;
  std::uint64_t delay_min_ns_;
  std::uint64_t delay_max_ns_;
  std::uint64_t stall_ns_;
  std::uint64_t stall_every_ns_;
  std::optional<TokenBucket> rate_;
  std::uint64_t start_ns_;
  std::uint64_t random_;
  std::uint32_t burst_left_ = 0;
  std::uint64_t last_due_ns_ = 0;  // of frames that keep their order
  std::uint64_t held_number_ = 0;
  std::size_t held_count_ = 0;
  std::size_t in_order_count_ = 0;     // of those held
  std::array<Held, kHeldMax> held_{};  // a heap, the earliest due first
  std::array<Gauge, kLinkFaultCount> counts_;
  std::atomic<bool> is_on_{true};
};

}  // namespace twinplane::dataplane
