// SPDX-License-Identifier: BSD-3-Clause
// An association as the middle sees it, from INIT to its end. Over 500 lines: one state machine,
// whose handshakes, tags, restarts and ends share one scene and are read beside each other; the
// search of all states closes it.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "tables/sctp_key.hpp"
#include "tables/sctp_track.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint32_t kClientTag = 0xC1C1C1C1;  // carried by what goes to the client
constexpr std::uint32_t kServerTag = 0x5E5E5E5E;
constexpr std::uint32_t kOtherTag = 0x0DDBA11;
constexpr std::uint16_t kClientPort = 0x1111;
constexpr std::uint16_t kServerPort = 0x2222;

constexpr Address6 kClient = mapped_address({10, 0, 0, 1});
constexpr Address6 kClient2 = mapped_address({10, 9, 0, 1});
constexpr Address6 kServer = mapped_address({192, 0, 2, 1});
constexpr Address6 kServer2{0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr Address6 kStranger = mapped_address({203, 0, 113, 66});

constexpr SctpVerdict kPass{SctpOutcome::kForward, 0};
constexpr SctpVerdict kPassState{SctpOutcome::kForward, kMarkState};
constexpr SctpVerdict kPassWhole{SctpOutcome::kForward, kMarkWhole};

constexpr SctpVerdict dropped(SctpOutcome outcome) { return {outcome, 0}; }

SctpPath path_of(Direction direction) {
  return direction == kFromClient ? SctpPath{kClient, kServer} : SctpPath{kServer, kClient};
}

std::uint32_t right_tag(Direction direction) {
  return direction == kFromClient ? kServerTag : kClientTag;
}

SctpSummary packet(Direction direction, std::uint32_t tag,
                   std::initializer_list<std::uint8_t> chunks) {
  SctpSummary summary;
  summary.source_port_be = direction == kFromClient ? kClientPort : kServerPort;
  summary.target_port_be = direction == kFromClient ? kServerPort : kClientPort;
  summary.tag = tag;
  summary.first_chunk = *chunks.begin();
  summary.chunk_count = static_cast<std::uint16_t>(chunks.size());
  for (const std::uint8_t chunk : chunks) summary.chunks |= sctp_chunk_bit(chunk);
  return summary;
}

SctpSummary reflecting(Direction direction, std::uint32_t tag, SctpChunk chunk) {
  SctpSummary summary = packet(direction, tag, {chunk});
  summary.is_tag_reflected = true;
  return summary;
}

SctpSummary announcing(SctpSummary summary, std::uint32_t initiate_tag,
                       std::initializer_list<Address6> addresses = {}) {
  summary.initiate_tag = initiate_tag;
  for (const Address6& address : addresses) {
    if (summary.address_count < kSctpAddressesMax)
      summary.addresses[summary.address_count] = address;
    ++summary.address_count;
  }
  return summary;
}

SctpSummary init(Direction direction, std::uint32_t initiate_tag,
                 std::initializer_list<Address6> addresses = {}) {
  return announcing(packet(direction, 0, {kSctpInit}), initiate_tag, addresses);
}

SctpSummary init_ack(Direction direction, std::uint32_t initiate_tag,
                     std::initializer_list<Address6> addresses = {}) {
  return announcing(packet(direction, right_tag(direction), {kSctpInitAck}), initiate_tag,
                    addresses);
}

// One association, and packets of it over the path between its primary addresses.
struct Course {
  SctpState state{};

  SctpVerdict pass(Direction direction, const SctpSummary& summary) {
    return sctp_advance(state, direction, summary, path_of(direction));
  }

  SctpVerdict send(Direction direction, std::initializer_list<std::uint8_t> chunks) {
    return pass(direction, packet(direction, right_tag(direction), chunks));
  }
};

Course opened(std::initializer_list<Address6> client_addresses = {}) {
  Course course;
  sctp_open(course.state, init(kFromClient, kClientTag, client_addresses), path_of(kFromClient));
  return course;
}

Course answered(std::initializer_list<Address6> server_addresses = {},
                std::initializer_list<Address6> client_addresses = {}) {
  Course course = opened(client_addresses);
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kServerTag, server_addresses)),
            kPassWhole);
  return course;
}

Course echoed(std::initializer_list<Address6> server_addresses = {},
              std::initializer_list<Address6> client_addresses = {}) {
  Course course = answered(server_addresses, client_addresses);
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieEcho, kSctpData}), kPassState);
  return course;
}

Course established(std::initializer_list<Address6> server_addresses = {},
                   std::initializer_list<Address6> client_addresses = {}) {
  Course course = echoed(server_addresses, client_addresses);
  EXPECT_EQ(course.send(kFromServer, {kSctpCookieAck, kSctpSack}), kPassState);
  return course;
}

Course shut_down() {
  Course course = established();
  EXPECT_EQ(course.send(kFromClient, {kSctpSack, kSctpShutdown}), kPassState);
  EXPECT_EQ(course.send(kFromServer, {kSctpShutdownAck}), kPassState);
  return course;
}

Course closed() {
  Course course = shut_down();
  EXPECT_EQ(course.send(kFromClient, {kSctpShutdownComplete}), kPassState);
  return course;
}

void expect_rank(const Course& course, SctpRank rank, SctpTimeoutClass timeout_class) {
  EXPECT_EQ(course.state.rank, rank);
  EXPECT_EQ(sctp_timeout_class(course.state), timeout_class);
  EXPECT_TRUE(sctp_is_sound(course.state));
}

