// SPDX-License-Identifier: BSD-3-Clause
// block_list.hpp - the home worker's part against loud sources: adds up what the workers report,
// blocks who is above the threshold of its zone, and lets go when the time is over.
//
// An entry stands in the home partition's table of kind dos_block, which says how long it lasts and
// is never sent, and in BlockedSources, which the workers ask. While a source is blocked nothing of
// it is counted, so a block ends in its time, whatever the source does; one that goes on as before
// is blocked anew.
//
// Thread:  the home worker.
// Memory:  256 KiB where any zone has a source_rate.
// Limits:  tables.dos_block_slots sources; blocks end up to kExpireIntervalMs late.
// Errors:  a source without room is not blocked, and counted by the table.
// Spec:    dataplane/DESIGN.md D-D27; ha2/sync_matrix.hpp (local in either mode).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/dos_shared.hpp"
#include "dataplane/source_meter.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

class BlockList {
 public:
  static constexpr std::uint64_t kExpireIntervalMs = 100;

  BlockList(const Config& config, tables::Partition& home, DosShared& shared,
            tables::HashSeed seed);

  // Takes reports and requests, ends what is due.
  void poll(std::uint64_t now_ns) noexcept;

  // This box forwards no more: what it has blocked is the peer's to find out by itself.
  void clear() noexcept;

 private:
  using Table = tables::PlainTable<tables::DosBlockBody>;

  void on_report(const SourceReport& report, std::uint64_t now_ns) noexcept;
  bool is_exempt(std::size_t protection, const tables::Address6& source) const noexcept;
  void block(const SourceReport& report, std::uint64_t now_ns) noexcept;
  void expire(std::uint64_t now_ns) noexcept;
  std::uint32_t end(const std::optional<tables::Address6>& source) noexcept;

  Table& table() noexcept { return home_.table<tables::TableKind::kDosBlock>(); }

  const Config& config_;
  tables::Partition& home_;
  DosShared& shared_;
  std::optional<SourceMeter> sources_;
  std::uint64_t last_expire_ns_ = 0;
};

}  // namespace twinplane::dataplane
