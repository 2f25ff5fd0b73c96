// SPDX-License-Identifier: BSD-3-Clause
// checkers_pair.hpp - what two whole boxes must keep to, a class each: one owner, one active box,
// and nothing lost that was answered.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  none.
// Errors:  an empty string when all is well, else one sentence.
// Spec:    ha2/PROTOCOL.md section 8.5 and 10: I5; DESIGN.md section 2.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/checkers_scene.hpp"
#include "tests/support/sim_whole_pair.hpp"

namespace twinplane::tests {

// A partition of two whole boxes.
std::array<EndState, 2> ends_of(const WholePair& pair, std::uint32_t partition);

// I5: a partition has at most one owner under a session and term, ever.
class OneOwner {
 public:
  std::string check(const WholePair& pair);

  // All that there have been.
  std::uint64_t stream_count() const noexcept { return owners_.size(); }

 private:
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::size_t> owners_;
};

// Two active boxes of which each has heard the other say that it is, and has decided since, do not
// both stay it.
class OneActive {
 public:
  std::string check(const WholePair& pair);

  // Both have been active at once.
  std::uint64_t times() const noexcept { return times_; }

 private:
  std::uint64_t since_ns_ = 0;         // both are active; 0 = they are not
  std::uint64_t paired_since_ns_ = 0;  // with each other; 0 = they are not
  std::uint64_t times_ = 0;
};

// A box that has left a life of its peer for another one does not go back to it: old frames cannot
// revive the dead.
class TheDeadStayDead {
 public:
  std::string check(const WholePair& pair);

 private:
  struct Known {
    std::uint64_t boot_id = 0;
    std::uint64_t peer = 0;  // the life of the peer that it believes in
    std::set<std::uint64_t> left;
  };

  std::array<Known, 2> known_;
};

// A box that stood still, or whose clock leapt, does not count that as silence of its peer.
class NobodyIsHasty {
 public:
  std::string check(const WholePair& pair) const;
};

// A takeover keeps every session as the last owner knew it to be at the mirror.
class AnsweredSurvives {
 public:
  // The owner is about to end: what does it know?
  void remember(const Scene& scene);

  // As time goes on, what was remembered is overtaken by another stream.
  void follow(const Scene& scene);

  // Box `taker` has become the owner from being the mirror of stream `name`.
  std::string check(const Scene& scene, std::size_t taker, ha2::StreamName name);

  std::uint64_t kept_count() const noexcept { return kept_count_; }

 private:
  struct Answered {
    std::size_t table;
    std::uint32_t slot;
    std::uint64_t hash;
  };

  std::string judge(const Scene& scene, std::size_t taker, const Answered& answered);
  static std::vector<Answered> known_to(const Scene& scene, std::size_t owner);

  std::optional<ha2::StreamName> name_;
  std::vector<Answered> answered_;
  std::uint64_t kept_count_ = 0;
};

}  // namespace twinplane::tests