// The handshake.

TEST(SctpTrack, IsEstablishedAfterFourSteps) {
  expect_rank(opened(), SctpRank::kInitSent, SctpTimeoutClass::kOpening);
  expect_rank(answered(), SctpRank::kInitAcked, SctpTimeoutClass::kOpening);
  expect_rank(echoed(), SctpRank::kCookieEchoed, SctpTimeoutClass::kOpening);
  Course course = established();
  expect_rank(course, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
  EXPECT_EQ(course.state.tags[kFromClient], kServerTag);
  EXPECT_EQ(course.state.tags[kFromServer], kClientTag);
  for (const Direction direction : {kFromClient, kFromServer}) {
    EXPECT_EQ(course.send(direction, {kSctpData}), kPass);
    EXPECT_EQ(course.send(direction, {kSctpSack, kSctpData, 192}), kPass);
  }
}

TEST(SctpTrack, StepsThatComeAgainChangeNothing) {
  Course course = opened();
  EXPECT_EQ(course.pass(kFromClient, init(kFromClient, kClientTag)), kPass);
  course = answered();
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kServerTag)), kPass);
  course = echoed();
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieEcho}), kPass);
  course = established();
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieEcho}), kPass);
  EXPECT_EQ(course.send(kFromServer, {kSctpCookieAck}), kPass);
  EXPECT_EQ(course.pass(kFromClient, init(kFromClient, kClientTag)), kPass);
}

TEST(SctpTrack, TakesAnotherAnswerOnlyWhenTheClientHasAskedAgain) {
  Course course = answered();
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kOtherTag)),
            dropped(SctpOutcome::kUnexpectedInitAck));
  EXPECT_EQ(course.pass(kFromClient, init(kFromClient, kClientTag)), kPassState);
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kOtherTag)), kPassWhole);
  EXPECT_EQ(course.state.tags[kFromClient], kOtherTag);
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kServerTag)),
            dropped(SctpOutcome::kUnexpectedInitAck))
      << "it asked once";
}

TEST(SctpTrack, AStaleCookieIsAskedForAgain) {
  Course course = echoed();
  EXPECT_EQ(course.send(kFromServer, {kSctpError}), kPass);
  expect_rank(course, SctpRank::kCookieEchoed, SctpTimeoutClass::kOpening);
  EXPECT_EQ(course.pass(kFromClient, init(kFromClient, kClientTag)), kPassState);
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kOtherTag)), kPassWhole);
  expect_rank(course, SctpRank::kCookieEchoed, SctpTimeoutClass::kOpening);
  EXPECT_EQ(course.pass(kFromClient, packet(kFromClient, kOtherTag, {kSctpCookieEcho})), kPass);
}

TEST(SctpTrack, NothingButAnAnswerComesBeforeBothTagsAreKnown) {
  Course course = opened();
  for (const std::uint8_t chunk : {kSctpData, kSctpCookieEcho, kSctpCookieAck, kSctpShutdown})
    EXPECT_EQ(course.send(kFromServer, {chunk}), dropped(SctpOutcome::kTooEarly)) << int{chunk};
  EXPECT_EQ(course.send(kFromClient, {kSctpData}), dropped(SctpOutcome::kWrongTag));
  EXPECT_EQ(course.pass(kFromClient, packet(kFromClient, 0, {kSctpData})),
            dropped(SctpOutcome::kWrongTag));
}

TEST(SctpTrack, OnlyTheServerCanProveThatTheCookieWasTaken) {
  Course course = echoed();
  EXPECT_EQ(course.send(kFromClient, {kSctpData}), kPass);
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieAck}), dropped(SctpOutcome::kUnexpectedCookie));
  EXPECT_EQ(course.send(kFromServer, {kSctpError}), kPass);
  expect_rank(course, SctpRank::kCookieEchoed, SctpTimeoutClass::kOpening);
  EXPECT_EQ(course.send(kFromServer, {kSctpData}), kPassState);
  expect_rank(course, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
}

TEST(SctpTrack, ASidesShutdownWaitsForTheHandshake) {
  for (Course course : {answered(), echoed()}) {
    EXPECT_EQ(course.send(kFromClient, {kSctpShutdown}), dropped(SctpOutcome::kUnexpectedShutdown));
    EXPECT_EQ(course.send(kFromServer, {kSctpShutdownAck}),
              dropped(SctpOutcome::kUnexpectedShutdown))
        << "section 8.5.1 E";
    EXPECT_EQ(course.send(kFromServer, {kSctpShutdownComplete}),
              dropped(SctpOutcome::kUnexpectedShutdown));
  }
}

// Tags.

TEST(SctpTrack, RefusesEveryWrongTagInEveryState) {
  const std::array courses{opened(), answered(), echoed(), established(), shut_down(), closed()};
  for (const Course& start : courses) {
    for (const Direction direction : {kFromClient, kFromServer}) {
      const std::uint32_t right = start.state.tags[direction];
      const std::uint32_t reflected = start.state.tags[opposite(direction)];
      for (const std::uint32_t tag : {0U, kOtherTag, reflected, right + 1, right ^ 0x80000000U}) {
        Course course = start;
        if (tag == right && tag != 0) continue;
        for (const std::uint8_t chunk :
             {kSctpData, kSctpInitAck, kSctpSack, kSctpHeartbeat, kSctpAbort, kSctpShutdown,
              kSctpShutdownAck, kSctpError, kSctpCookieEcho, kSctpCookieAck, kSctpShutdownComplete})
          EXPECT_EQ(course.pass(direction, packet(direction, tag, {chunk})),
                    dropped(SctpOutcome::kWrongTag));
        EXPECT_EQ(course.state, start.state);
      }
      for (const std::uint32_t tag : {0U, kOtherTag, right, reflected + 1}) {
        Course course = start;
        if (tag == reflected && tag != 0) continue;
        for (const SctpChunk chunk : {kSctpAbort, kSctpShutdownComplete})
          EXPECT_EQ(course.pass(direction, reflecting(direction, tag, chunk)),
                    dropped(SctpOutcome::kWrongTag));
        EXPECT_EQ(course.state, start.state);
      }
    }
  }
}

