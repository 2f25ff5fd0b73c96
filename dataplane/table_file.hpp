// SPDX-License-Identifier: BSD-3-Clause
// table_file.hpp - a table file to read: of a living box, or of one that was killed.
//
// Thread:  one; of a living box, what it reads may be half of a change.
// Memory:  the file, mapped privately: cutting tables from it writes their few control words into
//          this process's copy alone. Entries say themselves whether they are live; index and map
//          are what the box left.
// Limits:  a file of this build's layout; see tables/image.hpp.
// Errors:  throws std::runtime_error that names the file and says what is wrong with it. What the
//          entries hold is not judged.
// Spec:    tables/DESIGN.md D-T7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tables/image.hpp"

namespace twinplane::dataplane {

class TableFile {
 public:
  explicit TableFile(const std::string& path);

  const tables::ImageHead& head() const noexcept { return head_; }

  // Those of the flows, then the home partition.
  std::uint32_t partition_count() const noexcept {
    return static_cast<std::uint32_t>(partitions_.size());
  }

  const tables::Partition& partition(std::uint32_t index) const noexcept {
    return *partitions_[index];
  }

  // Calls visit(partition, slot, entry) for each live slot of both families' sessions and of SCTP
  // associations.
  template <class Visit>
  void for_each_session(Visit&& visit) const {
    for (std::uint32_t p = 0; p < partition_count(); ++p) {
      const auto walk = [&](const auto& slots) {
        for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
          if (std::remove_cvref_t<decltype(slots)>::TraitsType::is_live(slots.entry(slot)))
            visit(p, slot, slots.entry(slot));
      };
      walk(partition(p).session4().slots());
      walk(partition(p).session6().slots());
      walk(partition(p).slots<tables::TableKind::kSctp>());
    }
  }

 private:
  struct Unmap {
    std::size_t bytes;

    void operator()(std::byte* base) const noexcept;
  };

  std::unique_ptr<std::byte, Unmap> base_;
  tables::ImageHead head_;
  std::vector<std::unique_ptr<tables::Partition>> partitions_;
};

}  // namespace twinplane::dataplane
