// SPDX-License-Identifier: BSD-3-Clause
// e2e_load.hpp - changes for an owner's table, creates, updates and deletes 1:2:1, at random slots,
// as fast as it takes them.
//
// Thread:  the owner's core.
// Memory:  64 bytes for each session that prepare() makes in advance.
// Limits:  steps of 64 changes.
// Errors:  CHECK when the table refuses a session that it has room for, or more is asked for than
//          was prepared.
// Spec:    METRICS: every change is a record unless the slot waits already (coalescing); at these
//          sizes nearly none does. Inputs are made before the clock starts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "bench/boxes.hpp"
#include "bench/sessions.hpp"
#include "tables/base/check.hpp"

namespace twinplane::bench {

class Load {
 public:
  static constexpr std::size_t kRounds = 16;
  static constexpr std::size_t kChanges = kRounds * 4;

  // The slots of the table that are full now stay full in number. `first_number`: no session of
  // this number or a later one is in the table.
  Load(Box& owner, std::uint64_t first_number)
      : slots_(owner.slots4()), next_number_(first_number) {}

  // Makes the sessions of change_count changes; what is left of earlier ones is thrown away.
  void prepare(std::uint64_t change_count) {
    made_.resize(change_count / 4 + 4 * kRounds);
    for (Session& made : made_) made = session4(next_number_++);
    used_ = 0;
    turn_ = 0;
    for (Batch& batch : batches_) {
      draw(batch);
      choose(batch);
    }
    ask_for_keys(batch(0), made_.data());
    ask_for_keys(batch(1), made_.data() + kRounds);
  }

  // Five batches are on their way at once: slots drawn, those that are full asked for, their keys
  // asked for, room for the new ones asked for, the changes.
  void step() {
    TWINPLANE_CHECK(used_ + 3 * kRounds, <=, made_.size());
    Batch& due = batch(0);
    ask_for_room(batch(1), made_.data() + used_ + kRounds);
    ask_for_keys(batch(2), made_.data() + used_ + 2 * kRounds);
    choose(batch(3));
    for (const std::uint32_t slot : due.updates) update(slot);
    for (std::size_t i = 0; i < kRounds; ++i) replace(due.ends[i], made_[used_++]);
    draw(due);
    ++turn_;
  }

 private:
  using Session = tables::Session4;

  // One session ends and another begins.
  struct End {
    std::uint32_t slot = 0;
    std::uint16_t generation = 0;
    tables::KeyHashes old_hashes{};
    tables::KeyHashes new_hashes{};
  };

  static constexpr std::size_t kBatches = 5;

  struct Batch {
    // a third more than will do, as some are empty
    std::array<std::uint32_t, 4 * kRounds> drawn{};
    std::array<End, kRounds> ends{};
    std::array<std::uint32_t, 2 * kRounds> updates{};
  };

  Batch& batch(std::size_t ahead) { return batches_[(turn_ + ahead) % kBatches]; }

  void draw(Batch& batch) {
    for (std::uint32_t& slot : batch.drawn) {
      slot = random_slot();
      slots_.live().prefetch(slot);
    }
  }

  void choose(Batch& batch) {
    const std::uint32_t* next = batch.drawn.data();
    const std::uint32_t* const end_of_drawn = next + batch.drawn.size();
    const auto full_slot = [&] {
      while (next != end_of_drawn)
        if (const std::uint32_t slot = *next++; slots_.live().is_live(slot)) return slot;
      return full_slot_at_random();
    };
    for (End& end : batch.ends) {
      end.slot = full_slot();
      slots_.prefetch_change(end.slot);
      slots_.prefetch_touch(end.slot);
    }
    for (std::uint32_t& slot : batch.updates) {
      slot = full_slot();
      slots_.prefetch(slot);
      slots_.prefetch_touch(slot);
    }
  }

  void ask_for_keys(Batch& batch, const Session* next) {
    for (End& end : batch.ends) {
      end.generation = slots_.entry(end.slot).state.generation;
      end.old_hashes = slots_.prefetch_keys_of(end.slot);
      __builtin_prefetch(next + kRounds);
      end.new_hashes = slots_.prefetch_keys(*next++);
    }
  }

  void ask_for_room(const Batch& batch, const Session* next) {
    for (const End& end : batch.ends) slots_.prefetch_room(*next++, end.new_hashes);
  }

  std::uint32_t random_slot() {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    return static_cast<std::uint32_t>((random_ >> 32U) * slots_.slot_count() >> 32U);
  }

  std::uint32_t full_slot_at_random() {
    while (true)
      if (const std::uint32_t slot = random_slot(); slots_.live().is_live(slot)) return slot;
  }

  void update(std::uint32_t slot) {
    if (!slots_.live().is_live(slot)) slot = full_slot_at_random();  // ended since it was drawn
    tables::SessionState& state = slots_.changeable(slot).state;
    const bool is_open = state.tcp_ranks == 0x22;
    state.tcp_ranks = static_cast<std::uint8_t>(is_open ? 0x33 : 0x22);
    state.timeout_class = static_cast<std::uint8_t>(
        is_open ? tables::TimeoutClass::kTcpClosing : tables::TimeoutClass::kTcpEstablished);
    slots_.mark(slot, tables::kMarkState);
  }

  void replace(const End& end, const Session& session) {
    // Drawn twice: another batch has ended it since, and perhaps filled the slot again.
    if (slots_.live().is_live(end.slot) &&
        slots_.entry(end.slot).state.generation == end.generation)
      slots_.erase(end.slot, end.old_hashes);
    else
      slots_.erase(full_slot_at_random());
    const tables::InsertResult result = slots_.insert(session, end.new_hashes);
    TWINPLANE_CHECK(static_cast<int>(result.status), ==, 0);
  }

  std::remove_reference_t<decltype(std::declval<Box&>().slots4())>& slots_;
  std::uint64_t next_number_;
  std::uint64_t random_ = 0x2545F4914F6CDD1DU;
  std::vector<Session> made_;
  std::size_t used_ = 0;
  std::array<Batch, kBatches> batches_{};
  std::size_t turn_ = 0;
};

}  // namespace twinplane::bench
