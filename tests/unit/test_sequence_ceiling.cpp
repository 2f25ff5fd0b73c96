// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "tables/sequence_ceiling.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint64_t kLast32 = 0xFFFF'FFFF;
constexpr std::uint64_t kLast64 = ~std::uint64_t{0};
constexpr SequenceSpace k64 = SequenceSpace::k64;
constexpr GrantLimits kSmall{.size_min = 8, .size_max = 64, .patience_ns = 100};

SequenceRun take(SequenceCeiling& owner, std::uint32_t count, std::uint64_t now_ns,
                 SequenceSpace space = k64) {
  return take_sequences(owner, count, now_ns, kSmall, space);
}

void expect_run(const SequenceRun& run, std::uint64_t first, std::uint32_t count,
                SequenceOutcome outcome) {
  EXPECT_EQ(run.first, first);
  EXPECT_EQ(run.count, count);
  EXPECT_EQ(run.outcome, outcome);
}

TEST(SequenceCeiling, BeginsWithOneAndAGrantThatNeedsNoAnswer) {
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  expect_run(take(owner, 3, 0), 1, 3, SequenceOutcome::kTaken);
  expect_run(take(owner, 5, 0), 4, 5, SequenceOutcome::kTaken);
  expect_run(take(owner, 1, 0), 9, 0, SequenceOutcome::kAwaitsGrant);
  EXPECT_FALSE(is_ungranted(owner));
  EXPECT_EQ(grant_of(owner), (SequenceGrant{8, 8, 0}));
}

TEST(SequenceCeiling, AsksAtHalfAndUsesWhatIsAnswered) {
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  static_cast<void>(take(owner, 3, 0));
  EXPECT_FALSE(try_ask_grant(owner, 0, 0, kSmall, k64));
  static_cast<void>(take(owner, 1, 0));
  EXPECT_TRUE(try_ask_grant(owner, 0, 0, kSmall, k64));
  EXPECT_FALSE(try_ask_grant(owner, 0, 0, kSmall, k64)) << "one question at a time";
  EXPECT_EQ(grant_of(owner).ceiling, 12U);
  expect_run(take(owner, 9, 99), 5, 4, SequenceOutcome::kAwaitsGrant);
  EXPECT_EQ(answer_grant(owner, 12), GrantAnswer::kRaised);
  expect_run(take(owner, 9, 99), 9, 4, SequenceOutcome::kAwaitsGrant);
  EXPECT_FALSE(is_ungranted(owner));
}

TEST(SequenceCeiling, GoesOnWithoutAnswersAPatienceAtATime) {
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  static_cast<void>(take(owner, 8, 0));
  ASSERT_TRUE(try_ask_grant(owner, 0, 5, kSmall, k64));
  expect_run(take(owner, 8, 104), 9, 0, SequenceOutcome::kAwaitsGrant);
  expect_run(take(owner, 8, 105), 9, 8, SequenceOutcome::kTaken);
  EXPECT_TRUE(is_ungranted(owner));
  ASSERT_TRUE(try_ask_grant(owner, 0, 110, kSmall, k64));
  expect_run(take(owner, 8, 209), 17, 0, SequenceOutcome::kAwaitsGrant);
  EXPECT_EQ(answer_grant(owner, 24), GrantAnswer::kRaised);
  EXPECT_FALSE(is_ungranted(owner)) << "the mirror knows all of it again";
}

TEST(SequenceCeiling, StillUsesWhatItWaitedForWhileTheNextQuestionIsOpen) {
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  static_cast<void>(take(owner, 4, 0));
  ASSERT_TRUE(try_ask_grant(owner, 0, 0, kSmall, k64));
  static_cast<void>(take(owner, 4, 0));
  ASSERT_TRUE(try_ask_grant(owner, 0, 100, kSmall, k64));
  expect_run(take(owner, 8, 100), 9, 4, SequenceOutcome::kAwaitsGrant);
}

