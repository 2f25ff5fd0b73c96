// SPDX-License-Identifier: BSD-3-Clause
// checkers.hpp - the invariants of ha2/PROTOCOL.md section 10 as they can be seen from
// outside, a class each.
//
// A Scene is both tables at one moment. Each checker looks at it after every step and says what is
// wrong, or nothing.
//
// Thread:  one.
// Memory:  a set of hashes for each slot; allocates freely.
// Limits:  none.
// Errors:  an empty string when all is well, else one sentence.
// Spec:    ha2/PROTOCOL.md section 10: I1, I2, I3, I4, I5, I9; section 5.4: S12.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/support/sim_pair.hpp"
#include "tests/support/workload.hpp"

namespace twinplane::tests {

// What a slot holds, as far as the peer must hold it too.
struct SlotView {
  std::uint64_t hash = 0;  // of the image
  std::uint16_t generation = 0;
  bool is_live = false;
  bool is_reply_seen = false;
  std::array<std::uint8_t, 2> tcp_ranks{};
  std::array<std::uint32_t, 2> edges{};  // 0 = not known
  std::array<std::uint32_t, 2> edges_max{};
};

using TableViews = std::vector<SlotView>;

struct Scene {
  const SimPair* pair = nullptr;
  std::array<TableViews, tables::kTableKindCount> owner;
  std::array<TableViews, tables::kTableKindCount> mirror;
};

// Reads both boxes; what did not change since the last look is not read anew.
class Observer {
 public:
  const Scene& look(const SimPair& pair);

 private:
  template <class Address>
  void look_at(const Box& box, std::size_t box_index, TableViews& views);

  Scene scene_;
  std::array<std::array<std::vector<std::byte>, tables::kTableKindCount>, 2> seen_;
  std::array<std::array<TableViews, tables::kTableKindCount>, 2> views_;
};

// I1: where the boxes differ, the owner has not forgotten it.
class NothingForgotten {
 public:
  std::string check(const Scene& scene) const;
};

// I2: what the mirror holds was once the owner's; once bulk is done, the owner's in this stream.
class NothingInvented {
 public:
  std::string check(const Scene& scene);

 private:
  struct Past {
    std::uint64_t last_hash = 0;
    std::unordered_set<std::uint64_t> ever;
    std::unordered_set<std::uint64_t> in_stream;
  };

  std::uint64_t stream_number_ = 0;
  std::array<std::vector<Past>, tables::kTableKindCount> past_;
};

// I3: within a generation of the mirror's slot nothing falls, and generations only rise.
class NothingGoesBack {
 public:
  std::string check(const Scene& scene);

 private:
  struct Last {
    SlotView view;
    std::uint16_t generation = 0;
    bool has_generation = false;
    bool is_known = false;  // stated in this stream
  };

  std::uint64_t stream_number_ = 0;
  bool was_joined_ = false;
  std::array<std::vector<Last>, tables::kTableKindCount> last_;
};

// I4: the index finds each live key at its slot and nothing else. Holds at any time: an entry that
// is not in the index would be lost at a takeover.
class IndexIsExact {
 public:
  explicit IndexIsExact(const Workload& workload) : workload_(workload) {}

  std::string check(const Box& box) const;

 private:
  const Workload& workload_;
};

// I5: what does not belong to the box's present stream changes nothing.
class ForeignChangesNothing {
 public:
  std::string check(const Scene& scene) const { return scene.pair->foreign_change(); }
};

// I9: when the owner says that all is quiet, both hold the same.
class QuietMeansEqual {
 public:
  std::string check(const Scene& scene) const;
};

}  // namespace twinplane::tests
