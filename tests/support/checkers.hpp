// SPDX-License-Identifier: BSD-3-Clause
// checkers.hpp - the invariants of ha2/PROTOCOL.md section 10 that can be seen in one partition of
// both boxes, a class each.
//
// Each checker looks at the Scene after every step and says what is wrong, or nothing. What did not
// change is not looked at again.
//
// Thread:  one.
// Memory:  the hashes that each slot has ever had; allocates freely.
// Limits:  none.
// Errors:  an empty string when all is well, else one sentence.
// Spec:    ha2/PROTOCOL.md section 10: I1, I2, I3, I4, I9; section 5.4: S12.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/checkers_scene.hpp"
#include "tests/support/workload.hpp"

namespace twinplane::tests {

// I1: where the boxes differ, the owner has not forgotten it.
class NothingForgotten {
 public:
  std::string check(const Scene& scene) const;
};

// I2: what the mirror holds was once an owner's; once bulk is done, the owner's in this stream.
class NothingInvented {
 public:
  std::string check(const Scene& scene);

 private:
  // A value that the slot has had, and in which stream of each box as the owner it had it last.
  struct Known {
    std::uint64_t hash;
    std::array<std::uint64_t, 2> stream_ids;
  };

  using Past = std::vector<Known>;

  static Known* find(Past& past, std::uint64_t hash) noexcept;
  void learn(std::size_t table, std::uint32_t slot, std::size_t end, const SceneEnd& writer);
  std::string judge(const Scene& scene, std::size_t table, std::uint32_t slot, const SceneEnd& end);

  std::array<std::uint64_t, 2> stream_ids_{};
  std::array<bool, 2> were_writers_{};
  bool was_bulk_done_ = false;
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
    bool are_edges_known = false;
  };

  void begin(const Scene& scene);
  std::string judge(std::size_t table, std::uint32_t slot, const SlotView& now);
  static void note(Last& last, const SlotView& now) noexcept;

  std::pair<std::size_t, std::uint64_t> stream_{};  // owner and its stream
  bool was_joined_ = false;
  bool was_bulk_done_ = false;
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

// I5, I7, I8: frames of other streams and malformed ones change nothing, and nothing allocates. The
// boxes watch that themselves, call by call.
class NothingImproper {
 public:
  std::string check(const Scene& scene) const;
};

// Section 7: boxes that keep the other invariants never differ where a verification or an audit
// looks.
std::string false_alarm_of(const Box& box);

// I9: when the owner says that all is quiet, both hold the same.
class QuietMeansEqual {
 public:
  std::string check(const Scene& scene);

 private:
  bool was_quiet_ = false;
};

}  // namespace twinplane::tests