TEST(SequenceCeiling, LateAndForgedAnswersRaiseNothing) {
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  static_cast<void>(take(owner, 4, 0));
  ASSERT_TRUE(try_ask_grant(owner, 0, 0, kSmall, k64));
  EXPECT_EQ(answer_grant(owner, 13), GrantAnswer::kNeverAsked);
  EXPECT_EQ(answer_grant(owner, kLast64), GrantAnswer::kNeverAsked);
  EXPECT_EQ(answer_grant(owner, 8), GrantAnswer::kKnown);
  EXPECT_EQ(answer_grant(owner, 0), GrantAnswer::kKnown);
  EXPECT_EQ(owner.usable, 8U);
  EXPECT_EQ(answer_grant(owner, 12), GrantAnswer::kRaised);
  EXPECT_EQ(answer_grant(owner, 12), GrantAnswer::kKnown);
}

TEST(SequenceCeiling, TimeThatGoesBackEndsNoWait) {
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  static_cast<void>(take(owner, 8, 0));
  ASSERT_TRUE(try_ask_grant(owner, 0, 1000, kSmall, k64));
  expect_run(take(owner, 1, 0), 9, 0, SequenceOutcome::kAwaitsGrant);
  expect_run(take(owner, 1, 1099), 9, 0, SequenceOutcome::kAwaitsGrant);
  expect_run(take(owner, 1, 1100), 9, 1, SequenceOutcome::kTaken);
}