TEST(SctpTrack, AnInitCarriesNoTag) {
  Course course = opened();
  SctpSummary tagged = init(kFromClient, kClientTag);
  tagged.tag = kServerTag;
  EXPECT_EQ(course.pass(kFromClient, tagged), dropped(SctpOutcome::kWrongTag));
}

TEST(SctpTrack, AReflectedTagCoversOneChunkAlone) {
  Course course = established();
  SctpSummary bundle = packet(kFromServer, kServerTag, {kSctpData, kSctpAbort});
  bundle.is_tag_reflected = true;
  EXPECT_EQ(course.pass(kFromServer, bundle), dropped(SctpOutcome::kBadBundle));
  EXPECT_EQ(course.send(kFromServer, {kSctpError, kSctpAbort}), kPassState);
}

// Ends.

TEST(SctpTrack, ClosesByShutdownFromEitherSide) {
  for (const Direction first : {kFromClient, kFromServer}) {
    Course course = established();
    const Direction second = opposite(first);
    EXPECT_EQ(course.send(first, {kSctpShutdown}), kPassState);
    expect_rank(course, SctpRank::kShutdownSent, SctpTimeoutClass::kClosing);
    EXPECT_EQ(course.send(second, {kSctpData}), kPass) << "what is left to send";
    EXPECT_EQ(course.send(first, {kSctpShutdown, kSctpSack}), kPass);
    EXPECT_EQ(course.send(first, {kSctpShutdownComplete}),
              dropped(SctpOutcome::kUnexpectedShutdown));
    EXPECT_EQ(course.send(second, {kSctpShutdownAck}), kPassState);
    expect_rank(course, SctpRank::kShutdownAcked, SctpTimeoutClass::kClosing);
    EXPECT_EQ(course.send(second, {kSctpShutdownComplete}),
              dropped(SctpOutcome::kUnexpectedShutdown));
    EXPECT_EQ(course.send(first, {kSctpShutdownComplete}), kPassState);
    expect_rank(course, SctpRank::kClosed, SctpTimeoutClass::kClosed);
  }
}

TEST(SctpTrack, ClosesWhenBothSidesShutDownAtOnce) {
  Course course = established();
  EXPECT_EQ(course.send(kFromClient, {kSctpShutdown}), kPassState);
  EXPECT_EQ(course.send(kFromServer, {kSctpShutdown}), kPassState);
  EXPECT_EQ(course.send(kFromClient, {kSctpShutdownAck}), kPassState);
  EXPECT_EQ(course.send(kFromServer, {kSctpShutdownAck}), kPassState);
  EXPECT_EQ(course.send(kFromServer, {kSctpShutdownComplete}), kPassState);
  expect_rank(course, SctpRank::kClosed, SctpTimeoutClass::kClosed);
  EXPECT_EQ(course.send(kFromClient, {kSctpShutdownComplete}), kPassState);
  expect_rank(course, SctpRank::kClosed, SctpTimeoutClass::kClosed);
}

TEST(SctpTrack, AnAbortEndsItFromAnyRankAndEitherSideWithOrWithoutTheTBit) {
  for (const Course& start : {answered(), echoed(), established(), shut_down()}) {
    for (const Direction direction : {kFromClient, kFromServer}) {
      Course plain = start;
      EXPECT_EQ(plain.send(direction, {kSctpAbort}), kPassState);
      expect_rank(plain, SctpRank::kAborted, SctpTimeoutClass::kClosed);
      Course reflected = start;
      EXPECT_EQ(reflected.pass(direction,
                               reflecting(direction, right_tag(opposite(direction)), kSctpAbort)),
                kPassState);
      expect_rank(reflected, SctpRank::kAborted, SctpTimeoutClass::kClosed);
    }
  }
}

TEST(SctpTrack, ARefusedInitEndsByTheTagThatItNamed) {
  Course course = opened();
  EXPECT_EQ(course.send(kFromServer, {kSctpAbort}), kPassState);
  expect_rank(course, SctpRank::kAborted, SctpTimeoutClass::kClosed);
}

TEST(SctpTrack, ALostShutdownCompleteIsAnsweredOutOfTheBlue) {
  Course course = closed();
  EXPECT_EQ(course.send(kFromServer, {kSctpShutdownAck}), kPass);
  EXPECT_EQ(course.pass(kFromClient, reflecting(kFromClient, kClientTag, kSctpShutdownComplete)),
            kPass);
  EXPECT_EQ(course.send(kFromClient, {kSctpData}), dropped(SctpOutcome::kTooLate));
  expect_rank(course, SctpRank::kClosed, SctpTimeoutClass::kClosed);
}

