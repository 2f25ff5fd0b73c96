// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tables/tcp_track.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
constexpr std::uint8_t kFinAck = kTcpFin | kTcpAck;

TcpSegment segment(std::uint32_t seq, std::uint32_t ack, std::uint32_t payload_bytes,
                   std::uint8_t flags, std::uint16_t window = 1000,
                   std::uint8_t window_scale = kNoWindowScale) {
  return {seq, ack, payload_bytes, window, flags, window_scale};
}

// Client's first sequence number 100, server's 500.
SessionState opened(std::uint8_t client_scale = kNoWindowScale) {
  SessionState state{};
  tcp_open(state, segment(100, 0, 0, kTcpSyn, 1000, client_scale));
  return state;
}

SessionState answered(std::uint8_t client_scale = kNoWindowScale,
                      std::uint8_t server_scale = kNoWindowScale) {
  SessionState state = opened(client_scale);
  static_cast<void>(
      tcp_advance(state, kFromServer, segment(500, 101, 0, kSynAck, 1000, server_scale)));
  return state;
}

SessionState established(std::uint8_t client_scale = kNoWindowScale,
                         std::uint8_t server_scale = kNoWindowScale) {
  SessionState state = answered(client_scale, server_scale);
  static_cast<void>(tcp_advance(state, kFromClient, segment(101, 501, 0, kTcpAck)));
  return state;
}

TimeoutClass class_of(const SessionState& state) {
  return static_cast<TimeoutClass>(state.timeout_class);
}

void expect_ranks(const SessionState& state, TcpRank client, TcpRank server) {
  EXPECT_EQ(tcp_rank(state, kFromClient), client);
  EXPECT_EQ(tcp_rank(state, kFromServer), server);
}

TEST(TcpTrack, OpensHalfOpenWithTheClientsSyn) {
  const SessionState state = opened();
  expect_ranks(state, TcpRank::kSynSent, TcpRank::kNone);
  EXPECT_EQ(class_of(state), TimeoutClass::kTcpOpening);
  EXPECT_EQ(state.edge[kFromClient], 101U);
}

TEST(TcpTrack, IsEstablishedAfterThreeSteps) {
  expect_ranks(answered(), TcpRank::kSynSent, TcpRank::kEstablished);
  const SessionState state = established();
  expect_ranks(state, TcpRank::kEstablished, TcpRank::kEstablished);
  EXPECT_EQ(class_of(state), TimeoutClass::kTcpEstablished);
}

TEST(TcpTrack, StaysOpeningWhileTheServersAnswerAcknowledgesSomethingElse) {
  SessionState state = opened();
  static_cast<void>(tcp_advance(state, kFromServer, segment(500, 77, 0, kSynAck)));
  expect_ranks(state, TcpRank::kSynSent, TcpRank::kSynSent);
  EXPECT_EQ(class_of(state), TimeoutClass::kTcpOpening);
}

TEST(TcpTrack, ASecondSynChangesNothing) {
  SessionState state = established();
  EXPECT_EQ(tcp_advance(state, kFromClient, segment(100, 0, 0, kTcpSyn)), 0);
  EXPECT_EQ(tcp_advance(state, kFromServer, segment(500, 101, 0, kSynAck)), 0);
  expect_ranks(state, TcpRank::kEstablished, TcpRank::kEstablished);
  EXPECT_EQ(state.edge[kFromClient], 101U);
}

TEST(TcpTrack, ClosesWhenBothFinsAreAcknowledged) {
  SessionState state = established();
  EXPECT_EQ(tcp_advance(state, kFromClient, segment(101, 501, 10, kFinAck)) & kMarkState,
            kMarkState);
  expect_ranks(state, TcpRank::kFinSent, TcpRank::kEstablished);
  EXPECT_EQ(class_of(state), TimeoutClass::kTcpClosing);
  static_cast<void>(tcp_advance(state, kFromServer, segment(501, 112, 0, kFinAck)));
  expect_ranks(state, TcpRank::kFinAcked, TcpRank::kFinSent);
  EXPECT_FALSE(tcp_is_over(state));
  static_cast<void>(tcp_advance(state, kFromClient, segment(112, 502, 0, kTcpAck)));
  expect_ranks(state, TcpRank::kFinAcked, TcpRank::kFinAcked);
  EXPECT_TRUE(tcp_is_over(state));
  EXPECT_EQ(class_of(state), TimeoutClass::kTcpClosed);
}

