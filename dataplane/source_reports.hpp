// SPDX-License-Identifier: BSD-3-Clause
// source_reports.hpp - what a worker tells the home worker of a source that may be too loud: that
// so many more packets of it have come. And the worker's figures of floods, for all to read.
//
// A source's packets come to several workers, and none sees all of them. Each reports when it has
// seen another quarter of its share of the threshold; the sum at the home worker is less than the
// truth by at most a quarter of the threshold, and never more.
//
// Thread:  one worker puts, the home worker takes; gauges: the worker writes, any thread reads.
// Memory:  8 KiB a worker, and 64 bytes for each protected zone and kind.
// Limits:  kPlaces reports under way.
// Errors:  a full ring refuses and counts: the source is told of again with its next quarter.
// Spec:    each index of the ring is written by one of the two.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/flood_meter.hpp"
#include "dataplane/worker_stats.hpp"
#include "tables/base/carver.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

struct SourceReport {
  tables::Address6 source;  // IPv4 mapped
  std::uint8_t protection;  // into Config::zone_protections
  tables::FloodKind kind;   // of the last of them
  std::uint32_t packets;
};

class SourceReportRing {
 public:
  static constexpr std::size_t kPlaces = 256;

  bool try_put(const SourceReport& report) noexcept {
    const std::uint64_t put = put_count_.load(std::memory_order_relaxed);  // this thread's own
    // pairs with try_take()
    if (put - take_count_.load(std::memory_order_acquire) == kPlaces) return false;
    places_[put % kPlaces] = report;
    put_count_.store(put + 1, std::memory_order_release);  // pairs with try_take()
    return true;
  }

  [[nodiscard]] bool try_take(SourceReport& report) noexcept {
    const std::uint64_t taken = take_count_.load(std::memory_order_relaxed);  // this thread's own
    // pairs with try_put()
    if (taken == put_count_.load(std::memory_order_acquire)) return false;
    report = places_[taken % kPlaces];
    take_count_.store(taken + 1, std::memory_order_release);  // pairs with try_put()
    return true;
  }

 private:
  std::array<SourceReport, kPlaces> places_{};
  alignas(tables::kCacheLineBytes) std::atomic<std::uint64_t> put_count_{0};
  alignas(tables::kCacheLineBytes) std::atomic<std::uint64_t> take_count_{0};
};

// Of one worker, one protected zone and one kind.
struct FloodGauges {
  Gauge rate_per_s;  // a few milliseconds old
  Gauge packets;     // that had no session
  Gauge dropped_at_random;
  Gauge dropped_at_maximum;
  Gauge answered_with_cookie;
  Gauge cookies_shown;  // good ones that came back
};

// Of one worker.
struct alignas(tables::kCacheLineBytes) FloodDesk {
  explicit FloodDesk(std::size_t protection_count) : gauges(protection_count * kFloodKindCount) {}

  SourceReportRing reports;
  Gauge reports_refused;
  std::vector<FloodGauges> gauges;  // by protection, then kind
};

using FloodDesks = std::vector<std::unique_ptr<FloodDesk>>;  // by worker

}  // namespace twinplane::dataplane