TEST(SctpTrack, ALostAbortIsAnsweredOutOfTheBlue) {
  Course course = established();
  EXPECT_EQ(course.send(kFromServer, {kSctpAbort}), kPassState);
  EXPECT_EQ(course.send(kFromClient, {kSctpData}), kPass);
  EXPECT_EQ(course.pass(kFromServer, reflecting(kFromServer, kServerTag, kSctpAbort)), kPass);
  EXPECT_EQ(course.send(kFromClient, {kSctpShutdownAck}), kPass);
  EXPECT_EQ(course.pass(kFromServer, reflecting(kFromServer, kServerTag, kSctpShutdownComplete)),
            kPass);
  EXPECT_EQ(course.send(kFromServer, {kSctpData}), dropped(SctpOutcome::kTooLate));
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieEcho}), dropped(SctpOutcome::kUnexpectedCookie));
  EXPECT_EQ(course.send(kFromClient, {kSctpAbort}), kPassState);
  EXPECT_EQ(course.send(kFromClient, {kSctpData}), dropped(SctpOutcome::kTooLate));
}

TEST(SctpTrack, OutOfTheBlueOnlyAnInitPasses) {
  for (std::uint8_t chunk = 2; chunk < 16; ++chunk)
    EXPECT_EQ(sctp_out_of_the_blue(packet(kFromClient, kOtherTag, {chunk})),
              SctpOutcome::kNoAssociation);
  EXPECT_EQ(sctp_out_of_the_blue(init(kFromClient, kOtherTag)), SctpOutcome::kOpens);
  Course none;
  EXPECT_EQ(none.send(kFromClient, {kSctpData}), dropped(SctpOutcome::kNoAssociation));
  EXPECT_EQ(none.pass(kFromClient, init(kFromClient, kClientTag)), dropped(SctpOutcome::kOpens));
  EXPECT_EQ(none.state, SctpState{});
}

// Collisions and restarts.

TEST(SctpTrack, TwoInitsThatCrossMakeOneAssociation) {
  Course course = opened();
  EXPECT_EQ(course.pass(kFromServer, init(kFromServer, kServerTag)), kPassWhole);
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kServerTag)), kPassState);
  EXPECT_EQ(course.pass(kFromClient, init_ack(kFromClient, kClientTag)), kPass);
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieEcho}), kPassState);
  EXPECT_EQ(course.send(kFromServer, {kSctpCookieEcho}), kPassState);
  expect_rank(course, SctpRank::kCookieEchoed, SctpTimeoutClass::kOpening);
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieAck}), kPassState);
  expect_rank(course, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
  EXPECT_EQ(course.send(kFromServer, {kSctpCookieAck}), kPass);
}

