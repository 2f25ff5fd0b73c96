// SPDX-License-Identifier: BSD-3-Clause
// expectations.hpp - makes, renews, shows and ends the expectations of sessions: in the table of
// the announcing session's partition, which the pair keeps equal, and on the board, where all
// workers of this box look.
//
// Thread:  the core that owns the partition given; one object for all cores; counters for any.
// Memory:  the board's.
// Limits:  one a session; a table and the board have room for as many as the partitions together.
// Errors:  try_expect() answers false when there is no room, and counts it.
// Spec:    dataplane/DESIGN.md D-D31.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/expectation_board.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

enum class ExpectationCounter : std::uint8_t {
  kMade,
  kOpened,        // their sessions came
  kExpired,       // nobody came
  kReplaced,      // their sessions announced others meanwhile
  kDisplaced,     // others announced the same flow
  kRefusedFull,   // no room in the table
  kRefusedBoard,  // no room on the board
  kClaimedTwice,  // two packets came at once: the second is as any other
  kMalformed,     // texts that should name an endpoint and cannot be read
  kOtherAddress,  // a server named another address than its own: taken for its own
  kRewritten,     // texts that were written anew
  kCount,
};

inline constexpr auto kExpectationCounterNames = std::to_array<std::string_view>(
    {"made", "opened", "expired", "replaced", "displaced", "refused_full", "refused_board",
     "claimed_twice", "malformed_texts", "other_address_texts", "rewritten_texts"});
static_assert(kExpectationCounterNames.size() ==
              static_cast<std::size_t>(ExpectationCounter::kCount));

class Expectations {
 public:
  using Body = tables::ExpectationBody;
  using Table = tables::PlainTable<Body>;

  Expectations(std::uint32_t capacity, std::uint32_t timeout_ms, tables::HashSeed seed)
      : board_(capacity, seed), timeout_ms_(timeout_ms) {}

  // What the session expects, or expected last; null when that is forgotten.
  static const Body* try_of(const tables::Partition& partition,
                            const tables::AnnouncingSession& session) noexcept;

  // In place of what the session expected before.
  [[nodiscard]] bool try_expect(tables::Partition& partition, const Body& body, bool is_local_only,
                                std::uint32_t now_ms) noexcept;

  // Notes whose sessions have come, and ends what is due among the next `slot_budget` slots.
  void expire(tables::Partition& partition, std::uint32_t now_ms,
              std::uint32_t slot_budget) noexcept;

  // The partition is this box's to change from now on, or no longer.
  void show(const tables::Partition& partition) noexcept;
  void hide(const tables::Partition& partition) noexcept;

  ExpectationBoard& board() noexcept { return board_; }

  const ExpectationBoard& board() const noexcept { return board_; }

  void add(ExpectationCounter counter) noexcept {
    // Relaxed: a figure to look at.
    counters_[static_cast<std::size_t>(counter)].fetch_add(1, std::memory_order_relaxed);
  }

  std::uint64_t get(ExpectationCounter counter) const noexcept {
    return counters_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  void end(Table& table, std::uint32_t slot) noexcept;
  void note_opened(Table& table) noexcept;

  ExpectationBoard board_;
  std::uint32_t timeout_ms_;
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(ExpectationCounter::kCount)>
      counters_{};
};

}  // namespace twinplane::dataplane
