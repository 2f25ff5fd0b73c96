// SPDX-License-Identifier: BSD-3-Clause
// e2e_load.hpp - changes for an owner's table, creates, updates and deletes 1:2:1, at random slots,
// as fast as it takes them.
//
// Thread:  the owner's core.
// Memory:  one list of live slots, 4 bytes a slot, and 65,536 sessions made in advance.
// Limits:  steps of 64 changes.
// Errors:  CHECK when the table refuses a session that it has room for.
// Spec:    METRICS: every change is a record unless the slot waits already (coalescing); at these
//          sizes nearly none does.
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

  // `live` slots of the table are full: 0 to live - 1.
  Load(Box& owner, std::uint32_t live) : slots_(owner.slots4()), live_(live), next_number_(live) {
    for (std::uint32_t slot = 0; slot < live; ++slot) live_[slot] = slot;
    prepare();
  }

  void prepare() {
    for (Session& made : made_) made = session4(next_number_++);
    used_ = 0;
  }

  // Three steps are on their way at once: places drawn, their slots asked for, the change itself.
  void step() {
    if (used_ + 2 * kRounds > made_.size()) prepare();
    Draw& drawn = draws_[turn_ % 3];
    Draw& fetched = draws_[(turn_ + 2) % 3];
    Draw& due = draws_[(turn_ + 1) % 3];
    ++turn_;
    for (const std::uint32_t place : due.ends) slots_.prefetch_keys_of(live_[place]);
    for (std::uint32_t& place : drawn.ends) draw(place);
    for (std::uint32_t& place : drawn.updates) draw(place);
    for (const std::uint32_t place : fetched.ends) slots_.prefetch_change(live_[place]);
    for (const std::uint32_t place : fetched.updates) slots_.prefetch(live_[place]);
    for (std::size_t i = kRounds; i < 2 * kRounds; ++i)
      slots_.prefetch_index(tables::key_of(made_[used_ + i], tables::Side::kClient));
    for (const std::uint32_t place : due.updates) update(live_[place]);
    for (const std::uint32_t place : due.ends) {
      slots_.erase(live_[place]);
      const tables::InsertResult result = slots_.insert(made_[used_++]);
      TWINPLANE_CHECK(static_cast<int>(result.status), ==, 0);
      live_[place] = result.slot;
    }
  }

  std::uint32_t live_count() const { return static_cast<std::uint32_t>(live_.size()); }

 private:
  using Session = tables::Session4;

  struct Draw {
    std::array<std::uint32_t, kRounds> ends{};
    std::array<std::uint32_t, 2 * kRounds> updates{};
  };

  void draw(std::uint32_t& place) {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    place = static_cast<std::uint32_t>((random_ >> 32U) * live_.size() >> 32U);
    __builtin_prefetch(&live_[place], 1);
  }

  void update(std::uint32_t slot) {
    tables::SessionState& state = slots_.changeable(slot).state;
    const bool is_open = state.tcp_ranks == 0x22;
    state.tcp_ranks = static_cast<std::uint8_t>(is_open ? 0x33 : 0x22);
    state.timeout_class = static_cast<std::uint8_t>(
        is_open ? tables::TimeoutClass::kTcpClosing : tables::TimeoutClass::kTcpEstablished);
    slots_.mark(slot, tables::kMarkState);
  }

  std::remove_reference_t<decltype(std::declval<Box&>().slots4())>& slots_;
  std::vector<std::uint32_t> live_;
  std::uint64_t next_number_;
  std::uint64_t random_ = 0x2545F4914F6CDD1DU;
  std::vector<Session> made_ = std::vector<Session>(1U << 16U);
  std::size_t used_ = 0;
  std::array<Draw, 3> draws_{};
  std::size_t turn_ = 0;
};

}  // namespace twinplane::bench
