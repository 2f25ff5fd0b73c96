// SPDX-License-Identifier: BSD-3-Clause
// FTP through the forwarder: control sessions that announce others, translated and not. Needs
// DPDK's EAL, which the fixture starts.
#include <gtest/gtest.h>

#include <string>

#include "dataplane/mapped_endpoint.hpp"
#include "dataplane/rss.hpp"
#include "tables/session_shift.hpp"
#include "tests/support/forward_fixture.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::kFromClient;
using tables::kFromServer;
using tests::Bytes;
using tests::kAck;
using tests::kClient4;
using tests::kFin;
using tests::kHidden;
using tests::kInside;
using tests::kOutside;
using tests::kServer4;
using tests::kSyn;
using tests::kSynAck;
using tests::operator+;
using tests::Outcome;

constexpr Address4 kPublic{203, 0, 113, 21};  // of a server inside, for clients outside
constexpr Address4 kInsideServer{10, 1, 0, 21};
constexpr std::string_view kMore = R"([[helper]]
name = "ftp"
[[nat]]
name = "server"
from = ["untrust"]
destination = "203.0.113.21"
protocol = "tcp"
destination_port = "21"
translated_destination = "10.1.0.21"
[[rule]]
name = "in"
from = ["untrust"]
to = ["trust"]
protocol = "tcp"
ports = ["21"]
action = "allow"
)";

// One end of a connection as it is seen on one side of the box.
struct End {
  Address4 address;
  unsigned port;
};

class FtpFixture : public tests::ForwardFixture {
 protected:
  static constexpr std::size_t kRoom = 64;

  void SetUp() override {
    text_ = replaced_rule() + std::string(kMore);
    make(parse_config(text_ + "[tables]\npartitions = 1\n", "t"));
  }

  // Clients may reach servers' control port alone.
  static std::string replaced_rule() {
    return tests::replaced(tests::kConfigText, "action = \"allow\"\n",
                           "protocol = \"tcp\"\nports = [\"21\"]\naction = \"allow\"\n");
  }

  struct Numbers {
    std::uint32_t sequence;
    std::uint32_t acknowledgement;
  };

  Outcome send_text(std::uint8_t port, End from, End to, int flags, Numbers numbers,
                    const std::string& text = {}) {
    Bytes payload;
    for (const char one : text) payload.push_back(static_cast<std::byte>(one));
    Bytes segment = tests::tcp_segment(from.port, to.port, flags, {}, payload);
    tests::put32(segment, 4, numbers.sequence);
    tests::put32(segment, 8, numbers.acknowledgement);
    const Bytes frame = tests::frame4({.source = from.address, .target = to.address}, segment);
    Outcome outcome = send(port, frame + Bytes(kRoom));
    const std::size_t bytes =
        outcome.result.frame_bytes != 0 ? outcome.result.frame_bytes : frame.size();
    outcome.frame.resize(bytes);
    return outcome;
  }

  static std::string text_of(const Outcome& outcome) {
    PacketView view;
    EXPECT_EQ(parse(outcome.frame, view), ParseResult::kOk);
    tests::expect_right_checksums(outcome.frame, view);
    EXPECT_EQ(view.payload_offset + view.payload_bytes, outcome.frame.size());
    std::string text;
    for (std::size_t i = 0; i < view.payload_bytes; ++i)
      text.push_back(static_cast<char>(outcome.frame[view.payload_offset + i]));
    return text;
  }

  // A hidden client's control session to kServer4: the client from 1000, the server from 5000.
  void open_hidden() {
    const Outcome syn = send_text(kInside, client_, server_, kSyn, {999, 0});
    ASSERT_EQ(syn.result.verdict, ForwardVerdict::kForward);
    hidden_ = {kHidden, network_order(syn.view.source4.port_be)};
    send_text(kOutside, server_, hidden_, kSynAck, {4999, 1000});
    send_text(kInside, client_, server_, kAck, {1000, 5000});
    ASSERT_EQ(live4(), 1U);
  }

