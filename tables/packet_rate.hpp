// SPDX-License-Identifier: BSD-3-Clause
// packet_rate.hpp - how many packets a second pass, rather too many than too few.
//
// Counted over intervals. A busier interval is believed at once, a quieter one takes an eighth off:
// who makes room by this rate wants its peaks, and not the average over a pause.
//
// Thread:  one; a value.
// Memory:  24 bytes.
// Limits:  rates up to 2^32 - 1 a second. Time comes in, in nanoseconds, and should not go back: if
//          it does, the interval just goes on.
// Errors:  none: what is too large is the largest.
// Spec:    none; the README's word is "rate": packets a second.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace twinplane::tables {

inline constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

// The packets that pass in that time, rounded up; not beyond 2^64 - 1.
constexpr std::uint64_t packets_within(std::uint32_t rate_per_s, std::uint64_t time_ns) noexcept {
  const std::uint64_t part =
      (rate_per_s * (time_ns % kNsPerSecond) + kNsPerSecond - 1) / kNsPerSecond;
  std::uint64_t packets = 0;
  const bool is_over =
      __builtin_mul_overflow(std::uint64_t{rate_per_s}, time_ns / kNsPerSecond, &packets) ||
      __builtin_add_overflow(packets, part, &packets);
  return is_over ? std::numeric_limits<std::uint64_t>::max() : packets;
}

class PacketRate {
 public:
  static constexpr std::uint64_t kIntervalNs = 10'000'000;

  explicit PacketRate(std::uint64_t now_ns) noexcept : start_ns_(now_ns) {}

  // Goes on from a rate that was measured elsewhere, or is expected.
  PacketRate(std::uint64_t now_ns, std::uint32_t rate_per_s) noexcept
      : start_ns_(now_ns), rate_(rate_per_s) {}

  void note(std::uint32_t packets, std::uint64_t now_ns) noexcept {
    close_interval(now_ns);
    packets_ += packets;
  }

  // Of whole intervals; a pause counts once it is over, or is asked about.
  std::uint32_t per_second(std::uint64_t now_ns) noexcept {
    close_interval(now_ns);
    return rate_;
  }

 private:
  // After 256 intervals of nothing an eighth off each has left nothing of the largest rate.
  static constexpr std::uint64_t kForgetIntervals = 256;
  static constexpr std::uint64_t kRateMax = std::numeric_limits<std::uint32_t>::max();

  void close_interval(std::uint64_t now_ns) noexcept {
    if (now_ns < start_ns_ || now_ns - start_ns_ < kIntervalNs) return;
    const std::uint64_t intervals = (now_ns - start_ns_) / kIntervalNs;
    // All of it passed in the first of these intervals: nothing was noted since.
    const std::uint64_t seen = packets_ > kRateMax / (kNsPerSecond / kIntervalNs)
                                   ? kRateMax
                                   : packets_ * (kNsPerSecond / kIntervalNs);
    rate_ = static_cast<std::uint32_t>(std::max(seen, lowered(rate_)));
    for (std::uint64_t i = 1; i < std::min(intervals, kForgetIntervals) && rate_ != 0; ++i)
      rate_ = static_cast<std::uint32_t>(lowered(rate_));
    packets_ = 0;
    start_ns_ += intervals * kIntervalNs;
  }

  static constexpr std::uint64_t lowered(std::uint64_t rate) noexcept {
    return rate - (rate + 7) / 8;
  }

  std::uint64_t start_ns_;
  std::uint64_t packets_ = 0;  // since start_ns_
  std::uint32_t rate_ = 0;
};

}  // namespace twinplane::tables
