// SPDX-License-Identifier: BSD-3-Clause
// dos_shared.hpp - what workers, home worker and telemetry have in common against floods.
//
// Thread:  each part says which.
// Memory:  of its parts.
// Limits:  none.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D27.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "dataplane/blocked_sources.hpp"
#include "dataplane/clear_desk.hpp"
#include "dataplane/config.hpp"
#include "dataplane/source_reports.hpp"

namespace twinplane::dataplane {

// Of the block list: none where no zone has a source_rate.
inline std::uint32_t block_slots(const Config& config) noexcept {
  const bool is_any_limited = std::ranges::any_of(
      config.zone_protections,
      [](const ZoneProtectionConfig& protection) { return protection.source_per_s != 0; });
  return is_any_limited ? config.tables.dos_block_slots : 0;
}

struct DosShared {
  DosShared(const Config& config, std::size_t worker_count, tables::HashSeed seed,
            const SipKey& drawn_key)
      : blocked(std::max(block_slots(config), 16U), seed),
        cookie_key(config.ha.cookie_secret.value_or(drawn_key)) {
    for (std::size_t i = 0; i < worker_count; ++i)
      desks.push_back(std::make_unique<FloodDesk>(config.zone_protections.size()));
  }

  BlockedSources blocked;
  FloodDesks desks;
  ClearDesk clear_desk;
  const SipKey cookie_key;
};

}  // namespace twinplane::dataplane