TEST(SctpTrack, OfTwoAssociationsThatCrossingInitsOpenTheOneWithBothTagsIsLeft) {
  Course first = opened();
  Course second;
  const SctpSummary crossing = init(kFromServer, kServerTag);
  sctp_open(second.state, crossing, path_of(kFromServer));
  EXPECT_EQ(first.pass(kFromServer, init_ack(kFromServer, kServerTag)), kPassWhole);
  EXPECT_EQ((SctpKey{kClientPort, kServerPort, first.state.tags[kFromClient]}),
            sctp_lookup(crossing).key)
      << "the key that the second has";
  EXPECT_TRUE(sctp_gives_way(second.state));
  EXPECT_EQ(first.pass(kFromClient, init_ack(kFromClient, kClientTag)), kPass);
  EXPECT_EQ(first.send(kFromServer, {kSctpCookieEcho}), kPassState);
  EXPECT_EQ(first.send(kFromClient, {kSctpCookieAck}), kPassState);
  expect_rank(first, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
}

TEST(SctpTrack, OfTwoInitsThatCrossTheServersMayBeTheOneThatIsAnswered) {
  Course course = opened();
  EXPECT_EQ(course.pass(kFromServer, init(kFromServer, kServerTag)), kPassWhole);
  EXPECT_EQ(course.pass(kFromClient, init_ack(kFromClient, kClientTag)), kPassState);
  expect_rank(course, SctpRank::kInitAcked, SctpTimeoutClass::kOpening);
  EXPECT_EQ(course.send(kFromServer, {kSctpCookieEcho}), kPassState);
  EXPECT_EQ(course.send(kFromClient, {kSctpCookieAck}), kPassState);
  expect_rank(course, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
}

TEST(SctpTrack, TheServersAnswerCorrectsATagThatAnybodyCouldClaim) {
  Course course = opened();
  EXPECT_EQ(course.pass(kFromServer, init(kFromServer, kOtherTag, {kStranger})), kPassWhole);
  EXPECT_EQ(course.pass(kFromClient,
                        announcing(packet(kFromClient, kOtherTag, {kSctpInitAck}), kOtherTag)),
            dropped(SctpOutcome::kUnexpectedInitAck))
      << "the client answers with the tag of its own INIT";
  EXPECT_EQ(course.pass(kFromServer, init_ack(kFromServer, kServerTag)), kPassWhole);
  EXPECT_EQ(course.state, answered().state) << "the stranger's address is forgotten too";
}

TEST(SctpTrack, ARestartNeitherKillsNorHijacksWhatIsEstablished) {
  Course course = established();
  const SctpState before = course.state;
  for (const Direction direction : {kFromClient, kFromServer}) {
    EXPECT_EQ(course.pass(direction, init(direction, kOtherTag)), dropped(SctpOutcome::kOpens));
    EXPECT_EQ(course.pass(direction, init(direction, right_tag(opposite(direction)))), kPass);
    EXPECT_EQ(course.pass(direction, init_ack(direction, kOtherTag)),
              dropped(SctpOutcome::kUnexpectedInitAck));
  }
  EXPECT_EQ(course.state, before);
  EXPECT_FALSE(sctp_gives_way(course.state));
}

TEST(SctpTrack, ARestartCompletesBesideTheFirstAssociation) {
  Course first = established();
  const SctpState before = first.state;
  Course second;
  sctp_open(second.state, init(kFromClient, kOtherTag), path_of(kFromClient));
  SctpSummary answer = init_ack(kFromServer, kServerTag + 1);
  answer.tag = kOtherTag;
  EXPECT_EQ(first.pass(kFromServer, answer), dropped(SctpOutcome::kWrongTag));
  EXPECT_EQ(second.pass(kFromServer, answer), kPassWhole);
  EXPECT_EQ(second.pass(kFromClient, packet(kFromClient, kServerTag + 1, {kSctpCookieEcho})),
            kPassState);
  EXPECT_EQ(second.pass(kFromServer, packet(kFromServer, kOtherTag, {kSctpCookieAck})), kPassState);
  expect_rank(second, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
  EXPECT_EQ(first.state, before);
}

TEST(SctpTrack, ARestartDuringShutdownIsAnsweredByTheShutdown) {
  Course course = shut_down();
  EXPECT_EQ(course.pass(kFromClient, init(kFromClient, kOtherTag)), dropped(SctpOutcome::kOpens));
  EXPECT_EQ(course.send(kFromServer, {kSctpShutdownAck}), kPass);
  EXPECT_EQ(course.pass(kFromClient, reflecting(kFromClient, kClientTag, kSctpShutdownComplete)),
            kPassState);
  expect_rank(course, SctpRank::kClosed, SctpTimeoutClass::kClosed);
}

TEST(SctpTrack, GivesWayWhileItOpensAndOnceItIsOver) {
  for (const Course& course : {opened(), answered(), echoed(), closed()})
    EXPECT_TRUE(sctp_gives_way(course.state));
  EXPECT_FALSE(sctp_gives_way(established().state));
  EXPECT_FALSE(sctp_gives_way(shut_down().state));
}

// Addresses.

TEST(SctpTrack, KnowsTheAddressesOfBothSides) {
  Course course = established({kServer2}, {kClient, kClient2});
  EXPECT_EQ(course.state.addresses[kFromClient][1], kClient2);
  EXPECT_EQ(course.state.addresses[kFromServer][1], kServer2);
  const SctpSummary data = packet(kFromClient, kServerTag, {kSctpData});
  for (const Address6& source : {kClient, kClient2}) {
    for (const Address6& target : {kServer, kServer2})
      EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {source, target}), kPass);
    EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {source, kStranger}),
              dropped(SctpOutcome::kUnknownAddress));
  }
  EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kStranger, kServer}),
            dropped(SctpOutcome::kUnknownAddress));
  EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kServer, kClient}),
            dropped(SctpOutcome::kUnknownAddress));
}

TEST(SctpTrack, AStrangerEndsNothingWithTheRightTags) {
  Course course = established();
  const SctpState before = course.state;
  for (const std::uint8_t chunk : {kSctpAbort, kSctpShutdown, kSctpInitAck})
    EXPECT_EQ(sctp_advance(course.state, kFromServer, packet(kFromServer, kClientTag, {chunk}),
                           {kStranger, kClient}),
              dropped(SctpOutcome::kUnknownAddress));
  EXPECT_EQ(course.state, before);
}

TEST(SctpTrack, AnInitToAnotherAddressIsOneToAskTheRulesAbout) {
  Course course = opened();
  EXPECT_EQ(
      sctp_advance(course.state, kFromClient, init(kFromClient, kClientTag), {kClient, kServer2}),
      dropped(SctpOutcome::kOpens));
  EXPECT_TRUE(sctp_gives_way(course.state));
}

// Section 5.1.2: a stack may send it by whichever of its interfaces it likes.
TEST(SctpTrack, AnAnswerMayComeFromAnotherAddressIfItListsTheOneThatWasAsked) {
  const SctpPath other{kServer2, kClient};
  Course course = opened();
  EXPECT_EQ(sctp_advance(course.state, kFromServer,
                         init_ack(kFromServer, kServerTag, {kServer2, kStranger}), other),
            dropped(SctpOutcome::kUnknownAddress));
  EXPECT_EQ(
      sctp_advance(
          course.state, kFromServer,
          announcing(packet(kFromServer, kOtherTag, {kSctpInitAck}), kServerTag, {kServer}), other),
      dropped(SctpOutcome::kWrongTag));
  EXPECT_EQ(course.state, opened().state);
  for (const auto& answer : {init_ack(kFromServer, kServerTag, {kServer, kServer2}),
                             init_ack(kFromServer, kServerTag, {kServer})}) {
    course = opened();
    EXPECT_EQ(sctp_advance(course.state, kFromServer, answer, other), kPassWhole);
    EXPECT_TRUE(sctp_is_sound(course.state));
    EXPECT_EQ(course.state.addresses[kFromServer][0], kServer);
    EXPECT_EQ(course.state.address_flags[kFromServer][0], kSctpAddressUsed | kSctpAddressPrimary)
        << "the rules were asked about that path";
    EXPECT_EQ(course.state.addresses[kFromServer][1], kServer2);
    EXPECT_EQ(course.state.address_flags[kFromServer][1], kSctpAddressUsed | kSctpAddressConfirmed);
    EXPECT_EQ(course.send(kFromClient, {kSctpCookieEcho}), kPassState);
    EXPECT_EQ(sctp_advance(course.state, kFromServer,
                           packet(kFromServer, kClientTag, {kSctpCookieAck}), other),
              kPassState);
  }
}