TEST(TcpTrack, AFinIsAcknowledgedOnlyWithEverythingBeforeIt) {
  SessionState state = established();
  static_cast<void>(tcp_advance(state, kFromClient, segment(101, 501, 10, kFinAck)));
  static_cast<void>(tcp_advance(state, kFromServer, segment(501, 111, 0, kTcpAck)));
  expect_ranks(state, TcpRank::kFinSent, TcpRank::kEstablished);
}

TEST(TcpTrack, AResetInsideTheWindowEndsTheSession) {
  SessionState state = established();
  EXPECT_EQ(tcp_advance(state, kFromServer, segment(501, 101, 0, kTcpRst)), kMarkState);
  EXPECT_TRUE(tcp_is_over(state));
  EXPECT_EQ(class_of(state), TimeoutClass::kTcpClosed);
}

TEST(TcpTrack, AResetFarOutsideTheWindowChangesNoRank) {
  SessionState state = established();
  static_cast<void>(tcp_advance(state, kFromServer, segment(501 + 100'000'000, 101, 0, kTcpRst)));
  expect_ranks(state, TcpRank::kEstablished, TcpRank::kEstablished);
}

TEST(TcpTrack, AResetFarBehindChangesNothing) {
  SessionState state = established();
  for (const std::uint32_t back : {kBelievedBehindBytes + 1, 0x10000000U, 0x7FFFFFFFU}) {
    const std::uint32_t edge_before = state.edge[kFromServer];
    EXPECT_EQ(tcp_advance(state, kFromServer, segment(501 - back, 101, 0, kTcpRst)), 0) << back;
    EXPECT_EQ(state.edge[kFromServer], edge_before);
  }
  expect_ranks(state, TcpRank::kEstablished, TcpRank::kEstablished);
  EXPECT_EQ(tcp_advance(state, kFromServer, segment(501 - kBelievedBehindBytes, 101, 0, kTcpRst)),
            kMarkState)
      << "in answer to a late acknowledgement";
}

TEST(TcpTrack, AResetThatIsNotBelievedMovesNoEdge) {
  SessionState state = established();
  const SessionState before = state;
  static_cast<void>(tcp_advance(state, kFromServer,
                                segment(501 + 100'000'000, 900'000'000, 0, kTcpRst | kTcpAck)));
  EXPECT_EQ(state.edge[kFromServer], before.edge[kFromServer]);
  EXPECT_EQ(state.edge_max[kFromClient], before.edge_max[kFromClient]);
}

TEST(TcpTrack, AResetIsBelievedWhereNoEdgeIsKnown) {
  SessionState state = established();
  for (const Direction direction : {kFromClient, kFromServer})
    state.edge[direction] = state.edge_max[direction] = 0;
  static_cast<void>(tcp_advance(state, kFromClient, segment(0x80000000U, 501, 0, kTcpRst)));
  EXPECT_TRUE(tcp_is_over(state));
}

TEST(TcpTrack, ARefusedConnectionEndsOnlyByAnAnswerToItsSyn) {
  SessionState state = opened();
  static_cast<void>(tcp_advance(state, kFromServer, segment(0, 77, 0, kTcpRst | kTcpAck)));
  expect_ranks(state, TcpRank::kSynSent, TcpRank::kNone);
  static_cast<void>(tcp_advance(state, kFromServer, segment(0, 101, 0, kTcpRst | kTcpAck)));
  EXPECT_TRUE(tcp_is_over(state));
}

TEST(TcpTrack, ScalesWindowsOnlyWhenBothSidesOfferedIt) {
  SessionState both = established(7, 3);
  static_cast<void>(tcp_advance(both, kFromClient, segment(101, 501, 0, kTcpAck, 1000)));
  EXPECT_EQ(both.edge_max[kFromServer], 501U + (1000U << 7U));
  SessionState one = established(7, kNoWindowScale);
  static_cast<void>(tcp_advance(one, kFromClient, segment(101, 501, 0, kTcpAck, 1000)));
  EXPECT_EQ(one.edge_max[kFromServer], 501U + 1000U);
}

