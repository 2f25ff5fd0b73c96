// SPDX-License-Identifier: BSD-3-Clause
// plain_entry.hpp - an entry of any kind but a session: a body, which the peer holds too, and what
// every slot needs. A kind is its body alone.
//
// A body is a struct without padding whose bytes are what stands on the wire (two x86 boxes: least
// significant byte first). It has
//   kKind                the TableKind
//   Key, key             what it is found by, first in the body; or, where an entry may have two
//                        keys, has_second_key(), has_one_key() and key(Side), see SessionTraits
//   fields()             name and place of each field, for findings
//   is_sound()           could a box have written it?
// and it may have
//   Patch, patch(), set(Patch), is_sound(Patch)   what changes often: said without the rest
//   Refresh              counters and edges, which may travel late and are not compared
//
// Thread:  the core that owns the partition; values.
// Memory:  the body, the refresh, 8 bytes; rounded up to a power of two up to a cache line, so that
//          no entry of a line or less crosses one.
// Limits:  bodies of up to 240 bytes, 13 fields.
// Errors:  none.
// Spec:    slot_table.hpp; ha2/PROTOCOL.md section 4.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "tables/base/equal_bytes.hpp"
#include "tables/slot_marks.hpp"
#include "tables/table_kind.hpp"

namespace twinplane::tables {

static_assert(std::endian::native == std::endian::little, "bodies stand on the wire as they are");

struct FieldPlace {
  std::string_view name;
  std::size_t offset;
  std::size_t bytes;
};

template <class Body>
concept HasPatch = requires {
  typename Body::Patch;
};

template <class Body>
concept HasRefresh = requires {
  typename Body::Refresh;
};

template <class Body>
concept HasSecondKey = requires(const Body& body) {
  body.has_second_key();
};

// What an entry of this kind needs of the index.
template <class Body>
inline constexpr std::uint32_t kKeysPerSlot = HasSecondKey<Body> ? 2 : 1;

namespace detail {

struct NoRefresh {};

template <class Body>
struct RefreshOf {
  using Type = NoRefresh;
};

template <HasRefresh Body>
struct RefreshOf<Body> {
  using Type = typename Body::Refresh;
};

template <class Body>
inline constexpr std::size_t kRefreshBytes = HasRefresh<Body>
                                                 ? sizeof(typename RefreshOf<Body>::Type)
                                                 : 0;

template <class Body>
inline constexpr std::size_t kPlainAlignment = std::max<std::size_t>(
    {std::min<std::size_t>(64, std::bit_ceil(sizeof(Body) + kRefreshBytes<Body> + 8)),
     alignof(Body), alignof(typename RefreshOf<Body>::Type)});

}  // namespace detail

template <class BodyType>
struct alignas(detail::kPlainAlignment<BodyType>) PlainEntry {
  using Body = BodyType;
  using Refresh = typename detail::RefreshOf<Body>::Type;

  Body body;
  [[no_unique_address]] Refresh refresh;
  SlotHead head;
  // this box's clock, when it was made or last confirmed; an age on the wire
  std::uint32_t since_s;

  static_assert(std::has_unique_object_representations_v<Body> && sizeof(Body) <= 240);
  static_assert(Body::fields().size() <= 13);
};

// What the slot table asks of an entry: see SessionTraits.
template <class BodyType>
struct PlainTraits {
  using Body = BodyType;
  using Entry = PlainEntry<Body>;
  using Key = typename Body::Key;

  static constexpr bool kTellsArrivals = true;

  static bool is_live(const Entry& entry) noexcept { return (entry.head.flags & kLive) != 0; }

  static bool is_local_only(const Entry& entry) noexcept {
    return (entry.head.flags & kLocalOnly) != 0;
  }

  static std::uint16_t& generation(Entry& entry) noexcept { return entry.head.generation; }

  static std::uint16_t generation(const Entry& entry) noexcept { return entry.head.generation; }

  static std::uint8_t& marks(Entry& entry) noexcept { return entry.head.marks; }

  static std::uint8_t marks(const Entry& entry) noexcept { return entry.head.marks; }

  static bool has_second_key(const Entry& entry) noexcept {
    if constexpr (HasSecondKey<Body>)
      return entry.body.has_second_key();
    else
      return false;
  }

  static bool has_one_key(const Entry& entry) noexcept {
    if constexpr (HasSecondKey<Body>)
      return entry.body.has_one_key();
    else
      return true;
  }

  static Key key(const Body& body, Side side) noexcept {
    if constexpr (HasSecondKey<Body>) {
      return body.key(side);
    } else {
      static_cast<void>(side);
      return body.key;
    }
  }

  static Key key(const Entry& entry, Side side) noexcept { return key(entry.body, side); }

  static bool matches(const Entry& entry, Side side, const Key& wanted) noexcept {
    if constexpr (HasSecondKey<Body>) {
      const bool has_side = side == Side::kClient || has_second_key(entry);
      const Key own = key(entry, side);
      return is_live(entry) && has_side && equal_bytes<sizeof own>(&own, &wanted);
    } else {
      return is_live(entry) && equal_bytes<sizeof wanted>(&entry.body.key, &wanted);
    }
  }

  static bool same_keys(const Entry& left, const Entry& right) noexcept {
    if constexpr (HasSecondKey<Body>) {
      const bool have_two = has_second_key(left);
      if (have_two != has_second_key(right)) return false;
      return matches_key(left, right, Side::kClient) &&
             (!have_two || matches_key(left, right, Side::kServer));
    } else {
      return equal_bytes<sizeof(Key)>(&left.body.key, &right.body.key);
    }
  }

  static bool is_sound(const Entry& entry) noexcept {
    return (entry.head.flags & ~(kLive | kLocalOnly)) == 0 &&
           entry.head.generation <= kGenerationMask && entry.body.is_sound();
  }

  static void forget_life(Entry& entry) noexcept {
    entry.head.marks = 0;
    entry.head.flags = static_cast<std::uint8_t>(entry.head.flags & ~kMadeHere);
  }

  // Everything but the generation and the marks goes to zero.
  static void make_empty(Entry& entry) noexcept {
    const SlotHead head = entry.head;
    std::memset(static_cast<void*>(&entry), 0, sizeof entry);
    entry.head.generation = head.generation;
    entry.head.marks = head.marks;
  }

 private:
  static bool matches_key(const Entry& left, const Entry& right, Side side) noexcept {
    const Key left_key = key(left, side);
    const Key right_key = key(right, side);
    return equal_bytes<sizeof(Key)>(&left_key, &right_key);
  }
};

}  // namespace twinplane::tables