  Outcome client_says(std::uint32_t sequence, const std::string& text,
                      std::uint32_t acknowledgement = 5000) {
    return send_text(kInside, client_, server_, kAck, {sequence, acknowledgement}, text);
  }

  Outcome server_says(std::uint32_t sequence, const std::string& text,
                      std::uint32_t acknowledgement = 1000) {
    return send_text(kOutside, server_, hidden_, kAck, {sequence, acknowledgement}, text);
  }

  // The port that a rewritten PORT names, of the hidden address.
  static unsigned public_port_in(const std::string& text) {
    unsigned high = 0, low = 0;
    EXPECT_EQ(std::sscanf(text.c_str(), "PORT 10,2,0,254,%u,%u\r\n", &high, &low), 2) << text;
    return high * 256 + low;
  }

  std::uint64_t count(ExpectationCounter counter) { return expectations_->get(counter); }

  const auto& data_session() {
    const auto& slots = partition_->session4().slots();
    for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
      if (slots.live().is_live(slot) && slots.entry(slot).state.application != kFtpControl)
        return slots.entry(slot);
    ADD_FAILURE() << "there is no data session";
    return slots.entry(0);
  }

  std::string text_;
  const End client_{kClient4, 40000};
  const End server_{kServer4, 21};
  End hidden_{};
};

// What is needed for a server behind a translated destination, too.
class ForwardFtp : public FtpFixture {
 protected:
  // As many partitions as config says, but one table: what leads where is looked at by hash.
  void make_with(std::uint32_t partitions) {
    make(parse_config(text_ + "[tables]\npartitions = " + std::to_string(partitions) + "\n", "t"));
    partitions_ = partitions;
  }

  std::uint32_t home_of(const PacketView& view, std::uint8_t zone) const {
    const Arrival<Address4> arrival{
        .protocol = 6, .source = view.source4, .target = view.target4, .zone = zone};
    const auto real = destinations_->try_real_target(arrival).value_or(view.target4);
    return partition_of(flow_hash(6, view.source4, real), partitions_);
  }

  // Both directions of a data connection lead to one partition.
  void expect_one_home(std::uint8_t port, End from, End to) {
    PacketView view;
    const Bytes syn = tests::frame4({.source = from.address, .target = to.address},
                                    tests::tcp_segment(from.port, to.port, kSyn));
    ASSERT_EQ(parse(syn, view), ParseResult::kOk);
    const std::uint32_t home = home_of(view, config_.ports[port].zone_index);
    const Outcome out = send_text(port, from, to, kSyn, {1, 0});
    ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward) << name(out.result.reason);
    const std::uint8_t back = out.result.port_index;
    const End seen{out.view.source4.address, network_order(out.view.source4.port_be)};
    const End real{out.view.target4.address, network_order(out.view.target4.port_be)};
    const Bytes reply = tests::frame4({.source = real.address, .target = seen.address},
                                      tests::tcp_segment(real.port, seen.port, kSynAck));
    ASSERT_EQ(parse(reply, view), ParseResult::kOk);
    EXPECT_EQ(home_of(view, config_.ports[back].zone_index), home);
    EXPECT_EQ(send_text(back, real, seen, kSynAck, {1, 2}).result.verdict,
              ForwardVerdict::kForward);
  }

  std::uint32_t partitions_ = 1;
  const End outsider_{{198, 51, 100, 77}, 42000};
  const End public_{kPublic, 21};
  const End real_{kInsideServer, 21};
};

