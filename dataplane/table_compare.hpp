// SPDX-License-Identifier: BSD-3-Clause
// table_compare.hpp - what one box's tables hold of another's, kind by kind, as their files say.
//
// Thread:  one.
// Memory:  values.
// Limits:  two files of one pair: alike in partitions and slots.
// Errors:  throws std::runtime_error when they are not.
// Spec:    tables/DESIGN.md D-T7; ha2/sync_matrix.hpp for what is kept equal at all.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/table_file.hpp"
#include "tables/table_kind.hpp"

namespace twinplane::dataplane {

// Of one kind: entries of the first file, but for those that never leave their box.
struct KindCompared {
  std::uint64_t entries_a = 0;
  std::uint64_t entries_b = 0;
  std::uint64_t kept = 0;   // the other holds it, or held it and has freed it since
  std::uint64_t lost = 0;   // the rest
  std::uint64_t same = 0;   // of those kept: equal in all that is replicated
  std::uint64_t local = 0;  // never leave their box: by their kind or by a rule

  void add(const KindCompared& other) noexcept;
};

using TablesCompared = std::array<KindCompared, tables::kTableKindCount>;

TablesCompared compare_tables(const TableFile& a, const TableFile& b);

}  // namespace twinplane::dataplane
