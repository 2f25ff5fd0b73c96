// SPDX-License-Identifier: BSD-3-Clause
// sctp_ages.hpp - how long associations live without a packet, by their timeout classes.
//
// Thread:  the core that owns the partition.
// Memory:  16 bytes.
// Limits:  only the owner ages.
// Errors:  none.
// Spec:    slot_table.hpp, ages; the classes follow from the rank: sctp_state.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tables/plain_table.hpp"
#include "tables/sctp.hpp"

namespace twinplane::tables {

class SctpAges {
 public:
  using Table = PlainTable<SctpBody>;
  using Timeouts = std::array<std::uint32_t, kSctpTimeoutClassCount>;  // by SctpTimeoutClass

  explicit SctpAges(const Timeouts& timeouts_ms) noexcept : timeouts_ms_(timeouts_ms) {}

  // A packet of the association passed: its time starts anew.
  void touch(Table& table, std::uint32_t slot, std::uint32_t now_ms) const noexcept {
    table.slots().set_deadline(slot, now_ms + timeout_ms(table, slot));
  }

  // Ends what is due among the next `slot_budget` slots. What was taken over gets a whole timeout
  // and up to a tenth more, so that it does not end in a herd.
  std::uint32_t expire(Table& table, std::uint32_t now_ms,
                       std::uint32_t slot_budget) const noexcept {
    return table.expire(
        now_ms, slot_budget, [](std::uint32_t) { return true; },
        [&](std::uint32_t slot) {
          const std::uint32_t whole_ms = timeout_ms(table, slot);
          const std::uint32_t spread_ms = (slot * 0x9E3779B1U >> 16U) % (whole_ms / 10 + 1);
          table.slots().set_deadline(slot, now_ms + whole_ms + spread_ms);
        });
  }

  // Ends what had no time left when no packet was seen for so long. Returns how many.
  std::uint64_t end_idle(Table& table, std::uint64_t idle_ms) const noexcept {
    std::uint64_t ended = 0;
    for (std::uint32_t slot = 0; slot < table.slots().slot_count(); ++slot) {
      if (!table.slots().live().is_live(slot) || timeout_ms(table, slot) > idle_ms) continue;
      table.end(slot);
      ++ended;
    }
    return ended;
  }

 private:
  std::uint32_t timeout_ms(const Table& table, std::uint32_t slot) const noexcept {
    const SctpState& state = table.slots().entry(slot).body.state;
    return timeouts_ms_[static_cast<std::size_t>(sctp_timeout_class(state))];
  }

  Timeouts timeouts_ms_;
};

}  // namespace twinplane::tables