TEST(SctpTrack, AnAddressIsConfirmedByWhatComesFromIt) {
  constexpr std::uint8_t kProven = kSctpAddressUsed | kSctpAddressConfirmed;
  Course course = opened({kClient2});
  const auto& client = course.state.address_flags[kFromClient];
  const auto& server = course.state.address_flags[kFromServer];
  EXPECT_EQ(client[0], kProven | kSctpAddressPrimary);
  EXPECT_EQ(client[1], kSctpAddressUsed);
  EXPECT_EQ(server[0], kSctpAddressUsed | kSctpAddressPrimary);
  course = established({kServer2}, {kClient2});
  EXPECT_EQ(server[0], kProven | kSctpAddressPrimary);
  EXPECT_EQ(server[1], kSctpAddressUsed);
  EXPECT_EQ(sctp_advance(course.state, kFromClient,
                         packet(kFromClient, kServerTag, {kSctpHeartbeat}), {kClient2, kServer2}),
            kPass);
  EXPECT_EQ(client[1], kSctpAddressUsed) << "anybody can ask";
  const SctpSummary answer = packet(kFromServer, kClientTag, {kSctpHeartbeatAck});
  EXPECT_EQ(sctp_advance(course.state, kFromServer, answer, {kServer2, kClient2}), kPassState);
  EXPECT_EQ(server[1], kProven);
  EXPECT_EQ(sctp_advance(course.state, kFromServer, answer, {kServer2, kClient2}), kPass);
  EXPECT_TRUE(sctp_is_sound(course.state));
}

TEST(SctpTrack, ASideWithMoreAddressesThanThereIsRoomForIsOpen) {
  constexpr auto kMany = [](std::uint8_t last) { return mapped_address({10, 8, 0, last}); };
  Course full = established({}, {kMany(1), kMany(2), kMany(3)});
  EXPECT_FALSE(sctp_has(full.state, kSctpMoreAddresses, kFromClient));
  const SctpSummary data = packet(kFromClient, kServerTag, {kSctpData});
  EXPECT_EQ(sctp_advance(full.state, kFromClient, data, {kMany(4), kServer}),
            dropped(SctpOutcome::kUnknownAddress));
  for (Course course : {established({}, {kMany(1), kMany(2), kMany(3), kMany(4)}),
                        established({}, {kClient, kMany(1), kMany(2), kMany(3), kMany(4)})}) {
    EXPECT_TRUE(sctp_has(course.state, kSctpMoreAddresses, kFromClient));
    EXPECT_TRUE(sctp_is_sound(course.state));
    EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kMany(4), kServer}), kPass);
    EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kMany(4), kStranger}),
              dropped(SctpOutcome::kUnknownAddress));
  }
  Course server = established({kMany(1), kMany(2), kMany(3), kMany(4), kMany(5)});
  EXPECT_TRUE(sctp_is_sound(server.state));
  EXPECT_EQ(server.state.tags[kFromClient], kServerTag);
  EXPECT_EQ(sctp_advance(server.state, kFromClient, data, {kClient, kMany(5)}), kPass);
}

SctpSummary adding(Direction direction, std::initializer_list<Address6> addresses) {
  return announcing(packet(direction, right_tag(direction), {kSctpAuth, kSctpAsconf}), 0,
                    addresses);
}

TEST(SctpTrack, AnAddressThatJoinsWithTheRightTagIsOneOfItsSenders) {
  Course course = established();
  const SctpSummary data = packet(kFromClient, kServerTag, {kSctpData});
  EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kClient2, kServer}),
            dropped(SctpOutcome::kUnknownAddress));
  EXPECT_EQ(course.pass(kFromClient, adding(kFromClient, {kClient2})), kPassWhole);
  EXPECT_TRUE(sctp_is_sound(course.state));
  EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kClient2, kServer}), kPass);
  EXPECT_EQ(course.pass(kFromClient, adding(kFromClient, {kClient2})), kPass) << "sent again";
  EXPECT_EQ(sctp_advance(course.state, kFromServer,
                         packet(kFromServer, kClientTag, {kSctpHeartbeatAck}), {kClient2, kClient}),
            dropped(SctpOutcome::kUnknownAddress))
      << "the other side's it is not";
  EXPECT_EQ(course.pass(kFromServer, adding(kFromServer, {kServer2})), kPassWhole);
  EXPECT_EQ(sctp_advance(course.state, kFromClient, data, {kClient2, kServer2}), kPass);
}

TEST(SctpTrack, AnAddressJoinsNeitherByAWrongTagNorFromAStrangerNorBeforeTheCookieIsTaken) {
  Course course = established();
  SctpSummary forged = adding(kFromClient, {kStranger});
  EXPECT_EQ(sctp_advance(course.state, kFromClient, forged, {kStranger, kServer}),
            dropped(SctpOutcome::kUnknownAddress));
  forged.tag = kOtherTag;
  EXPECT_EQ(course.pass(kFromClient, forged), dropped(SctpOutcome::kWrongTag));
  EXPECT_EQ(course.state, established().state);
  Course opening = echoed();
  EXPECT_EQ(opening.pass(kFromClient, adding(kFromClient, {kClient2})), kPass);
  EXPECT_EQ(opening.state, echoed().state);
}

