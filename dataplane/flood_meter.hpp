// SPDX-License-Identifier: BSD-3-Clause
// flood_meter.hpp - how many packets of a kind that could be a flood come into a zone, and which of
// them go no further.
//
//     packets/s   0 ......... alarm ...... activate ............ maximum ......
//     level         kQuiet     |  kAlarm   |  kActive            |  kMaximum
//     packets       all pass               |  dropped at random, |  all dropped
//                                          |  0 % to 100 %       |
//
// Dropped packets count too: it is what comes that is measured. A SYN is answered with a cookie
// instead of being dropped at random where the zone says so. What is counted is up to the caller:
// packets that have no session.
//
// Thread:  one; each worker has meters of its own.
// Memory:  32 bytes for each zone and kind, taken at construction.
// Limits:  rates over the last second (sliding_rate.hpp): one worker's own, and what the caller
//          says that the others have. Thresholds up to 2^31 - 1.
// Errors:  CHECK for thresholds out of order or range.
// Spec:    thresholds as in the zone protection of next-generation firewalls; random early drop
//          after Floyd and Jacobson (1993), without their average: the rate is one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/sliding_rate.hpp"
#include "tables/dos_block.hpp"

namespace twinplane::dataplane {

using tables::FloodKind;
using tables::kFloodKindCount;

// As they are shown, and as a configuration names them.
inline constexpr std::array<std::string_view, kFloodKindCount> kFloodKindLabels{
    "syn", "udp", "icmp", "icmpv6", "other"};
static_assert(!kFloodKindLabels.back().empty(), "each kind has its label");

enum class FloodAction : std::uint8_t {
  kPass,
  kAnswerWithCookie,  // SYN alone
  kDropAtRandom,
  kDropAll,
};

enum class FloodLevel : std::uint8_t { kQuiet, kAlarm, kActive, kMaximum };

inline constexpr std::array<std::string_view, 4> kFloodLevelLabels{"quiet", "alarm", "active",
                                                                   "maximum"};

// Packets a second; a level begins above its threshold. activate_per_s <= maximum_per_s, an alarm
// may be anywhere. maximum_per_s 0: this kind is not metered.
struct FloodThresholds {
  std::uint32_t alarm_per_s = 0;
  std::uint32_t activate_per_s = 0;
  std::uint32_t maximum_per_s = 0;
  bool has_cookies = false;
};

FloodLevel level_of(const FloodThresholds& thresholds, std::uint64_t rate_per_s) noexcept;

using ZoneFloodThresholds = std::array<FloodThresholds, kFloodKindCount>;

// Nothing for TCP that is no SYN, or a SYN's answer.
std::optional<FloodKind> flood_kind_of(std::uint8_t protocol, std::uint8_t tcp_flags) noexcept;

// Of one zone and kind.
class FloodMeter {
 public:
  explicit FloodMeter(const FloodThresholds& thresholds) noexcept;

  // A packet has come. `random` is even over all 32 bits; elsewhere_per_s is what the other workers
  // have of the same zone and kind.
  [[nodiscard]] FloodAction note(std::uint64_t now_ns, std::uint32_t random,
                                 std::uint64_t elsewhere_per_s = 0) noexcept;

  std::uint32_t rate_per_s(std::uint64_t now_ns) const noexcept;

 private:
  WindowCounts counts_at(std::uint64_t now_ns) const noexcept;

  FloodThresholds thresholds_;
  WindowCounts counts_;
  std::uint64_t window_ = 0;
};

// Of all zones.
class FloodMeters {
 public:
  // Whatever they are, by their numbers there.
  explicit FloodMeters(std::span<const ZoneFloodThresholds> zones);

  [[nodiscard]] FloodAction note(std::size_t zone, FloodKind kind, std::uint64_t now_ns,
                                 std::uint32_t random, std::uint64_t elsewhere_per_s = 0) noexcept {
    return meters_[index_of(zone, kind)].note(now_ns, random, elsewhere_per_s);
  }

  const FloodMeter& meter(std::size_t zone, FloodKind kind) const noexcept {
    return meters_[index_of(zone, kind)];
  }

 private:
  static std::size_t index_of(std::size_t zone, FloodKind kind) noexcept {
    return zone * kFloodKindCount + static_cast<std::size_t>(kind);
  }

  std::vector<FloodMeter> meters_;
};

}  // namespace twinplane::dataplane
