// SPDX-License-Identifier: BSD-3-Clause
// blocked_sources.hpp - who is not let in from which zone, as every worker asks it of each packet:
// one load while nobody is blocked, one look without locks else.
//
// Thread:  is_blocked() and try_read() on any thread; everything else on the home worker.
// Memory:  64 bytes a source of capacity, taken at construction.
// Limits:  those of ProbedTable.
// Errors:  insert() answers false when the table is full.
// Spec:    probed_table.hpp. block_list.hpp writes it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/probed_table.hpp"
#include "tables/base/hash.hpp"
#include "tables/dos_block.hpp"

namespace twinplane::dataplane {

struct BlockedSource {
  tables::Address6 source{};  // IPv4 mapped
  std::uint8_t zone{};        // into Config::zones
  tables::FloodKind kind{};   // what it was too much of
  std::uint64_t until_ms{};   // of the monotonic clock
};

// The two halves of the address; then zone, kind, state and, in 40 bits, the end.
struct BlockedForm {
  static constexpr std::size_t kWords = 3;
  static constexpr std::size_t kAddressHigh = 0;
  static constexpr std::size_t kAddressLow = 1;
  static constexpr std::size_t kMark = 2;
  static constexpr std::uint64_t kZoneMask = 0xFF;
  static constexpr unsigned kKindShift = 8;
  static constexpr unsigned kStateShift = 16;
  static constexpr unsigned kUntilShift = 24;
  static constexpr std::uint64_t kLiveState = 1;
  static constexpr std::uint64_t kRemovedState = 2;

  using Words = std::array<std::uint64_t, kWords>;

  static constexpr Words kFree{};
  static constexpr Words kRemoved{0, 0, kRemovedState << kStateShift};

  static constexpr bool is_free(const Words& words) noexcept { return words[kMark] == 0; }

  static constexpr bool is_live(const Words& words) noexcept {
    return (words[kMark] >> kStateShift & 0xFFU) == kLiveState;
  }

  static constexpr bool is_same_key(const Words& left, const Words& right) noexcept {
    return left[kAddressHigh] == right[kAddressHigh] && left[kAddressLow] == right[kAddressLow] &&
           ((left[kMark] ^ right[kMark]) & kZoneMask) == 0;
  }
};

class BlockedSources {
 public:
  BlockedSources(std::uint32_t capacity, tables::HashSeed seed) : table_(capacity), seed_(seed) {}

  // Any thread. Relaxed: a packet that passes while the first source is being blocked has come
  // before.
  bool is_empty() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }

  // Any thread.
  [[nodiscard]] bool is_blocked(const tables::Address6& source, std::uint8_t zone) const noexcept;

  // Any thread: what stands in one of slot_count() slots.
  [[nodiscard]] bool try_read(std::uint32_t slot, BlockedSource& out) const noexcept;

  std::uint32_t slot_count() const noexcept { return table_.slot_count(); }

  // Any thread; as is_empty().
  std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  // A source that is there already gets the new kind and end.
  [[nodiscard]] bool insert(const BlockedSource& blocked) noexcept;
  void erase(const tables::Address6& source, std::uint8_t zone) noexcept;

 private:
  using Words = BlockedForm::Words;

  std::uint64_t hash_of(const Words& words) const noexcept;
  void publish_count() noexcept;

  ProbedTable<BlockedForm> table_;
  tables::HashSeed seed_;
  std::atomic<std::uint32_t> count_{0};
};

}  // namespace twinplane::dataplane
