// SPDX-License-Identifier: BSD-3-Clause
// sync_matrix.hpp - which kinds of table the pair keeps equal, in either mode: the one place that
// says it.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    PROTOCOL.md section 11. The streams obey kept_kinds(); telemetry shows the rows.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tables/table_kind.hpp"

namespace twinplane::ha2 {

enum class HaMode : std::uint8_t { kActivePassive, kActiveActive };

struct SyncRow {
  tables::TableKind kind;
  bool is_kept_active_passive;
  bool is_kept_active_active;
  std::string_view why;

  constexpr bool is_kept(HaMode mode) const noexcept {
    return mode == HaMode::kActivePassive ? is_kept_active_passive : is_kept_active_active;
  }
};

inline constexpr std::array<SyncRow, tables::kTableKindCount> kSyncMatrix{{
    {tables::TableKind::kSession4, true, true, "whoever takes over goes on with every session"},
    {tables::TableKind::kSession6, true, true, "whoever takes over goes on with every session"},
    {tables::TableKind::kArp, true, false,
     "both active: each box has links and neighbors of its own"},
    {tables::TableKind::kNd, true, false,
     "both active: each box has links and neighbors of its own"},
    {tables::TableKind::kMac, true, false, "both active: each box bridges by itself"},
    {tables::TableKind::kMulticast4, true, false, "both active: each box has its own receivers"},
    {tables::TableKind::kMulticast6, true, false, "both active: each box has its own receivers"},
    {tables::TableKind::kVirtualMac, true, true, "both must know who answers for an address"},
    {tables::TableKind::kSecurityAssociation, true, true, "tunnels live on at the other box"},
    {tables::TableKind::kDosBlock, false, false, "each box blocks what it has seen itself"},
    {tables::TableKind::kSctp, true, false,
     "whoever takes over goes on with every association; both active: each box has its own"},
    {tables::TableKind::kSequenceShift, true, true,
     "without it a session goes on under numbers that its ends do not know"},
    {tables::TableKind::kIpsecSequence, true, true, "no number of an SA is used or accepted twice"},
    {tables::TableKind::kExpectation, true, true,
     "what a session has announced comes, whoever forwards by then"},
    {tables::TableKind::kReturnMac, true, true,
     "replies go back by the neighbor that brought the session, whoever forwards by then"},
}};

constexpr bool is_in_order() noexcept {
  for (std::size_t i = 0; i < kSyncMatrix.size(); ++i)
    if (tables::index_of(kSyncMatrix[i].kind) != i) return false;
  return true;
}

static_assert(is_in_order(), "the row of a kind stands at its number");

constexpr const SyncRow& row_of(tables::TableKind kind) noexcept {
  return kSyncMatrix[tables::index_of(kind)];
}

constexpr tables::KindSet kept_kinds(HaMode mode) noexcept {
  tables::KindSet kept;
  for (const SyncRow& row : kSyncMatrix)
    if (row.is_kept(mode)) kept.add(row.kind);
  return kept;
}

}  // namespace twinplane::ha2