TEST_F(ForwardFtp, LetsAHiddenClientBeConnectedToWhereItSaid) {
  open_hidden();
  const std::string said = "PORT 10,1,0,7,156,64\r\n";  // 10.1.0.7:40000
  const Outcome out = client_says(1000, said);
  ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward);
  const unsigned port = public_port_in(text_of(out));
  EXPECT_EQ(expectations_->board().count(), 1U);

  const Outcome data = send_text(kOutside, {kServer4, 20}, {kHidden, port}, kSyn, {1, 0});
  ASSERT_EQ(data.result.verdict, ForwardVerdict::kForward) << name(data.result.reason);
  EXPECT_EQ(data.result.port_index, kInside);
  EXPECT_EQ(data.view.target4,
            (tables::Endpoint<Address4>{kClient4, network_order<std::uint16_t>(40000)}));
  EXPECT_EQ(data.view.source4.address, kServer4);
  const Outcome answer = send_text(kInside, {kClient4, 40000}, {kServer4, 20}, kSynAck, {7, 2});
  ASSERT_EQ(answer.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(answer.view.source4.address, kHidden);
  EXPECT_EQ(network_order(answer.view.source4.port_be), port);
  EXPECT_EQ(data_session().state.rule, partition_->session4().slots().entry(0).state.rule);
}

TEST_F(ForwardFtp, LetsNobodyInByAnAnnouncementThatOtherRulesWouldNotHaveSeen) {
  open_hidden();
  const unsigned port = public_port_in(text_of(client_says(1000, "PORT 10,1,0,7,156,64\r\n")));
  const Config denying =
      parse_config(tests::replaced(text_, "ports = [\"21\"]", "ports = [\"22\"]"), "t");
  const RuleSet denying_rules(denying);
  rules_in_use_->exchange(denying_rules, nullptr);
  const auto connect = [&] {
    return send_text(kOutside, {kServer4, 20}, {kHidden, port}, kSyn, {1, 0}).result;
  };
  EXPECT_EQ(connect().reason, DropReason::kRuleDrop);
  const Config renamed =
      parse_config(tests::replaced(text_, "[[rule]]\n",
                                   "[[rule]]\nname='z'\nfrom=['any']\nto=['any']\nprotocol='udp'\n"
                                   "action='drop'\n[[rule]]\n"),
                   "t");
  const RuleSet renamed_rules(renamed);
  rules_in_use_->exchange(renamed_rules, nullptr);
  EXPECT_EQ(connect().verdict, ForwardVerdict::kForward);
  EXPECT_EQ(data_session().state.rule, 1U) << "the number that the control session's rule has now";
  rules_in_use_->exchange(*rules_, nullptr);
}

TEST_F(ForwardFtp, MovesNumbersFromThereOn) {
  open_hidden();
  const std::string said = "PORT 10,1,0,7,156,64\r\n";
  const Outcome out = client_says(1000, said);
  const std::uint32_t growth =
      static_cast<std::uint32_t>(text_of(out).size()) - static_cast<std::uint32_t>(said.size());
  ASSERT_NE(growth, 0U);
  const auto end = static_cast<std::uint32_t>(1000 + said.size());
  EXPECT_EQ(server_says(5000, "200 ok\r\n", end + growth).view.tcp.acknowledgement, end);
  const Outcome next = client_says(end, "RETR x\r\n", 5008);
  EXPECT_EQ(next.view.tcp.sequence, end + growth);
  EXPECT_EQ(text_of(next), "RETR x\r\n");
}

