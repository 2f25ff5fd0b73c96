// SPDX-License-Identifier: BSD-3-Clause
// return_paths.hpp - sessions that are answered by who brought them: gives them their return paths
// where the port says symmetric_return, lets these follow their neighbor, and says where replies
// go.
//
// Thread:  the core that owns the partition given; one object for all cores; set_up() for one
//          thread; counters for any.
// Memory:  none but the counters: paths stand in the partition.
// Limits:  those of tables/session_return.hpp.
// Errors:  what cannot be followed goes by the routes, and is counted under its reason.
// Spec:    dataplane/DESIGN.md D-D37.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/config.hpp"
#include "dataplane/forward_context.hpp"
#include "tables/partition.hpp"
#include "tables/session_return.hpp"

namespace twinplane::dataplane {

enum class ReturnCounter : std::uint8_t {
  kOpened,         // sessions with a return path
  kRefusedFull,    // opened without: no room for it
  kRefusedMac,     // opened without, or not followed: no neighbor's MAC, or one of the box's own
  kMoved,          // the neighbor has changed its MAC, or another brings the session now
  kMoveHeld,       // it did so again within a second
  kMoveDoubted,    // a segment said so that its connection cannot have sent
  kFellBackDown,   // packets that went by the routes: the port has no link
  kFellBackUnset,  // packets that went by the routes: which path it was is not known here
  kCount,
};

inline constexpr auto kReturnCounterNames = std::to_array<std::string_view>(
    {"opened", "refused_full", "refused_mac", "moved", "moves_held_back", "moves_doubted",
     "fell_back_port_down", "fell_back_unknown"});
static_assert(kReturnCounterNames.size() == static_cast<std::size_t>(ReturnCounter::kCount));

class ReturnPaths {
 public:
  explicit ReturnPaths(const Config& config) noexcept;

  // Who brought the frame, if the port is one whose sessions are answered by that.
  std::optional<tables::ReturnPath> try_bringer(std::span<const std::byte> frame,
                                                std::uint8_t port_index) noexcept {
    if ((served_ports_ >> port_index & 1U) == 0) return std::nullopt;
    const tables::ReturnPath path = path_of(frame, port_index);
    if (is_fit(path)) return path;
    add(ReturnCounter::kRefusedMac);
    return std::nullopt;
  }

  // For a session that was just created with kReturned.
  template <class Address>
  void give(tables::Partition& partition, std::uint32_t slot, const tables::ReturnPath& path,
            BurstTime time) noexcept {
    const bool is_given =
        tables::try_give_return<Address>(partition, slot, path, time.milliseconds());
    add(is_given ? ReturnCounter::kOpened : ReturnCounter::kRefusedFull);
  }

  // A frame of the direction that opened the session, which has kReturned, goes on. Somebody else
  // than before is followed if bool is_believed().
  template <class Address, class IsBelieved>
  void follow(tables::Partition& partition, std::uint32_t slot, std::span<const std::byte> frame,
              std::uint8_t port_index, BurstTime time, IsBelieved&& is_believed) noexcept {
    if ((served_ports_ >> port_index & 1U) == 0) return;
    const std::uint32_t at = tables::return_slot_of<Address>(partition, slot);
    if (at == tables::kNoSlot) return;
    const tables::ReturnPath now = path_of(frame, port_index);
    if (now == tables::return_path_at(partition, at)) [[likely]]
      return;
    if (!is_believed()) return add(ReturnCounter::kMoveDoubted);
    move(partition, at, now, time);
  }

  // Where the session's replies go; nothing: by the routes.
  template <class Address>
  std::optional<tables::ReturnPath> try_way(const tables::Partition& partition,
                                            std::uint32_t slot) noexcept {
    const std::uint32_t at = tables::return_slot_of<Address>(partition, slot);
    if (at == tables::kNoSlot) {
      add(ReturnCounter::kFellBackUnset);
      return std::nullopt;
    }
    const tables::ReturnPath path = tables::return_path_at(partition, at);
    // What came from the peer is not trusted to name a port that there is.
    if (path.port < port_count_ && is_up(path.port)) return path;
    add(ReturnCounter::kFellBackDown);
    return std::nullopt;
  }

  // Has the port a link? All have until it is said that one has not.
  void set_up(std::uint8_t port_index, bool is_up) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << port_index;
    // Relaxed: a packet may go either way while a link comes or goes.
    if (is_up)
      down_ports_.fetch_and(~bit, std::memory_order_relaxed);
    else
      down_ports_.fetch_or(bit, std::memory_order_relaxed);
  }

  bool is_up(std::uint8_t port_index) const noexcept {
    return (down_ports_.load(std::memory_order_relaxed) >> port_index & 1U) == 0;
  }

  void add(ReturnCounter counter) noexcept {
    // Relaxed: a figure to look at.
    counters_[static_cast<std::size_t>(counter)].fetch_add(1, std::memory_order_relaxed);
  }

  std::uint64_t get(ReturnCounter counter) const noexcept {
    return counters_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  static tables::ReturnPath path_of(std::span<const std::byte> frame,
                                    std::uint8_t port_index) noexcept;

  bool is_fit(const tables::ReturnPath& path) const noexcept;
  void move(tables::Partition& partition, std::uint32_t at, const tables::ReturnPath& now,
            BurstTime time) noexcept;

  std::array<MacAddress, kPortsMax> own_macs_{};
  std::uint8_t port_count_;
  std::uint64_t served_ports_ = 0;  // bit: port index
  std::atomic<std::uint64_t> down_ports_{0};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(ReturnCounter::kCount)>
      counters_{};
};

}  // namespace twinplane::dataplane
