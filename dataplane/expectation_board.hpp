// SPDX-License-Identifier: BSD-3-Clause
// expectation_board.hpp - the expectations of all partitions, for every worker to look at: the
// first packet of an expected session comes to another core than the one that expects it.
//
// Thread:  may_have_any(), try_find() and try_claim() on any number of threads at once; put(),
//          take() and is_claimed() of an owner's on that owner's thread. Two owners may put the
//          same flow: each takes its own.
// Memory:  128 bytes a place, two places an expectation of capacity, taken by the constructor.
// Limits:  a search looks at kProbes places.
// Errors:  put() answers false when the places that it may take are taken. try_find() may miss one
//          that is being written at that very moment.
// Spec:    dataplane/DESIGN.md D-D31.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/sequence_locked.hpp"
#include "tables/base/hash.hpp"
#include "tables/expectation.hpp"

namespace twinplane::dataplane {

class ExpectationBoard {
 public:
  using Body = tables::ExpectationBody;
  static constexpr std::uint32_t kProbes = 16;

  struct Seen {
    Body body;
    bool is_local_only;    // what it lets in never leaves the box either
    std::uint32_t place;   // for try_claim()
    std::uint64_t ticket;  // of this one, among all that stood there
  };

  ExpectationBoard(std::uint32_t capacity, tables::HashSeed seed);

  // One relaxed load, for who opens sessions: an expectation that another core makes at this moment
  // is of a packet that has not left yet.
  bool may_have_any() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }

  std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  std::optional<Seen> try_find(const Body::Key& flow) const noexcept;

  // True for one caller alone of all that saw it.
  bool try_claim(const Seen& seen) noexcept;

  // Whoever expects, by the address of anything that is its alone.
  using Owner = const void*;

  // `flow` must not be the owner's already.
  [[nodiscard]] bool put(Owner owner, const Body& body, bool is_local_only) noexcept;
  // Nothing where the owner has put no such flow.
  void take(Owner owner, const Body::Key& flow) noexcept;
  bool is_claimed(Owner owner, const Body::Key& flow) const noexcept;

 private:
  // The body, and then the owner's address with is_local_only in its lowest bit.
  static constexpr std::size_t kOwnerWord = (sizeof(Body) + 7) / 8;
  static constexpr std::size_t kWordCount = kOwnerWord + 1;
  static constexpr std::uint64_t kFree = 0;
  static constexpr std::uint64_t kBusy = 1;

  // kFree, kBusy while it is written, else a part of the key's hash. The words are written by who
  // made it kBusy.
  struct alignas(64) Place {
    std::atomic<std::uint64_t> tag{kFree};
    std::atomic<std::uint64_t> claim{0};  // twice the ticket, odd once it is claimed
    SequenceLocked<kWordCount> words;
  };

  using Words = SequenceLocked<kWordCount>::Words;

  static std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash | 2U; }

  std::uint32_t find_own(Owner owner, const Body::Key& flow) const noexcept;

  static constexpr std::uint32_t kNoPlace = 0xFFFFFFFFU;

  std::unique_ptr<Place[]> places_;
  std::uint32_t mask_;
  tables::HashSeed seed_;
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint64_t> tickets_{0};
};

}  // namespace twinplane::dataplane
