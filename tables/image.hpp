// SPDX-License-Identifier: BSD-3-Clause
// image.hpp - the head of a table file: whose tables these are and how they are cut, so that they
// can be read after a crash.
//
// Thread:  written once at start; read by tools.
// Memory:  4096 bytes in front of the partitions' blocks.
// Limits:  one layout a version; a file of another version or size is refused.
// Errors:  is_sound() is false: not a table file, of another version, or cut short.
// Spec:    tables/DESIGN.md D-T7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tables/partition.hpp"

namespace twinplane::tables {

inline constexpr std::size_t kImageHeadBytes = 4096;

struct ImageHead {
  static constexpr std::uint64_t kMagic = 0x31454E414C504E54;  // "TNPLANE1"

  std::uint64_t magic = 0;
  std::uint32_t layout_version = 1;
  std::uint32_t partition_count = 0;
  std::uint32_t session4_slots = 0;
  std::uint32_t session6_slots = 0;
  std::uint32_t has_half_open_queue = 0;
  std::uint32_t box_id = 0;
  std::uint64_t partition_bytes = 0;
  // to read the index; secret while the box lives, so the file is its owner's alone
  std::uint64_t hash_seed = 0;

  bool is_sound(std::uint64_t file_bytes) const noexcept {
    return magic == kMagic && layout_version == 1 && partition_count != 0 &&
           file_bytes >= kImageHeadBytes + partition_count * partition_bytes;
  }
};

static_assert(sizeof(ImageHead) <= kImageHeadBytes);

inline PartitionLimits limits_of(const ImageHead& head) noexcept {
  PartitionLimits limits;
  limits.session4 = {head.session4_slots, 2};
  limits.session6 = {head.session6_slots, 2};
  limits.policy.when_full =
      head.has_half_open_queue != 0 ? FullPolicy::kEvictHalfOpen : FullPolicy::kRefuse;
  return limits;
}

}  // namespace twinplane::tables
