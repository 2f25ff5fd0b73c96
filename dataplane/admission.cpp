// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/admission.hpp"

#include <algorithm>

namespace twinplane::dataplane {
namespace {

constexpr std::size_t kSourceSets = 1024;
constexpr std::uint64_t kExchangeIntervalNs = 10'000'000;
constexpr std::uint32_t kReportsPerThreshold = 4;  // of each worker

std::vector<ZoneFloodThresholds> thresholds_of(const Config& config) {
  std::vector<ZoneFloodThresholds> thresholds;
  for (const ZoneProtectionConfig& protection : config.zone_protections)
    thresholds.push_back(protection.thresholds);
  return thresholds;
}

}  // namespace

Admission::Admission(const Config& config, DosShared& shared, std::size_t worker,
                     tables::HashSeed seed)
    : blocked_(shared.blocked),
      desks_(shared.desks),
      own_(*shared.desks[worker]),
      meters_(thresholds_of(config)),
      elsewhere_per_s_(own_.gauges.size()),
      random_(seed.value | 1U) {
  protections_.fill(kNone);
  const auto worker_count = static_cast<std::uint32_t>(shared.desks.size());
  for (const ZoneProtectionConfig& protection : config.zone_protections) {
    protections_[protection.zone_index] = static_cast<std::uint8_t>(report_packets_.size());
    const std::uint32_t share = protection.source_per_s / (kReportsPerThreshold * worker_count);
    report_packets_.push_back(protection.source_per_s == 0 ? 0 : std::max(share, 1U));
    if (protection.source_per_s != 0 && !sources_) sources_.emplace(kSourceSets, seed);
  }
}

FloodAction Admission::judge_in(std::size_t protection, const PacketView& view,
                                std::uint64_t now_ns) noexcept {
  const std::optional<FloodKind> kind = flood_kind_of(view.protocol, view.tcp.flags);
  if (!kind) return FloodAction::kPass;
  const std::size_t row = protection * kFloodKindCount + static_cast<std::size_t>(*kind);
  const FloodAction action =
      meters_.note(protection, *kind, now_ns, random(), elsewhere_per_s_[row]);
  FloodGauges& gauges = own_.gauges[row];
  gauges.packets.add(1);
  switch (action) {
    case FloodAction::kPass:
      break;
    case FloodAction::kAnswerWithCookie:
      gauges.answered_with_cookie.add(1);
      return action;
    case FloodAction::kDropAtRandom:
      gauges.dropped_at_random.add(1);
      break;
    case FloodAction::kDropAll:
      gauges.dropped_at_maximum.add(1);
      break;
  }
  note_source(protection, *kind, view, now_ns);
  return action;
}

void Admission::note_proven(const PacketView& view, std::uint8_t zone,
                            std::uint64_t now_ns) noexcept {
  const std::size_t protection = protections_[zone];
  if (protection == kNone) return;
  const std::size_t row = protection * kFloodKindCount + static_cast<std::size_t>(FloodKind::kSyn);
  own_.gauges[row].cookies_shown.add(1);
  note_source(protection, FloodKind::kSyn, view, now_ns);
}

void Admission::note_source(std::size_t protection, FloodKind kind, const PacketView& view,
                            std::uint64_t now_ns) noexcept {
  const std::uint32_t packets = report_packets_[protection];
  if (packets == 0) return;
  const tables::Address6 source = source_of(view);
  const WindowCounts counts = sources_->note(source, static_cast<std::uint8_t>(protection), now_ns);
  if (counts.current % packets != 0) return;
  const bool is_put = own_.reports.try_put({.source = source,
                                            .protection = static_cast<std::uint8_t>(protection),
                                            .kind = kind,
                                            .packets = packets});
  if (!is_put) own_.reports_refused.add(1);
}

void Admission::exchange_rates(std::uint64_t now_ns) noexcept {
  if (own_.gauges.empty() || now_ns - last_exchange_ns_ < kExchangeIntervalNs) return;
  last_exchange_ns_ = now_ns;
  for (std::size_t row = 0; row < own_.gauges.size(); ++row) {
    const FloodMeter& meter =
        meters_.meter(row / kFloodKindCount, static_cast<FloodKind>(row % kFloodKindCount));
    own_.gauges[row].rate_per_s.set(meter.rate_per_s(now_ns));
    std::uint64_t elsewhere = 0;
    for (const auto& desk : desks_)
      if (desk.get() != &own_) elsewhere += desk->gauges[row].rate_per_s.get();
    elsewhere_per_s_[row] = elsewhere;
  }
}

// Marsaglia's xorshift: even enough to drop by, and nobody gains who foresees it.
std::uint32_t Admission::random() noexcept {
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  return static_cast<std::uint32_t>(random_ >> 32U);
}

}  // namespace twinplane::dataplane