TEST(SctpTrack, MoreAddressesMayJoinThanThereIsRoomFor) {
  constexpr auto kMany = [](std::uint8_t last) { return mapped_address({10, 8, 0, last}); };
  Course course = established();
  EXPECT_EQ(course.pass(kFromClient, adding(kFromClient, {kMany(1), kMany(2)})), kPassWhole);
  EXPECT_EQ(course.pass(kFromClient, adding(kFromClient, {kMany(3)})), kPassWhole);
  EXPECT_FALSE(sctp_has(course.state, kSctpMoreAddresses, kFromClient));
  EXPECT_EQ(course.pass(kFromClient, adding(kFromClient, {kMany(4)})), kPassWhole);
  EXPECT_TRUE(sctp_has(course.state, kSctpMoreAddresses, kFromClient));
  EXPECT_TRUE(sctp_is_sound(course.state));
  Course at_once = established();
  EXPECT_EQ(at_once.pass(kFromServer,
                         adding(kFromServer, {kMany(1), kMany(2), kMany(3), kMany(4), kMany(5)})),
            kPassWhole);
  EXPECT_TRUE(sctp_is_sound(at_once.state));
}

// Takeover.

TEST(SctpTrack, AMirrorThatWasBehindGoesOn) {
  Course data = answered();
  EXPECT_EQ(data.send(kFromClient, {kSctpData}), kPass);
  expect_rank(data, SctpRank::kInitAcked, SctpTimeoutClass::kOpening);
  EXPECT_EQ(data.send(kFromServer, {kSctpSack}), kPassState);
  expect_rank(data, SctpRank::kEstablished, SctpTimeoutClass::kEstablished);
  Course shutdown = established();
  EXPECT_EQ(shutdown.send(kFromClient, {kSctpShutdownComplete}),
            dropped(SctpOutcome::kUnexpectedShutdown));
  EXPECT_EQ(shutdown.send(kFromServer, {kSctpShutdownAck}), kPassState);
  expect_rank(shutdown, SctpRank::kShutdownAcked, SctpTimeoutClass::kClosing);
  EXPECT_EQ(shutdown.pass(kFromClient, reflecting(kFromClient, kClientTag, kSctpShutdownComplete)),
            kPassState);
}

// Keys.

TEST(SctpKey, OfAPacketIsOneOfTheTwoOfItsAssociation) {
  const SctpState state = established().state;
  const SctpKey to_server{kClientPort, kServerPort, state.tags[kFromClient]};
  const SctpKey to_client{kServerPort, kClientPort, state.tags[kFromServer]};
  const auto expect = [](const SctpSummary& summary, const SctpKey& key, bool is_against) {
    EXPECT_EQ(sctp_lookup(summary).key, key);
    EXPECT_EQ(sctp_lookup(summary).is_against, is_against);
  };
  expect(init(kFromClient, kClientTag), to_client, true);
  expect(init_ack(kFromServer, kServerTag), to_client, false);
  expect(packet(kFromClient, kServerTag, {kSctpCookieEcho}), to_server, false);
  expect(packet(kFromServer, kClientTag, {kSctpAbort}), to_client, false);
  expect(reflecting(kFromServer, kServerTag, kSctpAbort), to_server, true);
  expect(reflecting(kFromClient, kClientTag, kSctpShutdownComplete), to_client, true);
}

TEST(SctpKey, BothOfAnAssociationDiffer) {
  const auto between_equal_ports = [](SctpSummary summary) {
    summary.source_port_be = summary.target_port_be;
    return summary;
  };
  Course course = opened();
  for (const SctpSummary& alike :
       {init(kFromServer, kClientTag), init_ack(kFromServer, kClientTag)}) {
    EXPECT_EQ(course.pass(kFromServer, between_equal_ports(alike)),
              dropped(SctpOutcome::kKeysAlike));
    EXPECT_EQ(course.state, opened().state);
    Course unequal = opened();
    EXPECT_EQ(unequal.pass(kFromServer, alike), kPassWhole) << "the ports tell them apart";
  }
  EXPECT_EQ(course.pass(kFromServer, between_equal_ports(init_ack(kFromServer, kServerTag))),
            kPassWhole);
}

// Everything.

struct Letter {
  Direction direction;
  SctpSummary summary;
  SctpPath path;
};

std::vector<Letter> alphabet() {
  std::vector<Letter> letters;
  for (const Direction direction : {kFromClient, kFromServer}) {
    std::vector<SctpSummary> summaries;
    for (const std::uint32_t tag : {kClientTag, kServerTag, kOtherTag}) {
      summaries.push_back(init(direction, tag));
      summaries.push_back(init(direction, tag, {kServer2}));
      for (const std::uint32_t initiate_tag : {kClientTag, kServerTag, kOtherTag})
        summaries.push_back(
            announcing(packet(direction, tag, {kSctpInitAck}), initiate_tag, {kClient2}));
      summaries.push_back(
          announcing(packet(direction, tag, {kSctpInitAck}), kServerTag, {kServer, kServer2}));
      for (const std::uint8_t chunk :
           {kSctpData, kSctpHeartbeatAck, kSctpAbort, kSctpShutdown, kSctpShutdownAck, kSctpError,
            kSctpCookieEcho, kSctpCookieAck, kSctpShutdownComplete})
        summaries.push_back(packet(direction, tag, {chunk}));
      summaries.push_back(packet(direction, tag, {kSctpCookieEcho, kSctpData}));
      summaries.push_back(packet(direction, tag, {kSctpShutdown, kSctpShutdownAck}));
      summaries.push_back(packet(direction, tag, {kSctpCookieAck, kSctpShutdown, kSctpAbort}));
      summaries.push_back(announcing(packet(direction, tag, {kSctpAsconf}), 0,
                                     {direction == kFromClient ? kClient2 : kServer2}));
      summaries.push_back(reflecting(direction, tag, kSctpAbort));
      summaries.push_back(reflecting(direction, tag, kSctpShutdownComplete));
    }
    for (const SctpSummary& summary : summaries) {
      letters.push_back({direction, summary, path_of(direction)});
      const bool is_client = direction == kFromClient;
      letters.push_back({direction, summary,
                         is_client ? SctpPath{kClient2, kServer} : SctpPath{kServer2, kClient}});
    }
  }
  return letters;
}

