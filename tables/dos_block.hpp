// SPDX-License-Identifier: BSD-3-Clause
// dos_block.hpp - a source that is not let in from a zone for a while. Each box has its own: the
// peer sees other packets, and must not block what it has not seen.
//
// Thread:  the home core; values.
// Memory:  an entry of 32 bytes. Its deadline is the slot's.
// Limits:  zones up to 255.
// Errors:  none.
// Spec:    ha2/sync_matrix.hpp: never sent.
#pragma once

#include <array>
#include <cstdint>

#include "tables/flow_key.hpp"
#include "tables/plain_entry.hpp"

namespace twinplane::tables {

// What a source, or a zone, was too much of.
enum class FloodKind : std::uint8_t { kSyn, kUdp, kIcmp, kIcmp6, kOther };
inline constexpr std::size_t kFloodKindCount = 5;

struct DosBlockBody {
  static constexpr TableKind kKind = TableKind::kDosBlock;

  struct Key {
    Address6 source;  // IPv4 as ::ffff:a.b.c.d
    std::uint8_t zone;
    std::array<std::uint8_t, 3> zero;
  };

  Key key;
  std::uint8_t flood;  // FloodKind
  std::array<std::uint8_t, 3> zero;

  static constexpr auto fields() noexcept {
    return std::array{FieldPlace{"source", offsetof(DosBlockBody, key), sizeof(Key)},
                      FieldPlace{"flood", offsetof(DosBlockBody, flood), 1}};
  }

  bool is_sound() const noexcept {
    return flood < kFloodKindCount && key.zero == std::array<std::uint8_t, 3>{} &&
           zero == std::array<std::uint8_t, 3>{};
  }
};

static_assert(sizeof(DosBlockBody) == 24 && sizeof(PlainEntry<DosBlockBody>) == 32);

}  // namespace twinplane::tables
