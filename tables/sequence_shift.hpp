// SPDX-License-Identifier: BSD-3-Clause
// sequence_shift.hpp - by how much the sequence numbers of a TCP session are moved on their way
// through the box: since a text in it was replaced by one of another length, or from its start,
// where the box chose the first number itself.
//
// Thread:  the core that owns the partition; values.
// Memory:  an entry of 64 bytes.
// Limits:  of each direction one text whose replacement its receiver has not acknowledged.
// Errors:  none.
// Spec:    D-T20; RFC 9293 section 3.4 (numbers wrap), RFC 2018 (blocks); ha2/PROTOCOL.md 4.8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tables/hash_index.hpp"
#include "tables/plain_entry.hpp"
#include "tables/session.hpp"

namespace twinplane::tables {

// One direction's numbers: `own` as their sender counts, `sent on` as their receiver knows them.
struct ShiftWay {
  std::uint32_t base;       // added to every number up to `position`
  std::uint32_t position;   // own number of the first byte that was replaced
  std::uint16_t old_bytes;  // that were replaced; 0: nothing, base is added to all numbers
  std::uint16_t new_bytes;  // in their place

  friend bool operator==(const ShiftWay&, const ShiftWay&) = default;
};

struct SequenceShiftBody {
  static constexpr TableKind kKind = TableKind::kSequenceShift;

  // The session is the one that this slot holds under this generation, in the same partition.
  struct Key {
    std::uint32_t slot;
    std::uint16_t generation;
    std::uint8_t table;  // TableKind: kSession4 or kSession6
    std::uint8_t zero;
  };

  Key key;
  std::array<ShiftWay, 2> ways;  // by Direction of what is sent

  static constexpr auto fields() noexcept {
    return std::array{FieldPlace{"session", offsetof(SequenceShiftBody, key), sizeof(Key)},
                      FieldPlace{"client", offsetof(SequenceShiftBody, ways), sizeof(ShiftWay)},
                      FieldPlace{"server", offsetof(SequenceShiftBody, ways) + sizeof(ShiftWay),
                                 sizeof(ShiftWay)}};
  }

  bool is_sound() const noexcept {
    const auto is_sound_way = [](const ShiftWay& way) {
      return (way.old_bytes == 0) == (way.new_bytes == 0) &&
             (way.old_bytes != 0 || way.position == 0);
    };
    return key.slot <= HashIndex::kSlotMask && key.generation <= kGenerationMask &&
           key.table <= index_of(TableKind::kSession6) && key.zero == 0 && is_sound_way(ways[0]) &&
           is_sound_way(ways[1]);
  }
};

static_assert(sizeof(SequenceShiftBody) == 32 && sizeof(PlainEntry<SequenceShiftBody>) == 64);

// By how much the text's replacement is longer than it was, in sequence space.
constexpr std::uint32_t growth_of(const ShiftWay& way) noexcept {
  return std::uint32_t{way.new_bytes} - way.old_bytes;
}

// Of the first byte of a segment. Requires that the segment does not cut the replaced text.
constexpr std::uint32_t sent_on_number(const ShiftWay& way, std::uint32_t own) noexcept {
  const auto into = static_cast<std::int32_t>(own - way.position);
  const bool is_behind = way.old_bytes != 0 && into >= std::int32_t{way.old_bytes};
  return own + way.base + (is_behind ? growth_of(way) : 0U);
}

// Who has a part of a replacement has nothing that its sender could leave out, so an end of what
// the receiver has (`kUpTo`) lies before it then, and a beginning (`kFrom`) behind it.
enum class ShiftEdge : std::uint8_t { kUpTo, kFrom };

// The other way round, of an acknowledgement or an edge of a block.
constexpr std::uint32_t own_number(const ShiftWay& way, std::uint32_t sent_on,
                                   ShiftEdge edge = ShiftEdge::kUpTo) noexcept {
  const std::uint32_t own = sent_on - way.base;
  if (way.old_bytes == 0) return own;
  const auto into = static_cast<std::int32_t>(own - way.position);
  if (into <= 0) return own;
  if (into >= std::int32_t{way.new_bytes}) return own - growth_of(way);
  return edge == ShiftEdge::kUpTo ? way.position : way.position + way.old_bytes;
}

// Does the segment hold a part of the replaced text, but not all of it?
constexpr bool cuts_text(const ShiftWay& way, std::uint32_t own, std::uint32_t bytes) noexcept {
  if (way.old_bytes == 0 || bytes == 0) return false;
  const auto first = static_cast<std::int32_t>(own - way.position);
  const auto end = static_cast<std::int64_t>(first) + bytes;
  const std::int64_t text_end = way.old_bytes;
  const bool is_apart = end <= 0 || first >= text_end;
  const bool holds_all = first <= 0 && end >= text_end;
  return !is_apart && !holds_all;
}

// Has the receiver, who acknowledged up to this number as it knows it, the whole replacement?
constexpr bool settles(const ShiftWay& way, std::uint32_t acknowledged) noexcept {
  return way.old_bytes != 0 && static_cast<std::int32_t>(acknowledged - way.base - way.position) >=
                                   std::int32_t{way.new_bytes};
}

// Then one number holds for all that is still to come.
constexpr ShiftWay settled(const ShiftWay& way) noexcept {
  return {way.base + growth_of(way), 0, 0, 0};
}

}  // namespace twinplane::tables
