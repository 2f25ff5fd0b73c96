// SPDX-License-Identifier: BSD-3-Clause
// image.hpp - the head of a table file: whose tables these are and how they are cut, so that they
// can be read after a crash, and kept over a restart.
//
// Thread:  written at start and at an orderly end; read by tools and by the next process.
// Memory:  4096 bytes in front of the partitions' blocks, of which the home partition's is the
//          last.
// Limits:  one layout a version; a file of another version or size is refused.
// Errors:  is_sound() is false: not a table file, of another version, or cut short. why_not_kept()
//          says in words why a process starts empty.
// Spec:    tables/DESIGN.md D-T7, D-T9.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "tables/partition.hpp"

namespace twinplane::tables {

inline constexpr std::size_t kImageHeadBytes = 4096;

// How the process that used the tables ended; all 0 where it has not.
struct ImageEnd {
  std::uint32_t term = 0;  // the highest that the box had seen
  std::uint32_t was_active = 0;
  std::uint64_t at_ns = 0;  // CLOCK_MONOTONIC
};

struct ImageHead {
  static constexpr std::uint64_t kMagic = 0x31454E414C504E54;  // "TNPLANE1"

  static constexpr std::uint32_t kLayoutVersion = 7;
  static constexpr std::uint32_t kPartitionsMax = 65535;
  static constexpr std::size_t kKindsMax = 32;

  std::uint64_t magic = kMagic;
  std::uint32_t layout_version = kLayoutVersion;
  std::uint32_t partition_count = 0;
  std::uint32_t session4_slots = 0;
  std::uint32_t session6_slots = 0;
  std::uint32_t has_half_open_queue = 0;
  std::uint32_t box_id = 0;
  std::uint64_t partition_bytes = 0;
  // to read the index; secret while the box lives, so the file is its owner's alone
  std::uint64_t hash_seed = 0;
  // of the names that rules, ports and zones are numbered by
  std::uint64_t configuration = 0;
  // which start of the machine: its clock is the one that ages and start times are of; zeros:
  // unknown
  std::array<char, 40> machine_start{};
  std::uint32_t is_clean = 0;  // 1: its process ended in order, no change is half done
  std::uint32_t sctp_slots = 0;
  std::uint32_t shift_slots = 0;
  std::uint32_t expectation_slots = 0;
  std::uint32_t return_slots = 0;
  std::uint32_t zero = 0;
  ImageEnd end;
  // Behind the partitions of the flows stands the home partition: its slots, by kind.
  std::uint64_t home_bytes = 0;
  std::array<std::uint32_t, kKindsMax> home_slots{};

  // Of a head that is sound: of all partitions and what is before them.
  std::uint64_t image_bytes() const noexcept {
    return kImageHeadBytes + partition_count * partition_bytes + home_bytes;
  }

  bool is_sound(std::uint64_t file_bytes) const noexcept {
    return magic == kMagic && layout_version == kLayoutVersion && partition_count != 0 &&
           partition_count <= kPartitionsMax && partition_bytes <= file_bytes &&
           home_bytes <= file_bytes && file_bytes >= image_bytes();
  }
};

static_assert(sizeof(ImageHead) <= kImageHeadBytes);
static_assert(kTableKindCount <= ImageHead::kKindsMax);

inline PartitionLimits limits_of(const ImageHead& head) noexcept {
  PartitionLimits limits;
  limits.session4 = {head.session4_slots, 2};
  limits.session6 = {head.session6_slots, 2};
  limits.plain(TableKind::kSctp) = head.sctp_slots;
  limits.plain(TableKind::kSequenceShift) = head.shift_slots;
  limits.plain(TableKind::kExpectation) = head.expectation_slots;
  limits.plain(TableKind::kReturnMac) = head.return_slots;
  limits.policy.when_full =
      head.has_half_open_queue != 0 ? FullPolicy::kEvictHalfOpen : FullPolicy::kRefuse;
  return limits;
}

inline PartitionLimits home_limits_of(const ImageHead& head) noexcept {
  PartitionLimits limits;
  std::copy_n(head.home_slots.begin(), limits.plain_slots.size(), limits.plain_slots.begin());
  return limits;
}

// Why the tables behind `old` cannot be those of a box whose head is `mine`; nullptr when they can.
inline const char* why_not_kept(const ImageHead& old, const ImageHead& mine,
                                std::uint64_t file_bytes) noexcept {
  if (old.magic != ImageHead::kMagic) return "it is no table file";
  if (old.layout_version != ImageHead::kLayoutVersion) return "another version has written it";
  if (!old.is_sound(file_bytes)) return "it is cut short";
  if (old.is_clean != 1) return "it is unclean: the process that used it did not end in order";
  if (old.box_id != mine.box_id) return "it is the other box's";
  constexpr decltype(mine.machine_start) kUnknownStart{};
  if (old.machine_start == kUnknownStart || mine.machine_start == kUnknownStart)
    return "the machine's start is unknown: /proc/sys/kernel/random/boot_id cannot be read";
  if (old.machine_start != mine.machine_start) return "it is from before the machine's last start";
  if (old.partition_count != mine.partition_count || old.session4_slots != mine.session4_slots ||
      old.session6_slots != mine.session6_slots || old.sctp_slots != mine.sctp_slots ||
      old.shift_slots != mine.shift_slots || old.expectation_slots != mine.expectation_slots ||
      old.return_slots != mine.return_slots ||
      old.has_half_open_queue != mine.has_half_open_queue ||
      old.partition_bytes != mine.partition_bytes || old.home_slots != mine.home_slots ||
      old.home_bytes != mine.home_bytes)
    return "its tables are cut differently: [tables] was changed";
  if (old.configuration != mine.configuration)
    return "its rules, ports or zones have other numbers: the configuration was changed";
  return nullptr;
}

}  // namespace twinplane::tables
