// SPDX-License-Identifier: BSD-3-Clause
// Sessions with a sequence shift through the forwarder. Needs DPDK's EAL, which the fixture starts.
#include <gtest/gtest.h>

#include "dataplane/icmp_error.hpp"
#include "tables/session_shift.hpp"
#include "tables/tcp_track.hpp"
#include "tests/support/forward_fixture.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tables::kFromClient;
using tables::kFromServer;
using tables::ShiftStatus;
using tests::Bytes;
using tests::kAck;
using tests::kFin;
using tests::kHidden;
using tests::kInside;
using tests::kOutside;
using tests::kServer4;
using tests::kSynAck;
using tests::Outcome;

constexpr std::uint32_t kBase = 0x70000000;

class ForwardShift : public tests::ForwardFixture {
 protected:
  struct Numbers {
    std::uint32_t sequence;
    std::uint32_t acknowledgement;
  };

  static Bytes segment(unsigned source, unsigned target, int flags, Numbers numbers,
                       std::size_t payload_bytes = 0) {
    Bytes bytes = tests::tcp_segment(source, target, flags, {}, Bytes(payload_bytes));
    tests::put32(bytes, 4, numbers.sequence);
    tests::put32(bytes, 8, numbers.acknowledgement);
    return bytes;
  }

  Outcome from_client(int flags, Numbers numbers, std::size_t payload_bytes = 0) {
    return send4(kInside, {}, segment(40000, 80, flags, numbers, payload_bytes));
  }

  Outcome from_server(int flags, Numbers numbers, std::size_t payload_bytes = 0) {
    return send4(kOutside, {.source = kServer4, .target = kHidden},
                 segment(80, network_order(hidden_port_), flags, numbers, payload_bytes));
  }

  // Client from 1000, server from 5000, which the client knows as 5000 + kBase.
  void establish() {
    hidden_port_ = from_client(tests::kSyn, {999, 0}).view.source4.port_be;
    ASSERT_EQ(tables::try_shift<tables::Address4>(*partition_, 0, kFromServer, kBase,
                                                  time_.milliseconds()),
              ShiftStatus::kDone);
    const Outcome answer = from_server(kSynAck, {4999, 1000});
    ASSERT_EQ(answer.result.verdict, ForwardVerdict::kForward);
    ASSERT_EQ(answer.view.tcp.sequence, 4999 + kBase);
    from_client(kAck, {1000, 5000 + kBase});
  }

  const tables::SessionState& state() { return partition_->session4().slots().entry(0).state; }

  std::uint16_t hidden_port_{};
};

TEST_F(ForwardShift, EachEndReadsTheNumbersThatItKnows) {
  establish();
  const Outcome there = from_client(kAck, {1000, 5100 + kBase}, 50);
  EXPECT_EQ(there.view.tcp.sequence, 1000U);
  EXPECT_EQ(there.view.tcp.acknowledgement, 5100U);
  const Outcome back = from_server(kAck, {5100, 1050}, 100);
  EXPECT_EQ(back.view.tcp.sequence, 5100 + kBase);
  EXPECT_EQ(back.view.tcp.acknowledgement, 1050U);
  PacketView view;
  for (const Outcome& outcome : {there, back}) {
    ASSERT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    tests::expect_right_checksums(outcome.frame, view);
  }
}

TEST_F(ForwardShift, FollowsTheSessionByItsEndsOwnNumbers) {
  establish();
  from_server(kAck | kFin, {5000, 1000});
  from_client(kAck, {1000, 5001 + kBase});
  EXPECT_EQ(tables::tcp_rank(state(), kFromServer), tables::TcpRank::kFinAcked);
  from_client(kAck | kFin, {1000, 5001 + kBase});
  from_server(kAck, {5001, 1001});
  EXPECT_TRUE(tables::tcp_is_over(state()));
}

TEST_F(ForwardShift, IsSettledByTheAcknowledgementOfTheOtherEnd) {
  establish();
  ASSERT_EQ(tables::try_replace<tables::Address4>(*partition_, 0, {kFromClient, 1000, 20, 26}, 0),
            ShiftStatus::kDone);
  const auto way = [&] {
    const auto slot = tables::shift_slot_of<tables::Address4>(*partition_, 0);
    const auto& shifts = partition_->slots<tables::TableKind::kSequenceShift>();
    return shifts.entry(slot).body.ways[kFromClient];
  };
  EXPECT_EQ(from_client(kAck, {1020, 5000 + kBase}, 4).view.tcp.sequence, 1026U);
  EXPECT_EQ(from_server(kAck, {5000, 1000}).view.tcp.acknowledgement, 1000U);
  EXPECT_EQ(way().old_bytes, 20U);
  EXPECT_EQ(from_server(kAck, {5000, 1026}).view.tcp.acknowledgement, 1020U);
  EXPECT_EQ(way(), (tables::ShiftWay{6, 0, 0, 0}));
  EXPECT_EQ(from_client(kAck, {1024, 5000 + kBase}, 4).view.tcp.sequence, 1030U);
}

TEST_F(ForwardShift, DropsASegmentThatHoldsAPartOfAReplacedText) {
  establish();
  ASSERT_EQ(tables::try_replace<tables::Address4>(*partition_, 0, {kFromClient, 1000, 20, 26}, 0),
            ShiftStatus::kDone);
  const Outcome cut = from_client(kAck, {1000, 5000 + kBase}, 10);
  EXPECT_EQ(cut.result.reason, DropReason::kShiftCut);
}

TEST_F(ForwardShift, ThatWasLostStopsTheSession) {
  establish();
  partition_->table<tables::TableKind::kSequenceShift>().end(
      tables::shift_slot_of<tables::Address4>(*partition_, 0));
  EXPECT_EQ(from_client(kAck, {1000, 5000 + kBase}).result.reason, DropReason::kShiftLost);
  EXPECT_EQ(from_server(kAck, {5000, 1000}).result.reason, DropReason::kShiftLost);
}

TEST_F(ForwardShift, AnErrorQuotesWhatItsReceiverHasSent) {
  establish();
  const Outcome sent = from_server(kAck, {5000, 1000}, 600);
  ASSERT_EQ(sent.result.verdict, ForwardVerdict::kForward);
  Bytes error(kIcmpErrorFrameBytesMax);
  PacketView view;
  ASSERT_EQ(parse(sent.frame, view), ParseResult::kOk);
  const IcmpErrorResult built = build_icmp_error(
      sent.frame, view,
      {.kind = IcmpErrorKind::kTooBig, .mtu_bytes = 576, .source4 = {10, 1, 0, 9}}, error);
  ASSERT_EQ(built.verdict, IcmpErrorVerdict::kBuilt);
  error.resize(built.frame_bytes);
  const Outcome told = send_error(kInside, error);
  ASSERT_EQ(told.result.verdict, ForwardVerdict::kForward);
  PacketView quote;
  ASSERT_EQ(parse(told.frame, view), ParseResult::kOk);
  tests::expect_right_checksums(told.frame, view);
  ASSERT_EQ(parse_quote(told.frame, view, quote), ParseResult::kOk);
  EXPECT_EQ(quote.tcp.sequence, 5000U);
}

}  // namespace
}  // namespace twinplane::dataplane
