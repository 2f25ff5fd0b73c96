// SPDX-License-Identifier: BSD-3-Clause
// checkers_scene.hpp - one partition of both boxes at one moment, as the checkers see it: made
// alike from two streams with scripted roles and from two whole boxes.
//
// Thread:  one.
// Memory:  a copy of both tables; allocates freely.
// Limits:  none.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 10.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/sim_pair.hpp"

namespace twinplane::tests {

// What a slot holds, as far as the peer must hold it too.
struct SlotView {
  std::uint64_t hash = 0;  // of the image
  std::uint16_t generation = 0;
  bool is_live = false;
  bool is_reply_seen = false;
  std::array<std::uint8_t, 2> tcp_ranks{};
  // window edges, or the numbers of a plain kind's refresh; 0 = not known
  std::array<std::uint32_t, 2> edges{};
  std::array<std::uint32_t, 2> edges_max{};
};

using TableViews = std::vector<SlotView>;

// What a run knows of a box's side of the partition.
struct EndState {
  const Box* box = nullptr;     // null while the box is down
  bool is_writer = false;       // its traffic changes the tables
  std::uint64_t stream_id = 0;  // another one with each stream that it begins as owner
};

struct SceneEnd : EndState {
  std::array<TableViews, tables::kTableKindCount> views;
  // Slots whose view is another one than at the last look.
  std::array<std::vector<std::uint32_t>, tables::kTableKindCount> changed;
};

struct Scene {
  std::array<SceneEnd, 2> ends;
  // Both take part in the same stream: one as its owner, the other as its mirror.
  bool is_joined = false;
  std::size_t owner_index = 0;  // of the joined stream
  bool is_bulk_done = false;    // as the owner says
  // A bit for each slot in which the ends differ.
  std::array<std::vector<std::uint64_t>, tables::kTableKindCount> differing;

  const SceneEnd& owner() const noexcept { return ends[owner_index]; }

  const SceneEnd& mirror() const noexcept { return ends[1 - owner_index]; }

  bool are_equal() const noexcept;

  // Calls on_slot(table, slot) for each slot in which the ends differ, until it returns false.
  template <class OnSlot>
  void for_each_difference(OnSlot&& on_slot) const {
    for (std::size_t table = 0; table < differing.size(); ++table)
      for (std::size_t word = 0; word < differing[table].size(); ++word)
        for (std::uint64_t bits = differing[table][word]; bits != 0; bits &= bits - 1)
          if (!on_slot(table, static_cast<std::uint32_t>(
                                  word * 64 + static_cast<unsigned>(std::countr_zero(bits)))))
            return;
  }
};

// Reads both ends; what did not change since the last look is not read anew.
class Observer {
 public:
  // Of kinds that the boxes do not keep equal each has its own: they are not looked at.
  explicit Observer(tables::KindSet kinds) : kinds_(kinds) {}

  const Scene& look(const std::array<EndState, 2>& ends);

  const Scene& last() const noexcept { return scene_; }

 private:
  template <tables::TableKind kKind>
  void look_at(std::size_t end);
  void compare();

  tables::KindSet kinds_;
  Scene scene_;
  std::array<std::array<std::vector<std::byte>, tables::kTableKindCount>, 2> seen_;
};

// A stream with scripted roles.
std::array<EndState, 2> ends_of(const SimPair& pair);

// "session4 slot 17", and what a slot holds.
std::string place_text(std::size_t table, std::size_t slot);
std::string view_text(const SlotView& view);

// What I1 asks of the owner of a difference: the slot waits, is under way, or lies ahead of a walk.
bool is_covered(const Box& owner, tables::TableKind table, std::uint32_t slot) noexcept;

}  // namespace twinplane::tests