TEST(TcpTrack, NeverScalesTheWindowInASyn) {
  const SessionState state = answered(7, 7);
  EXPECT_EQ(state.edge_max[kFromClient], 101U + 1000U);
}

TEST(TcpTrack, MarksTheWindowOnlyWhenAnEdgeEntersANewStep) {
  SessionState state = established();
  EXPECT_EQ(tcp_advance(state, kFromClient, segment(101, 501, 1000, kTcpAck)), 0);
  EXPECT_EQ(tcp_advance(state, kFromClient, segment(1101, 501, kWindowRefreshBytes, kTcpAck)),
            kMarkWindow);
}

TEST(TcpTrack, MovesEdgesOverTheWrapOfTheSequenceSpace) {
  SessionState state{};
  tcp_open(state, segment(0xFFFFFFF0U, 0, 0, kTcpSyn));
  static_cast<void>(tcp_advance(state, kFromServer, segment(500, 0xFFFFFFF1U, 0, kSynAck)));
  static_cast<void>(tcp_advance(state, kFromClient, segment(0xFFFFFFF1U, 501, 100, kTcpAck)));
  EXPECT_EQ(state.edge[kFromClient], 85U);
  static_cast<void>(tcp_advance(state, kFromClient, segment(0xFFFFFFF1U, 501, 50, kTcpAck)));
  EXPECT_EQ(state.edge[kFromClient], 85U);
}

TEST(TcpTrack, ASynThatComesAgainAfterATakeoverSetsNoEdgeBack) {
  SessionState state = established();
  static_cast<void>(tcp_advance(state, kFromServer, segment(501, 101, 50'000, kTcpAck)));
  static_cast<void>(tcp_advance(state, kFromClient, segment(101, 50'501, 0, kTcpAck)));
  // The box that took over knows the edges, but not that the server had answered.
  set_tcp_rank(state, kFromServer, TcpRank::kNone);
  const std::uint32_t edge_max = state.edge_max[kFromServer];
  static_cast<void>(tcp_advance(state, kFromServer, segment(500, 101, 0, kSynAck)));
  EXPECT_EQ(state.edge[kFromServer], 50'501U);
  EXPECT_EQ(state.edge_max[kFromServer], edge_max);
}

TEST(TcpTrack, RanksAndEdgesOnlyRiseWhateverComes) {
  tests::Prng prng(11);
  for (int run = 0; run < 500; ++run) {
    SessionState state = opened(7);
    for (int step = 0; step < 100; ++step) {
      const SessionState before = state;
      const auto direction = static_cast<Direction>(prng.below(2));
      const Direction other = direction == kFromClient ? kFromServer : kFromClient;
      const auto flags =
          static_cast<std::uint8_t>(prng.next() & (kTcpFin | kTcpSyn | kTcpRst | kTcpAck));
      const std::uint32_t seq =
          prng.coin() ? state.edge[direction] : static_cast<std::uint32_t>(prng.next());
      const std::uint32_t ack =
          prng.coin() ? state.edge[other] : static_cast<std::uint32_t>(prng.next());
      const std::uint8_t marks = tcp_advance(
          state, direction,
          segment(seq, ack, prng.below(70'000), flags, static_cast<std::uint16_t>(prng.next()), 7));
      for (const Direction each : {kFromClient, kFromServer}) {
        ASSERT_GE(tcp_rank(state, each), tcp_rank(before, each));
        const bool is_known = before.edge[each] != 0;
        const bool is_max_known = before.edge_max[each] != 0;
        ASSERT_FALSE(is_known && tcp_is_after(before.edge[each], state.edge[each]));
        ASSERT_FALSE(is_max_known && tcp_is_after(before.edge_max[each], state.edge_max[each]));
      }
      ASSERT_EQ((marks & kMarkState) != 0, state.tcp_ranks != before.tcp_ranks);
      ASSERT_EQ(class_of(state), timeout_class_of(6, state.tcp_ranks, true));
    }
  }
}

}  // namespace
}  // namespace twinplane::tables