TEST_F(ForwardFtp, SaysTheSameAgainWhenTheSegmentComesAgain) {
  open_hidden();
  const std::string said = "PORT 10,1,0,7,156,64\r\n";
  const Outcome first = client_says(1000, said);
  const Outcome again = client_says(1000, said);
  ASSERT_EQ(again.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(text_of(again), text_of(first));
  EXPECT_EQ(again.view.tcp.sequence, first.view.tcp.sequence);
  EXPECT_EQ(count(ExpectationCounter::kMade), 1U);
  // Joined with what follows, as senders do.
  const Outcome joined = client_says(1000, said + "RETR x\r\n");
  ASSERT_EQ(joined.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(text_of(joined), text_of(first) + "RETR x\r\n");
}

TEST_F(ForwardFtp, LeavesWhatIsAcknowledgedAloneWhenItComesAgain) {
  open_hidden();
  const std::string said = "PORT 10,1,0,7,156,64\r\n";
  const auto bytes = static_cast<std::uint32_t>(text_of(client_says(1000, said)).size());
  server_says(5000, "200 ok\r\n", 1000 + bytes);
  const Outcome late = client_says(1000, said);
  ASSERT_EQ(late.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(text_of(late), said) << "its receiver has it, and throws this away";
  EXPECT_EQ(count(ExpectationCounter::kMade), 1U);
}

TEST_F(ForwardFtp, LetsAClientConnectToWhereItsServerWaits) {
  open_hidden();
  const Outcome out = server_says(5000, "227 Entering Passive Mode (198,51,100,9,200,10).\r\n");
  ASSERT_EQ(out.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(text_of(out), "227 Entering Passive Mode (198,51,100,9,200,10).\r\n");
  const End waiting{kServer4, 200 * 256 + 10};
  const Outcome other =
      send_text(kInside, {kClient4, 45000}, {kServer4, waiting.port + 1}, kSyn, {1, 0});
  EXPECT_EQ(other.result.reason, DropReason::kRuleDrop);
  const Outcome data = send_text(kInside, {kClient4, 45000}, waiting, kSyn, {1, 0});
  ASSERT_EQ(data.result.verdict, ForwardVerdict::kForward) << name(data.result.reason);
  EXPECT_EQ(data.view.source4.address, kHidden) << "as the control session";
  const Outcome answer = send_text(
      kOutside, waiting, {kHidden, network_order(data.view.source4.port_be)}, kSynAck, {1, 2});
  ASSERT_EQ(answer.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(answer.view.target4.address, kClient4);
  // One connection, and not a second one.
  const Outcome second = send_text(kInside, {kClient4, 45001}, waiting, kSyn, {1, 0});
  EXPECT_EQ(second.result.reason, DropReason::kRuleDrop);
}

TEST_F(ForwardFtp, ReadsAnExtendedReply) {
  open_hidden();
  server_says(5000, "229 Entering Extended Passive Mode (|||51210|)\r\n");
  EXPECT_EQ(send_text(kInside, {kClient4, 45000}, {kServer4, 51210}, kSyn, {1, 0}).result.verdict,
            ForwardVerdict::kForward);
}

TEST_F(ForwardFtp, KeepsTheDoorOpenForAWhileOnly) {
  open_hidden();
  server_says(5000, "229 Entering Extended Passive Mode (|||51210|)\r\n");
  time_.now_ns += std::uint64_t{kExpectationMs} * 1'000'000;
  expectations_->expire(*partition_, time_.milliseconds(), 64);
  EXPECT_EQ(send_text(kInside, {kClient4, 45000}, {kServer4, 51210}, kSyn, {1, 0}).result.reason,
            DropReason::kRuleDrop);
}

TEST_F(ForwardFtp, LetsNobodyElseInByAnExpectation) {
  open_hidden();
  server_says(5000, "229 Entering Extended Passive Mode (|||51210|)\r\n");
  const Outcome other = send_text(kInside, {{10, 1, 0, 8}, 45000}, {kServer4, 51210}, kSyn, {1, 0});
  EXPECT_EQ(other.result.reason, DropReason::kRuleDrop);
}

TEST_F(ForwardFtp, RefusesABounceAndAPrivilegedPort) {
  open_hidden();
  EXPECT_EQ(client_says(1000, "PORT 10,1,0,8,156,64\r\n").result.reason, DropReason::kHelperBounce);
  EXPECT_EQ(client_says(1000, "EPRT |2|fd00::1|40000|\r\n").result.reason,
            DropReason::kHelperBounce);
  EXPECT_EQ(client_says(1000, "PORT 10,1,0,7,0,25\r\n").result.reason,
            DropReason::kHelperPrivileged);
  EXPECT_EQ(server_says(5000, "229 (|||25|)\r\n").result.reason, DropReason::kHelperPrivileged);
  EXPECT_EQ(expectations_->board().count(), 0U);
}

TEST_F(ForwardFtp, TakesAnotherAddressOfAServerForItsOwn) {
  open_hidden();
  server_says(5000, "227 Entering Passive Mode (192,168,1,1,200,10)\r\n");
  EXPECT_EQ(count(ExpectationCounter::kOtherAddress), 1U);
  EXPECT_EQ(
      send_text(kInside, {kClient4, 45000}, {{192, 168, 1, 1}, 51210}, kSyn, {1, 0}).result.reason,
      DropReason::kRuleDrop);
  EXPECT_EQ(send_text(kInside, {kClient4, 45000}, {kServer4, 51210}, kSyn, {1, 0}).result.verdict,
            ForwardVerdict::kForward);
}

TEST_F(ForwardFtp, HasAPartOfACommandComeAgain) {
  open_hidden();
  EXPECT_EQ(client_says(1000, "PORT 10,1,").result.reason, DropReason::kHelperPartial);
  EXPECT_EQ(client_says(1000, "PORT 10,1,0,7,156,64\r\n").result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(expectations_->board().count(), 1U);
}

// Who makes a server repeat what he says could have a segment begin like a reply.
TEST_F(ForwardFtp, BelievesNoReplyInTheMiddleOfALine) {
  open_hidden();
  server_says(5000, "550 No file named ");
  server_says(5018, "227 (198,51,100,9,200,10)\r\n");
  EXPECT_EQ(expectations_->board().count(), 0U);
  server_says(5045, "227 (198,51,100,9,200,10)\r\n");
  EXPECT_EQ(expectations_->board().count(), 1U);
}

TEST_F(ForwardFtp, BelievesNoLineBehindAGap) {
  open_hidden();
  server_says(5100, "227 (198,51,100,9,200,10)\r\n");
  EXPECT_EQ(expectations_->board().count(), 0U);
}

TEST_F(ForwardFtp, HasASecondTextWaitUntilTheFirstIsAcknowledged) {
  open_hidden();
  const std::string said = "PORT 10,1,0,7,156,64\r\n";
  const auto bytes = static_cast<std::uint32_t>(text_of(client_says(1000, said)).size());
  const auto end = static_cast<std::uint32_t>(1000 + said.size());
  EXPECT_EQ(client_says(end, "PORT 10,1,0,7,156,66\r\n").result.reason,
            DropReason::kHelperUnsettled);
  server_says(5000, "200 ok\r\n", 1000 + bytes);
  EXPECT_EQ(client_says(end, "PORT 10,1,0,7,156,66\r\n").result.verdict, ForwardVerdict::kForward);
}

TEST_F(ForwardFtp, RefusesWhatDoesNotFitTheFrame) {
  open_hidden();
  Bytes payload;
  for (const char one : std::string("PORT 10,1,0,7,156,64\r\n"))
    payload.push_back(static_cast<std::byte>(one));
  Bytes segment = tests::tcp_segment(40000, 21, kAck, {}, payload);
  tests::put32(segment, 4, 1000);
  tests::put32(segment, 8, 5000);
  const Outcome out =
      send(kInside, tests::frame4({.source = kClient4, .target = kServer4}, segment));
  EXPECT_EQ(out.result.reason, DropReason::kHelperNoRoom);
}

TEST_F(ForwardFtp, IsNotLookedForOnOtherPortsOrWithoutAHelper) {
  make(parse_config(tests::replaced(text_, "[[helper]]\nname = \"ftp\"\n", ""), "t"));
  open_hidden();
  EXPECT_EQ(text_of(client_says(1000, "PORT 10,1,0,7,156,64\r\n")), "PORT 10,1,0,7,156,64\r\n");
  EXPECT_EQ(expectations_->board().count(), 0U);
}

// What a box has taken over it goes on with: edges are all that it knows of lines.
TEST_F(ForwardFtp, GoesOnAfterATakeover) {
  open_hidden();
  const std::string said = "PORT 10,1,0,7,156,64\r\n";
  const std::string first = text_of(client_says(1000, said));
  const auto growth = static_cast<std::uint32_t>(first.size() - said.size());
  auto& state = partition_->session4().slots().changeable(0).state;
  state.line_marks = 0;
  state.is_opened_here = 0;
  EXPECT_EQ(text_of(client_says(1000, said)), first);
  server_says(5000, "200 ok\r\n", static_cast<std::uint32_t>(1000 + first.size()));
  const auto end = static_cast<std::uint32_t>(1000 + said.size());
  const Outcome next = client_says(end, "PORT 10,1,0,7,156,66\r\n", 5008);
  ASSERT_EQ(next.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(next.view.tcp.sequence, end + growth);
  EXPECT_EQ(count(ExpectationCounter::kMade), 2U);
}

// ---- a server behind a translated destination, with any number of partitions --------------------

TEST_F(ForwardFtp, HasAServerConnectedToUnderItsPublicName) {
  for (const std::uint32_t partitions : {1U, 4U, 64U}) {
    make_with(partitions);
    ASSERT_EQ(send_text(kOutside, outsider_, public_, kSyn, {999, 0}).result.verdict,
              ForwardVerdict::kForward);
    send_text(kInside, real_, outsider_, kSynAck, {4999, 1000});
    const Outcome reply =
        send_text(kInside, real_, outsider_, kAck, {5000, 1000}, "227 Yes (10,1,0,21,200,10)\r\n");
    ASSERT_EQ(reply.result.verdict, ForwardVerdict::kForward) << name(reply.result.reason);
    unsigned high = 0, low = 0;
    const std::string text = text_of(reply);
    ASSERT_EQ(std::sscanf(text.c_str(), "227 Yes (203,0,113,21,%u,%u)\r\n", &high, &low), 2)
        << text;
    expect_one_home(kOutside, {outsider_.address, 43000}, {kPublic, high * 256 + low});
    EXPECT_EQ(count(ExpectationCounter::kClaimedTwice), 0U);
  }
}

TEST_F(ForwardFtp, HasAServerConnectToItsClientsUnderItsPublicName) {
  for (const std::uint32_t partitions : {1U, 4U, 64U}) {
    make_with(partitions);
    send_text(kOutside, outsider_, public_, kSyn, {999, 0});
    send_text(kInside, real_, outsider_, kSynAck, {4999, 1000});
    const Outcome said = send_text(kOutside, outsider_, public_, kAck, {1000, 5000},
                                   "PORT 198,51,100,77,200,10\r\n");
    ASSERT_EQ(said.result.verdict, ForwardVerdict::kForward);
    EXPECT_EQ(text_of(said), "PORT 198,51,100,77,200,10\r\n");
    expect_one_home(kInside, {kInsideServer, 20}, {outsider_.address, 51210});
    const auto& session = data_session();
    EXPECT_NE(session.flags & tables::kTranslated, 0) << "its source is the public one";
  }
}

TEST_F(ForwardFtp, LeadsBothDirectionsOfAHiddenClientsDataToOnePartition) {
  for (const std::uint32_t partitions : {4U, 64U}) {
    make_with(partitions);
    open_hidden();
    const unsigned port = public_port_in(text_of(client_says(1000, "PORT 10,1,0,7,156,64\r\n")));
    expect_one_home(kOutside, {kServer4, 20}, {kHidden, port});
    const auto end = static_cast<std::uint32_t>(1022);
    server_says(5000, "227 (198,51,100,9,200,10)\r\n", end);
    expect_one_home(kInside, {kClient4, 45000}, {kServer4, 51210});
  }
}

}  // namespace
}  // namespace twinplane::dataplane