TEST(SequenceCeiling, ASizeIsFourPatiencesOfTheRateAndAPowerOfTwo) {
  constexpr GrantLimits kDefaults;
  EXPECT_EQ(grant_size(0, kDefaults), 65'536U);
  EXPECT_EQ(grant_size(163'840, kDefaults), 65'536U);
  EXPECT_EQ(grant_size(163'841, kDefaults), 131'072U);
  EXPECT_EQ(grant_size(1'000'000, kDefaults), 524'288U);
  EXPECT_EQ(grant_size(167'772'160, kDefaults), kDefaults.size_max);
  EXPECT_EQ(grant_size(0xFFFF'FFFF, kDefaults), kDefaults.size_max);
}

TEST(SequenceCeiling, ALargerSizeIsToldBeforeItIsAskedFor) {
  constexpr std::uint32_t kFastPerS = 70'000'000;  // seven in a patience
  SequenceCeiling owner = open_ceiling(1, 8, k64);
  static_cast<void>(take(owner, 8, 0));
  ASSERT_TRUE(try_ask_grant(owner, kFastPerS, 0, kSmall, k64));
  EXPECT_EQ(grant_of(owner), (SequenceGrant{16, 32, 0}));
  static_cast<void>(take(owner, 8, 100));
  ASSERT_TRUE(try_ask_grant(owner, 0, 100, kSmall, k64));
  EXPECT_EQ(grant_of(owner), (SequenceGrant{24, 32, 0})) << "not answered: as before";
  EXPECT_EQ(answer_grant(owner, 24), GrantAnswer::kRaised);
  static_cast<void>(take(owner, 8, 100));
  ASSERT_TRUE(try_ask_grant(owner, 0, 100, kSmall, k64));
  EXPECT_EQ(grant_of(owner), (SequenceGrant{56, 32, 0})) << "a size never falls";
}

TEST(SequenceCeiling, UsesEveryNumberUpToTheLastAndNoneTwice) {
  for (const SequenceSpace space : {SequenceSpace::k32, k64}) {
    const std::uint64_t last = last_sequence(space);
    SequenceCeiling owner = open_ceiling(last - 11, 8, space);
    EXPECT_TRUE(needs_new_sa(owner, space));
    static_cast<void>(take(owner, 8, 0, space));
    ASSERT_TRUE(try_ask_grant(owner, 0, 0, kSmall, space));
    EXPECT_EQ(grant_of(owner).ceiling, last);
    EXPECT_EQ(answer_grant(owner, last), GrantAnswer::kRaised);
    expect_run(take(owner, 3, 0, space), last - 3, 3, SequenceOutcome::kTaken);
    EXPECT_FALSE(try_ask_grant(owner, 0, 0, kSmall, space)) << "there is nothing more";
    expect_run(take(owner, 3, 0, space), last, 1, SequenceOutcome::kExhausted);
    expect_run(take(owner, 3, 0, space), last + 1, 0, SequenceOutcome::kExhausted);
  }
}

TEST(SequenceCeiling, CountsOnOver32BitsWithEsnAlone) {
  SequenceCeiling owner = open_ceiling(kLast32 - 3, 8, k64);
  expect_run(take(owner, 8, 0), kLast32 - 3, 8, SequenceOutcome::kTaken);
  owner = open_ceiling(kLast32 - 3, 8, SequenceSpace::k32);
  expect_run(take(owner, 8, 0, SequenceSpace::k32), kLast32 - 3, 4, SequenceOutcome::kExhausted);
}

TEST(SequenceCeiling, AsksForANewSaWhileATakeoverCouldStillJump) {
  EXPECT_FALSE(needs_new_sa(open_ceiling(1, 8, SequenceSpace::k32), SequenceSpace::k32));
  EXPECT_FALSE(needs_new_sa(open_ceiling(kLast32 - kSequenceJumpMax, 8, SequenceSpace::k32),
                            SequenceSpace::k32));
  EXPECT_TRUE(needs_new_sa(open_ceiling(kLast32 - kSequenceJumpMax + 1, 8, SequenceSpace::k32),
                           SequenceSpace::k32));
  EXPECT_FALSE(needs_new_sa(open_ceiling(kLast32, 8, k64), k64));
}

TEST(SequenceCeiling, AMirrorKeepsTheHighestOfWhatItIsTold) {
  SequenceGrant known{};
  merge_grant(known, {.ceiling = 16, .size = 8, .zero = 0});
  merge_grant(known, {.ceiling = 8, .size = 32, .zero = 0});
  EXPECT_EQ(known, (SequenceGrant{16, 32, 0}));
}

struct Taken {
  SequenceTakeover verdict;
  std::uint64_t first;  // the number that the new owner begins with; 0 = it sends nothing
};

Taken taken_over(const SequenceGrant& known, std::uint64_t stale_ns, SequenceSpace space) {
  SequenceCeiling owner{};
  const SequenceTakeover verdict = take_over(known, stale_ns, kSmall, space, owner);
  const SequenceRun run = take(owner, 1, 0, space);
  EXPECT_EQ(run.outcome == SequenceOutcome::kExhausted, verdict == SequenceTakeover::kNewSaOnly);
  return {verdict, run.count == 1 ? run.first : 0};
}

void expect_taken(const Taken& taken, SequenceTakeover verdict, std::uint64_t first) {
  EXPECT_EQ(taken.verdict, verdict);
  EXPECT_EQ(taken.first, first);
}

TEST(SequenceCeiling, ATakeoverStartsAboveTheHighestCeilingAndJumpsByRateTimesTime) {
  const SequenceGrant known{.ceiling = 40, .size = 8, .zero = 0};
  expect_taken(taken_over(known, 0, k64), SequenceTakeover::kAbove, 41);
  expect_taken(taken_over(known, 99, k64), SequenceTakeover::kAbove, 41);
  expect_taken(taken_over(known, 100, k64), SequenceTakeover::kJumped, 49);
  expect_taken(taken_over(known, 1099, k64), SequenceTakeover::kJumped, 121);
}

TEST(SequenceCeiling, ATakeoverAtTheEndOfTheNumbersSendsNothing) {
  for (const SequenceSpace space : {SequenceSpace::k32, k64}) {
    const std::uint64_t last = last_sequence(space);
    const auto at = [&](std::uint64_t ceiling, std::uint64_t stale_ns) {
      return taken_over({.ceiling = ceiling, .size = 8, .zero = 0}, stale_ns, space);
    };
    expect_taken(at(last - 1, 0), SequenceTakeover::kAbove, last);
    expect_taken(at(last, 0), SequenceTakeover::kNewSaOnly, 0);
    expect_taken(at(last - 9, 100), SequenceTakeover::kJumped, last);
    expect_taken(at(last - 8, 100), SequenceTakeover::kNewSaOnly, 0);
    expect_taken(at(last - 7, 100), SequenceTakeover::kNewSaOnly, 0);
    expect_taken(at(1, kLast64), SequenceTakeover::kNewSaOnly, 0);
  }
  expect_taken(taken_over({.ceiling = kLast32, .size = 8, .zero = 0}, 100, k64),
               SequenceTakeover::kJumped, kLast32 + 9);
}

TEST(SequenceCeiling, ATakeoverThatWouldJumpTooFarSendsNothing) {
  const SequenceGrant known{.ceiling = 1, .size = 8, .zero = 0};
  const std::uint64_t longest_ns = kSequenceJumpMax / 8 * kSmall.patience_ns;
  expect_taken(taken_over(known, longest_ns, k64), SequenceTakeover::kJumped, kSequenceJumpMax + 2);
  expect_taken(taken_over(known, longest_ns + kSmall.patience_ns, k64),
               SequenceTakeover::kNewSaOnly, 0);
}

struct Said {
  SequenceGrant grant;
  std::uint64_t said_at;  // the mirror that gets it knows all that was said until then
};

// Both boxes and what is between them. Every number has been used that is not above owner.used: a
// takeover that would begin lower is where the search ends.
struct State {
  SequenceCeiling owner{};
  std::uint64_t now = 0;
  SequenceGrant known{};
  std::uint64_t known_at = 0;
  bool can_take_over = false;            // the mirror has been told everything once
  std::vector<Said> said{};              // may be heard at any time, or never
  std::vector<std::uint64_t> answers{};  // may be heard at any time, or never
};

// All that may happen, in every order and for as long as it likes: what the owner says with each
// question and each tick is heard late, in another order, or lost; so are the answers; and at any
// moment the mirror may take over. Bounded is only how long a mirror hears nothing.
struct Model {
  GrantLimits owner_limits;
  GrantLimits mirror_limits;
  std::uint64_t stale_max;
  SequenceSpace space = k64;
  std::uint64_t first = 1;

  std::set<std::vector<std::uint64_t>> visited{};
  bool is_reused = false;
  bool has_jumped = false;
  bool was_ungranted = false;

  // Visits every state; stops at the first number that is used twice.
  void run() {
    State start{.owner = open_ceiling(first, owner_limits.size_min, space)};
    say(start);
    std::vector<State> open{start};
    while (!open.empty() && !is_reused) {
      const State state = std::move(open.back());
      open.pop_back();
      if (visited.insert(key(state)).second) step(state, open);
    }
  }

 private:
  static constexpr std::uint64_t kLateAnswers = 4;  // as numbers below the ceiling asked for

  // What comes next depends on differences alone; only the end of the numbers is a place.
  std::vector<std::uint64_t> key(const State& state) const {
    const SequenceCeiling& owner = state.owner;
    const std::uint64_t used = owner.used;
    const bool is_open = owner.usable != owner.asked;
    std::vector<std::uint64_t> key{
        std::min(last_sequence(space) - used, std::uint64_t{64}),
        std::min(owner.asked - owner.answered, kLateAnswers + 1),
        owner.usable - used,
        owner.asked - used,
        is_open ? std::min(state.now - owner.asked_ns, owner_limits.patience_ns) : 0,
        owner.size,
        owner.size_told,
        state.known.ceiling - used,
        state.known.size,
        state.now - state.known_at,
        state.can_take_over ? 1U : 0U,
        state.said.size()};
    for (const Said& one : state.said)
      key.insert(key.end(), {state.now - one.said_at, one.grant.ceiling - used, one.grant.size});
    for (const std::uint64_t ceiling : state.answers) key.push_back(ceiling - used);
    return key;
  }

  void step(const State& state, std::vector<State>& open) {
    was_ungranted |= is_ungranted(state.owner);
    const auto then = [&](auto&& change) {
      open.push_back(state);
      change(open.back());
    };
    if (state.now - state.known_at < stale_max) {
      then([](State& next) {
        ++next.now;
        say(next);
      });
    }
    then([&](State& next) {
      static_cast<void>(take_sequences(next.owner, 1, next.now, owner_limits, space));
      forget_old_news(next);
    });
    for (const std::uint32_t rate_per_s : {0U, 500'000'000U}) {
      then([&](State& next) {
        if (!try_ask_grant(next.owner, rate_per_s, next.now, owner_limits, space)) return;
        say(next);
        forget_old_news(next);
      });
    }
    for (const Said& one : state.said) then([&](State& next) { hear(next, one); });
    for (const std::uint64_t ceiling : state.answers) {
      then([&](State& next) {
        EXPECT_EQ(answer_grant(next.owner, ceiling), GrantAnswer::kRaised);
        forget_old_news(next);
      });
    }
    if (state.can_take_over) then([&](State& next) { change_owner(next); });
  }

  // Of equal statements the last one is the one that lets the mirror jump least.
  static void say(State& state) {
    const SequenceGrant grant = grant_of(state.owner);
    if (!state.said.empty() && state.said.back().grant == grant) state.said.pop_back();
    state.said.push_back({grant, state.now});
  }

  static void hear(State& state, const Said& one) {
    merge_grant(state.known, one.grant);
    state.known_at = std::max(state.known_at, one.said_at);
    state.can_take_over = true;
    state.answers.push_back(one.grant.ceiling);
    forget_old_news(state);
  }

  // What would change nothing any more need not be tried; answers that are several questions late
  // are lost.
  static void forget_old_news(State& state) {
    std::erase_if(state.said, [&](const Said& one) {
      return state.can_take_over && one.said_at <= state.known_at &&
             one.grant.ceiling <= state.known.ceiling && one.grant.size <= state.known.size;
    });
    const SequenceCeiling& owner = state.owner;
    std::erase_if(state.answers, [&](std::uint64_t ceiling) {
      return ceiling <= owner.answered || owner.asked - ceiling > kLateAnswers;
    });
    std::sort(state.answers.begin(), state.answers.end());
    state.answers.erase(std::unique(state.answers.begin(), state.answers.end()),
                        state.answers.end());
  }

  // The old owner is gone, with what it said; the next mirror begins with nothing.
  void change_owner(State& state) {
    const std::uint64_t used = state.owner.used;
    const SequenceTakeover verdict =
        take_over(state.known, state.now - state.known_at, mirror_limits, space, state.owner);
    has_jumped |= verdict == SequenceTakeover::kJumped;
    is_reused |= state.owner.used < used;
    state = {.owner = state.owner, .now = state.now, .known_at = state.now};
    say(state);
  }
};

// Two numbers at first, up to four at once, a patience of two ticks.
constexpr GrantLimits kTiny{.size_min = 2, .size_max = 4, .patience_ns = 2};

TEST(SequenceCeilingModel, NoNumberIsUsedTwiceWhateverIsLostOrLate) {
  Model model{.owner_limits = kTiny, .mirror_limits = kTiny, .stale_max = 4};
  model.run();
  EXPECT_FALSE(model.is_reused);
  EXPECT_TRUE(model.has_jumped && model.was_ungranted);
  EXPECT_GT(model.visited.size(), 10'000U);
  RecordProperty("states", static_cast<int>(model.visited.size()));
}

TEST(SequenceCeilingModel, NorNearTheEndOfTheNumbers) {
  for (const SequenceSpace space : {SequenceSpace::k32, k64}) {
    Model model{.owner_limits = kTiny,
                .mirror_limits = kTiny,
                .stale_max = 4,
                .space = space,
                .first = last_sequence(space) - 6};
    model.run();
    EXPECT_FALSE(model.is_reused);
  }
}

TEST(SequenceCeilingModel, FindsTheReuseWhenTheMirrorDoesNotJump) {
  GrantLimits patient = kTiny;
  patient.patience_ns = 1000;
  Model model{.owner_limits = kTiny, .mirror_limits = patient, .stale_max = 4};
  model.run();
  EXPECT_TRUE(model.is_reused);
}

TEST(SequenceCeilingModel, FindsTheReuseWhenTheOwnerWaitsLessThanTheMirrorThinks) {
  GrantLimits impatient = kTiny;
  impatient.patience_ns = 1;
  Model model{.owner_limits = impatient, .mirror_limits = kTiny, .stale_max = 4};
  model.run();
  EXPECT_TRUE(model.is_reused);
}

}  // namespace
}  // namespace twinplane::tables
