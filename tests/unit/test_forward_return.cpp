// SPDX-License-Identifier: BSD-3-Clause
// Sessions that are answered by who brought them, through the forwarder. Needs DPDK's EAL, which
// the fixture starts.
#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/icmp_error.hpp"
#include "dataplane/virtual_mac.hpp"
#include "tests/support/forward_fixture.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tests::Bytes;
using tests::Ip4;
using tests::Ip6;
using tests::kAck;
using tests::kInside;
using tests::kOutside;
using tests::kSyn;
using tests::kSynAck;
using tests::Outcome;
using tests::replaced;

using Mac = std::array<std::uint8_t, 6>;

constexpr Mac kProvider{2, 0, 0, 0, 0, 0x0B};
constexpr Mac kNewProvider{2, 0, 0, 0, 0, 0x0C};
constexpr Address4 kFar4{198, 51, 100, 2};
constexpr Address6 kFar6{0xFD, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr Address4 kReal4{10, 1, 0, 2};
constexpr Address6 kReal6{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr Address4 kPublic4{203, 0, 113, 80};
constexpr std::string_view kIn =
    "[[rule]]\nname='in'\nfrom=['untrust']\nto=['trust']\naction='allow'\n"
    "[[nat]]\nname='web'\nfrom=['untrust']\ndestination='203.0.113.80'\n"
    "translated_destination='10.1.0.2'\n"
    "[tables]\npartitions = 1\n";

class ForwardReturn : public tests::ForwardFixture {
 protected:
  // Two ports of one zone outside, as two providers have them; number 2 is the second one.
  static std::string text(std::string_view more = {}) {
    const std::string served = replaced(tests::kConfigText, "addresses = [\"10.2.0.254/24\"",
                                        "symmetric_return = true\naddresses = [\"10.2.0.254/24\"");
    return replaced(served, "[[route]]",
                    "[[port]]\nname = \"other\"\ndevice = \"net_ring3\"\nzone = \"untrust\"\n"
                    "symmetric_return = true\naddresses = [\"10.3.0.254/24\"]\n[[route]]") +
           std::string(kIn) + std::string(more);
  }

  void SetUp() override { make(parse_config(text(), "t")); }

  static Bytes from(const Mac& mac, Bytes frame) {
    std::ranges::transform(mac, frame.begin() + 6,
                           [](std::uint8_t byte) { return std::byte{byte}; });
    return frame;
  }

  Outcome from_far(int flags, const Mac& mac = kProvider, std::uint8_t port = kOutside,
                   const Address4& target = kReal4) {
    const Ip4 ip{.source = kFar4, .target = target};
    return send(port, from(mac, tests::frame4(ip, tests::tcp_segment(40000, 80, flags))));
  }

  Outcome from_real(int flags, const Ip4& more = {}) {
    Ip4 ip = more;
    ip.source = kReal4;
    ip.target = kFar4;
    return send4(kInside, ip, tests::tcp_segment(80, 40000, flags));
  }

  std::uint64_t count(ReturnCounter counter) const { return returns_->get(counter); }

  auto& paths() { return partition_->table<tables::TableKind::kReturnMac>(); }

  static void expect_goes_to(const Outcome& outcome, const Mac& mac, std::uint8_t port) {
    EXPECT_EQ(outcome.result.verdict, ForwardVerdict::kForward);
    EXPECT_TRUE(outcome.result.is_returned);
    EXPECT_EQ(outcome.result.return_mac, mac);
    EXPECT_EQ(outcome.result.port_index, port);
  }

  static void expect_goes_by_the_routes(const Outcome& outcome) {
    EXPECT_EQ(outcome.result.verdict, ForwardVerdict::kForward);
    EXPECT_FALSE(outcome.result.is_returned);
    EXPECT_EQ(outcome.result.port_index, kOutside);
    EXPECT_EQ(outcome.result.next_hop4, (Address4{10, 2, 0, 1}));
  }

  static void expect_sound(const Outcome& outcome) {
    PacketView view;
    ASSERT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    tests::expect_right_checksums(outcome.frame, view);
  }
};

TEST_F(ForwardReturn, RepliesGoToWhoBroughtTheSessionWhateverTheRoutesSay) {
  EXPECT_FALSE(from_far(kSyn).result.is_returned) << "towards the server the routes say where";
  EXPECT_EQ(count(ReturnCounter::kOpened), 1U);
  const Outcome answer = from_real(kSynAck);
  expect_goes_to(answer, kProvider, kOutside);
  expect_sound(answer);
  EXPECT_EQ(answer.view.ttl, 63) << "it is routed all the same";
}

TEST_F(ForwardReturn, TheSecondProvidersPortIsTheWayBackToo) {
  from_far(kSyn, kProvider, 2);
  expect_goes_to(from_real(kSynAck), kProvider, 2);
}

TEST_F(ForwardReturn, HoldsWhereThereIsNoRouteBackAtAll) {
  make(parse_config(replaced(text(), "prefix = \"0.0.0.0/0\"", "prefix = \"192.0.2.0/24\""), "t"));
  from_far(kSyn);
  expect_goes_to(from_real(kSynAck), kProvider, kOutside);
}

TEST_F(ForwardReturn, OfATranslatedDestinationToo) {
  from_far(kSyn, kProvider, kOutside, kPublic4);
  const Outcome answer = from_real(kSynAck);
  expect_goes_to(answer, kProvider, kOutside);
  EXPECT_EQ(answer.view.source4.address, kPublic4);
  expect_sound(answer);
}

TEST_F(ForwardReturn, OfATranslatedSourceToo) {
  make(parse_config(text("[[nat]]\nname='masquerade'\nfrom=['untrust']\nto=['trust']\n"
                         "source=['198.51.100.0/24']\naddresses=['10.1.0.254']\n"),
                    "t"));
  const Outcome opened = from_far(kSyn);
  ASSERT_EQ(opened.view.source4.address, (Address4{10, 1, 0, 254}));
  const Outcome answer =
      send4(kInside, {.source = kReal4, .target = opened.view.source4.address},
            tests::tcp_segment(80, network_order(opened.view.source4.port_be), kSynAck));
  expect_goes_to(answer, kProvider, kOutside);
  EXPECT_EQ(answer.view.target4.address, kFar4);
}

TEST_F(ForwardReturn, OfUdpAndIpv6Too) {
  const Ip6 there{.source = kFar6, .target = kReal6, .protocol = 17};
  const Ip6 back{.source = kReal6, .target = kFar6, .protocol = 17};
  send(kOutside, from(kProvider, tests::frame6(there, tests::udp_segment(4000, 53))));
  expect_goes_to(send(kInside, tests::frame6(back, tests::udp_segment(53, 4000))), kProvider,
                 kOutside);
}

TEST_F(ForwardReturn, SessionsOfOtherPortsHaveNone) {
  const Outcome opened = send4(kInside, {}, tests::tcp_segment(40000, 80, kSyn));
  ASSERT_EQ(opened.result.verdict, ForwardVerdict::kForward);
  const Outcome answer = reply(opened.view.source4.port_be, kSynAck);
  EXPECT_EQ(answer.result.verdict, ForwardVerdict::kForward);
  EXPECT_FALSE(answer.result.is_returned);
  EXPECT_EQ(paths().slots().live_count(), 0U);
  EXPECT_EQ(partition_->session4().slots().entry(0).flags & tables::kReturned, 0);
}

TEST_F(ForwardReturn, AnIcmpErrorForTheClientGoesTheSameWay) {
  const Outcome opened = from_far(kSyn, kProvider, kOutside, kPublic4);
  Bytes error(kIcmpErrorFrameBytesMax);
  PacketView view;
  ASSERT_EQ(parse(opened.frame, view), ParseResult::kOk);
  const IcmpErrorResult built = build_icmp_error(
      opened.frame, view, {.kind = IcmpErrorKind::kPortUnreachable, .source4 = kReal4}, error);
  ASSERT_EQ(built.verdict, IcmpErrorVerdict::kBuilt);
  error.resize(built.frame_bytes);
  const Outcome told = send_error(kInside, error);
  expect_goes_to(told, kProvider, kOutside);
  expect_sound(told);
}

TEST_F(ForwardReturn, AnIcmpErrorForTheServerGoesByTheRoutes) {
  from_far(kSyn);
  const Outcome answer = from_real(kSynAck);
  Bytes error(kIcmpErrorFrameBytesMax);
  PacketView view;
  ASSERT_EQ(parse(answer.frame, view), ParseResult::kOk);
  const IcmpErrorResult built =
      build_icmp_error(answer.frame, view,
                       {.kind = IcmpErrorKind::kHostUnreachable, .source4 = {10, 2, 0, 7}}, error);
  ASSERT_EQ(built.verdict, IcmpErrorVerdict::kBuilt);
  error.resize(built.frame_bytes);
  const Outcome told = send_error(kOutside, error);
  EXPECT_EQ(told.result.verdict, ForwardVerdict::kForward);
  EXPECT_FALSE(told.result.is_returned);
  EXPECT_EQ(told.result.port_index, kInside);
}

TEST_F(ForwardReturn, FollowsAProviderThatChangesItsMacOrComesByAnotherPort) {
  from_far(kSyn);
  from_real(kSynAck);
  from_far(kAck, kNewProvider);
  expect_goes_to(from_real(kAck), kProvider, kOutside);
  EXPECT_EQ(count(ReturnCounter::kMoveHeld), 1U) << "within the second in which it was opened";
  time_.now_ns += 1'000'000'000;
  from_far(kAck, kNewProvider);
  expect_goes_to(from_real(kAck), kNewProvider, kOutside);
  time_.now_ns += 1'000'000'000;
  from_far(kAck, kNewProvider, 2);
  expect_goes_to(from_real(kAck), kNewProvider, 2);
  EXPECT_EQ(count(ReturnCounter::kMoved), 2U);
}

TEST_F(ForwardReturn, FollowsNoPacketThatIsDropped) {
  from_far(kSyn);
  time_.now_ns += 1'000'000'000;
  const Ip4 spent{.source = kFar4, .target = kReal4, .ttl = 1};
  const Outcome dropped =
      send(kOutside, from(kNewProvider, tests::frame4(spent, tests::tcp_segment(40000, 80, kAck))));
  EXPECT_EQ(dropped.result.reason, DropReason::kTtlExceeded);
  expect_goes_to(from_real(kSynAck), kProvider, kOutside);
}

TEST_F(ForwardReturn, FollowsNoSegmentThatItsClientCannotHaveSent) {
  from_far(kSyn);
  from_real(kSynAck);
  time_.now_ns += 1'000'000'000;
  partition_->session4().slots().changeable(0).state.edge[tables::kFromClient] += 0x10000000;
  from_far(kAck, kNewProvider, 2);
  expect_goes_to(from_real(kAck), kProvider, kOutside);
  EXPECT_EQ(count(ReturnCounter::kMoveDoubted), 1U);
  EXPECT_EQ(count(ReturnCounter::kMoved), 0U);
}

TEST_F(ForwardReturn, FollowsNoMacThatCannotBeANeighbors) {
  from_far(kSyn);
  time_.now_ns += 1'000'000'000;
  from_far(kAck, virtual_mac(config_.ports[kInside], kInside));
  expect_goes_to(from_real(kSynAck), kProvider, kOutside);
  EXPECT_EQ(count(ReturnCounter::kRefusedMac), 1U);
  from_far(kAck, Mac{});
  EXPECT_EQ(count(ReturnCounter::kRefusedMac), 1U) << "what the box sends in the client's name";
}

TEST_F(ForwardReturn, IsNotGivenByAMacThatCannotBeANeighbors) {
  EXPECT_EQ(from_far(kSyn, Mac{}).result.verdict, ForwardVerdict::kForward);
  expect_goes_by_the_routes(from_real(kSynAck));
  EXPECT_EQ(count(ReturnCounter::kRefusedMac), 1U);
  EXPECT_EQ(count(ReturnCounter::kOpened), 0U);
}

TEST_F(ForwardReturn, WithoutRoomTheSessionGoesByTheRoutesAndIsCounted) {
  for (std::uint32_t i = 0; i < 64; ++i) {
    tables::ReturnMacBody other{};
    other.key = {900 + i, 0, {}};
    other.mac = kProvider;
    ASSERT_EQ(paths().create(other, 0).status, tables::InsertStatus::kInserted);
  }
  EXPECT_EQ(from_far(kSyn).result.verdict, ForwardVerdict::kForward);
  expect_goes_by_the_routes(from_real(kSynAck));
  EXPECT_EQ(count(ReturnCounter::kRefusedFull), 1U);
  EXPECT_EQ(count(ReturnCounter::kFellBackUnset), 0U) << "it never had one";
}

TEST_F(ForwardReturn, ThatIsNotKnownAfterATakeoverGoesByTheRoutesAndIsCounted) {
  from_far(kSyn);
  paths().end(tables::return_slot_of<Address4>(*partition_, 0));
  expect_goes_by_the_routes(from_real(kSynAck));
  EXPECT_EQ(count(ReturnCounter::kFellBackUnset), 1U);
}

TEST_F(ForwardReturn, OfAPortWithoutALinkGoesByTheRoutesAndBackWhenItHasOne) {
  from_far(kSyn, kProvider, 2);
  returns_->set_up(2, false);
  expect_goes_by_the_routes(from_real(kSynAck));
  EXPECT_EQ(count(ReturnCounter::kFellBackDown), 1U);
  returns_->set_up(2, true);
  expect_goes_to(from_real(kAck), kProvider, 2);
}

TEST_F(ForwardReturn, ThatNamesAPortWhichThisBoxHasNotIsNotFollowed) {
  from_far(kSyn);
  paths().change(tables::return_slot_of<Address4>(*partition_, 0),
                 [](tables::ReturnMacBody& body) { body.port = 40; });
  expect_goes_by_the_routes(from_real(kSynAck));
  EXPECT_EQ(count(ReturnCounter::kFellBackDown), 1U);
}

TEST_F(ForwardReturn, IsFitToTheMtuOfItsPort) {
  make(parse_config(replaced(text(), "device = \"net_ring3\"", "device = \"net_ring3\"\nmtu = 600"),
                    "t"));
  from_far(kSyn, kProvider, 2);
  const Ip4 ip{.source = kReal4, .target = kFar4};
  const Outcome large = send4(kInside, ip, tests::tcp_segment(80, 40000, kSynAck, {}, Bytes(700)));
  EXPECT_EQ(large.result.icmp_error, IcmpErrorKind::kTooBig);
  EXPECT_EQ(large.result.mtu_bytes, 600);
}

}  // namespace
}  // namespace twinplane::dataplane
