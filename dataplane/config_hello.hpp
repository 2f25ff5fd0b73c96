// SPDX-License-Identifier: BSD-3-Clause
// config_hello.hpp - what of a configuration two boxes compare in the HA2 hello, as a list of named
// numbers.
//
// Thread:  set-up only, one thread.
// Memory:  about twenty items.
// Limits:  names are stable: a later version may add items, and an item that only one side has is
//          no difference.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 8.2: partitions and slots must match; ports and zones travel as
//          small numbers that stand for the same names on both boxes. Rules do too, and may differ
//          while they are exchanged, on one box first (dataplane/DESIGN.md D-D35).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/config.hpp"
#include "ha2/sync_matrix.hpp"

namespace twinplane::dataplane {

struct HelloItem {
  std::string name;
  std::uint64_t value;  // a number, or XXH3-64 of names in their order
  bool must_equal;      // false: a difference is shown, and the pair works all the same

  friend bool operator==(const HelloItem&, const HelloItem&) = default;
};

// Always in the same order. `box.id` is not among them: it must differ.
// The tables that this box wants to keep equal: what the matrix says, but for ha2.off_tables.
tables::KindSet kept_kinds(const Config& config) noexcept;

std::vector<HelloItem> hello_items(const Config& config);

// What the small numbers in sessions stand for: a table kept over a restart is of use only under
// the same.
std::uint64_t numbering_digest(const Config& config);

}  // namespace twinplane::dataplane
