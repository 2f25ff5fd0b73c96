// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/block_list.hpp"

#include <algorithm>

namespace twinplane::dataplane {
namespace {

constexpr std::size_t kSourceSets = 2048;
constexpr std::size_t kReportsPerPoll = 32;  // of each worker
constexpr std::uint64_t kNsPerMs = 1'000'000;

IpAddress ip_of(const tables::Address6& source) noexcept {
  const tables::Address4 last{source[12], source[13], source[14], source[15]};
  return source == mapped_address(last) ? IpAddress::of(last) : IpAddress::of(source);
}

}  // namespace

BlockList::BlockList(const Config& config, tables::Partition& home, DosShared& shared,
                     tables::HashSeed seed)
    : config_(config), home_(home), shared_(shared) {
  if (block_slots(config) != 0) sources_.emplace(kSourceSets, seed);
  clear();  // what an earlier life left in a table that is kept: its workers knew it, these do not
}

void BlockList::poll(std::uint64_t now_ns) noexcept {
  shared_.clear_desk.serve(
      [this](const std::optional<tables::Address6>& source) { return end(source); });
  if (!sources_) return;
  SourceReport report;
  for (const auto& desk : shared_.desks)
    for (std::size_t i = 0; i < kReportsPerPoll && desk->reports.try_take(report); ++i)
      on_report(report, now_ns);
  if (now_ns - last_expire_ns_ >= kExpireIntervalMs * kNsPerMs) expire(now_ns);
}

void BlockList::clear() noexcept { end(std::nullopt); }

void BlockList::on_report(const SourceReport& report, std::uint64_t now_ns) noexcept {
  const WindowCounts counts =
      sources_->note(report.source, report.protection, now_ns, report.packets);
  if (sliding_rate(counts, now_ns) <= config_.zone_protections[report.protection].source_per_s)
    return;
  if (!is_exempt(report.protection, report.source)) block(report, now_ns);
}

bool BlockList::is_exempt(std::size_t protection, const tables::Address6& source) const noexcept {
  return std::ranges::any_of(
      config_.zone_protections[protection].exempt,
      [address = ip_of(source)](const IpPrefix& exempt) { return contains(exempt, address); });
}

void BlockList::block(const SourceReport& report, std::uint64_t now_ns) noexcept {
  const ZoneProtectionConfig& protection = config_.zone_protections[report.protection];
  const std::uint64_t until_ms = now_ns / kNsPerMs + protection.block_s * 1000ULL;
  tables::DosBlockBody body{};
  body.key = {.source = report.source, .zone = protection.zone_index, .zero = {}};
  body.flood = static_cast<std::uint8_t>(report.kind);
  // Reports that were under way when it was blocked must not make the block longer.
  if (table().slots().find(body.key).slot != tables::kNoSlot) return;
  const tables::InsertResult created =
      table().create(body, static_cast<std::uint32_t>(now_ns / (1000 * kNsPerMs)));
  if (created.status != tables::InsertStatus::kInserted) return;
  table().slots().set_deadline(created.slot, static_cast<std::uint32_t>(until_ms));
  const bool is_shown = shared_.blocked.insert({.source = report.source,
                                                .zone = protection.zone_index,
                                                .kind = report.kind,
                                                .until_ms = until_ms});
  if (!is_shown) table().end(created.slot);
}

void BlockList::expire(std::uint64_t now_ns) noexcept {
  last_expire_ns_ = now_ns;
  table().expire(
      static_cast<std::uint32_t>(now_ns / kNsPerMs), table().slots().slot_count(),
      [this](std::uint32_t slot) {
        const auto& key = table().slots().entry(slot).body.key;
        shared_.blocked.erase(key.source, key.zone);
        return true;
      },
      [](std::uint32_t) {});
}

// All, or one source in every zone.
std::uint32_t BlockList::end(const std::optional<tables::Address6>& source) noexcept {
  std::uint32_t ended = 0;
  for (std::uint32_t slot = 0; slot < table().slots().slot_count(); ++slot) {
    if (!table().slots().live().is_live(slot)) continue;
    const auto key = table().slots().entry(slot).body.key;
    if (source && key.source != *source) continue;
    shared_.blocked.erase(key.source, key.zone);
    table().end(slot);
    ++ended;
  }
  return ended;
}

}  // namespace twinplane::dataplane
