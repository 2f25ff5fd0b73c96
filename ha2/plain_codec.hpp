// SPDX-License-Identifier: BSD-3-Clause
// plain_codec.hpp - plain entries to records and back. A body stands on the wire as it is, so every
// plain kind has the same three records.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  ages up to 2^24 - 1 seconds (194 days), longer ones are stated as that.
// Errors:  is_sound() says whether a record can be believed; read functions require it.
// Spec:    PROTOCOL.md section 4.6; tables/plain_entry.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ha2/wire.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::ha2 {

// A whole of a plain kind: Operation::kFull.
template <class Body>
struct PlainWhole {
  SlotName name;
  Le24 age_s;  // since it was made or last confirmed
  std::array<std::byte, sizeof(Body)> body;
};

// A patch (Operation::kState) or a refresh (Operation::kWindow): Part is Body::Patch or
// Body::Refresh.
template <class Part>
struct PlainPatch {
  SlotName name;
  std::array<std::byte, sizeof(Part)> part;
};

template <class T>
inline T from_wire(const std::array<std::byte, sizeof(T)>& bytes) noexcept {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template <class T>
inline std::array<std::byte, sizeof(T)> to_wire(const T& value) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class Body>
inline PlainWhole<Body> wire_whole(const tables::PlainEntry<Body>& entry, std::uint32_t slot,
                                   std::uint32_t now_s) noexcept {
  static_assert(kIsWireType<PlainWhole<Body>> && sizeof(PlainWhole<Body>) <= 255);
  PlainWhole<Body> whole;
  whole.name.set(slot, entry.head.generation);
  whole.age_s.set(std::min<std::uint32_t>(now_s - entry.since_s, 0xFFFFFFU));
  whole.body = to_wire(entry.body);
  return whole;
}

template <class Body>
inline bool is_sound(const PlainWhole<Body>& whole) noexcept {
  return from_wire<Body>(whole.body).is_sound();
}

template <class Body>
inline void read_whole(const PlainWhole<Body>& whole, std::uint32_t now_s,
                       tables::PlainEntry<Body>& entry) noexcept {
  std::memset(static_cast<void*>(&entry), 0, sizeof entry);
  entry.body = from_wire<Body>(whole.body);
  entry.head.generation = whole.name.generation();
  entry.head.flags = tables::kLive;
  entry.since_s = now_s - whole.age_s.get();
}

// A refresh that says nothing yet need not go with a whole.
template <class Body>
inline bool has_refresh(const tables::PlainEntry<Body>& entry) noexcept {
  if constexpr (tables::HasRefresh<Body>) {
    constexpr typename Body::Refresh kNone{};
    return std::memcmp(&entry.refresh, &kNone, sizeof kNone) != 0;
  } else {
    static_cast<void>(entry);
    return false;
  }
}

// The replicated fields of a slot in one fixed form, for digests and for comparing.
template <class Body>
struct PlainImage {
  std::array<std::byte, sizeof(Body)> body{};
  std::array<std::uint8_t, 2> generation{};
  std::uint8_t flags = 0;  // kLive

  friend bool operator==(const PlainImage&, const PlainImage&) noexcept = default;
};

template <class Body>
inline bool is_replicated(const tables::PlainEntry<Body>& entry) noexcept {
  return (entry.head.flags & (tables::kLive | tables::kLocalOnly)) == tables::kLive;
}

template <class Body>
inline PlainImage<Body> image_of(const tables::PlainEntry<Body>& entry) noexcept {
  PlainImage<Body> image;
  if (!is_replicated(entry)) return image;
  image.body = to_wire(entry.body);
  image.generation = {static_cast<std::uint8_t>(entry.head.generation),
                      static_cast<std::uint8_t>(entry.head.generation >> 8U)};
  image.flags = tables::kLive;
  return image;
}

// Bit 0: one is empty and the other is not; then the body's fields; then the generation; then bytes
// that are no field's and must be zero.
template <class Body>
inline std::uint16_t fields_that_differ(const PlainImage<Body>& left,
                                        const PlainImage<Body>& right) noexcept {
  if (left.flags != right.flags) return 1;
  unsigned fields = 0;
  unsigned bit = 1;
  for (const tables::FieldPlace& field : Body::fields()) {
    if (std::memcmp(left.body.data() + field.offset, right.body.data() + field.offset,
                    field.bytes) != 0)
      fields |= 1U << bit;
    ++bit;
  }
  const bool is_reserved = fields == 0 && left.body != right.body;
  if (left.generation != right.generation) fields |= 1U << bit;
  if (is_reserved) fields |= 1U << (bit + 1);
  return static_cast<std::uint16_t>(fields);
}

}  // namespace twinplane::ha2
