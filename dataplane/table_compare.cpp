// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/table_compare.hpp"

#include <stdexcept>
#include <type_traits>

#include "ha2/plain_codec.hpp"
#include "ha2/session_codec.hpp"
#include "ha2/sync_matrix.hpp"

namespace twinplane::dataplane {

namespace {

// How far generation `later` is ahead of `earlier`, wrapping.
std::uint16_t generations_ahead(std::uint16_t earlier, std::uint16_t later) noexcept {
  return static_cast<std::uint16_t>((later - earlier) & tables::kGenerationMask);
}

// One table of a partition; `is_kept`: the pair keeps its kind equal.
template <class Slots>
KindCompared compare_slots(const Slots& a, const Slots& b, bool is_kept) noexcept {
  using Traits = typename Slots::TraitsType;
  KindCompared compared;
  for (std::uint32_t slot = 0; slot < a.slot_count(); ++slot) {
    const auto& mine = a.entry(slot);
    const auto& theirs = b.entry(slot);
    const bool is_live = Traits::is_live(theirs);
    if (is_live) ++compared.entries_b;
    if (!Traits::is_live(mine)) continue;
    if (!is_kept || Traits::is_local_only(mine)) {
      ++compared.local;
      continue;
    }
    ++compared.entries_a;
    const std::uint16_t ahead =
        generations_ahead(Traits::generation(mine), Traits::generation(theirs));
    const bool has_same_key = is_live && ahead == 0 && Traits::same_keys(mine, theirs);
    // Held and since freed: the slot is empty under the same generation, or has been filled anew
    // under the next ones.
    const bool was_freed =
        (!is_live && ahead == 0) || (ahead != 0 && ahead < tables::kGenerationMask / 2);
    ++(has_same_key || was_freed ? compared.kept : compared.lost);
    if (has_same_key && ha2::image_of(mine) == ha2::image_of(theirs)) ++compared.same;
  }
  return compared;
}

}  // namespace

void KindCompared::add(const KindCompared& other) noexcept {
  entries_a += other.entries_a;
  entries_b += other.entries_b;
  kept += other.kept;
  lost += other.lost;
  same += other.same;
  local += other.local;
}

TablesCompared compare_tables(const TableFile& a, const TableFile& b) {
  if (a.partition_count() != b.partition_count())
    throw std::runtime_error("the two files are not of one pair: their partitions differ");
  TablesCompared all;
  for (std::uint32_t p = 0; p < a.partition_count(); ++p)
    tables::for_each_kind([&](auto kind) {
      const auto& mine = a.partition(p).slots<kind()>();
      const auto& theirs = b.partition(p).slots<kind()>();
      if (mine.slot_count() != theirs.slot_count())
        throw std::runtime_error("the two files are not of one pair: their slots differ (" +
                                 std::string(tables::name_of(kind())) + ")");
      const bool is_kept = ha2::kept_kinds(ha2::HaMode::kActivePassive).has(kind());
      all[tables::index_of(kind())].add(compare_slots(mine, theirs, is_kept));
    });
  return all;
}

}  // namespace twinplane::dataplane
