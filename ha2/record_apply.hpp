// SPDX-License-Identifier: BSD-3-Clause
// record_apply.hpp - the mirror's side of each record kind: is it sound, and what it does to the
// table.
//
// Thread:  the core that owns the partition.
// Memory:  none.
// Limits:  one frame's sections.
// Errors:  is_sound() refuses a frame before anything of it is applied; applying cannot fail.
// Spec:    PROTOCOL.md section 4; rule S6.
#pragma once

#include <cstdint>

#include "ha2/counters.hpp"
#include "ha2/decode.hpp"
#include "ha2/digest.hpp"
#include "ha2/plain_codec.hpp"
#include "ha2/session_codec.hpp"
#include "tables/partition.hpp"

namespace twinplane::ha2 {

// What a frame's records are applied against.
struct ApplyContext {
  tables::Partition& partition;
  Counters& counters;
  std::uint32_t now_s;
  // a seq before this frame is lost and not yet answered: what differs may be on its way
  bool has_open_loss;
  tables::KindSet kinds;  // what the two boxes keep equal; records of others are passed over
  // the last one before the section at hand; count 0 when there was none
  Section prefixes;
  void (*on_verdict)(const ApplyContext& context, std::uint8_t table, const DigestRange& record,
                     Verdict verdict);
  void* sink;
};

// True when every record of the section names slots that exist and states that exist. `prefixes` as
// in ApplyContext. On the way it asks memory for the lines of these slots: a sound frame is applied
// next.
[[nodiscard]] bool is_sound(const Section& section, const tables::Partition& partition,
                            const Section& prefixes) noexcept;

void apply(const Section& section, const ApplyContext& context) noexcept;

}  // namespace twinplane::ha2