std::string bytes_of(const SctpState& state) {
  return {reinterpret_cast<const char*>(&state), sizeof state};
}

// Every state that any sequence of these packets can lead to, however long it is.
TEST(SctpTrack, NoSequenceOfPacketsLowersTheRankOrMakesAStateThatDoesNotExist) {
  const std::vector<Letter> letters = alphabet();
  std::set<std::string> seen;
  std::deque<SctpState> queue;
  std::set<SctpRank> ranks;
  for (const Course& start : {opened(), opened({kClient2})}) {
    queue.push_back(start.state);
    seen.insert(bytes_of(start.state));
  }
  while (!queue.empty()) {
    const SctpState before = queue.front();
    queue.pop_front();
    ranks.insert(before.rank);
    for (const Letter& letter : letters) {
      SctpState after = before;
      const SctpVerdict verdict =
          sctp_advance(after, letter.direction, letter.summary, letter.path);
      ASSERT_LT(verdict.outcome, SctpOutcome::kCount);
      ASSERT_GE(after.rank, before.rank);
      ASSERT_TRUE(sctp_is_sound(after));
      ASSERT_EQ(verdict.marks != 0, !(after == before)) << name(verdict.outcome);
      ASSERT_TRUE(verdict.outcome == SctpOutcome::kForward || verdict.marks == 0);
      const bool is_rekeyed = after.tags != before.tags || after.addresses != before.addresses;
      ASSERT_EQ(verdict.marks == kMarkWhole, is_rekeyed);
      // From then on addresses only join.
      if (is_rekeyed && before.rank >= SctpRank::kEstablished) {
        ASSERT_EQ(after.tags, before.tags);
        ASSERT_TRUE(letter.summary.has(kSctpAsconf));
        for (const Direction side : {kFromClient, kFromServer})
          ASSERT_EQ(after.addresses[side][0], before.addresses[side][0]);
      }
      ASSERT_EQ(after.tags[kFromServer], kClientTag) << "it was opened by it";
      if (seen.insert(bytes_of(after)).second) queue.push_back(after);
    }
    ASSERT_LT(seen.size(), 100'000U);
  }
  EXPECT_EQ(ranks.size(), kSctpRankCount - 1) << "all but none";
  RecordProperty("states", static_cast<int>(seen.size()));
}

TEST(SctpState, IsSoundOnlyAsTheTrackerMakesIt) {
  EXPECT_TRUE(sctp_is_sound(SctpState{}));
  const auto with = [](auto change) {
    SctpState state = established({kServer2}).state;
    change(state);
    return sctp_is_sound(state);
  };
  EXPECT_TRUE(with([](SctpState&) {}));
  EXPECT_FALSE(with([](SctpState& state) { state.rank = SctpRank{9}; }));
  EXPECT_FALSE(with([](SctpState& state) { state.rank = SctpRank::kNone; }));
  EXPECT_FALSE(with([](SctpState& state) { state.rank = SctpRank::kShutdownSent; }));
  EXPECT_FALSE(with([](SctpState& state) { state.rank = SctpRank::kClosed; }));
  EXPECT_FALSE(with([](SctpState& state) { state.rank = SctpRank::kAborted; }));
  EXPECT_FALSE(with([](SctpState& state) { state.zero = 1; }));
  EXPECT_FALSE(with([](SctpState& state) { state.flags = 0x8000; }));
  EXPECT_FALSE(with([](SctpState& state) { state.flags = kSctpShutdownAckSeen; }));
  EXPECT_FALSE(with([](SctpState& state) { state.flags = kSctpMoreAddresses; }));
  EXPECT_FALSE(with([](SctpState& state) { state.flags = kSctpEnded; }));
  EXPECT_FALSE(with([](SctpState& state) { state.tags[kFromClient] = 0; }));
  EXPECT_FALSE(with([](SctpState& state) { state.tags[kFromServer] = 0; }));
  EXPECT_FALSE(with([](SctpState& state) { state.address_flags[0][0] = kSctpAddressUsed; }));
  EXPECT_FALSE(with([](SctpState& state) { state.address_flags[1][1] = 8 | kSctpAddressUsed; }));
  EXPECT_FALSE(with([](SctpState& state) { state.address_flags[1][1] = 0; }));
  EXPECT_FALSE(with([](SctpState& state) { state.address_flags[1][3] = kSctpAddressUsed; }));
  EXPECT_FALSE(with([](SctpState& state) { state.addresses[1][1] = kServer; }));
}

}  // namespace
}  // namespace twinplane::tables
